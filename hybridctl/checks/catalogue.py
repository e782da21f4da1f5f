"""All checks by id, in the order in which a report shows them."""

from hybridctl.checks import (
    accelerator,
    board,
    command_line,
    cpu,
    exporter,
    fabric,
    fabric_counters,
    memory,
    memory_health,
    memory_modules,
    packages,
    roce,
    service,
    system,
    units,
)
from hybridctl.checks.model import Check

__all__ = ["CATALOGUE", "TOPICS"]

CATALOGUE: dict[str, Check] = {
    check.id: check
    for topic in (
        system,
        cpu,
        memory,
        packages,
        units,
        service,
        exporter,
        fabric,
        fabric_counters,
        roce,
        accelerator,
        board,
        memory_modules,
        memory_health,
        command_line,
    )
    for check in topic.CHECKS
}
TOPICS: tuple[str, ...] = tuple(dict.fromkeys(check.topic for check in CATALOGUE.values()))
