"""`docker info --format TEMPLATE`, a JSON object of some of its fields."""

from collections.abc import Mapping
from dataclasses import dataclass

from hybridctl.parsers._text import document
from hybridctl.refusals import Unreadable

__all__ = ["UNPROVEN", "DockerInfo", "read_docker_info"]

UNPROVEN = "docker info"


@dataclass(frozen=True)
class DockerInfo:
    """What the daemon says of itself; `cgroup_version` is `1` or `2`."""

    version: str
    runtimes: tuple[str, ...]
    cgroup_driver: str
    cgroup_version: str
    storage_driver: str


def read_docker_info(text: str) -> DockerInfo:
    """Read it.

    Raises:
        Unreadable: the client has no daemon to ask, or it is another JSON.
    """
    tool = "docker info"
    said = document(tool, text)
    errors = said.get("ServerErrors")
    if errors:
        raise Unreadable(tool, str(errors), "the daemon does not answer")
    words = [said.get(key) for key in ("ServerVersion", "CgroupDriver", "CgroupVersion", "Driver")]
    runtimes = said.get("Runtimes")
    if not isinstance(runtimes, Mapping) or not all(isinstance(word, str) and word for word in words):
        raise Unreadable(tool, text.strip(), "it says nothing of the daemon")
    version, driver, cgroups, storage = map(str, words)
    return DockerInfo(version, tuple(sorted(map(str, runtimes))), driver, cgroups, storage)
