"""`python -m benchmarks.verify`: raise a host, measure, write JSON, table and plots. Root, as for every lab."""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.common import machine
from benchmarks.common.labs import raised
from benchmarks.common.results import Results
from benchmarks.verify import fleet, one, plots, recording, report, sites
from benchmarks.verify.backends import OTHERS
from hybridctl.errors import HybridctlError
from hybridctl.lab.fleet import Lab

FILE = Path(__file__).with_name("results") / "verify.json"
SCRATCH = Path(".hybridctl/benchmark/verify")
RECORDED = SCRATCH / "recorded.json"
HOST = "bv1"
LAB = f"hosts:\n  {HOST}: {{groups: [bench], memory: 256}}\n"
# So that some checks find what they look for.
PACKAGES = "chrony prometheus-node-exporter"
PREPARE = f"export DEBIAN_FRONTEND=noninteractive; apt-get install -y -qq --no-install-recommends {PACKAGES}"


@dataclass(frozen=True)
class Extent:
    """How much is measured.

    Attributes:
        slow, quick: repeats of the tools that log in anew for each command, and of all others.
        forced: repeats of testinfra's ansible backend over Ansible itself.
        fleet: numbers of hosts, each with its repeats.
    """

    slow: int
    quick: int
    forced: int
    fleet: tuple[tuple[int, int], ...]

    def repeats(self) -> dict[str, int]:
        """Return the repeats of each tool on one host."""
        slow = {"ssh": self.slow, "ansible": self.slow, "ansible, forced": self.forced}
        tools = (*one.OURS, *one.COMMAND, *OTHERS)
        return {tool: count for tool in tools if (count := slow.get(tool, self.quick))}


EXTENTS = {
    "try": Extent(1, 1, 0, ((1, 1), (10, 1), (100, 1))),
    "short": Extent(2, 5, 0, ((1, 5), (10, 3), (100, 3), (500, 1))),
    "full": Extent(5, 10, 1, ((1, 5), (10, 5), (100, 5), (500, 5))),
}
PARTS = ("one", "fleet")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what is asked for; with `report`, only write table and plots anew."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.verify", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, "report", "all"], default="all")
    parser.add_argument("--extent", choices=EXTENTS, default="short")
    parser.add_argument("--results", type=Path, default=FILE)
    chosen = parser.parse_args(argv)
    parts = list(PARTS) if "all" in chosen.parts else chosen.parts
    extent, results = EXTENTS[chosen.extent], Results(chosen.results)
    SCRATCH.mkdir(parents=True, exist_ok=True)
    try:
        if "one" in parts or ("fleet" in parts and not RECORDED.exists()):
            with raised("bench-verify", LAB, SCRATCH, say) as lab:
                _on_lab(lab, "one" in parts, extent, results)
        if "fleet" in parts:
            fleet.ASYNCSSH.build()
            results.begin(fleet.PART, machine.describe(asyncssh=fleet.ASYNCSSH.version))
            fleet.measure(RECORDED, SCRATCH, results, extent.fleet, say)
    except HybridctlError as error:
        say(f"Error: {error.message}\n  -> {error.hint}")
        return 1
    finally:
        chosen.results.parent.mkdir(parents=True, exist_ok=True)
        report.write(results, chosen.results.parent)
        written = plots.write(results, chosen.results.parent)
        say(f"written: {chosen.results}, verify.md, {', '.join(path.name for path in written)}")
    return 0


def _on_lab(lab: Lab, measured: bool, extent: Extent, results: Results) -> None:
    """Record the host for the fleet, and measure on it when that is asked for."""
    lab_folder = SCRATCH.absolute() / "one"
    lab_folder.mkdir(exist_ok=True)
    address = lab.status()[0].address
    config = lab_folder / "ssh"
    sites.write_config(config, HOST, lab.keys / "id_ed25519", lab.keys / "known_hosts", f"  HostName {address}\n")
    sites.write_site(lab_folder / "site", {HOST: {}}, config)
    subprocess.run([*lab.ssh_argv(HOST), PREPARE], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    say("recording")
    recorded = recording.record(HOST, config, lab_folder / "site")
    recorded.write(RECORDED)
    if measured:
        results.begin(one.PART, machine.describe(testinfra=version("pytest-testinfra"), paramiko=version("paramiko")))
        results.note(one.PART, depth=recorded.depth, commands=len(recorded.answers))
        if "ansible, forced" not in extent.repeats():
            results.leave_out(one.PART, "testinfra's ansible backend with force_ansible (--extent full)")
        one.Bench(HOST, lab_folder, results, say).measure(extent.repeats())


def say(line: str) -> None:
    """Print progress at once."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
