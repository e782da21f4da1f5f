"""Linux software RAID: /proc/mdstat, `mdadm --detail` and `mdadm --examine`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hybridctl.parsers._text import blocks_of, key_values, number, whole_lines
from hybridctl.refusals import Unreadable

__all__ = ["Array", "Detail", "Examined", "Slot", "read_detail", "read_examine", "read_mdstat"]

_MEMBER = re.compile(r"([\w/!-]+)\[(\d+)\]((?:\([A-Z]\))*)", re.ASCII)


@dataclass(frozen=True)
class Array:
    """An array of /proc/mdstat.

    Attributes:
        level: `raid0`, `raid1` ...; empty for an inactive one that does not say it.
        members: devices that work; `spares` stand by, `failed` are out.
        wanted: devices it should have, and `working`; None for levels without redundancy, which say nothing.
        blocks: of 1 KiB.
        action: `recovery`, `resync`, `check`, `reshape`; empty when idle. `progress` in percent, None while it waits.
    """

    name: str
    is_active: bool
    is_read_only: bool
    level: str
    members: tuple[str, ...]
    spares: tuple[str, ...]
    failed: tuple[str, ...]
    blocks: int
    wanted: int | None
    working: int | None
    action: str
    progress: float | None

    @property
    def is_degraded(self) -> bool:
        """A device is missing or has failed."""
        return bool(self.failed) or (self.wanted is not None and self.working != self.wanted)


@dataclass(frozen=True)
class Slot:
    """A device of `mdadm --detail`: its place (None without one), its state in words, and path ('' when removed)."""

    place: int | None
    state: tuple[str, ...]
    device: str


@dataclass(frozen=True)
class Detail:
    """One array.

    Attributes:
        state: words such as `clean`, `degraded`, `recovering`. They may leave out a faulty device: see `slots`.
        chunk: KiB; None without one.
        size: KiB.
    """

    device: str
    level: str
    state: frozenset[str]
    size: int
    raid_devices: int
    counts: Mapping[str, int]
    chunk: int | None
    uuid: str
    slots: tuple[Slot, ...]

    @property
    def is_sound(self) -> bool:
        """Nothing is degraded, failed, faulty, removed or rebuilding."""
        working = sum("active" in slot.state and "faulty" not in slot.state for slot in self.slots)
        odd = {"faulty", "removed", "rebuilding"} & {word for slot in self.slots for word in slot.state}
        bad = {"degraded", "FAILED", "inactive", "broken", "recovering"} & self.state
        return not odd and not bad and not self.counts["Failed Devices"] and working == self.raid_devices


@dataclass(frozen=True)
class Examined:
    """What a member says of its array; `array_state` has a letter for each device: A active, `.` missing."""

    device: str
    level: str
    raid_devices: int
    role: str
    array_state: str
    array_uuid: str
    is_checksum_correct: bool


def read_mdstat(text: str) -> tuple[Array, ...]:
    """Read /proc/mdstat; no array is an answer too.

    Raises:
        Unreadable: it does not end with `unused devices:`, or an array has another form.
    """
    tool = "/proc/mdstat"
    lines = whole_lines(tool, text)
    if not any(line.startswith("Personalities") for line in lines):
        raise Unreadable(tool, lines[0], "it does not begin with 'Personalities'")
    if not any(line.startswith("unused devices:") for line in lines):
        raise Unreadable(tool, lines[-1], "it is cut: there is no 'unused devices:'")
    found = [_array(tool, head, below) for head, *below in blocks_of(lines, r"md\S* : ")]
    if len({array.name for array in found}) != len(found):
        raise Unreadable(tool, "", "an array is listed twice")
    return tuple(found)


def _array(tool: str, head: str, below: list[str]) -> Array:
    said = re.fullmatch(
        r"(md\S*) : (active|inactive)( \((?:auto-)?read-only\))?(?: ((?:raid|linear|multi)\w*))?(.*)", head
    )
    members = [_MEMBER.fullmatch(word) for word in said[5].split()] if said else []
    size = next((found for line in below if (found := re.match(r" +(\d+) blocks\b(.*)", line, re.ASCII))), None)
    if said is None or size is None or not all(members):
        raise Unreadable(tool, head, "it is no array")
    devices = [(member[1], member[3]) for member in members if member]
    health = re.search(r"\[(\d+)/(\d+)\] \[[U_]+\]", size[2], re.ASCII)
    step = next(
        (
            found
            for line in below
            if (found := re.search(r"(recovery|resync|check|reshape) *=(?: +([\d.]+)%|\w+)", line))
        ),
        None,
    )
    return Array(
        name=said[1],
        is_active=said[2] == "active",
        is_read_only=said[3] is not None,
        level=said[4] or "",
        members=tuple(device for device, marks in devices if not {"(S)", "(F)"} & set(re.findall(r"\(.\)", marks))),
        spares=tuple(device for device, marks in devices if "(S)" in marks),
        failed=tuple(device for device, marks in devices if "(F)" in marks),
        blocks=int(size[1]),
        wanted=int(health[1]) if health else None,
        working=int(health[2]) if health else None,
        action=step[1] if step else "",
        progress=float(step[2]) if step and step[2] else None,
    )


def read_detail(text: str) -> Detail:
    """Read `mdadm --detail`.

    Raises:
        Unreadable: it is no array, a line that every array has is missing, or a device of the array is.
    """
    tool = "mdadm --detail"
    lines = whole_lines(tool, text)
    device = _device(tool, lines)
    said = key_values(tool, (line for line in lines if re.match(r" +[A-Z][\w ]+ : ", line)), " : ")
    table = next((i for i, line in enumerate(lines) if line.split()[:2] == ["Number", "Major"]), None)
    if table is None:
        raise Unreadable(tool, lines[-1], "it is cut: there is no list of devices")
    slots = []
    for line in lines[table + 1 :]:
        row = re.fullmatch(r" +(?:\d+|-) +\d+ +\d+ +(\d+|-) +([a-z][a-z ,-]*?)(?: +(/dev/\S+))? *", line, re.ASCII)
        if row:
            words = tuple(row[2].replace(",", " ").split())
            slots.append(Slot(int(row[1]) if row[1] != "-" else None, words, row[3] or ""))
        elif re.match(r" +(?:\d|-) ", line):
            raise Unreadable(tool, line, "it is no line of a device")
    counts = {
        f"{kind} Devices": number(tool, f"{kind} Devices : {value}", value)
        for kind in ("Active", "Working", "Failed", "Spare")
        for value in [_of(tool, said, f"{kind} Devices")]
    }
    places = {slot.place for slot in slots if slot.place is not None}
    raid_devices = number(tool, "Raid Devices", _of(tool, said, "Raid Devices"))
    if places != set(range(raid_devices)):
        raise Unreadable(tool, f"Raid Devices : {raid_devices}", f"places {sorted(places)} are listed")
    chunk = re.fullmatch(r"(\d+)K", said.get("Chunk Size", ""), re.ASCII)
    return Detail(
        device=device,
        level=_of(tool, said, "Raid Level"),
        state=frozenset(word.strip() for word in _of(tool, said, "State").split(",")),
        size=number(tool, "Array Size", _of(tool, said, "Array Size").split(" ")[0]),
        raid_devices=raid_devices,
        counts=counts,
        chunk=int(chunk[1]) if chunk else None,
        uuid=_of(tool, said, "UUID"),
        slots=tuple(slots),
    )


def read_examine(text: str) -> Examined:
    """Read `mdadm --examine` of one member.

    Raises:
        Unreadable: it is no member, or a line that every member has is missing.
    """
    tool = "mdadm --examine"
    lines = whole_lines(tool, text)
    device = _device(tool, lines)
    said = key_values(tool, (line for line in lines if re.match(r" +[A-Z][\w ]+ : ", line)), " : ")
    state = re.match(r"[A.R]+(?= \()", _of(tool, said, "Array State"))
    if state is None:
        raise Unreadable(tool, f"Array State : {said['Array State']}", "it is no state")
    return Examined(
        device=device,
        level=_of(tool, said, "Raid Level"),
        raid_devices=number(tool, "Raid Devices", _of(tool, said, "Raid Devices")),
        role=_of(tool, said, "Device Role"),
        array_state=state[0],
        array_uuid=_of(tool, said, "Array UUID"),
        is_checksum_correct=_of(tool, said, "Checksum").endswith(" - correct"),
    )


def _device(tool: str, lines: list[str]) -> str:
    named = [line.rstrip()[:-1] for line in lines if re.fullmatch(r"/dev/\S+:\s*", line)]
    if len(named) != 1:
        first = next(line for line in lines if line.strip())
        raise Unreadable(tool, first, "one device was expected")
    return named[0]


def _of(tool: str, said: Mapping[str, str], key: str) -> str:
    if not said.get(key):
        raise Unreadable(tool, "", f"there is no '{key} :'")
    return said[key]
