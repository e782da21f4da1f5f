"""One host of the lab: ours beside testinfra's own backends, in turns, every verdict compared."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.common import machine
from benchmarks.common.results import Results
from benchmarks.verify import sites

__all__ = ["COMMAND", "OURS", "PART", "Bench", "Unexpected"]

PART = "one host"
OURS = ("ours, cold", "ours, seeded")
COMMAND = ("hybridctl verify, cold", "hybridctl verify, seeded")
LIMIT = 1200  # seconds; ends a hang


class Unexpected(Exception):
    """Two tools do not agree on a verdict."""


class Bench:
    """A host, and what it was judged by the first tool.

    Args:
        folder: holds the configuration of ssh (`ssh`) and the site (`site`).
    """

    def __init__(self, host: str, folder: Path, results: Results, say: Callable[[str], None]) -> None:
        self._host, self._folder, self._results, self._say = host, folder.absolute(), results, say
        self._verdicts: list[list[str]] | None = None

    def measure(self, repeats: dict[str, int]) -> None:
        """Run each tool as often as it is told to, in an order that rotates.

        Raises:
            Unexpected: a verdict differs from that of the first tool.
        """
        tools = list(repeats)
        for number in range(max(repeats.values())):
            turn = number % len(tools)
            for tool in [*tools[turn:], *tools[:turn]]:
                if number < repeats[tool]:
                    busy = machine.busy()
                    found, verdicts = self._command(tool) if tool in COMMAND else self._judge(tool)
                    self._compare(tool, verdicts)
                    self._results.add(PART, tool=tool, repeat=number, **found, checks=len(verdicts), busy_before=busy)
                    trips = f" in {found['trips']} trips" if "trips" in found else ""
                    self._say(f"one host: {tool}: {found['seconds']:.2f} s{trips}, {len(verdicts)} results")

    def _judge(self, tool: str) -> tuple[dict[str, Any], list[list[str]]]:
        self._forget_unless_seeded(tool, self._folder / "seeds")
        name = "ours" if tool in OURS else tool
        argv = [sys.executable, "-m", "benchmarks.verify.backends"]
        done = subprocess.run(
            [*argv, name, self._host, str(self._folder / "ssh"), str(self._folder)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT,
        )
        # The master of a shared connection would serve the next run.
        subprocess.run(["ssh", "-O", "exit", "-S", str(self._folder / "master"), "x"], capture_output=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{tool}: {done.stderr[-2000:]}")
        found = json.loads(done.stdout)
        return found, found.pop("verdicts")

    def _command(self, tool: str) -> tuple[dict[str, Any], list[list[str]]]:
        site = self._folder / "site"
        self._forget_unless_seeded(tool, site / ".hybridctl")
        found, document = sites.hybridctl_verify(sys.executable, site / "inventory", self._folder / "note")
        checks = [check for host in document["hosts"] for check in host["checks"]]
        return found, sorted([f"{c['id']} {c['subject']}".rstrip(), c["verdict"]] for c in checks)

    def _forget_unless_seeded(self, tool: str, seeds: Path) -> None:
        if not tool.endswith("seeded"):
            shutil.rmtree(seeds, ignore_errors=True)
        elif not seeds.exists():  # its turn comes before that of the cold run
            _ = self._command(COMMAND[0]) if tool in COMMAND else self._judge(OURS[0])

    def _compare(self, tool: str, verdicts: list[list[str]]) -> None:
        # Hosts are compared with each other by ours only; the others measure the same values, and cannot judge them.
        verdicts = [row for row in verdicts if not row[0].startswith("fleet.")]
        self._verdicts = self._verdicts or verdicts
        if verdicts != self._verdicts:
            differing = [row for row in self._verdicts + verdicts if (row in verdicts) != (row in self._verdicts)]
            raise Unexpected(f"{tool} does not agree with the tool before: {sorted(differing)[:10]}")
