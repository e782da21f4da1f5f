"""`systemctl show --property=...`."""

from hybridctl.parsers._text import whole_lines
from hybridctl.refusals import CannotTell

__all__ = ["parse_show"]


def parse_show(text: str, properties: tuple[str, ...]) -> dict[str, str]:
    """Read the properties that were asked for.

    Raises:
        CannotTell: one of them is missing, or (`Unreadable`) the last line is cut.
    """
    lines = whole_lines("systemctl show", text) if text.strip() else []
    found = {key: value for key, equals, value in (line.partition("=") for line in lines) if equals}
    missing = [key for key in properties if key not in found]
    if missing:
        raise CannotTell(f"systemctl show printed no {', '.join(missing)}")
    return found
