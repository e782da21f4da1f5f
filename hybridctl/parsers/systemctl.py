"""`systemctl show --property=...`."""

from hybridctl.parsers._text import whole_lines
from hybridctl.refusals import Unreadable

__all__ = ["parse_show"]


def parse_show(text: str, properties: tuple[str, ...]) -> dict[str, str]:
    """Read the properties that were asked for.

    Raises:
        Unreadable: one of them is missing, or the last line is cut.
    """
    lines = whole_lines("systemctl show", text) if text.strip() else []
    found = {key: value for key, equals, value in (line.partition("=") for line in lines) if equals}
    missing = [key for key in properties if key not in found]
    if missing:
        raise Unreadable("systemctl show", text.strip().split("\n")[0], f"it printed no {', '.join(missing)}")
    return found
