"""Gauges in a file for node_exporter's textfile collector, in Prometheus' exposition format 0.0.4.

It is written by hand: a few gauges, one escape rule, and nothing of a client library's registry would be used.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from hybridctl.atomic import write_whole
from hybridctl.errors import HybridctlError, InvalidInput

__all__ = ["Gauges", "check_target", "write_textfile"]


class Gauges:
    """The gauges of one file.

    Args:
        prefix: of their names.
        meaning: of each, by its name without the prefix, in the order of the text.
        labels: of every sample.
    """

    def __init__(self, prefix: str, meaning: Mapping[str, str], **labels: str) -> None:
        self._prefix, self._meaning, self._labels = prefix, meaning, labels
        self._samples: dict[str, dict[str, float]] = {name: {} for name in meaning}

    def add(self, name: str, value: float, /, **labels: str) -> None:
        """Add a sample; one of the same labels is replaced: a reader refuses a file in which a series stands twice."""
        inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in {**self._labels, **labels}.items())
        self._samples[name][inside] = value

    def text(self) -> str:
        """Return the text; a gauge without a sample is not in it."""
        lines: list[str] = []
        for name, samples in self._samples.items():
            if samples:
                metric = self._prefix + name
                lines += (f"# HELP {metric} {self._meaning[name]}", f"# TYPE {metric} gauge")
                lines += (f"{metric}{{{labels}}} {value}" for labels, value in samples.items())
        return "".join(f"{line}\n" for line in lines)


def check_target(path: Path, access: Callable[[Path, int], bool] = os.access, by: str = "") -> None:
    """Refuse a file that could not be written, or that node_exporter would not read, before any host is asked.

    Args:
        access: tells as access(2) does what the one who writes it may do with a file.
        by: who that is, where it is another user.

    Raises:
        InvalidInput: it is one.
    """
    if path.suffix != ".prom":
        raise InvalidInput(
            f"--textfile {path}: node_exporter reads *.prom only", f"name it {path.with_suffix('.prom').name}"
        )
    folder = path.absolute().parent
    if not access(folder, os.W_OK | os.X_OK) or not folder.is_dir():
        raise InvalidInput(
            f"--textfile {path}: the folder {folder} is not there or not writable{by and f' by {by}'}",
            "name a file in the folder that node_exporter's --collector.textfile.directory names",
        )


def write_textfile(path: Path, text: str) -> None:
    """Write the file in one step, readable by everybody.

    Raises:
        HybridctlError: it cannot be written.
    """
    try:
        write_whole(path, text, 0o644)
    except OSError as error:
        raise HybridctlError(
            f"--textfile {path}: cannot be written: {error.strerror}", "make it writable or free some space"
        ) from error


def _escaped(value: str) -> str:
    """Escape a label's value: backslash, quote, line feed, and nothing else (exposition format, "Comments, ...").

    What is no text (a lone surrogate) is written out first, for the format knows no other escape.
    """
    text = value.encode(errors="backslashreplace").decode()
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
