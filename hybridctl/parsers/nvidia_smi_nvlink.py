"""`nvidia-smi nvlink -s` (speed of each link), `nvlink -e` (their errors) and `nvidia-smi -L` (the GPUs)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from hybridctl.parsers._text import number, whole_lines
from hybridctl.parsers.gpu import COMPLAINT
from hybridctl.refusals import Unreadable

__all__ = ["UNPROVEN", "LinkErrors", "LinkedGpu", "read_list", "read_nvlink", "read_nvlink_errors"]

UNPROVEN = "nvidia-smi nvlink -e"

_GPU = re.compile(r"GPU (\d+): (.+) \(UUID: (GPU-[0-9a-fA-F-]+)\)\s*", re.ASCII)
_MIG = re.compile(r"\s+MIG (\S+)\s+Device\s+(\d+): \(UUID: (MIG-[^)]+)\)\s*", re.ASCII)
_LINK = re.compile(r"\s+Link (\d+): (?:(\d+(?:\.\d+)?) GB/s|<inactive>)\s*", re.ASCII)
_REFUSAL = re.compile(r"(?i)nvlink|all links are inactive")


@dataclass(frozen=True)
class LinkedGpu:
    """One GPU.

    Attributes:
        links: GB/s of each link; None for one that is not active.
        refusal: nvidia-smi's sentence in the place of links, such as `Device does not have or support Nvlink`.
        instances: profile of each MIG device, such as `1g.10gb`.
    """

    index: int
    name: str
    uuid: str
    links: Mapping[int, float | None] = field(default_factory=dict)
    refusal: str = ""
    instances: tuple[str, ...] = ()


@dataclass(frozen=True)
class LinkErrors:
    """Errors of the links of one GPU, by link and kind: `Replay`, `Recovery`, `CRC`."""

    index: int
    counted: Mapping[int, Mapping[str, int]]


def read_list(text: str) -> tuple[LinkedGpu, ...]:
    """Read `nvidia-smi -L`.

    Raises:
        Unreadable: a GPU did not answer, a number is left out, or there is none.
    """
    tool = "nvidia-smi -L"
    found: list[LinkedGpu] = []
    for line in whole_lines(tool, text, r"(?:GPU| +MIG).*\)"):
        if COMPLAINT.search(line):
            raise Unreadable(tool, line, "it complains")
        gpu, instance = _GPU.fullmatch(line), _MIG.fullmatch(line)
        if gpu:
            _append(tool, line, found, LinkedGpu(int(gpu[1]), gpu[2], gpu[3]))
        elif instance and found:
            last = found.pop()
            found.append(LinkedGpu(last.index, last.name, last.uuid, instances=(*last.instances, instance[1])))
        elif line.startswith("GPU "):
            raise Unreadable(tool, line, "it is no line of a GPU")
    if not found:
        raise Unreadable(tool, text.strip().split("\n")[0], "it names no GPU")
    return tuple(found)


def read_nvlink(text: str) -> tuple[LinkedGpu, ...]:
    """Read `nvidia-smi nvlink -s`.

    Raises:
        Unreadable: a GPU did not answer or has neither links nor a sentence about them, or a number is left out.
    """
    tool = "nvidia-smi nvlink -s"
    found: list[LinkedGpu] = []
    links: dict[int, float | None] = {}
    for line in whole_lines(tool, text, r"\s*Link \d+: .*(?:GB/s|>)|GPU.*\)"):
        gpu, link = _GPU.fullmatch(line), _LINK.fullmatch(line)
        if gpu:
            links = {}
            _append(tool, line, found, LinkedGpu(int(gpu[1]), gpu[2], gpu[3], links))
        elif link and found:
            if int(link[1]) != len(links):
                raise Unreadable(tool, line, f"link {len(links)} is left out")
            links[int(link[1])] = float(link[2]) if link[2] else None
        elif re.match(r"\s*(?:Link|GPU) \d", line) or COMPLAINT.search(line):
            raise Unreadable(tool, line, "it is no line of a link")
        elif _REFUSAL.search(line) and found and not links:
            last = found.pop()
            found.append(LinkedGpu(last.index, last.name, last.uuid, links, line.strip()))
    for one in found:
        if not one.links and not one.refusal:
            raise Unreadable(tool, f"GPU {one.index}: {one.name}", "neither links nor why there are none")
    if not found:
        raise Unreadable(tool, text.strip().split("\n")[0], "it names no GPU")
    return tuple(found)


def _append(tool: str, line: str, found: list[LinkedGpu], gpu: LinkedGpu) -> None:
    if gpu.index != len(found):
        raise Unreadable(tool, line, f"GPU {len(found)} is left out")
    found.append(gpu)


def read_nvlink_errors(text: str) -> tuple[LinkErrors, ...]:
    """Read `nvidia-smi nvlink -e`.

    Raises:
        Unreadable: a GPU has no counters or is left out, a link has others than the first, or a line has another form.
    """
    tool = "nvidia-smi nvlink -e"
    found: list[dict[int, dict[str, int]]] = []
    for line in whole_lines(tool, text):
        gpu = _GPU.fullmatch(line)
        counter = re.fullmatch(r"\s+Link (\d+): (\w+) Errors: (\d+)\s*", line, re.ASCII)
        if gpu:
            if int(gpu[1]) != len(found):
                raise Unreadable(tool, line, f"GPU {len(found)} is left out")
            found.append({})
        elif counter and found:
            kinds = found[-1].setdefault(int(counter[1]), {})
            if counter[2] in kinds:
                raise Unreadable(tool, line, "the counter is printed twice")
            kinds[counter[2]] = number(tool, line, counter[3])
        elif line.strip():
            raise Unreadable(tool, line, "it is no line of a counter")
    if not found:
        raise Unreadable(tool, text.strip().split("\n")[0], "it names no GPU")
    whole = next((set(kinds) for links in found for kinds in links.values()), set())
    for index, links in enumerate(found):
        if not links or any(set(kinds) != whole for kinds in links.values()):
            raise Unreadable(tool, f"GPU {index}", "a link lacks its counters")
    return tuple(LinkErrors(index, links) for index, links in enumerate(found))
