"""All checks by id, in the order in which a report shows them."""

from hybridctl.checks import cpu, exporter, gpu, gpu_health, gpu_links, memory, nvidia, packages, service, system, units
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
        gpu,
        gpu_health,
        gpu_links,
        nvidia,
    )
    for check in topic.CHECKS
}
TOPICS: tuple[str, ...] = tuple(dict.fromkeys(check.topic for check in CATALOGUE.values()))
