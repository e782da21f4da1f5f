"""Checks of the time: the host's clock, who sets it, and how it is shown."""

from typing import Any

from hybridctl.checks.model import CannotTell, Check, Kind, Result, Verdict, Want
from hybridctl.checks.reading import output
from hybridctl.parsers.time_sync import UNPROVEN, read_sources, read_timedatectl, read_tracking

__all__ = ["CHECKS"]


def synchronised(host: Any, want: Want) -> Result:
    """Whether the kernel's clock is disciplined, by whatever program."""
    return want.judge("yes" if _timedatectl(host)["NTPSynchronized"] else "no")


def zone(host: Any, want: Want) -> Result:
    """The time zone: logs of one fleet are read side by side."""
    return want.judge(_said(host, "Timezone"))


def rtc(host: Any, want: Want) -> Result:
    """What the battery clock counts: in local time it is an hour wrong twice a year."""
    local = _timedatectl(host).get("LocalRTC")
    if not isinstance(local, bool):
        raise CannotTell("timedatectl says nothing of LocalRTC")
    return want.judge("local time" if local else "UTC")


def offset(host: Any, want: Want) -> Result:
    """How far chrony finds the clock off, to either side."""
    tracking = read_tracking(output(host, "chronyc -c tracking"))
    if not tracking.is_synchronised:
        return want.result(Verdict.FAIL, None, reason="chrony follows no server: nobody knows how far the clock is off")
    return want.judge(round(abs(tracking.offset) * 1000, 3), reason=f"measured against {tracking.reference}")


def sources(host: Any, want: Want) -> Result:
    """How many servers chrony finds good enough to set the clock by."""
    found = read_sources(output(host, "chronyc -n -c sources"))
    bad = ", ".join(f"{one.name} ({one.state})" for one in found if not one.is_usable)
    return want.judge(sum(one.is_usable for one in found), reason=f"not usable: {bad or 'none is set'}")


def _timedatectl(host: Any) -> dict[str, bool | str]:
    return read_timedatectl(output(host, "env LC_ALL=C timedatectl show"))


def _said(host: Any, key: str) -> str:
    value = _timedatectl(host).get(key)
    if not isinstance(value, str) or not value:
        raise CannotTell(f"timedatectl says nothing of {key}")
    return value


_MOMENT = "how the clock is at this moment"

CHECKS = (
    Check(
        "time.synchronised",
        "clock kept by a time server",
        Kind.TEXT,
        synchronised,
        "on {host}: systemctl status chrony chronyd systemd-timesyncd; chronyc activity",
    ),
    Check(
        "time.offset",
        "how far the clock is off",
        Kind.NUMBER,
        offset,
        "on {host}: chronyc tracking; set it at once, with the services drained: chronyc makestep",
        unit="ms",
        varies=_MOMENT,
        unproven=UNPROVEN,
    ),
    Check(
        "time.sources",
        "time servers that are usable",
        Kind.NUMBER,
        sources,
        "see which do not answer: chronyc -n sources -v; name others in host_base_time_servers",
        unit="servers",
        varies=_MOMENT,
        unproven="chronyc -c sources",
    ),
    Check("time.zone", "time zone", Kind.TEXT, zone, "timedatectl set-timezone UTC; then restart what writes logs"),
    Check(
        "time.rtc",
        "what the battery clock counts",
        Kind.TEXT,
        rtc,
        "timedatectl set-local-rtc 0; then write the clock into it: hwclock --systohc",
    ),
)
