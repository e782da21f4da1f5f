"""Checks of counters that grow: what came to them since the host was last verified, for an hour.

How many errors there have been says little: some hosts are up for a year. What matters is whether there are more now.
Less than an hour counts as one, for a single error a minute after the last look is no rate of sixty an hour.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hybridctl.checks.counts import HOUR, Count, grown
from hybridctl.checks.gpus import gpus_of
from hybridctl.checks.memory_health import errors_by_controller
from hybridctl.checks.model import CannotTell, Check, Kind, Result, Verdict, Want
from hybridctl.checks.reading import output
from hybridctl.checks.roce import NO_RECORDING as NO_NETWORK
from hybridctl.checks.roce import active_adapters, interfaces_of, statistic_of
from hybridctl.parsers.ethtool import UNPROVEN as NO_STATISTICS
from hybridctl.parsers.ethtool import pause_frames, read_statistics
from hybridctl.parsers.gpu import Gpu
from hybridctl.parsers.infiniband_sysfs import SATURATION, read_counters
from hybridctl.parsers.nvidia_smi_nvlink import UNPROVEN as NO_NVLINK
from hybridctl.parsers.nvidia_smi_nvlink import read_nvlink_errors
from hybridctl.refusals import Unreadable

__all__ = ["CHECKS", "Growth"]

# The counter of each subject; None where a subject has none.
Reader = Callable[[Any], Mapping[str, int | None]]

_FIRST = "first measurement: what it grows by is known the next time"
_AGAIN = "verify it again, at best in an hour: hybridctl verify --limit {host} --only {check}"


def _nvlinks(host: Any) -> dict[str, int | None]:
    listed = read_nvlink_errors(output(host, "nvidia-smi nvlink -e"))
    return {f"GPU {gpu.index}": sum(sum(kinds.values()) for kinds in gpu.counted.values()) for gpu in listed}


def _memory(host: Any) -> dict[str, int | None]:
    return dict(errors_by_controller(host, "ce_count"))


def _moment(host: Any) -> tuple[str, float]:
    text = output(host, "cat -- /proc/sys/kernel/random/boot_id /proc/uptime")
    found = re.fullmatch(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\n(\d{1,12}\.\d\d) \d+\.\d\d\n", text, re.ASCII)
    if found is None:
        raise Unreadable("/proc/uptime", text.strip(), "a boot's id and two times were expected")
    return found[1], float(found[2])


@dataclass(frozen=True)
class Growth:
    """The function of a check: by how much each counter grew in an hour, since the host was last verified.

    Attributes:
        full: where the counters stop; None where they do not.
    """

    read: Reader
    full: int | None = None

    def count(self, host: Any) -> Count:
        """Return what is counted on a host now, or raise CannotTell."""
        return self._count(host, self.read(host))

    def __call__(self, host: Any, want: Want) -> Iterator[Result]:
        """Judge the growth of each subject's counter."""
        found = self.read(host)
        if not found:
            raise CannotTell("there is nothing that counts")
        now = self._count(host, found)
        for subject in found:
            if subject in now.counts:
                yield self._one(want, subject, now)
            else:
                yield want.result(Verdict.UNKNOWN, None, subject=subject, reason="it has no such counter")

    def _count(self, host: Any, found: Mapping[str, int | None]) -> Count:
        boot, uptime = _moment(host)
        return Count(boot, uptime, {subject: count for subject, count in found.items() if count is not None})

    def _one(self, want: Want, subject: str, now: Count) -> Result:
        news = grown(want.earlier, now, subject)
        if news is None:
            remedy = _AGAIN.replace("{check}", want.expectation.check)
            return want.result(Verdict.UNKNOWN, None, subject=subject, reason=_FIRST, remedy=remedy)
        growth, seconds = news
        reason = f"{growth} more in {seconds / HOUR:.1f} h, {now.counts[subject]} in all"
        # Rounded up: one loss in weeks is not none.
        an_hour = math.ceil(growth * 100 / max(seconds / HOUR, 1)) / 100
        result = want.judge(an_hour, subject=subject, reason=reason)
        if self.full is not None and now.counts[subject] >= self.full and result.verdict is Verdict.PASS:
            reason = f"the counter is full at {self.full} and grows no more"
            remedy = "set it back: perfquery -x -R"
            return want.result(Verdict.UNKNOWN, None, subject=subject, reason=reason, remedy=remedy)
        return result


def _ports(name: str, folder: str = "counters") -> Growth:
    def read(host: Any) -> dict[str, int | None]:
        ports = read_counters(output(host, f"grep -H . /sys/class/infiniband/*/ports/*/{folder}/*"))
        return {port: counts.get(name) for port, counts in ports.items()}

    return Growth(read, SATURATION.get(name))


def _interfaces(name: str) -> Growth:
    return Growth(lambda host: statistic_of(host, name))


