"""The recorded verification that a new one is held against, and what flapped over the last ones."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import ne
from typing import Any

from hybridctl.checks.catalogue import named_by
from hybridctl.errors import ExitCode, InvalidInput
from hybridctl.evidence.replay import was_replayed
from hybridctl.problems import shown_path
from hybridctl.run_history import find_run, run_ids
from hybridctl.site import Site, inventory_option
from hybridctl.verify_changes import Change, Comparison, Key, compare, exit_code_of, results_of

__all__ = ["FLAPS", "LAST", "Against", "Baseline", "Flapping", "find_baseline"]

LAST = 10  # verifications looked at for what flaps, the new one among them
FLAPS = 3  # changes of verdict among those: once broken and mended is two, and that is no flapping
_SCHEMA = 1
_LATEST = "latest"
_UNWAIVED = {"WAIVED": "FAIL"}  # a waiver that begins or ends is no change of the host


@dataclass(frozen=True)
class Flapping:
    """A result whose verdict changes again and again, or a host that comes and goes.

    Attributes:
        check: empty for the host itself.
        verdicts: the oldest first, the new one last; of what is WAIVED, the FAIL; of a host, its states.
    """

    host: str
    check: str
    subject: str
    verdicts: tuple[str, ...]

    @property
    def name(self) -> tuple[str, str, str]:
        """Host, check and subject, as of a `Change`."""
        return (self.host, self.check, self.subject)

    @property
    def letters(self) -> str:
        """Return it as `P F P F`."""
        return " ".join(verdict[:1].upper() for verdict in self.verdicts)


@dataclass(frozen=True)
class Against:
    """A verification held against a baseline.

    Attributes:
        run: identifier of the baseline.
        flapping: results and hosts of the verification that flap, whether they are as in the baseline or not.
        is_whole: every host that was judged has a result; of one that has none, nobody can say that it got no worse.
    """

    run: str
    comparison: Comparison
    flapping: tuple[Flapping, ...] = ()
    is_whole: bool = True

    @property
    def exit_code(self) -> ExitCode:
        """The status of what got worse, flapping or not; 0 when nothing did, whatever failed in the baseline too."""
        code = exit_code_of(self.comparison.changes)
        return code if code or self.is_whole else ExitCode.VERIFY_INCOMPLETE

    @property
    def steady(self) -> tuple[Change, ...]:
        """The changes of what does not flap."""
        flapping = {one.name for one in self.flapping}
        return tuple(change for change in self.comparison.changes if change.name not in flapping)

    def document(self) -> dict[str, Any]:
        """Return it as JSON; every change is in it, of what flaps too."""
        return {
            "run": self.run,
            "exit_code": int(self.exit_code),
            "same": self.comparison.same,
            "moved": self.comparison.moved,
            "changes": [change.document() for change in self.comparison.changes],
            "flapping": [
                {"host": one.host, "check": one.check, "subject": one.subject, "verdicts": list(one.verdicts)}
                for one in self.flapping
            ],
        }


@dataclass(frozen=True)
class Baseline:
    """A recorded verification that a new one of its site can be held against."""

    site: Site
    run: str
    recorded: Mapping[str, Any]

    def against(self, document: Mapping[str, Any]) -> Against:
        """Compare; `document` is of a verification that is not recorded yet."""
        is_whole = all(host["checks"] for host in document["hosts"] if host["state"] == "judged")
        return Against(self.run, compare(self.recorded, document), tuple(_flapping(self.site, document)), is_whole)


def find_baseline(site: Site, name: str, only: Sequence[str] = (), limit: str | None = None) -> Baseline:
    """Return the recorded verification that `name` means.

    Args:
        name: an identifier, a beginning of one, or `latest`: the newest one that asked for no fewer hosts and checks.
        only, limit: what the new verification is asked for.

    Raises:
        InvalidInput: there is none such, it is none to compare with, or it cannot be read whole.
    """
    verify = f"hybridctl verify{inventory_option(site)}"
    if name == _LATEST or not run_ids(site.runs):
        for run, document in _verifications(site):
            has_as_much = _has_checks(document, only) and document.get("limit") in (None, limit)
            # One that judged old evidence again is of an older moment than its number says.
            if has_as_much and not was_replayed(site.runs / run) and _is_whole(document):
                return Baseline(site, run, document)
        asked = "".join([f" --limit '{limit}'" if limit else "", *(f" --only {word}" for word in only)])
        raise InvalidInput(
            f"--baseline {name}: no verification of as much is recorded in {shown_path(site.runs)}",
            f"make one: {verify}{asked}",
        )
    record = find_run(site.runs, name)
    document = record.document
    wanted = f"name a verification: {verify} --baseline latest; all runs: hybridctl runs list"
    if not record.damage and not record.is_verify:
        raise InvalidInput(f"--baseline {name}: run {record.id} is a {record.command}, no verification", wanted)
    if record.damage or not _is_whole(document):
        why = record.damage[0] if record.damage else f"{shown_path(record.path / 'result.json')}: not whole"
        raise InvalidInput(f"--baseline {name}: {why}", wanted)
    for what, mine in (("site", site.name), ("inventory", site.inventory_name)):
        theirs = document.get(what, mine)
        if theirs != mine:
            raise InvalidInput(f"--baseline {name}: that run was of the {what} {theirs}, this is {mine}", wanted)
    if not _has_checks(document, only):
        words = "".join(f" --only {word}" for word in document["only"])
        raise InvalidInput(
            f"--baseline {name}: that run asked{words}, and can say nothing of other checks",
            f"{verify}{words} --baseline {record.id}; or {wanted}",
        )
    return Baseline(site, record.id, document)


def _verifications(site: Site) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield what can be read of those of this site and inventory, the newest first, with their identifiers."""
    for run in run_ids(site.runs):
        try:
            document = json.loads((site.runs / run / "result.json").read_bytes())
        except (OSError, ValueError):
            continue
        if (
            isinstance(document, dict)
            and (document.get("command"), document.get("schema")) == ("verify", _SCHEMA)
            and document.get("site") == site.name
            and document.get("inventory", site.inventory_name) == site.inventory_name
        ):
            yield run, document


