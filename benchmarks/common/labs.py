"""A lab for as long as it is measured."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hybridctl.lab.fleet import Lab

__all__ = ["raised"]


@contextmanager
def raised(name: str, fleet: str, scratch: Path, say: Callable[[str], None]) -> Iterator[Lab]:
    """Raise a lab with this fleet file, and take it down whatever comes."""
    lab, file = Lab(name), scratch / f"{name}.yml"
    file.write_text(fleet, encoding="utf-8")
    try:
        lab.up(file, progress=say)
        yield lab
    finally:
        lab.down()
