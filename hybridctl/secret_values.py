"""Which values of a site are secrets whatever their names: what a file hides, what a role declares."""

from collections.abc import Iterator, Mapping
from typing import Any

from hybridctl.inventory_files import InventoryFiles
from hybridctl.variables import Option, role_options
from hybridctl.yamlmarks import value_of

__all__ = ["declared", "hidden_in_files"]

# Of a file that is encrypted whole, not every value is a secret: masking `auto` or `root` would blot out every report.
SHORTEST = 8


def hidden_in_files(files: InventoryFiles) -> Iterator[str]:
    """Yield the long texts of files that are encrypted whole, once those were opened."""
    for setting in files.settings:
        if setting.place.path in files.vaulted:
            yield from (text for text in _texts(value_of(setting.node)) if len(text) >= SHORTEST)


def declared(variables: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the values that a role's argument spec declares `no_log`."""
    for options in role_options().values():
        yield from _declared(options, variables)


def _declared(options: Mapping[str, Option], values: Mapping[str, Any]) -> Iterator[Any]:
    for name in options.keys() & values.keys():
        option, value = options[name], values[name]
        if option.no_log:
            yield value
        for item in value if isinstance(value, list | tuple) else [value]:
            if isinstance(item, Mapping):
                yield from _declared(option.options, item)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
