"""Prometheus: the text format of its exporters, and the answers of its API."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from hybridctl.parsers._text import document, printed
from hybridctl.refusals import Unreadable

__all__ = ["UNPROVEN", "Sample", "labels_of", "parse_metrics", "read_query"]

UNPROVEN = "answers of the API, and dcgm-exporter"

_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\.)*"'
_SAMPLE = re.compile(
    rf"^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{{(?:{_LABEL}(?:,{_LABEL})*,?)?\}})?\s+"
    r"([+-]?(?:Inf|NaN|[0-9.]+(?:[eE][+-]?[0-9]+)?))(?:\s+-?[0-9]+)?\s*$"
)
_PAIR = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_ESCAPED = {"n": "\n", '"': '"', "\\": "\\"}


@dataclass(frozen=True)
class Sample:
    """One series of an instant query."""

    labels: Mapping[str, str]
    time: float
    value: float


@lru_cache(maxsize=32)  # several checks read the same answer, and many hosts are judged at a time
def parse_metrics(text: str) -> Mapping[tuple[str, str], float]:
    """Read the text format: value by name and labels as written.

    Raises:
        Unreadable: a line is neither a sample nor a comment, or the text ends in the middle of one.
    """
    tool = "the metrics"
    if not printed(tool, text).endswith("\n"):
        raise Unreadable(tool, text[text.rfind("\n") + 1 :], "they end in the middle of a line")
    found = {}
    for line in text.split("\n"):  # and at no other character that Unicode calls a line end
        if not line.strip() or line.startswith("#"):
            continue
        sample = _SAMPLE.match(line)
        if sample is None:
            raise Unreadable(tool, line, "a line of another form")
        try:
            found[sample[1], sample[2] or ""] = float(sample[3])
        except ValueError:
            raise Unreadable(tool, line, "a value that is no number") from None
    return MappingProxyType(found)


def labels_of(written: str) -> dict[str, str]:
    """Return the labels of a key of `parse_metrics`: `{device="mlx5_0",port="1"}`; an exporter may add some."""
    return {
        name: re.sub(r"\\(.)", lambda one: _ESCAPED.get(one[1], one[0]), value)
        for name, value in _PAIR.findall(written)
    }


def read_query(text: str) -> tuple[Sample, ...]:
    """Read the answer of `/api/v1/query`, a vector or a scalar.

    Raises:
        Unreadable: it is an error, of another form, or cut.
    """
    tool = "Prometheus"
    answer = document(tool, text)
    if answer.get("status") != "success":
        raise Unreadable(tool, str(answer.get("error", "")), f"it answers {answer.get('errorType', 'no status')}")
    try:
        data = answer["data"]
        rows = [{"metric": {}, "value": data["result"]}] if data["resultType"] == "scalar" else data["result"]
        if data["resultType"] not in ("scalar", "vector") or any(len(row["value"]) != 2 for row in rows):
            raise ValueError
        return tuple(
            Sample(
                {str(k): str(v) for k, v in row["metric"].items()}, float(row["value"][0]), float(str(row["value"][1]))
            )
            for row in rows
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        raise Unreadable(tool, text.strip(), "an answer of another form") from None
