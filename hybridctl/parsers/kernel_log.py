"""The kernel's log, however it was fetched: dmesg with any option, /dev/kmsg, the journal, syslog, pstore."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hybridctl.parsers._text import lines_of
from hybridctl.refusals import Unreadable

__all__ = ["KINDS", "UNPROVEN", "Record", "Xid", "of_kind", "read_kernel_log", "xids"]

UNPROVEN = "messages of uacce, hisi_* and of Kunpeng's RAS"

_TOOL = "kernel log"
_ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)"
# Decimal commas are a matter of locale, even in brackets.
_STAMP = rf"(?:\[ *(?P<seconds>\d+[.,]\d+)\]|\[(?P<date>\w{{3}} \w{{3}} [ \d]\d [\d:]+ \d{{4}})\]|(?P<iso>{_ISO}))"
_FORMS = tuple(
    re.compile(form)
    for form in (
        r"(?P<priority>\d+),(?P<sequence>\d+),(?P<micros>\d+),[-c+][^;]*;(?P<message>.*)",
        rf"(?P<host>{_ISO}) \S+ kernel: (?:\[ *[\d.,]+\] )?(?P<message>.*)",
        r"(?P<syslog>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) \S+ kernel: (?:\[ *[\d.,]+\] )?(?P<message>.*)",
        rf"(?:\w+ *:(?P<word>\w+) *: *)?{_STAMP} (?P<message>.*)",
        rf"<(?P<level>\d+)>(?:{_STAMP} )?(?P<message>.*)",
        r"\S+ kernel: (?P<message>.*)",
        r"(?P<message>.*)",
    )
)
_REFUSED = re.compile(
    r"(?i)(?:dmesg|journalctl|cat|sudo): .*(?:not permitted|denied|no such|invalid|failed|unrecognized)"
)
_XID = re.compile(r"NVRM: Xid \((?:PCI:)?([0-9a-fA-F:.]+)\): (\d+), (.*)", re.ASCII)
_PID = re.compile(r"pid='?(\d+|<unknown>)'?", re.ASCII)
_NAME = re.compile(r"name=([^,]+),")

# What a message is about, by the words of its driver. The first that fits counts.
KINDS: dict[str, re.Pattern[str]] = {
    "xid": re.compile(r"NVRM: Xid \("),
    "sxid": re.compile(r"nvidia-nvswitch\d*: SXid \("),
    "nvidia": re.compile(r"NVRM: .*(?:fallen off the bus|RmInitAdapter failed|GPU .* lost)|nvidia-peermem .* ERROR"),
    "ras": re.compile(r"\{\d+\}\[Hardware Error\]|GHES: .*error|Memory failure: 0x"),
    "mce": re.compile(r"(?i)\bmce: .*(?:hardware error|machine check)|\[Hardware Error\]|Machine check events logged"),
    "edac": re.compile(r"EDAC .*\b\d+ [CU]E\b|EDAC .*(?:error|UE|CE) (?:on|overflow)"),
    "mlx5": re.compile(r"mlx5_\w+.*(?:error|failed|insufficient power|High Temperature|timeout|Link down)"),
    "nvme": re.compile(r"\bnvme\d*(?:n\d+)?: .*(?:timeout|I/O error|controller is down|resetting|Abort status|failed)"),
    "aer": re.compile(r"AER: (?!enabled with IRQ)|PCIe Bus Error: "),
    "bandwidth": re.compile(r"available PCIe bandwidth, limited by"),
    "uacce": re.compile(
        r"(?:uacce|hisi_(?:sec2|hpre|zip|qm|rde)).*(?:fail|error|reset|abnormal|timeout)", re.IGNORECASE
    ),
    "memory": re.compile(r"Out of memory: Kill|oom-kill:|oom_reaper: reaped"),
    "crash": re.compile(r"^BUG: |^Oops: |Kernel panic - not syncing|segfault at |: general protection fault"),
}


@dataclass(frozen=True)
class Record:
    """One message.

    Attributes:
        stamp: as printed, with whatever clock it was; empty without one.
        level: 0 (emergency) to 7 (debug); None where it was not printed.
        message: the kernel's words. Of a text that ends without a line break the last one may be cut.
    """

    stamp: str
    level: int | None
    message: str

    @property
    def kind(self) -> str:
        """A key of `KINDS`, empty when it is none of these."""
        return next((kind for kind, words in KINDS.items() if words.search(self.message)), "")


@dataclass(frozen=True)
class Xid:
    """An error the NVIDIA driver numbered.

    Attributes:
        address: of the GPU on the PCI bus as printed, without function.
        pid: None where the driver does not know it.
    """

    address: str
    code: int
    pid: int | None
    process: str
    message: str


_WORDS = {"emerg": 0, "alert": 1, "crit": 2, "err": 3, "warn": 4, "notice": 5, "info": 6, "debug": 7}


def read_kernel_log(text: str) -> tuple[Record, ...]:
    """Read it; a line of any form is a message.

    Raises:
        Unreadable: nothing was printed (a kernel has always said something), or the tool says why not.
    """
    lines, last = lines_of(_TOOL, text)
    for line in [*lines, last]:
        if _REFUSED.match(line):
            raise Unreadable(_TOOL, line, "it was not printed")
    return tuple(_record(line) for line in [*lines, last] if line.strip() and not _is_aside(line))


def _is_aside(line: str) -> bool:
    # The journal's own lines, and the keys of /dev/kmsg (" SUBSYSTEM=pci") that belong to the record above.
    return line.startswith("-- ") or re.fullmatch(r" [A-Z]+=\S+", line) is not None


def _record(line: str) -> Record:
    for form in _FORMS:
        found = form.fullmatch(line)
        if found:
            said = found.groupdict()
            level = int(said.get("level") or said.get("priority") or -1)
            if said.get("word"):
                level = _WORDS.get(said["word"] or "", -1)
            stamps = (said.get(key) for key in ("seconds", "date", "iso", "host", "syslog", "micros"))
            # Above the lowest three bits stands the facility.
            return Record(next(filter(None, stamps), ""), level & 7 if level >= 0 else None, said["message"] or "")
    raise Unreadable(_TOOL, line, "it is no message")


def of_kind(records: Iterable[Record], kind: str) -> tuple[Record, ...]:
    """Return the messages about something.

    Raises:
        ValueError: `kind` is no key of `KINDS`.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind} is none of {', '.join(KINDS)}")
    # Its own words first: to ask each of a hundred thousand messages for its kind takes ten times as long.
    return tuple(record for record in records if KINDS[kind].search(record.message) and record.kind == kind)


def xids(records: Iterable[Record]) -> tuple[Xid, ...]:
    """Return the numbered errors of the NVIDIA driver.

    Raises:
        Unreadable: a message is one, but has another form, or is cut before its number ends.
    """
    found = []
    for record in of_kind(records, "xid"):
        xid = _XID.search(record.message)
        if xid is None:
            raise Unreadable(_TOOL, record.message, "an Xid of another form")
        pid, name = _PID.search(xid[3]), _NAME.search(xid[3])
        process = name[1] if name and not name[1].startswith("<") else ""
        known = int(pid[1]) if pid and pid[1].isdecimal() and xid[3] != pid[0] else None
        found.append(Xid(xid[1], int(xid[2]), known, process, xid[3]))
    return tuple(found)
