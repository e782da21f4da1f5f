"""Recordings of real tools, which parser reads each, and how what it read is compared."""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from hybridctl.parsers import Unreadable
from hybridctl.parsers.block_devices import read_findmnt, read_lsblk
from hybridctl.parsers.dcgmi_diag import read_diag
from hybridctl.parsers.drives import read_scan
from hybridctl.parsers.ethtool import read_settings
from hybridctl.parsers.fabric_manager import read_fabric_log
from hybridctl.parsers.haproxy import read_stat
from hybridctl.parsers.ibstat import read_ibstat, read_ibstatus
from hybridctl.parsers.infiniband_sysfs import read_listing
from hybridctl.parsers.kernel_log import read_kernel_log, xids
from hybridctl.parsers.kernel_modules import read_lsmod
from hybridctl.parsers.lspci import read_lspci
from hybridctl.parsers.mdraid import read_detail, read_examine, read_mdstat
from hybridctl.parsers.nccl_log import networks_of
from hybridctl.parsers.nvidia_smi_csv import read_csv
from hybridctl.parsers.nvidia_smi_nvlink import read_list, read_nvlink
from hybridctl.parsers.nvidia_smi_q import read_q
from hybridctl.parsers.nvidia_smi_table import read_dmon, read_table, read_version
from hybridctl.parsers.nvidia_smi_topo import read_p2p, read_topology
from hybridctl.parsers.nvidia_smi_xml import read_q_xml
from hybridctl.parsers.os_release import parse_os_release
from hybridctl.parsers.prometheus import parse_metrics


def _xids(text: str) -> Any:
    """What counts in a log: another line in it is another message, and no wrong value."""
    return tuple(replace(one, message="") for one in xids(read_kernel_log(text)))


def _switch_errors(text: str) -> Any:
    """The message of the last entry may be cut between two lines: no log says how long it is."""
    entries = read_fabric_log(text)
    return tuple(replace(one, message="") for one in entries), tuple(one.switch_error for one in entries)


READERS: dict[str, Callable[[str], Any]] = {
    "nvidia-smi/q-[!x]*": read_q,
    "nvidia-smi/q-x*": read_q_xml,
    "nvidia-smi/query-*": read_csv,
    "nvidia-smi/compute-apps-*": read_csv,
    "nvidia-smi/topo-m-*": read_topology,
    "nvidia-smi/topo-p2p-*": read_p2p,
    "nvidia-smi/nvlink-s-*": read_nvlink,
    "nvidia-smi/L-*": read_list,
    "nvidia-smi/table-*": read_table,
    "nvidia-smi/version-*": read_version,
    "nvidia-smi/dmon-*": read_dmon,
    "nvidia-smi/dcgmi-diag-*": read_diag,
    "infiniband/ibstat-*": read_ibstat,
    "infiniband/ibstatus-*": read_ibstatus,
    "infiniband/sysfs-*": read_listing,  # a tree; read as `grep -r .` lists it
    "lspci/*": read_lspci,
    "ethtool/ethtool-vm-default*": read_settings,
    "dmesg/fabricmanager*": _switch_errors,
    "dmesg/[!f]*": _xids,
    "nccl/*": networks_of,
    "haproxy/show-stat*": read_stat,
    "prometheus/*.prom": parse_metrics,
    "os/lsmod*": read_lsmod,
    "os/os-release*": parse_os_release,
    "storage/findmnt*.json": read_findmnt,
    "storage/lsblk*": read_lsblk,
    "storage/mdadm-detail*": read_detail,
    "storage/mdadm-examine*": read_examine,
    "storage/proc-mdstat*": read_mdstat,
    "storage/smartctl-scan*": read_scan,
}
# What was cut by hand is refused: a list that leaves lines out is no list.
REFUSED = {"nvidia-smi/query-vbios-csv-h100-cut.txt": "[...]"}


@dataclass(frozen=True)
class Recording:
    """A recording and its parser."""

    name: str
    text: str
    read: Callable[[str], Any]


def folder() -> Path | None:
    """The folder of the recordings, None when HYBRIDCTL_SAMPLES is not set; named but not there is an error."""
    named = os.environ.get("HYBRIDCTL_SAMPLES")
    if not named:
        return None
    assert Path(named).is_dir(), f"HYBRIDCTL_SAMPLES={named} is no folder"
    return Path(named)


def text_of(name: str) -> str:
    """The text of a recording; of a folder, what `grep -r .` prints in it. The test is skipped without recordings."""
    samples = folder()
    if samples is None:
        pytest.skip("HYBRIDCTL_SAMPLES is not set: no recordings of real machines to try the parsers on")
    path = samples / name
    if not path.is_dir():
        return path.read_text(encoding="utf-8")
    files = sorted(one for one in path.rglob("*") if one.is_file())
    return "".join(f"{one.relative_to(path)}:{one.read_text(encoding='utf-8').strip()}\n" for one in files)


def recordings() -> list[Recording]:
    """Every recording that has a parser, the refused ones excepted."""
    samples = folder()
    if samples is None:
        return []
    found = [(path, reader) for pattern, reader in READERS.items() for path in sorted(samples.glob(pattern))]
    names = [(path.relative_to(samples).as_posix(), reader) for path, reader in found]
    return [Recording(name, text_of(name), reader) for name, reader in names if name not in REFUSED]


# What a text lacks shows in these; they are no values of the host.
_ASIDE = ("complaints", "broken", "is_closed", "is_whole", "source")
_MORE = "one more"


def flat(value: Any, path: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
    """Return every single value that was read, by where it belongs: what two readings can be compared by."""
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value) if field.name not in _ASIDE]
        return {k: v for name in names for k, v in flat(getattr(value, name), (*path, name)).items()}
    if isinstance(value, Mapping):
        return {k: v for key, below in value.items() for k, v in flat(below, (*path, key)).items()}
    if not isinstance(value, tuple):
        return {} if value in (None, "") else {path: value}
    found: dict[tuple[Any, ...], Any] = {}
    seen: Counter[Any] = Counter()
    for one in value:
        key = _identity(one)
        seen[key] += 1
        found |= {(*path, key, seen[key], _MORE): True} | flat(one, (*path, key, seen[key]))
    return found


def _identity(one: Any) -> Any:
    if not is_dataclass(one):
        return one if isinstance(one, str | int) else ""
    names = {field.name for field in fields(one)}
    known = ("address", "proxy", "server", "name", "index", "number", "target", "place")
    return tuple(getattr(one, name) for name in known if name in names)


def contradictions(truth: Any, reading: Any) -> dict[tuple[Any, ...], tuple[Any, Any]]:
    """Return what a reading says otherwise than the truth does, and every thing that it counts beyond it."""
    known = flat(truth)
    return {
        path: (known.get(path), value)
        for path, value in flat(reading).items()
        if (path in known and known[path] != value) or (path[-1:] == (_MORE,) and path not in known)
        if "details" not in path
    }


def attempt(recording: Recording, text: str) -> Any:
    """Read a text that was tampered with: None when it is refused."""
    try:
        return recording.read(text)
    except Unreadable:
        return None
