"""`smartctl --json` (`--scan`, `-a`) and `nvme list|smart-log -o json`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hybridctl.parsers._text import document
from hybridctl.refusals import Unreadable

__all__ = ["UNPROVEN", "Drive", "Health", "NvmeLog", "read_nvme_log", "read_scan", "read_smart"]

UNPROVEN = "smartctl --json -a, nvme smart-log -o json"


@dataclass(frozen=True)
class Drive:
    """A drive that smartctl found: path, type for `-d`, and protocol."""

    name: str
    type: str
    protocol: str


@dataclass(frozen=True)
class Health:
    """What `smartctl --json -a` says; None where the drive does not.

    Attributes:
        percentage_used: of the endurance of an NVMe drive; may pass 100.
    """

    device: str
    model: str
    serial: str
    firmware: str
    has_passed: bool
    temperature: int | None
    percentage_used: int | None
    media_errors: int | None
    critical_warning: int | None


@dataclass(frozen=True)
class NvmeLog:
    """`nvme smart-log`; `temperature` in degrees Celsius, `spare` and `percentage_used` in percent."""

    critical_warning: int
    temperature: int
    spare: int
    spare_threshold: int
    percentage_used: int
    media_errors: int


def read_scan(text: str) -> tuple[Drive, ...]:
    """Read `smartctl --json --scan`; no drive is an answer too.

    Raises:
        Unreadable: smartctl failed, or it is another JSON.
    """
    tool = "smartctl --scan"
    answer = _smartctl(tool, text)
    try:
        # Without any drive smartctl leaves the list out.
        return tuple(
            Drive(str(one["name"]), str(one["type"]), str(one["protocol"])) for one in answer.get("devices", [])
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise Unreadable(tool, text.strip(), f"it is another JSON ({error})") from None


def read_smart(text: str) -> Health:
    """Read `smartctl --json -a DEVICE`.

    Raises:
        Unreadable: smartctl could not open the drive, or the drive does not say whether it is well.
    """
    tool = "smartctl -a"
    answer = _smartctl(tool, text)
    passed = _part(answer, "smart_status").get("passed")
    if not isinstance(passed, bool):
        raise Unreadable(tool, _said(answer), "the drive does not say whether it is well")
    nvme = _part(answer, "nvme_smart_health_information_log")
    return Health(
        device=str(_part(answer, "device").get("name", "")),
        model=str(answer.get("model_name", "")),
        serial=str(answer.get("serial_number", "")),
        firmware=str(answer.get("firmware_version", "")),
        has_passed=passed,
        temperature=_whole(_part(answer, "temperature").get("current")),
        percentage_used=_whole(nvme.get("percentage_used")),
        media_errors=_whole(nvme.get("media_errors")),
        critical_warning=_whole(nvme.get("critical_warning")),
    )


def read_nvme_log(text: str) -> NvmeLog:
    """Read `nvme smart-log -o json`; older versions print temperatures in kelvin as numbers, newer ones as well.

    Raises:
        Unreadable: it is another JSON, or a value is missing.
    """
    tool = "nvme smart-log"
    answer = document(tool, text)
    values = []
    for names in (
        ("critical_warning",),
        ("temperature",),
        ("avail_spare",),
        ("spare_thresh",),
        ("percent_used", "percentage_used"),
        ("media_errors",),
    ):
        value = next((answer[name] for name in names if name in answer), None)
        # Newer versions split the warning into named bits, with the whole in `value`; big counts may be texts.
        value = value.get("value") if isinstance(value, dict) else value
        value = int(value) if isinstance(value, str) and re.fullmatch(r"\d+", value, re.ASCII) else value
        whole = _whole(value)
        if whole is None:
            raise Unreadable(tool, f"{names[0]}: {value}", "a whole number was expected")
        values.append(whole)
    if not 200 < values[1] < 400:
        raise Unreadable(tool, f"temperature: {values[1]}", "kelvins were expected")
    values[1] -= 273
    return NvmeLog(*values)


def _smartctl(tool: str, text: str) -> Mapping[str, Any]:
    answer = document(tool, text)
    status = _part(answer, "smartctl").get("exit_status")
    # Bits 0 to 2: the command line, the device or a command of it failed. The higher ones tell of the drive's health.
    if not isinstance(status, int) or isinstance(status, bool) or status & 0b111:
        raise Unreadable(tool, _said(answer), f"smartctl failed with status {status}")
    return answer


def _said(answer: Mapping[str, Any]) -> str:
    messages = _part(answer, "smartctl").get("messages")
    first = messages[0] if isinstance(messages, list) and messages else {}
    return str(first.get("string", "")) if isinstance(first, dict) else ""


def _part(answer: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = answer.get(key)
    return value if isinstance(value, dict) else {}


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
