"""The evidence file of a host: gzip'd JSON with all it said, without secrets; written whole, read with suspicion."""

import base64
import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from hybridctl import __version__
from hybridctl.checks.counts import Count, counts_document, read_counts
from hybridctl.checks.drifted import Drift, drift_document, read_drift
from hybridctl.checks.model import CannotTell
from hybridctl.evidence.answers import Answer, Told, Trouble
from hybridctl.redaction import Redactor

__all__ = ["SCHEMA", "HostEvidence", "evidence_name", "host_of", "read_evidence", "write_evidence"]

SCHEMA = 1
_SUFFIX = ".json.gz"
_MOST = 512 << 20  # bytes unpacked; a file that somebody made to fill the memory is refused


@dataclass(frozen=True)
class HostEvidence:
    """What was learnt from one host.

    Attributes:
        taken: when, as ISO 8601.
        reached: a shell has answered there.
        lost: why the host could not be reached, or not any more; empty when all that was asked was told.
        earlier: what had been counted when it was last verified before that, by check.
        drift: what the control node then knew of the host's.
    """

    host: str
    taken: str
    reached: bool
    answers: Mapping[str, Told] = field(repr=False)
    lost: str = ""
    earlier: Mapping[str, Count] = field(default_factory=dict)
    drift: Drift | None = None


def evidence_name(host: str) -> str:
    """Return the name of a host's file."""
    return quote(host, safe="") + _SUFFIX


def host_of(path: Path) -> str | None:
    """Return the host a file of this name is about, None when it is no evidence file."""
    return unquote(path.name.removesuffix(_SUFFIX)) if path.name.endswith(_SUFFIX) else None


def write_evidence(path: Path, evidence: HostEvidence, redactor: Redactor) -> None:
    """Write a host's file, for its owner only; a reader finds the whole of it or nothing.

    Raises:
        OSError: it could not be written; nothing is left behind.
    """
    document = {
        "schema": SCHEMA,
        "version": __version__,
        "host": evidence.host,
        "taken": evidence.taken,
        "reached": evidence.reached,
        "lost": redactor.text(evidence.lost),
        "earlier": counts_document(evidence.earlier),
        "drift": drift_document(_hidden(evidence.drift, redactor)),
        "commands": [_written(command, told, redactor) for command, told in evidence.answers.items()],
    }
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.touch(mode=0o600)
        partial.write_bytes(gzip.compress(json.dumps(document).encode(), compresslevel=6))
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def read_evidence(path: Path) -> HostEvidence:
    """Read a host's file.

    Raises:
        CannotTell: it is truncated, of another version, or no evidence at all.
    """
    try:
        with gzip.GzipFile(fileobj=BytesIO(path.read_bytes())) as file:
            text = file.read(_MOST + 1)
    except EOFError:
        raise CannotTell(f"{path.name} is truncated") from None
    except (OSError, zlib.error) as error:
        raise CannotTell(f"{path.name} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(text) > _MOST:
        raise CannotTell(f"{path.name} unpacks to more than {_MOST >> 20} MiB")
    try:
        document = json.loads(text)
        if document["schema"] != SCHEMA:
            made = document.get("version", "another hybridctl")
            raise CannotTell(f"{path.name} has schema {document['schema']!r} of {made}; this one reads {SCHEMA}")
        return HostEvidence(
            host=str(document["host"]),
            taken=str(document["taken"]),
            reached=document["reached"] is True,
            answers=dict(_read(entry) for entry in document["commands"]),
            lost=str(document["lost"]),
            earlier=read_counts(document.get("earlier", {})),  # of a version that counted nothing
            drift=read_drift(document.get("drift")),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CannotTell(f"{path.name} is no evidence: {type(error).__name__}: {str(error)[:100]}") from None


def _hidden(drift: Drift | None, redactor: Redactor) -> Drift | None:
    if drift is None:
        return None
    return replace(drift, named=tuple(map(redactor.text, drift.named)), trouble=redactor.text(drift.trouble))


def _written(command: str, told: Told, redactor: Redactor) -> dict[str, Any]:
    entry: dict[str, Any] = {"command": redactor.text(command)}
    if isinstance(told, Trouble):
        return {**entry, "trouble": redactor.text(told.reason)}
    return {**entry, "status": told.status, **_output("stdout", told, redactor), **_output("stderr", told, redactor)}


def _output(name: str, answer: Answer, redactor: Redactor) -> dict[str, str]:
    """Return output as text, and as base64 under another name where it is none."""
    text = redactor.text(getattr(answer, name).decode("utf-8", "surrogateescape"))
    raw = text.encode("utf-8", "surrogateescape")
    try:
        return {name: raw.decode()}
    except UnicodeDecodeError:
        return {f"{name}_base64": base64.b64encode(raw).decode()}


def _read(entry: Mapping[str, Any]) -> tuple[str, Told]:
    if "trouble" in entry:
        return str(entry["command"]), Trouble(str(entry["trouble"]))
    status = entry["status"]
    if type(status) is not int:
        raise TypeError("a status that is no number")
    return str(entry["command"]), Answer(status, _bytes(entry, "stdout"), _bytes(entry, "stderr"))


def _bytes(entry: Mapping[str, Any], name: str) -> bytes:
    coded = entry.get(f"{name}_base64")
    return base64.b64decode(coded, validate=True) if coded is not None else str(entry[name]).encode()
