"""All checks by id, in the order in which a report shows them."""

from collections.abc import Iterable

from hybridctl.checks import (
    accelerator,
    board,
    clock,
    command_line,
    containers,
    cpu,
    drift,
    drive_health,
    engine,
    exporter,
    fabric,
    fabric_counters,
    fleet,
    gateway_state,
    gpu,
    gpu_health,
    gpu_links,
    growth,
    kernel_state,
    login,
    memory,
    memory_health,
    memory_modules,
    nccl,
    nvidia,
    packages,
    roce,
    service,
    storage,
    system,
    units,
    upkeep,
)
from hybridctl.checks.model import Check

__all__ = ["CATALOGUE", "TOPICS", "named_by"]

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
    # Fabric and board.
    fabric,
    fabric_counters,
    roce,
    accelerator,
    board,
    memory_modules,
    memory_health,
    command_line,
    # Against the roles, earlier times and other hosts.
    drift,
    growth,
    fleet,
)
CATALOGUE: dict[str, Check] = {check.id: check for module in _MODULES for check in module.CHECKS}
TOPICS: tuple[str, ...] = tuple(dict.fromkeys(check.topic for check in CATALOGUE.values()))


def named_by(words: Iterable[str]) -> frozenset[str]:
    """Return the ids of the checks that these words name, a topic naming all of its own; unknown words name none."""
    wanted = set(words)
    return frozenset(id_ for id_, check in CATALOGUE.items() if {id_, check.topic} & wanted)
