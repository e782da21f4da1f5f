"""A plan kept in a file: what was approved, held against the world as it is when it is carried out."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema

from hybridctl import content
from hybridctl.atomic import write_whole
from hybridctl.changes import key_set
from hybridctl.errors import ExitCode, HybridctlError, InvalidInput
from hybridctl.planning import PLAN_SCHEMA, Plan

__all__ = ["Moved", "hold", "moved", "read_plan", "strayed", "write_plan"]

LONGEST = 20  # lines of what moved on a screen


class Moved(HybridctlError):
    """The world is another than the one a plan was made for; nothing was changed."""

    exit_code = ExitCode.HOST_FAILED  # as for hosts that were not started


def write_plan(plan: Plan, path: Path) -> None:
    """Write the plan's document, readable by its owner only; whole or not at all.

    Raises:
        InvalidInput: the file cannot be written.
    """
    try:
        write_whole(path, json.dumps(plan.document(), indent=2, ensure_ascii=False) + "\n", 0o600)
    except OSError as error:
        hint = "name a file in a folder of yours"
        raise InvalidInput(f"--out {path}: cannot be written: {error.strerror}", hint) from error


def read_plan(path: Path) -> dict[str, Any]:
    """Return the document of a plan file.

    Raises:
        InvalidInput: it is not there, no plan, damaged, of another version, or of hosts that could not be planned.
    """
    hint = f"make it anew: hybridctl plan --out {path}"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"--plan {path}: cannot be read: {error.strerror}", hint) from error
    except ValueError as error:
        raise InvalidInput(f"--plan {path}: not JSON: {error}", hint) from error
    if isinstance(document, Mapping) and document.get("schema") != PLAN_SCHEMA:
        raise InvalidInput(
            f"--plan {path}: plan format {document.get('schema')!r}, this version reads {PLAN_SCHEMA}", hint
        )
    try:
        jsonschema.validate(document, content.schema("plan"))
    except jsonschema.ValidationError as error:
        raise InvalidInput(f"--plan {path}: {error.json_path}: {error.message[:200]}", hint) from error
    missing = [host["name"] for host in document["hosts"] if not host["planned"]]
    if missing:
        raise InvalidInput(f"--plan {path}: {', '.join(missing)} could not be planned", hint)
    return dict(document)


def hold(approved: Mapping[str, Any], now: Mapping[str, Any], path: Path) -> None:
    """Refuse to carry out a plan that is not the one of this moment.

    Args:
        approved: of the plan file.
        now: of a plan made a moment ago.
        path: of the plan file.

    Raises:
        Moved: with every difference, a line each.
    """
    lines = moved(approved, now)
    if lines:
        more = [f"and {len(lines) - LONGEST} more"] if len(lines) > LONGEST else []
        text = "\n".join(f"  {line}" for line in [*lines[:LONGEST], *more])
        raise Moved(
            f"{path}: the world has moved since the plan was made; nothing was changed:\n{text}",
            f"look at it and approve it anew: hybridctl plan --out {path}",
        )


def strayed(approved: Mapping[str, Any], done: Mapping[str, Any]) -> list[str]:
    """Return what a run did beside its plan, or left out of it, a line each.

    Args:
        done: result.json of the run.
    """
    planned, made = key_set(approved["hosts"]), key_set(done["hosts"])
    beside = [f"{host}: {action} {name} was done and not in the plan" for host, name, action in sorted(made - planned)]
    left = [f"{host}: {action} {name} was in the plan and not done" for host, name, action in sorted(planned - made)]
    return beside + left


def moved(approved: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return what differs between two plan documents, a line each; empty when they would do the same.

    Args:
        approved: of the plan file.
        now: of a plan made a moment ago.
    """
    return [
        *(
            f"the plan was made {name.removesuffix('s')} {approved[name] or 'all'}, this is {now[name] or 'all'}"
            for name in ("site", "limit", "layers", "roles")
            if approved[name] != now[name]
        ),
        *_moved_hosts({h["name"]: h for h in approved["hosts"]}, {h["name"]: h for h in now["hosts"]}),
    ]


def _moved_hosts(approved: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*approved, *now}):
        if name not in now or name not in approved:
            yield f"{name}: {'no longer' if name not in now else 'not'} among the hosts of the plan"
            continue
        if not now[name]["planned"]:
            yield f"{name}: cannot be planned now ({now[name]['state']})"
            continue
        then, today = _by_key(approved[name]), _by_key(now[name])
        for key in [*then, *(key for key in today if key not in then)]:
            resource = f"{name}: {key[1]} {key[0]}"
            if key not in today:
                yield f"{resource} is in the plan and no longer needed"
            elif key not in then:
                yield f"{resource} is needed now and not in the plan"
            elif (what := _differs(then[key], today[key])) is not None:
                yield f"{resource} has another {what} than in the plan"


def _by_key(host: Mapping[str, Any]) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {(f"{change['kind']} {change['name']}", change["action"]): change for change in host["changes"]}


def _differs(one: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
    """Return the first field in which two changes of one resource differ, None when they are the same."""
    fields = {
        "new": "version",
        "old": "present version",
        "digest": "content",
        "why": "reason",
        "depends_on": "condition",
    }
    return next((words for field, words in fields.items() if one[field] != other[field]), None)