def _has_checks(document: Mapping[str, Any], only: Sequence[str]) -> bool:
    """Tell whether it asked for all checks that `only` names."""
    asked = document.get("only")
    return not asked or (bool(only) and named_by(only) <= named_by(asked))


def _is_whole(document: Mapping[str, Any]) -> bool:
    try:
        compare(document, document)
    except (KeyError, TypeError, AttributeError):
        return False
    return True


def _flapping(site: Site, document: Mapping[str, Any]) -> Iterator[Flapping]:
    """Yield what of the new verification has changed its verdict too often; the hosts in its order."""
    history = [_verdicts(document)]
    for run, earlier in _verifications(site):
        if len(history) == LAST:
            break
        # One that judged old evidence again says nothing of a new moment.
        if not was_replayed(site.runs / run):
            with suppress(KeyError, TypeError, AttributeError):  # damaged
                history.append(_verdicts(earlier))
    for host, results in history[0].items():
        of_host = [verdicts[host] for verdicts in history if host in verdicts]
        for key in results:
            met = [verdicts[key] for verdicts in of_host if key in verdicts]
            if sum(map(ne, met, met[1:])) >= FLAPS:
                yield Flapping(host, key[0], key[1], tuple(reversed(met)))


def _verdicts(document: Mapping[str, Any]) -> dict[str, dict[Key, str]]:
    """Return the verdicts of each host, and its state under no check."""
    found: dict[str, dict[Key, str]] = {}
    for host in document["hosts"]:
        verdicts = found[host["name"]] = {("", "", 0): host["state"]}
        for key, result in results_of(host).items():
            verdicts[key] = _UNWAIVED.get(result["verdict"], result["verdict"])
    return found
