"""The comparison: three tools, interleaved, from scratch, with nothing to change, and with one file changed.

A repeat is: for each tool, in an order that rotates, the hosts are brought back to nothing, then the tool has all from
scratch, runs with nothing to change, and runs after one file was changed at its source and one resource by hand on one
host, another kind in each repeat. After every run the hosts are read: a state that is not as the list says, or a touch
of anything in the run that had nothing to change, ends the benchmark. So nothing can be skipped by a stamp.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from benchmarks.common import machine
from benchmarks.common.results import Results
from benchmarks.provision import hosts as fleet
from benchmarks.provision import tools
from benchmarks.provision.hosts import BY_HAND, Hosts
from benchmarks.provision.resources import Resource, named, source, text

__all__ = ["SCENARIOS", "Bench", "Repeats", "Unexpected", "compare", "fitting", "growth", "where"]

SCENARIOS = ("scratch", "nothing", "one file")
Repeats = Mapping[str, Mapping[str, int]]


class Unexpected(Exception):
    """A host is not as the list says after a run, or was touched by one that had nothing to do."""


@dataclass
class Bench:
    """A set of hosts, the list, and the folder with its forms."""

    folder: Path
    hosts: Hosts
    resources: list[Resource]
    results: Results
    say: Callable[[str], None]
    revisions: dict[str, int] = field(default_factory=dict)

    def timed(self, part: str, tool: str, scenario: str, **more: Any) -> None:
        """Run a tool, read the hosts and record the seconds.

        Raises:
            Unexpected: the run did not do its work, or did more.
        """
        before = fleet.reading(self.hosts, self.resources) if scenario == "nothing" else {}
        busy = machine.busy()
        seconds, used = tools.run(tool, self.folder)
        after = fleet.reading(self.hosts, self.resources)
        self._judge(f"{tool}, {scenario}", before, after)
        count, hosts = len(self.resources), len(self.hosts.names)
        row = {"tool": tool, "scenario": scenario, "hosts": hosts, "resources": count, **more}
        self.results.add(part, **row, seconds=round(seconds, 2), cpu=round(used, 2), busy_before=busy)
        self.say(f"{part}: {hosts} hosts, {count} resources: {tool:8} {scenario:8} {seconds:7.2f} s, cpu {used:6.2f} s")

    def left_out(self, part: str, what: str) -> None:
        """Record what was not measured."""
        self.results.leave_out(part, f"{len(self.hosts.names)} hosts, {len(self.resources)} resources: {what}")

    def _judge(self, what: str, before: dict[str, Any], after: dict[str, Any]) -> None:
        for host, state in after.items():
            for key, wanted in fleet.expected(self.resources, host, self.revisions).items():
                if state[key][0] != wanted:
                    raise Unexpected(f"{what}: {host}: {key} is {state[key][0]!r}, not {wanted!r}")
                if before and before[host][key] != state[key]:
                    raise Unexpected(f"{what}: {host}: {key} was touched: {before[host][key]} -> {state[key]}")

    def change_source(self) -> None:
        """Change the first plain file at its source."""
        entry = next(entry for entry in named(self.resources, "file") if not entry.unit)
        self.revisions[entry.name] = self.revisions.get(entry.name, 0) + 1
        path = self.folder / "files" / source(entry)
        path.write_text(text(entry, self.revisions[entry.name]), encoding="utf-8")

    def change_by_hand(self, number: int) -> str:
        """Change a resource of the kind whose turn it is on the first host, and return its name.

        Raises:
            Unexpected: the change does not show, so that no run could be said to have seen it.
        """
        kind = list(BY_HAND)[number % len(BY_HAND)]
        entry = named(self.resources, kind)[1]
        host = self.hosts.names[0]
        fleet.by_hand(self.hosts, entry, host)
        key = f"{kind} {entry.name}"
        if fleet.reading(self.hosts, [entry])[host][key][0] == fleet.expected([entry], host, self.revisions)[key]:
            raise Unexpected(f"{key} on {host} is as it was after a change by hand")
        return key


def compare(bench: Bench, repeats: Repeats, minutes: float, part: str = "compare") -> None:
    """Run the comparison.

    Args:
        repeats: of each tool, for each scenario.
        minutes: no repeat begins that would not fit into what is left of them, going by the one before; the first does.
    """
    count = max(max(of.values()) for of in repeats.values())
    for number in fitting(count, minutes, lambda said: bench.left_out(part, said)):
        order = [tools.TOOLS[(number + turn) % len(tools.TOOLS)] for turn in range(len(tools.TOOLS))]
        for tool in order:
            # Scenarios with fewer repeats have them last, so that a long one does not spoil what `fitting` goes by.
            wanted = [scenario for scenario, of in repeats[tool].items() if number >= count - of]
            if "scratch" in wanted:
                fleet.undo(bench.hosts, bench.resources)
                bench.timed(part, tool, "scratch", repeat=number)
            elif number == 0 and tool == order[0]:
                # Nobody has brought the hosts there yet; not counted.
                tools.run("ours", bench.folder)
            if "nothing" in wanted:
                bench.timed(part, tool, "nothing", repeat=number)
            if "one file" in wanted:
                bench.change_source()
                bench.timed(part, tool, "one file", repeat=number, by_hand=bench.change_by_hand(number))


def growth(bench: Bench, repeats: int, chosen: tuple[str, ...], minutes: float, part: str = "growth") -> None:
    """Measure runs with nothing to change, after one that brings the hosts there and is not counted."""
    tools.run("ours", bench.folder)
    for number in fitting(repeats, minutes, lambda said: bench.left_out(part, said)):
        for tool in chosen:
            bench.timed(part, tool, "nothing", repeat=number)


def where(bench: Bench, repeats: int, part: str = "where") -> None:
    """Measure our playbook with nothing to change, cut off after no task, after one, after two, and so on.

    What a longer one takes more is the time of its last task; with none it is that of ansible-playbook itself.
    """
    play = yaml.safe_load((bench.folder / "ours.yml").read_text(encoding="utf-8"))[0]
    tools.run("ours", bench.folder)
    for number in range(repeats):
        for count in range(len(play["tasks"]) + 1):
            cut = [{**play, "tasks": play["tasks"][:count]}]
            (bench.folder / "cut.yml").write_text(yaml.safe_dump(cut, sort_keys=False), encoding="utf-8")
            busy = machine.busy()
            seconds, used = tools.run("cut", bench.folder)
            last = play["tasks"][count - 1]["name"] if count else "ansible-playbook itself"
            row = {"tasks": count, "last": last, "repeat": number, "busy_before": busy}
            bench.results.add(part, **row, seconds=round(seconds, 2), cpu=round(used, 2))
            bench.say(f"{part}: {count} tasks: {seconds:.2f} s")


def fitting(count: int, minutes: float, say: Callable[[str], None]) -> Iterator[int]:
    """Yield 0 to `count` - 1 as long as the next would end in time if it took as long as the last; say what is left."""
    deadline, last = time.monotonic() + 60 * minutes, 0.0
    for number in range(count):
        began = time.monotonic()
        if number and began + last > deadline:
            say(f"{count - number} of {count} repeats, since {minutes:g} minutes were over")
            return
        yield number
        last = time.monotonic() - began