def _pauses(way: str) -> Growth:
    def read(host: Any) -> dict[str, int | None]:
        bonds = [adapter for adapter in active_adapters(host) if "_bond_" in adapter]
        if bonds:
            # RoCE LAG: the second port's interface is not below the adapter.
            raise CannotTell(f"{bonds[0]} is a bond of two ports, and /sys shows the interface of only one")
        # Each priority by itself: one whose flow control is switched on brings all it ever counted.
        found: dict[str, int | None] = {}
        for one in interfaces_of(host):
            frames = pause_frames(read_statistics(output(host, "env LC_ALL=C ethtool -S %s", one)), way)
            found.update({f"{one} {name}": count for name, count in frames.items()})
            if not frames:
                found[one] = None
        return found

    return Growth(read)


def _gpus(count: Callable[[Gpu], int]) -> Growth:
    def read(host: Any) -> dict[str, int | None]:
        gpus = gpus_of(host)
        found: dict[str, int | None] = {gpu.address: None for gpu in gpus}
        for gpu in gpus:
            with suppress(CannotTell):
                found[gpu.address] = count(gpu)
        return found

    return Growth(read)


def _check(name: str, title: str, growth: Growth, remedy: str, unit: str = "errors/h", unproven: str = "") -> Check:
    varies = "how a counter grew on one host between two verifications: decide how much is too much"
    return Check(f"growth.{name}", title, Kind.NUMBER, growth, remedy, unit=unit, varies=varies, unproven=unproven)


CHECKS = (
    _check(
        "symbol_errors",
        "symbol errors that come to a port",
        _ports("symbol_error"),
        "the link damages bits now: swap the fibre of {subject}, then the transceivers; verify again after an hour",
    ),
    _check(
        "link_downed",
        "links that flap",
        _ports("link_downed"),
        "find out which end drops the link of {subject}: dmesg -T | grep {subject}, and the switch's log at that time",
        "losses/h",
    ),
    _check(
        "receive_errors",
        "damaged packets that come to a port",
        _ports("port_rcv_errors"),
        "walk the route with perfquery, hop by hop, until the errors begin: that cable damages them",
    ),
    _check(
        "local_integrity",
        "link integrity errors that come to a port",
        _ports("local_link_integrity_errors"),
        "measure the eye of {subject}: mlxlink -d DEVICE -e; a bad one wants another cable, then another adapter",
    ),
    _check(
        "transmit_discards",
        "packets that a port cannot send now",
        _ports("port_xmit_discards"),
        "the receiver or the route is congested now: ibdiagnet --pm_pause_time 10, and look for the slowest port",
        "packets/h",
    ),
    _check(
        "sequence_errors",
        "packets out of sequence that come to a port",
        _ports("packet_seq_err", "hw_counters"),
        "the network loses packets now: compare drops of each switch on the way; on RoCE check PFC: mlnx_qos -i IFACE",
        "packets/h",
    ),
    _check(
        "carrier_losses",
        "RoCE links that flap",
        _interfaces("carrier_down_count"),
        "see when and how often: journalctl -k -g {subject} --since -1d; swap the cable, then the switch's port",
        "losses/h",
        NO_NETWORK,
    ),
    _check(
        "checksum_errors",
        "damaged frames that come to an interface",
        _interfaces("statistics/rx_crc_errors"),
        "the link of {subject} damages frames now: ethtool -m {subject} for its light, then another transceiver",
        "frames/h",
        NO_NETWORK,
    ),
    _check(
        "missed_frames",
        "frames an adapter has no room for now",
        _interfaces("statistics/rx_missed_errors"),
        "see who keeps the processors of its interrupts busy: mpstat -P ALL 1; then: ethtool -l {subject}",
        "frames/h",
        NO_NETWORK,
    ),
    _check(
        "pauses_received",
        "pause frames that hold a RoCE port back",
        _pauses("rx"),
        "a receiver behind the switch is too slow: see which of its ports gets as many, and growth.pauses_sent of the "
        "host there",
        "frames/h",
        NO_STATISTICS,
    ),
    _check(
        "pauses_sent",
        "pause frames by which a RoCE port holds others back",
        _pauses("tx"),
        "{subject} does not get rid of what it receives: see its PCIe link by lspci -vvv, and the NUMA node its "
        "buffers are on: cat /sys/class/net/IFACE/device/numa_node",
        "frames/h",
        NO_STATISTICS,
    ),
    _check(
        "pcie_replays",
        "PCIe packets of a GPU that are sent again now",
        _gpus(lambda gpu: gpu.pcie_replays),
        "power off and reseat GPU {subject} and its riser; then load it and watch: nvidia-smi dmon -s et",
        "packets/h",
    ),
    _check(
        "gpu_corrected",
        "GPU memory errors that are put right now",
        _gpus(lambda gpu: gpu.ecc_errors(corrected=True)),
        "drain the host and test GPU {subject}: dcgmi diag -r 3; a row that errs on wants a reset to be remapped",
    ),
    _check(
        "nvlink_errors",
        "errors that come to the NVLinks",
        Growth(_nvlinks),
        "see which link of {subject} counts: nvidia-smi nvlink -e, twice; then reseat its bridge or the board",
        unproven=NO_NVLINK,
    ),
    _check(
        "memory_corrected",
        "memory errors that are corrected now",
        Growth(_memory),
        "see which module of {subject} errs: ras-mc-ctl --error-count; have it replaced before it fails",
        unproven="EDAC under /sys of a Kunpeng board",
    ),
)
