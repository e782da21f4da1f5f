"""A reader of a plugin's output, by the Monitoring Plugins Development Guidelines ("Plugin Output for Nagios")."""

import re
from dataclasses import dataclass

__all__ = ["PluginOutput", "read_plugin_output"]

_NUMBER = r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_RANGE = rf"@?(?:(?:~|{_NUMBER}):(?:{_NUMBER})?|{_NUMBER})"
# Quotes are needed around a label with a space; a quote in it is written twice; an equals sign may not be in it.
_LABEL = r"(?:'(?P<quoted>(?:[^'=]|'')+)'|(?P<bare>[^\s'=]+))"
_DATUM = re.compile(
    rf"{_LABEL}=(?P<value>{_NUMBER}|U)(?P<unit>s|us|ms|%|B|KB|MB|TB|c)?"
    rf"(?:;(?P<warning>{_RANGE})?(?:;(?P<critical>{_RANGE})?(?:;(?P<least>{_NUMBER})?(?:;(?P<most>{_NUMBER})?)?)?)?)?"
    r"(?:\s+|$)"
)


@dataclass(frozen=True)
class PluginOutput:
    """What a monitoring system makes of it.

    Attributes:
        performance: (value with unit, warning, critical, least, most) of each label, empty where nothing is said.
    """

    status: str
    long: tuple[str, ...]
    performance: dict[str, tuple[str, str, str, str, str]]


def read_plugin_output(text: str) -> PluginOutput:
    """Read it.

    Behind the first bar of the first line, and behind the first bar of the lines below it, is performance data.

    Raises:
        ValueError: the performance data is none, or a label is there twice.
    """
    first, _, below = text.partition("\n")
    status, _, performance = first.partition("|")
    long, _, more = below.partition("|")
    return PluginOutput(
        status.strip(), tuple(line for line in long.split("\n") if line), _performance(f"{performance}\n{more}".strip())
    )


def _performance(text: str) -> dict[str, tuple[str, str, str, str, str]]:
    found, at = {}, 0
    while at < len(text):
        datum = _DATUM.match(text, at)
        if datum is None:
            raise ValueError(f"no performance data: {text[at : at + 80]!r}")
        part = {name: value or "" for name, value in datum.groupdict().items()}
        label = part["quoted"].replace("''", "'") or part["bare"]
        if label in found:
            raise ValueError(f"{label} is there twice")
        value = part["value"] + part["unit"]
        found[label] = (value, part["warning"], part["critical"], part["least"], part["most"])
        at = datum.end()
    return found
