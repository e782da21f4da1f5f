"""A document as JSON text, piece by piece: that of a fleet is large."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Generic, TypeVar

__all__ = ["Objects", "json_pieces"]

T = TypeVar("T")


class Objects(Generic[T]):
    """A list of objects in a document, each made whenever it is read: together they are most of a fleet's memory."""

    def __init__(self, make: Callable[[T], Mapping[str, Any]], of: Collection[T]) -> None:
        self._make, self._of = make, of

    def __len__(self) -> int:
        return len(self._of)

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return map(self._make, self._of)


def json_pieces(document: Mapping[str, Any], *, ascii_only: bool = False) -> Iterator[str]:
    """Yield the text: a line for each key, and for each object of a list of objects, such as the hosts.

    Python indents by code that takes four times as long as to write an object in one line.

    Args:
        document: may have `Objects` in place of a list.
        ascii_only: for a stdout of any locale.
    """
    before = "{\n"
    for key, value in document.items():
        yield f"{before}  {json.dumps(key)}: "
        before = ",\n"
        if isinstance(value, Objects) or (isinstance(value, list) and all(isinstance(item, Mapping) for item in value)):
            opening = "["
            for item in value:
                yield f"{opening}\n    {json.dumps(item, ensure_ascii=ascii_only)}"
                opening = ","
            yield "\n  ]" if value else "[]"
        else:
            yield json.dumps(value, ensure_ascii=ascii_only)
    yield "\n}\n" if document else "{}\n"
