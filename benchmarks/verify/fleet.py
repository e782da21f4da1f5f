"""A fleet of SSH servers on this machine that replay a recorded host: how verify grows from one host to hundreds."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.common import machine
from benchmarks.common.environment import Environment
from benchmarks.common.results import Results
from benchmarks.verify import recording, sites

__all__ = ["ASYNCSSH", "PART", "measure"]

ASYNCSSH = Environment("asyncssh", "2.24.1")
PART = "fleet"
PORT = 22022
SERVERS = 2  # processes; a host belongs to one of them
_SERVER = Path(__file__).with_name("server.py")
_TICKS = os.sysconf("SC_CLK_TCK")


class Unexpected(Exception):
    """A host of the fleet was not judged as the recorded one was."""


def measure(
    recorded: Path, scratch: Path, results: Results, hosts: Sequence[tuple[int, int]], say: Callable[[str], None]
) -> None:
    """Measure `hybridctl verify`, cold and then seeded, and record one row a run.

    Args:
        recorded: a recording that was written for the servers.
        hosts: numbers of hosts, each with its repeats.

    Raises:
        Unexpected: a verdict is missing or another one.
    """
    scratch = scratch.absolute()
    delay, verdicts, commands = recording.load(recorded)
    names = {f"h{n:03}": _address(n) for n in range(max(count for count, _ in hosts))}
    with _served(recorded, scratch, list(names.values())) as servers:
        for count, repeats in hosts:
            site = scratch / f"fleet-{count}"
            chosen = {name: {"ansible_host": names[name], "ansible_port": PORT} for name in list(names)[:count]}
            inventory = sites.write_site(site, chosen, scratch / "fleet-ssh")
            for number in range(repeats):
                shutil.rmtree(site / ".hybridctl", ignore_errors=True)
                for kind in ("cold", "seeded"):
                    busy, before = machine.busy(), _cpu(servers)
                    found, document = sites.hybridctl_verify(sys.executable, inventory, scratch / "fleet-note")
                    served = _cpu(servers) - before
                    for host in document["hosts"]:
                        judged = {(f"{c['id']} {c['subject']}".rstrip(), c["verdict"]) for c in host["checks"]}
                        # One host was recorded: what compares hosts could not be judged then.
                        differ = {row for row in judged ^ set(verdicts) if not row[0].startswith("fleet.")}
                        if differ or not judged:
                            told = sorted(differ)[:5] or host["reason"]
                            raise Unexpected(f"{count} hosts, {kind}: {host['name']}: {told}")
                    if len(document["hosts"]) != count:
                        raise Unexpected(f"{count} hosts, {kind}: {len(document['hosts'])} were judged")
                    row = {"hosts": count, "kind": kind, "repeat": number, "commands": commands, "delay": delay}
                    results.add(PART, **row, **found, servers_cpu=round(served, 2), busy_before=busy)
                    say(
                        f"fleet: {count} hosts {kind}: {found['seconds']:.1f} s, cpu {found['cpu']:.1f} s, peak "
                        f"{found['peak_mib']:.0f} MiB and {found['others_mib']:.0f} MiB, servers' cpu {served:.1f} s"
                    )


@contextmanager
def _served(recorded: Path, scratch: Path, addresses: list[str]) -> Iterator[list[int]]:
    """Start the servers and yield their processes."""
    keys = scratch / "fleet-keys"
    shutil.rmtree(keys, ignore_errors=True)
    keys.mkdir(mode=0o700)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(keys / name)], check=True)
    public = (keys / "host.pub").read_text(encoding="utf-8")
    (keys / "known_hosts").write_text(f"[127.*]:{PORT} {public}", encoding="utf-8")
    sites.write_config(scratch / "fleet-ssh", "127.*", keys / "user", keys / "known_hosts")
    python, running = ASYNCSSH.binary("python"), []
    try:
        for number in range(SERVERS):
            argv = [python, str(_SERVER), str(recorded), str(keys), str(PORT), *addresses[number::SERVERS]]
            running.append(subprocess.Popen(argv, stdout=subprocess.PIPE, text=True))
        for server in running:
            if server.stdout is None or server.stdout.readline() != "ready\n":
                raise RuntimeError("an SSH server of the fleet did not start")
        yield [server.pid for server in running]
    finally:
        for server in running:
            server.terminate()
            server.wait()


def _address(number: int) -> str:
    """Return the address of a host: each its own, as on a network, since a door is counted by its address."""
    return f"127.77.{number // 250}.{number % 250 + 1}"


def _cpu(pids: Sequence[int]) -> float:
    """Return the processor seconds that processes have used."""
    fields = [Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split() for pid in pids]
    return sum(int(words[11]) + int(words[12]) for words in fields) / _TICKS
