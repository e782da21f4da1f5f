"""`nvidia-smi -q`: every value of every GPU, as text that is indented by heading."""

import re

from hybridctl.parsers._text import lines_of, number
from hybridctl.parsers.gpu import COMPLAINT, Gpu, GpuReport, Path, bdf
from hybridctl.refusals import Unreadable

__all__ = ["read_q"]

_TOOL = "nvidia-smi -q"
_GPU = re.compile(r"GPU ([0-9a-fA-F]{4,8}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-7])")
_VALUE = re.compile(r"( *)(\S.*?) *: (.*)|( *)(\S.*?) *:")
_HEADING = re.compile(r"( +)([A-Z][A-Za-z0-9 .()/-]*)")


def read_q(text: str) -> GpuReport:
    """Read it; a last line without its line break is left out, and what it would have said with it.

    Raises:
        Unreadable: the driver did not answer, it is no `nvidia-smi -q`, or a value is said twice.
    """
    lines, _ = lines_of(_TOOL, text)
    top: dict[str, str] = {}
    gpus: dict[str, dict[Path, str]] = {}
    complaints = []
    said: dict[Path, str] | None = None
    headings: list[tuple[int, str]] = []
    for line in lines:
        gpu = _GPU.fullmatch(line.rstrip())
        if gpu:
            said = gpus.setdefault(bdf(gpu[1]), {})
            if said:
                raise Unreadable(_TOOL, line, "the GPU is described twice")
            headings = []
            continue
        found = _VALUE.fullmatch(line)
        if not line.startswith(" "):
            if COMPLAINT.search(line):
                complaints.append(line.strip())
            elif found and found[2] and said is None:
                top.setdefault(found[2], found[3].strip())
            continue  # anything else at the margin was printed by somebody else
        if said is None:
            continue
        heading = _HEADING.fullmatch(line.rstrip()) if found is None else None
        if found is None and heading is None:
            continue
        indent = len(line) - len(line.lstrip(" "))
        label = heading[2] if heading else (found[2] or found[5] if found else "")
        while headings and headings[-1][0] >= indent:
            headings.pop()
        path = (*(name for _, name in headings), label)
        # A process is described under a value; there may be many, and no check reads them.
        if path[0] != "Processes" and found is not None:
            value = (found[3] or "").strip()
            if said.setdefault(path, value) != value:
                raise Unreadable(_TOOL, line, "the value is said twice, differently")
        headings.append((indent, label))
    return _report(text, top, gpus, complaints)


def _report(text: str, top: dict[str, str], gpus: dict[str, dict[Path, str]], complaints: list[str]) -> GpuReport:
    # Driver 610 tells the kernel's part and the user's apart.
    top.setdefault("Driver Version", top.get("KMD Version", ""))
    missing = [key for key in ("Driver Version", "Attached GPUs") if not top.get(key)]
    if missing:
        first = complaints[0] if complaints else text.strip().split("\n")[0]
        raise Unreadable(_TOOL, first, f"no line '{missing[0]} :'")
    return GpuReport(
        driver=top["Driver Version"],
        cuda=top.get("CUDA Version", top.get("CUDA UMD Version", "")),
        attached=number(_TOOL, f"Attached GPUs : {top['Attached GPUs']}", top["Attached GPUs"]),
        gpus=tuple(Gpu(address, said) for address, said in gpus.items()),
        complaints=tuple(complaints),
    )
