"""What the checks of GPUs share: one `nvidia-smi -q -x` for all of them, judged GPU by GPU."""

from collections.abc import Callable, Iterable
from typing import Any

from hybridctl.checks.model import CannotTell, Result, Verdict, Want
from hybridctl.checks.reading import output
from hybridctl.parsers.gpu import Gpu, GpuReport
from hybridctl.parsers.nvidia_smi_xml import read_q_xml

__all__ = ["gpus_of", "how_many", "judge_each", "report_of"]


def report_of(host: Any) -> GpuReport:
    """Return what `nvidia-smi -q -x` says.

    Raises:
        CannotTell: the driver does not answer.
    """
    return read_q_xml(output(host, "nvidia-smi -q -x"))


def gpus_of(host: Any) -> tuple[Gpu, ...]:
    """Return all GPUs.

    Raises:
        CannotTell: there is none, or one of them does not answer.
    """
    found = report_of(host).all_gpus()
    if not found:
        raise CannotTell("the driver knows no GPU")
    return found


def judge_each(want: Want, gpus: Iterable[Gpu], read: Callable[[Gpu], str | float]) -> Result:
    """Hold a value of each GPU against the expectation; the result is that of the worst one.

    A GPU that misses the expectation counts for more than one that does not say the value; `{subject}` in the remedy
    becomes the address of the first that missed it.
    """
    values: dict[str, str | float] = {}
    silent: list[CannotTell] = []
    for gpu in gpus:
        try:
            values[gpu.address] = read(gpu)
        except CannotTell as error:
            silent.append(error)
    verdicts = {address: want.expectation.verdict_of(value) for address, value in values.items()}
    for verdict in (Verdict.FAIL, Verdict.WARN):
        if verdict is Verdict.WARN and silent:
            break
        missed = [address for address in values if verdicts[address] is verdict]
        if missed:
            said = ", ".join(f"GPU {address}: {values[address]}" for address in missed)
            remedy = want.remedy.replace("{subject}", missed[0])
            return want.judge(values[missed[0]], reason=said, remedy=remedy)
    if silent:
        raise silent[0]
    shown = list(dict.fromkeys(values.values()))
    numbers = [value for value in shown if not isinstance(value, str)]
    if numbers:
        nearest = max(numbers) if want.expectation.form == "at_most" else min(numbers)
        return want.result(Verdict.PASS, nearest)
    return want.result(Verdict.PASS, ", ".join(map(str, shown)))


def how_many(want: Want, gpus: Iterable[Gpu], is_so: Callable[[Gpu], bool]) -> Result:
    """Judge how many GPUs are so; one that does not say it makes the result UNKNOWN unless too many are."""
    found: list[str] = []
    silent: list[CannotTell] = []
    for gpu in gpus:
        try:
            if is_so(gpu):
                found.append(gpu.address)
        except CannotTell as error:
            silent.append(error)
    if silent and (not found or want.expectation.verdict_of(len(found)) is not Verdict.FAIL):
        raise silent[0]
    remedy = want.remedy.replace("{subject}", found[0] if found else "")
    return want.judge(len(found), reason=", ".join(f"GPU {address}" for address in found), remedy=remedy)
