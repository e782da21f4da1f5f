"""A document as JSON text, piece by piece: that of a fleet is large."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["json_pieces"]


def json_pieces(document: Mapping[str, Any], *, ascii_only: bool = False) -> Iterator[str]:
    """Yield the text: a line for each key, and for each object of a list of objects, such as the hosts.

    Python indents by code that takes four times as long as to write an object in one line.

    Args:
        ascii_only: for a stdout of any locale.
    """
    before = "{\n"
    for key, value in document.items():
        yield f"{before}  {json.dumps(key)}: "
        before = ",\n"
        if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
            for place, item in enumerate(value):
                yield f"{',' if place else '['}\n    {json.dumps(item, ensure_ascii=ascii_only)}"
            yield "\n  ]"
        else:
            yield json.dumps(value, ensure_ascii=ascii_only)
    yield "\n}\n" if document else "{}\n"
