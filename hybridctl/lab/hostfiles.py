"""What makes a copy of the shared root one certain host: its name, address, keys and package source."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path

__all__ = ["write_host_files", "write_names"]


def write_host_files(root: Path, name: str, address: str, net: ipaddress.IPv4Network, mirror: str, keys: Path) -> None:
    """Write the files of a host whose root is mounted and which does not run."""
    _write(root / "etc/hostname", f"{name}\n")
    network = f"[Match]\nName=host0\n[Network]\nAddress={address}/{net.prefixlen}\nLinkLocalAddressing=no\n"
    _write(root / "etc/systemd/network/10-host0.network", network)
    source = f"# The lab's own mirror; there is no way to the internet.\ndeb [trusted=yes] {mirror}/apt ./\n"
    _write(root / "etc/apt/sources.list", source)
    only_keys = "PasswordAuthentication no\nKbdInteractiveAuthentication no\n"
    _write(root / "etc/ssh/sshd_config.d/keys-only.conf", only_keys)
    _write(root / "etc/ssh/ssh_host_ed25519_key", (keys / f"host_{name}").read_text(), 0o600)
    _write(root / "etc/ssh/ssh_host_ed25519_key.pub", (keys / f"host_{name}.pub").read_text())
    (root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    _write(root / "root/.ssh/authorized_keys", (keys / "id_ed25519.pub").read_text(), 0o600)


def write_names(root: Path, addresses: Mapping[str, str]) -> None:
    """Write `/etc/hosts` with every host of the lab; also while the host runs."""
    lines = "".join(f"{address} {name}\n" for name, address in addresses.items())
    _write(root / "etc/hosts", f"127.0.0.1 localhost\n::1 localhost\n{lines}")


def _write(target: Path, text: str, mode: int = 0o644) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch(mode=mode)
    target.write_text(text)
    target.chmod(mode)
