"""`nvidia-smi` (the table), `--version` and `dmon`: for people, but often all that was recorded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hybridctl.parsers._text import number, whole_lines
from hybridctl.parsers.gpu import COMPLAINT, bdf
from hybridctl.refusals import Unreadable

__all__ = ["Table", "TableGpu", "Versions", "read_dmon", "read_table", "read_version"]

_TOOL = "nvidia-smi"
_HEAD = re.compile(
    r"\| NVIDIA-SMI (\S+) +(?:Driver|KMD) Version: (\S+) +CUDA (?:UMD )?Version: (\S+) +\|",
    re.ASCII,
)
_FIRST = re.compile(
    r"\| +(\d+) +(.+?) +(On|Off|N/A) +\| +([0-9A-Fa-f]{8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-7]) +(?:On|Off|N/A) +"
    r"\| +(\d+|N/A|Off) +\|",
    re.ASCII,
)
_SECOND = re.compile(
    r"\| *(?:\d+%|N/A) +(\d+)C +(P\d+) +(?:(\d+)W|N/A) */ +(?:(\d+)W|N/A) *\| +(\d+)MiB / +(\d+)MiB +"
    r"\| +(?:(\d+)%|N/A) +\S.*? +\|",
    re.ASCII,
)


@dataclass(frozen=True)
class TableGpu:
    """One GPU of the table.

    Attributes:
        name: as printed; a long one ends with `...`.
        ecc_errors: uncorrected since the last boot of the driver; None without ECC.
        power: and `power_limit` in watts; utilisation in percent; None where not measured. Memory in MiB.
    """

    index: int
    name: str
    address: str
    is_persistent: bool
    ecc_errors: int | None
    temperature: int
    state: str
    power: int | None
    power_limit: int | None
    memory_used: int
    memory: int
    utilisation: int | None


@dataclass(frozen=True)
class Table:
    """The table. Use `all_gpus`.

    Attributes:
        complaints: lines before the table about a GPU that does not answer: it is missing from the table.
    """

    driver: str
    cuda: str
    gpus: tuple[TableGpu, ...]
    complaints: tuple[str, ...]
    is_closed: bool

    def all_gpus(self) -> tuple[TableGpu, ...]:
        """Return the GPUs.

        Raises:
            Unreadable: one did not answer, or the table is not closed.
        """
        if self.complaints:
            raise Unreadable(_TOOL, self.complaints[0], "it complains")
        if not self.is_closed:
            raise Unreadable(_TOOL, "", "the table is cut")
        return self.gpus


@dataclass(frozen=True)
class Versions:
    """What `nvidia-smi --version` says."""

    smi: str
    nvml: str
    driver: str
    cuda: str


def read_table(text: str) -> Table:
    """Read the table.

    Raises:
        Unreadable: the driver did not answer, or the second line of a GPU has another form (ERR!, N/A for its memory).
    """
    lines = whole_lines(_TOOL, text, r"\+-+\+|\|.*\|")
    complaints = tuple(line.strip() for line in lines if not line.startswith(("|", "+")) and COMPLAINT.search(line))
    heads = [head for head in map(_HEAD.fullmatch, lines) if head]
    if not heads:
        raise Unreadable(_TOOL, (*complaints, text.strip().split("\n")[0])[0], "there is no table")
    gpus: list[TableGpu] = []
    first: re.Match[str] | None = None
    for line in lines:
        if line.lstrip("|").strip().startswith("Processes:"):
            break
        if first is None:
            first = _FIRST.fullmatch(line)
            if first and int(first[1]) in {gpu.index for gpu in gpus}:
                raise Unreadable(_TOOL, line, f"GPU {first[1]} is listed twice")
        elif line.startswith("|"):
            second = _SECOND.fullmatch(line)
            if second is None:
                raise Unreadable(_TOOL, line, f"GPU {first[1]} has no such line")
            gpus.append(_gpu(first, second))
            first = None
    # Any row that begins like a GPU's but is not one would be a GPU left out.
    odd = [line for line in lines if re.match(r"\| +\d+ .*[0-9A-Fa-f]:[0-9A-Fa-f]{2}\.[0-7] ", line)]
    if first is not None or len(odd) != len(gpus):
        raise Unreadable(_TOOL, odd[-1] if odd else "", "a GPU cannot be read")
    closed = any("Processes:" in line for line in lines) and lines[-1].startswith("+")
    return Table(heads[0][2], heads[0][3], tuple(gpus), complaints, closed)


def _gpu(first: re.Match[str], second: re.Match[str]) -> TableGpu:
    temperature, state, power, limit, used, memory, utilisation = second.groups()
    return TableGpu(
        index=int(first[1]),
        name=first[2],
        address=bdf(first[4]),
        is_persistent=first[3] == "On",
        ecc_errors=int(first[5]) if first[5].isdecimal() else None,
        temperature=int(temperature),
        state=state,
        power=_whole(power),
        power_limit=_whole(limit),
        memory_used=int(used),
        memory=int(memory),
        utilisation=_whole(utilisation),
    )


def _whole(said: str | None) -> int | None:
    return int(said) if said else None


def read_version(text: str) -> Versions:
    """Read `nvidia-smi --version`.

    Raises:
        Unreadable: one of the four is missing, or is no version.
    """
    tool = "nvidia-smi --version"
    said: dict[str, str] = {}
    for line in whole_lines(tool, text):
        found = re.fullmatch(r"(NVIDIA-SMI|NVML|DRIVER|KMD|CUDA|CUDA UMD) [Vv]ersion *: (\S+) *", line)
        if found:
            if not re.fullmatch(r"\d+(?:\.\d+)+", found[2], re.ASCII):
                raise Unreadable(tool, line, "it is no version")
            said.setdefault(found[1].removesuffix(" UMD").replace("KMD", "DRIVER"), found[2])
    missing = [name for name in ("NVIDIA-SMI", "NVML", "DRIVER", "CUDA") if name not in said]
    if missing:
        raise Unreadable(tool, text.strip().split("\n")[0], f"there is no {missing[0]} version")
    return Versions(said["NVIDIA-SMI"], said["NVML"], said["DRIVER"], said["CUDA"])


def read_dmon(text: str) -> tuple[Mapping[str, int | None], ...]:
    """Read `nvidia-smi dmon`: one mapping of column to value a line; None where the GPU does not measure it (`-`).

    Raises:
        Unreadable: no header, or a row of another form.
    """
    tool = "nvidia-smi dmon"
    names: list[str] = []
    rows = []
    for line in whole_lines(tool, text):
        cells = line.split()
        if cells[:2] == ["#", "gpu"]:
            names = cells[1:]
        elif cells and not line.startswith("#"):
            if len(cells) != len(names):
                raise Unreadable(tool, line, f"{len(cells)} cells under {len(names)} columns")
            rows.append({n: None if c == "-" else number(tool, line, c) for n, c in zip(names, cells, strict=True)})
    if not rows:
        raise Unreadable(tool, text.strip().split("\n")[0], "there is no row")
    return tuple(rows)
