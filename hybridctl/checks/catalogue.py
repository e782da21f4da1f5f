"""All checks by id, in the order in which a report shows them."""

from hybridctl.checks import (
    clock,
    containers,
    cpu,
    drive_health,
    engine,
    exporter,
    gateway_state,
    gpu,
    gpu_health,
    gpu_links,
    kernel_state,
    login,
    memory,
    nccl,
    nvidia,
    packages,
    service,
    storage,
    system,
    units,
    upkeep,
)
from hybridctl.checks.model import Check

__all__ = ["CATALOGUE", "TOPICS"]

_MODULES = (
    system,
    cpu,
    memory,
    packages,
    units,
    service,
    exporter,
    # Operating system and software.
    kernel_state,
    clock,
    upkeep,
    login,
    storage,
    drive_health,
    nccl,
    containers,
    engine,
    gateway_state,
    # GPUs and their software.
    gpu,
    gpu_health,
    gpu_links,
    nvidia,
)
CATALOGUE: dict[str, Check] = {check.id: check for module in _MODULES for check in module.CHECKS}
TOPICS: tuple[str, ...] = tuple(dict.fromkeys(check.topic for check in CATALOGUE.values()))
