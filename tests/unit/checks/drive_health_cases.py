"""Cases of the drives' own word."""

import json
from typing import Any

from check_cases import DENIED, NOT_THERE, TOO_SLOW, Answers, Cases
from storage_cases import disks

from hybridctl.checks.fake import Answered

READS = ()


def log(**changed: Any) -> str:
    """What nvme smart-log prints."""
    said = {
        "critical_warning": 0,
        "temperature": 311,
        "avail_spare": 100,
        "spare_thresh": 10,
        "percent_used": 3,
        "media_errors": 0,
        "num_err_log_entries": 12,
    }
    return json.dumps({**said, **changed})


def nvme(second: Any) -> Answers:
    """A host with two NVMe drives: the first one is well."""
    return {"lsblk": disks("nvme0n1", "nvme1n1"), "/dev/nvme0n1": log(), "/dev/nvme1n1": second}


def smartctl(passed: Any = True, status: int = 0, firmware: str = "GDC5602Q") -> Answered:
    """What smartctl says of one drive; its exit status is in the document as well."""
    said = {
        "smartctl": {"exit_status": status},
        "device": {"name": "/dev/nvme1"},
        "model_name": "SAMPLE PM1",
        "serial_number": "S1",
        "firmware_version": firmware,
        "smart_status": {"passed": passed},
    }
    return Answered(status, json.dumps(said))


_SCAN = json.dumps(
    {
        "smartctl": {"exit_status": 0},
        "devices": [{"name": f"/dev/nvme{n}", "type": "nvme", "protocol": "NVMe"} for n in (0, 1)],
    }
)


def scanned(second: Any) -> Answers:
    """A host with two drives for smartctl: the first one is well."""
    return {"--scan": _SCAN, "/dev/nvme0": smartctl().stdout, "/dev/nvme1": second}


_UNREAD = [nvme("NVMe status: 7\n"), nvme(DENIED), {"lsblk": disks()}, {"lsblk": NOT_THERE}]
_NONE = {"--scan": json.dumps({"smartctl": {"exit_status": 0}})}

CASES: dict[str, Cases] = {
    "storage.nvme_used": Cases(
        {"at_most": 80},
        [nvme(log()), nvme(log(percent_used=80))],
        [nvme(log(percent_used=81)), nvme(log(percent_used=140))],
        [*_UNREAD, nvme(log(percent_used=None))],
    ),
    "storage.nvme_spare": Cases(
        {"at_least": 20},
        [nvme(log())],
        [nvme(log(avail_spare=19))],
        [*_UNREAD, nvme(log(avail_spare="much"))],
    ),
    "storage.nvme_media_errors": Cases(
        {"value": 0},
        [nvme(log())],
        [nvme(log(media_errors=1)), nvme(log(media_errors="18446744073709551615"))],
        [*_UNREAD, nvme(log(media_errors=None))],
    ),
    "storage.nvme_critical_warning": Cases(
        {"value": 0},
        [nvme(log()), nvme(log(critical_warning={"value": 0, "available_spare": 0}))],
        [nvme(log(critical_warning=4)), nvme(log(critical_warning={"value": 1, "available_spare": 1}))],
        [*_UNREAD, nvme(log(critical_warning={}))],
    ),
    "storage.nvme_temperature": Cases(
        {"at_most": 70},
        [nvme(log()), nvme(log(temperature=343))],
        [nvme(log(temperature=344))],
        [*_UNREAD, nvme(log(temperature=38))],
    ),
    "storage.smart": Cases(
        {"value": "passed"},
        [scanned(smartctl().stdout), scanned(smartctl(status=64))],
        [scanned(smartctl(False, 8))],
        [scanned(smartctl(None)), scanned(smartctl(status=2)), scanned(TOO_SLOW), _NONE, {"--scan": NOT_THERE}],
    ),
    "storage.firmware": Cases(
        {"value": 1},
        [scanned(smartctl().stdout)],
        [scanned(smartctl(firmware="GDC5502Q"))],
        [scanned(smartctl(firmware="")), scanned(DENIED), _NONE],
    ),
}
