"""What is remembered of hosts between runs and kept of this one: the commands to ask first, counters, evidence."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from hybridctl.checks.counts import Count
from hybridctl.checks.drifted import CHECK, Drift
from hybridctl.evidence.backend import EvidenceBackend
from hybridctl.evidence.counters import Counters
from hybridctl.evidence.files import HostEvidence
from hybridctl.evidence.record import Recorder
from hybridctl.evidence.seeds import Seeds

__all__ = ["Keeping"]


@dataclass(frozen=True)
class Keeping:
    """All for one run over a site; its methods are called by many threads, each for its own host.

    Attributes:
        drift: returns what is known of a host's; asked only where a check wants it.
    """

    seeds: Seeds
    recorder: Recorder
    counters: Counters
    drift: Callable[[str], Drift | None] = lambda _host: None

    def tell(self, host: str, backend: EvidenceBackend, checks: Collection[str]) -> None:
        """Let the checks of a host have what is known of it."""
        backend.earlier = self.counters.of(host)
        backend.drift = self.drift(host) if CHECK in checks else None

    def ask_first(self, host: str, checks: str, misses: Sequence[str]) -> list[str]:
        """Return what to ask in the first trip: what the checks miss first, and what they asked last time.

        Args:
            checks: fingerprint of the set of checks.
        """
        return list(dict.fromkeys([*misses, *self.seeds.of(host, checks)]))

    def keep(
        self,
        host: str,
        checks: str,
        backend: EvidenceBackend,
        counts: Mapping[str, Count],
        *,
        reached: bool,
        lost: str,
    ) -> None:
        """Write the evidence; note what was counted; remember the commands of a host that answered all."""
        taken = datetime.now(UTC).isoformat(timespec="seconds")
        known = backend.earlier, backend.drift
        self.recorder.write(HostEvidence(host, taken, reached, backend.answers, lost, *known))
        self.counters.keep(host, backend.earlier, counts)
        if reached and not lost:
            self.seeds.keep(host, checks, backend.asked)
        backend.answers.clear()
