"""`python -m benchmarks.provision`: raise labs, measure, write JSON, table and plots. Root, as for every lab."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import machine
from benchmarks.common.labs import raised
from benchmarks.common.results import Results
from benchmarks.provision import forms, plots, report, site, tools
from benchmarks.provision.compare import SCENARIOS, Bench, Repeats, compare, growth, where
from benchmarks.provision.hosts import Hosts, remember_packages
from benchmarks.provision.resources import load
from hybridctl import content
from hybridctl.errors import HybridctlError
from hybridctl.lab.fleet import Lab

FILE = Path(__file__).with_name("results") / "provision.json"
SCRATCH = Path(".hybridctl/benchmark")
SITE = """hosts:
  gw1: {groups: [gateway], profile: lab-gateway, memory: 256}
  mon1: {groups: [monitoring], profile: lab-monitoring, memory: 256}
"""


def _of(ours: Sequence[int], pyinfra: Sequence[int], naive: Sequence[int]) -> Repeats:
    """Return repeats of each tool, given for each scenario in order."""
    counts = dict(zip(tools.TOOLS, (ours, pyinfra, naive), strict=True))
    return {tool: dict(zip(SCENARIOS, of, strict=True)) for tool, of in counts.items()}


@dataclass(frozen=True)
class Extent:
    """How much is measured.

    Attributes:
        few, many: repeats on 2 and on 8 hosts, and the minutes after which no further repeat begins.
        grow: repeats of each point of growth and of the site, and the minutes for each point.
        growing: the tools whose growth is measured.
    """

    few: tuple[Repeats, float]
    many: tuple[Repeats, float] | None
    grow: tuple[int, float]
    growing: tuple[str, ...] = ("ours", "pyinfra")


# The naive playbook takes most of the time and is measured least often: the short extent takes about 20 minutes.
EXTENTS = {
    "try": Extent((_of([1] * 3, [1] * 3, [1] * 3), 60), None, (1, 60)),
    "short": Extent((_of([3, 5, 5], [3, 5, 5], [1, 2, 1]), 10), (_of([1, 3, 3], [1, 3, 3], [0, 1, 0]), 6), (2, 1)),
    "full": Extent((_of([5] * 3, [5] * 3, [5] * 3), 600), (_of([5] * 3, [5] * 3, [5] * 3), 600), (5, 60), tools.TOOLS),
}
LAB_PARTS = ("compare", "where", "growth")
PARTS = (*LAB_PARTS, "site")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what is asked for; with `report`, only write table and plots anew."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.provision", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, "report", "all"], default="all")
    parser.add_argument("--extent", choices=EXTENTS, default="short")
    parser.add_argument("--results", type=Path, default=FILE)
    chosen = parser.parse_args(argv)
    if "all" in chosen.parts:
        chosen.parts = list(PARTS)
    extent, results = EXTENTS[chosen.extent], Results(chosen.results)
    SCRATCH.mkdir(parents=True, exist_ok=True)
    if chosen.parts != ["report"]:
        tools.PYINFRA.build()
    try:
        if set(LAB_PARTS) & set(chosen.parts):
            _tools(chosen.parts, extent, results)
        if "site" in chosen.parts:
            with raised("bench-site", SITE, SCRATCH, say) as lab:
                results.begin("site", machine.describe(pyinfra=tools.PYINFRA.version))
                site.measure(lab, SCRATCH, results, extent.grow[0], say)
    except HybridctlError as error:
        say(f"Error: {error.message}\n  -> {error.hint}")
        return 1
    finally:
        chosen.results.parent.mkdir(parents=True, exist_ok=True)
        report.write(results, chosen.results.parent)
        written = plots.write(results, chosen.results.parent)
        say(f"written: {chosen.results}, provision.md, {', '.join(path.name for path in written)}")
    return 0


def _tools(parts: Sequence[str], extent: Extent, results: Results) -> None:
    """Measure the three tools on a lab of as many hosts as the extent wants."""
    count = 8 if extent.many else 2
    fleet = "hosts:\n" + "".join(f"  b{n}: {{groups: [bench], memory: 128}}\n" for n in range(1, count + 1))
    with raised("bench", fleet, SCRATCH, say) as lab:
        for part in [part for part in LAB_PARTS if part in parts]:
            results.begin(part, machine.describe(pyinfra=tools.PYINFRA.version))
        names = tuple(host.name for host in lab.status())
        remember_packages(Hosts(lab, names))

        def bench(hosts: int, resources: int | None = None) -> Bench:
            return _bench(lab, names[:hosts], resources, results)

        if "compare" in parts:
            compare(bench(2), *extent.few)
        if "where" in parts:
            where(bench(2), extent.grow[0])
        if "growth" in parts:
            # What 2 and 8 hosts take is in the comparison.
            for hosts in [hosts for hosts in (1, 4) if hosts <= count]:
                growth(bench(hosts), extent.grow[0], extent.growing, extent.grow[1])
            growth(bench(2, 600), extent.grow[0], extent.growing, extent.grow[1])
            if "naive" not in extent.growing:
                results.leave_out("growth", "the naive playbook, but for the runs of the comparison")
        if "compare" in parts and extent.many:
            compare(bench(count), *extent.many)


def _bench(lab: Lab, names: tuple[str, ...], count: int | None, results: Results) -> Bench:
    """Write the forms anew, so that no revision of an earlier set is left in a source."""
    resources = load(count=count)
    folder = SCRATCH / "forms" / f"{len(names)}-{len(resources)}"
    folder.mkdir(parents=True, exist_ok=True)
    forms.write(folder, resources, content.lock()["packages"]["Debian_12"]["x86_64"])
    addresses = {host.name: host.address for host in lab.status()}
    tools.write_inventories(folder, lab, {name: addresses[name] for name in names})
    return Bench(folder, Hosts(lab, names), resources, results, say)


def say(line: str) -> None:
    """Print progress at once."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
