"""A lab as a whole: up, status, down, and power of single hosts."""

import hashlib
import ipaddress
import os
import re
import shlex
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hybridctl.errors import HybridctlError, InvalidInput
from hybridctl.lab import access, commands, hostfiles, mirror, network, preflight, sitefiles
from hybridctl.lab.cache import DamagedCache, Progress, cache_root, in_use
from hybridctl.lab.cgroup import cgroup_mount
from hybridctl.lab.claim import check_claim, claim
from hybridctl.lab.container import Container, unmount_below
from hybridctl.lab.spec import LabHost, default_fleet_file, load_fleet
from hybridctl.lab.state import State, locked, read_state, remove
from hybridctl.lab.stock import stock

__all__ = ["HostStatus", "Lab"]

_KINDS = {"container": Container}  # the kinds that `spec.KINDS` allows


@dataclass(frozen=True)
class HostStatus:
    """What a host of a lab shows.

    Attributes:
        state: `running` or `stopped`.
        pid: of the process that holds the host on this machine; None when it is stopped.
        ssh: whether its SSH port greets.
    """

    name: str
    address: str
    groups: tuple[str, ...]
    state: str
    pid: int | None
    ssh: bool


class Lab:
    """One lab, by the folder that holds it: `.hybridctl/lab/NAME` below where it was raised.

    All names on this machine (bridge, containers, control groups) derive from that folder, so two labs never meet and
    `down` finds what an interrupted `up` made.
    """

    def __init__(self, name: str, base: Path | None = None) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", name):
            raise InvalidInput(f"bad lab name {name!r}", "letters, digits, - and _, at most 40, no - in front")
        self.name = name
        self.folder = (base or Path.cwd()).resolve() / ".hybridctl" / "lab" / name
        self.id = "hyb" + hashlib.sha256(str(self.folder).encode()).hexdigest()[:6]
        self.keys = self.folder / "keys"
        self.www = self.folder / "www"

    @property
    def site(self) -> Path:
        """The lab's site folder."""
        return self.folder / "site"

    @property
    def inventory(self) -> Path:
        """What every other command takes after `-i`."""
        return self.site / "inventory"

    def up(
        self,
        fleet_file: Path | None = None,
        subnet: str | None = None,
        rebuild: bool = False,
        progress: Progress = print,
    ) -> dict[str, float]:
        """Raise the lab, or what is missing of it.

        Returns:
            Seconds from the first host's start until each one answered on SSH; without those that were up already.

        Raises:
            InvalidInput: bad fleet file or subnet.
            HybridctlError: this machine lacks something; nothing was created.
        """
        state = read_state(self.folder)
        hosts = state.hosts if state and not fleet_file else load_fleet(fleet_file or default_fleet_file())
        command = self._command("up", hosts=fleet_file, subnet=subnet)
        self._preflight(hosts, subnet, state, command)
        with in_use(cache_root(), rebuild, progress):
            try:
                lower, content = stock(cache_root(), hosts, progress, rebuild)
            except DamagedCache as error:
                raise HybridctlError(error.message, f"{command} --rebuild-cache") from None
            with locked(self.folder):
                state = claim(self.folder, self.name, self.id, hosts, subnet)
                net = ipaddress.IPv4Network(state.subnet)
                mirror.serve(self.name, self.www, str(net[1]), content, self.folder / "mirror.log")
                return self._boot(state, lower, net, progress)

    def _preflight(self, hosts: tuple[LabHost, ...], subnet: str | None, state: State | None, command: str) -> None:
        """Raise for anything that would stop `up` half-way."""
        preflight.check_root(command)
        preflight.check_tools()
        preflight.check_modules(hosts)
        cgroup_mount()
        preflight.check_bridged_traffic()
        missing = [host for host in hosts if not self._container(host.name).pids()]
        preflight.check_memory(missing, self._command("up", subnet=subnet))
        preflight.check_inotify(missing, self._command("up", subnet=subnet))
        preflight.check_paths(self.folder, cache_root(), command)
        if state is None:
            preflight.check_disk(hosts, self.folder, cache_root(), command)
            preflight.check_overlay(self.folder, command)
        check_claim(self.name, self.id, state, hosts, subnet)

    def _boot(self, state: State, lower: Path, net: ipaddress.IPv4Network, progress: Progress) -> dict[str, float]:
        """Start what does not run, all at once, and wait for SSH."""
        access.make_keys(self.keys, self.name, state.addresses)
        url = f"http://{net[1]}:{mirror.MIRROR_PORT}"
        hosts = {host: state.addresses[host.name] for host in state.hosts}
        for path in sitefiles.write_site(self.site, self.name, hosts, url, self.keys):
            progress(f"{path} was edited and stays; to have it anew, remove it and raise the lab again")
        started, broken_off = time.monotonic(), threading.Event()

        def boot(host: LabHost) -> float | None:
            container, address = self._container(host.name, lower, host.kind), state.addresses[host.name]
            ran = bool(container.pids())
            container.mount()
            if not ran:
                hostfiles.write_host_files(container.root, host.name, address, net, url, self.keys)
            hostfiles.write_names(container.root, state.addresses)
            container.start()
            self._wait(host.name, address, broken_off)
            if not ran:
                # An installer leaves package lists behind; without them check mode knows no package.
                commands.run(
                    [*access.ssh_argv(self.keys, address), "apt-get -qq update"],
                    f"host {host.name} of lab {self.name} could not read the lab's mirror {url}",
                    f"tail {shlex.quote(str(self.folder / 'mirror.log'))}",
                )
            progress(f"{host.name} is up already at {address}" if ran else f"{host.name} answers at {address}")
            return None if ran else time.monotonic() - started

        with ThreadPoolExecutor(max_workers=len(state.hosts)) as pool:
            try:
                seconds = zip(state.hosts, pool.map(boot, state.hosts), strict=True)
                return {host.name: taken for host, taken in seconds if taken is not None}
            except BaseException:
                # Ctrl-C, or a host that failed: nobody waits for the others any more.
                broken_off.set()
                raise

    def status(self) -> list[HostStatus]:
        """Return the state of every host; empty when the lab is down."""
        state = read_state(self.folder)
        result = []
        for host in state.hosts if state else ():
            address = state.addresses[host.name] if state else ""
            container = self._container(host.name)
            pid = container.pid()
            word = "running" if pid else "stopped"
            result.append(HostStatus(host.name, address, host.groups, word, pid, bool(pid) and access.answers(address)))
        return result

    def ssh_argv(self, host: str) -> list[str]:
        """Return the ssh command that reaches a host.

        Raises:
            InvalidInput: the lab is down or has no such host.
            HybridctlError: the lab's key is not ours to read.
        """
        address = self._address(host)
        if self.keys.exists() and not os.access(self.keys, os.X_OK):
            raise HybridctlError(
                f"the keys of lab {self.name} are for root, who raised it: {self.keys}",
                f"sudo {self._command('ssh', host)}",
            )
        return access.ssh_argv(self.keys, address)

    def power(self, host: str, on: bool) -> None:
        """Cut a host's power, or give it back; its disk keeps what it had.

        Raises:
            InvalidInput: the lab is down or has no such host.
        """
        address = self._address(host)
        preflight.check_root(self._command("poweron" if on else "poweroff", host))
        with locked(self.folder):
            if on:
                self._container(host).start()
                self._wait(host, address)
            else:
                self._container(host).kill()

    def down(self) -> bool:
        """End and remove everything of the lab; return whether there was anything.

        Raises:
            HybridctlError: another command is at work on the lab.
        """
        preflight.check_root(self._command("down"))
        existed = self.folder.exists() or network.is_there(self.id)
        with locked(self.folder, wait=False):
            # Also hosts that only a control group or a process still tells of: somebody may have removed the folder.
            prefix = f"{self.id}-"
            groups = {path.name.removeprefix(prefix) for path in cgroup_mount().glob(f"{prefix}*")}
            for host in sorted(groups | {path.name for path in self.folder.glob("hosts/*")}):
                self._container(host).clean()
            mirror.stop(self.www)
            unmount_below(self.folder)
            network.delete_bridge(self.id)
            remove(self.folder)
        return existed

    def _command(self, command: str, *words: str, **options: object) -> str:
        """Return what to type to make this lab do something; options that are None were not given."""
        given = [word for name, value in options.items() if value is not None for word in (f"--{name}", str(value))]
        return shlex.join(["hybridctl", "lab", command, "--name", self.name, *given, *words])

    def _container(self, host: str, lower: Path | None = None, kind: str = "container") -> Container:
        folder = self.folder / "hosts" / host
        saved = folder / "lower"
        if lower is not None and not saved.exists():
            folder.mkdir(parents=True, exist_ok=True)
            # Whole or not at all: no later `up` could stand on an empty path.
            partial = saved.with_suffix(".partial")
            partial.write_text(str(lower))
            partial.rename(saved)
        return _KINDS[kind](f"{self.id}-{host}", folder, Path(saved.read_text()) if saved.exists() else Path(), self.id)

    def _wait(self, host: str, address: str, broken_off: threading.Event | None = None) -> None:
        container = self._container(host)

        def runs() -> bool:
            return bool(container.pids()) and not (broken_off and broken_off.is_set())

        access.wait_for_ssh(self.name, host, address, runs, container.folder / "console.log")

    def _address(self, host: str) -> str:
        state = read_state(self.folder)
        if state is None:
            raise InvalidInput(f"lab {self.name} is not up here", f"hybridctl lab up --name {self.name}")
        if host not in state.addresses:
            raise InvalidInput(f"lab {self.name} has no host {host!r}", f"its hosts: {', '.join(state.addresses)}")
        return state.addresses[host]
