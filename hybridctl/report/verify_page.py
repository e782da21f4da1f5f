"""The page of a verification: hosts by topics, and behind every cell what was measured against what was expected."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from markupsafe import Markup

from hybridctl.checks.model import CannotTell
from hybridctl.checks.wording import ENGLISH, LANGUAGES
from hybridctl.evidence.answers import Told
from hybridctl.evidence.files import evidence_name, read_evidence
from hybridctl.evidence.record import FOLDER
from hybridctl.host_ranges import short_list
from hybridctl.report.html import digest, environment, own_file
from hybridctl.report.run_text import clean, many
from hybridctl.report.verify_data import hosts_of, packed, verdicts_of
from hybridctl.run_history import RunRecord, previous_verification
from hybridctl.verify_changes import Change, ChangeKind, changes

__all__ = ["verify_page"]

_ORDER = ("lost", "worse", "appeared", "back", "better", "value", "gone")
_TONES = {"lost": "bad", "worse": "warn", "back": "good", "better": "good"}
_NO_MORE = "base-uri 'none'; form-action 'none'"  # what default-src does not speak of
_VALUES = 3  # different pairs of measured values that are shown of a change that many hosts share
_LONGEST = 200  # characters of a measured value in there


@dataclass(frozen=True)
class _Shared:
    """A change and the hosts that share it."""

    kind: str
    tone: str
    check: str
    old: str
    new: str
    hosts: str
    values: tuple[str, ...]


def verify_page(record: RunRecord, names: Sequence[str] | None = None) -> str:
    """Return the page of a verification, with what its hosts said and what changed since the one before.

    Args:
        record: evidence that is not in its folder, or cannot be read, is left out.
        names: only these hosts; None means all.
    """
    notes = [f"The record is damaged: {line}" for line in record.damage]
    hosts, previous = hosts_of(record.document), previous_verification(record)
    then = hosts_of(previous.document) if previous else []
    if names is not None and len(names) < len(hosts):
        notes.append(f"{short_list(names)} only: the run was for {many(len(hosts), 'host')}.")
        hosts, then = ([host for host in all_ if host["name"] in names] for all_ in (hosts, then))
    notes += _not_compared(record.document, {host["name"] for host in hosts})
    before = {host["name"]: host for host in then} if previous else None
    data = packed(hosts, partial(_answers, record.path / FOLDER), before, record.document.get("titles", {}))
    lang = record.document.get("lang")
    style, script = own_file("run_page.css") + own_file("verify_page.css"), own_file("verify_page.js")
    return (
        environment(time=_time)
        .get_template("verify_page.html.j2")
        .render(
            lang=lang if lang in LANGUAGES else ENGLISH,
            record=record,
            document=record.document,
            notes=notes,
            hosts=hosts,
            judged=sum(host.get("state") == "judged" for host in hosts),
            lab=sum(host.get("lab") is True for host in hosts),
            missing=_missing(hosts),
            verdicts=verdicts_of(hosts),
            topics=data["topics"],
            previous=previous,
            changes=previous and _changes({**previous.document, "hosts": then}, {**record.document, "hosts": hosts}),
            data=Markup(_json(data)),  # noqa: S704 - no text in it can end the element
            style=style,
            script=script,
            policy=f"default-src 'none'; style-src {digest(style)}; script-src {digest(script)}; {_NO_MORE}",
        )
    )


def _not_compared(document: Mapping[str, Any], names: set[str]) -> Iterator[str]:
    """Yield a line for the hosts of each profile that checks which compare hosts were left out of."""
    left_out: dict[tuple[str, str], list[str]] = {}
    for one in document.get("not_compared", ()):
        if isinstance(one, Mapping) and str(one.get("host")) in names and isinstance(one.get("checks"), list):
            of = str(one.get("profile")), ", ".join(map(str, one["checks"]))
            left_out.setdefault(of, []).append(str(one["host"]))
    for (profile, checks), hosts in left_out.items():
        yield f"Not all hosts of {profile} were asked for, so these were not compared: {short_list(hosts)} ({checks})."


def _answers(evidence: Path, host: str) -> Mapping[str, Told]:
    try:
        return read_evidence(evidence / evidence_name(host)).answers
    except CannotTell:
        return {}


def _json(data: Any) -> str:
    """Return JSON that cannot leave the script element it stands in, nor be what UTF-8 cannot carry."""
    text = clean(json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _missing(hosts: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Return the hosts that were not judged by state and reason, those alike together."""
    alike: dict[tuple[str, str], list[str]] = {}
    for host in hosts:
        if host.get("state") != "judged":
            alike.setdefault((str(host.get("state")), str(host.get("reason") or "")), []).append(host["name"])
    return [(state, reason, short_list(names)) for (state, reason), names in alike.items()]


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[_Shared] | None:
    """Return what changed, what is worse first and hosts alike together; None when the two cannot be compared."""
    try:
        found = changes(old, new)
    except (KeyError, TypeError, AttributeError):
        return None
    alike: dict[tuple[str, ...], list[Change]] = {}
    for change in sorted(found, key=lambda change: (_ORDER.index(change.kind), not change.is_worsening)):
        name = f"{change.check} {change.subject}".rstrip()
        alike.setdefault((change.kind.value, name, change.old, change.new), []).append(change)
    return [
        _Shared(
            kind,
            "bad" if any(change.is_worsening for change in shared) else _TONES.get(kind, "calm"),
            check,
            old_word,
            new_word,
            short_list(change.host for change in shared),
            _values(shared),
        )
        for (kind, check, old_word, new_word), shared in alike.items()
    ]


def _values(shared: Sequence[Change]) -> tuple[str, ...]:
    """Return the measured values before and after, as many as anybody reads."""
    pairs = dict.fromkeys(
        f"{_shown(c.old_measured)} → {_shown(c.new_measured, c.unit)}"
        for c in shared
        if c.check and c.kind is not ChangeKind.GONE and c.old_measured != c.new_measured
    )
    more = len(pairs) - _VALUES
    return (*list(pairs)[:_VALUES], *((f"and {more} others",) if more > 0 else ()))


def _shown(measured: Any, unit: str = "") -> str:
    if measured is None:
        return "not measured"
    text = str(measured)
    return f"{text if len(text) <= _LONGEST else f'{text[:_LONGEST]}…'} {unit}".rstrip()


def _time(value: Any) -> str:
    try:
        return f"{datetime.fromisoformat(str(value)):%Y-%m-%d %H:%M:%S} UTC"
    except ValueError:
        return "not recorded"
