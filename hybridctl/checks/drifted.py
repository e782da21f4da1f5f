"""What the control node knows of a host's drift by checks and provisions, and how long ago. Pure."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["CHECK", "Drift", "drift_document", "read_drift"]

CHECK = "drift.resources"  # who wants to know it


@dataclass(frozen=True)
class Drift:
    """What the last check of drift, or the provision after it, left of a host.

    Attributes:
        age: seconds from the start of that run to that of the verification.
        differing: resources that are not as the roles would make them.
        named: some of them, such as `file /etc/chrony/chrony.conf`.
        trouble: why nobody can tell; the others then mean nothing.
    """

    age: float = 0.0
    differing: int = 0
    named: tuple[str, ...] = ()
    trouble: str = ""


def drift_document(drift: Drift | None) -> dict[str, Any] | None:
    """Return it as JSON."""
    return asdict(drift) if drift is not None else None


def read_drift(document: Mapping[str, Any] | None) -> Drift | None:
    """Return the drift of a document.

    Raises:
        KeyError, TypeError, ValueError: it is no such document.
    """
    if document is None:
        return None
    age, differing, named = float(document["age"]), document["differing"], document["named"]
    if not math.isfinite(age) or type(differing) is not int or differing < 0 or not isinstance(named, list):
        raise ValueError("no drift of a host")
    return Drift(age, differing, tuple(map(str, named)), str(document["trouble"]))
