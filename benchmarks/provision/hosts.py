"""The hosts of the benchmark: their state read over SSH, changes by hand, and the way back to nothing.

None of this is timed. The state read here, not what a tool says of itself, decides whether a run did its work.
"""

import hashlib
import json
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.provision.resources import Resource, named, text
from hybridctl.lab.fleet import Lab

__all__ = ["BY_HAND", "Hosts", "by_hand", "expected", "reading", "remember_packages", "undo"]

# Runs on a host with the list as a line of JSON on stdin; prints {"KIND NAME": [state, what a rewrite would move]}.
READER = """
import hashlib, json, os, pwd, subprocess, sys

def out(*argv):
    return subprocess.run(argv, capture_output=True, text=True).stdout

wanted = json.loads(sys.stdin.readline())
names = lambda kind: [name for k, name in wanted if k == kind]
packages = dict(line.split("\\t") for line in out(
    "dpkg-query", "-W", "-f", "${Package}\\t${db:Status-Status}\\n").splitlines())
state = {}
for kind, name in wanted:
    word, trace = "missing", ""
    try:
        if kind == "package":
            word = packages.get(name, "missing")
        elif kind == "user":
            word = pwd.getpwnam(name).pw_shell
        elif kind == "sysctl":
            word = " ".join(open("/proc/sys/" + name.replace(".", "/")).read().split())
        elif kind == "unit":
            word = out("systemctl", "is-enabled", name).strip() + " " + out("systemctl", "is-active", name).strip()
            trace = out("systemctl", "show", "-P", "InvocationID", name).strip()
        else:
            found = os.lstat(name)
            word = "%04o %d:%d" % (found.st_mode & 0o7777, found.st_uid, found.st_gid)
            trace = "%d" % found.st_ino
            if kind != "directory":
                word += " " + hashlib.sha256(open(name, "rb").read()).hexdigest()
                trace += " %d" % found.st_mtime_ns
    except (OSError, KeyError):
        pass
    state[kind + " " + name] = [word, trace]
print(json.dumps(state))
"""

# One change by hand for each kind; {name} is the resource's, {other} a value that the list does not have. A package
# costs seconds to put back and would blur the figures: that a missing one is seen is in every run from scratch.
BY_HAND: Mapping[str, str] = {
    "template": "sed -i 's/option_1 /option_0 /' {name}",
    "unit": "systemctl stop {name}",
    "sysctl": "sysctl -qw {name}='{other}'",
    "user": "usermod -s /bin/false {name}",
    "file": "chmod 0666 {name}",
    "directory": "chmod 0700 {name}",
}


@dataclass(frozen=True)
class Hosts:
    """Some hosts of a lab."""

    lab: Lab
    names: tuple[str, ...]

    def run(self, script: str, stdin: str = "", only: Iterable[str] | None = None) -> dict[str, str]:
        """Run a shell script on every host at once and return what each printed.

        Raises:
            RuntimeError: it failed on one.
        """

        def one(name: str) -> str:
            done = subprocess.run(
                [*self.lab.ssh_argv(name), script], input=stdin, capture_output=True, text=True, check=False
            )
            if done.returncode != 0:
                raise RuntimeError(f"{name}: {script[:80]}: {done.stderr.strip() or done.stdout.strip()}")
            return done.stdout

        names = tuple(self.names if only is None else only)
        with ThreadPoolExecutor(len(names)) as pool:
            return dict(zip(names, pool.map(one, names), strict=True))


def expected(resources: list[Resource], node: str, revisions: Mapping[str, int]) -> dict[str, str]:
    """Return the state each resource must have on the host `node`.

    Args:
        revisions: of files whose source was changed, by path.
    """
    return {f"{entry.kind} {entry.name}": _expected(entry, node, revisions) for entry in resources}


def _expected(entry: Resource, node: str, revisions: Mapping[str, int]) -> str:
    if entry.kind == "package":
        return "installed"
    if entry.kind == "user":
        return entry.shell
    if entry.kind == "sysctl":
        return entry.value
    if entry.kind == "unit":
        return "enabled active"
    owned = f"{entry.mode} 0:0"
    if entry.kind == "directory":
        return owned
    content = text(entry, revisions.get(entry.name, 0), node)
    return f"{owned} {hashlib.sha256(content.encode()).hexdigest()}"


def reading(hosts: Hosts, resources: list[Resource]) -> dict[str, dict[str, list[str]]]:
    """Return of each host the state of each resource, and what tells whether it was touched (inode, time, start)."""
    wanted = json.dumps([[entry.kind, entry.name] for entry in resources])
    printed = hosts.run(f"python3 -c {shlex.quote(READER)}", stdin=wanted + "\n")
    return {name: json.loads(text_) for name, text_ in printed.items()}


def remember_packages(hosts: Hosts) -> None:
    """Keep the names of the packages that the hosts begin with, for `undo`."""
    hosts.run("test -e /root/bench-packages || dpkg-query -W -f '${Package}\\n' | sort > /root/bench-packages")


def undo(hosts: Hosts, resources: list[Resource]) -> None:
    """Bring the hosts back to what they were before the first run."""
    units = " ".join(entry.name for entry in named(resources, "unit"))
    unit_files = " ".join(entry.name for entry in named(resources, "file") if entry.unit)
    folders = " ".join(entry.name for entry in reversed(named(resources, "directory")))
    users = " ".join(entry.name for entry in named(resources, "user"))
    lines = [
        f"systemctl disable --quiet --now {units} 2>/dev/null",
        f"rm -rf {unit_files} {folders}",
        "systemctl daemon-reload",
        f"for user in {users}; do userdel $user 2>/dev/null; done",
        *(f"sysctl -qw {entry.name}='{_other(entry)}'" for entry in named(resources, "sysctl")),
        "dpkg-query -W -f '${Package}\\n' | sort | comm -13 /root/bench-packages - > /root/bench-added",
        "apt-mark -q unhold $(cat /root/bench-added) >/dev/null 2>&1",
        "test ! -s /root/bench-added || DEBIAN_FRONTEND=noninteractive apt-get -qq -y purge $(cat /root/bench-added) "
        ">/dev/null 2>&1 </dev/null",
        "test -z \"$(dpkg-query -W -f '${Package}\\n' | sort | comm -13 /root/bench-packages -)\"",
    ]
    hosts.run("\n".join(lines))


def by_hand(hosts: Hosts, entry: Resource, host: str) -> None:
    """Change one resource on one host, as somebody might."""
    hosts.run(BY_HAND[entry.kind].format(name=shlex.quote(entry.name), other=_other(entry)), only=[host])


def _other(entry: Resource) -> str:
    """Return a value the kernel takes for the parameter, and the list does not want."""
    return "1024 2048" if " " in entry.value else "10"
