"""Cases of the container engine."""

import json
from typing import Any

from check_cases import DENIED, NOT_THERE, Cases

from hybridctl.checks.fake import Answered

READS = ("docker info", "stat --file-system --format %T")


def info(**changed: Any) -> str:
    """What docker info prints."""
    said = {
        "ServerVersion": "24.0.7",
        "Runtimes": {"runc": {"path": "runc"}, "nvidia": {"path": "nvidia-container-runtime"}},
        "CgroupDriver": "systemd",
        "CgroupVersion": "2",
        "Driver": "overlay2",
    }
    return json.dumps({**said, **changed}) + "\n"


_NO_DAEMON = info(ServerVersion="", Runtimes=None, ServerErrors=["Cannot connect to the Docker daemon"])
_UNREAD = [{"docker info": _NO_DAEMON}, {"docker info": NOT_THERE}, {"docker info": Answered(1, _NO_DAEMON)}]

CASES: dict[str, Cases] = {
    "containers.runtimes": Cases(
        {"value": ["nvidia"]},
        [{"docker info": info()}],
        [{"docker info": info(Runtimes={"runc": {}})}],
        [*_UNREAD, {"docker info": info(Runtimes=["nvidia"])}],
    ),
    "containers.cgroup_driver": Cases(
        {"value": "systemd"},
        [{"docker info": info()}],
        [{"docker info": info(CgroupDriver="cgroupfs")}],
        [*_UNREAD, {"docker info": info(CgroupDriver=None)}],
    ),
    "containers.storage_driver": Cases(
        {"value": "overlay2"},
        [{"docker info": info()}],
        [{"docker info": info(Driver="vfs")}],
        [*_UNREAD, {"docker info": info(Driver="")}],
    ),
    "containers.cgroups": Cases(
        {"value": "v2"},
        [{"stat": "cgroup2fs\n"}],
        [{"stat": "tmpfs\n"}],
        [{"stat": "UNKNOWN (0x63677270)\n"}, {"stat": DENIED}],
    ),
}
