"""Prometheus' exposition format, read strictly."""

import re
import subprocess

__all__ = ["lint", "series_of"]

SAMPLE = re.compile(
    r'(?P<series>(?P<metric>[a-zA-Z_:][a-zA-Z0-9_:]*)\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*\}) '
    r"[0-9]+(?:\.[0-9]+)?"
)


def series_of(text: str) -> list[str]:
    """Return every series of a text, which obeys the grammar line by line: each once, behind its metric's type."""
    assert text == "" or text.endswith("\n")
    typed, series = set(), []
    for line in text.split("\n")[:-1]:
        if line.startswith("#"):
            _, word, metric, rest = line.split(" ", 3)
            assert (word in ("HELP", "TYPE"), bool(rest)) == (True, True)
            typed |= {metric} if word == "TYPE" else set()
            continue
        found = SAMPLE.fullmatch(line)
        assert found, line
        assert found["metric"] in typed
        series.append(found["series"])
    assert len(series) == len(set(series))
    return series


def lint(text: str) -> tuple[int, str]:
    """Return what Prometheus' own linter says of it: exit status and words."""
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr
