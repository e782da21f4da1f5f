"""`hybridctl verify`: judge every host against its profile."""

import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from hybridctl.cli.options import inventory_option, json_option, limit_option
from hybridctl.errors import ExitCode, HybridctlError, InvalidInput

if TYPE_CHECKING:
    from hybridctl.site import Site
    from hybridctl.verification import Verification

__all__ = ["command"]


@click.command()
@inventory_option
@limit_option
@click.option("--only", "-o", multiple=True, metavar="CHECK", help="Only this check or topic; may be given again.")
@click.option(
    "--junit",
    type=click.Path(dir_okay=False, readable=False, writable=True, path_type=Path),
    help="Write JUnit XML to this file, too.",
)
@click.option(
    "--from-evidence",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Judge again what the hosts said in an earlier run (its folder); contact none.",
)
@click.option("--forks", default=20, show_default=True, type=click.IntRange(1, 500), help="Hosts judged at a time.")
@click.option("--list", "listing", is_flag=True, help="Show the checks there are, and end.")
@json_option
def command(
    inventory: Path | None,
    limit: str | None,
    only: tuple[str, ...],
    junit: Path | None,
    from_evidence: Path | None,
    forks: int,
    listing: bool,
    as_json: bool,
) -> None:
    """Judge every host against its profile; change nothing.

    A host's profile is its variable hybridctl_profile. Verdicts are PASS, WARN, FAIL, and UNKNOWN for what could not be
    measured, or is in the profile and judged by no check yet. Every host that was asked for is in the report.
    What the hosts said is kept, without secrets, in the folder of the run.

    \b
    Exit codes, the first that applies:
      2  invalid input, nothing was contacted
      4  a host is unreachable, whatever the others show: nobody knows about it
      5  a FAIL
      6  an UNKNOWN, or a host without a profile
      0  PASS and WARN only
      130  interrupted

    \b
    Example:
      hybridctl verify
      hybridctl verify --limit gateway --only units --only service
      hybridctl verify --from-evidence .hybridctl/runs/latest
      hybridctl verify --json | jq '.hosts[] | {name, checks: [.checks[] | select(.verdict != "PASS")]}'
    """
    from hybridctl.site import open_site
    from hybridctl.verification import verify

    if listing:
        click.echo(_catalogue(as_json))
        return
    if junit is not None and not (junit.parent.is_dir() and os.access(junit.parent, os.W_OK)):
        raise InvalidInput(f"--junit {junit}: the folder is not there or not writable", f"mkdir -p {junit.parent}")
    site = open_site(inventory)
    # Now: by the time it is noted in the record of this run, `latest` is this run.
    judged_from = from_evidence.resolve() if from_evidence is not None else None
    click.echo(f"verify {site.name}", err=True)
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        verification = verify(site, limit, only, forks=forks, from_evidence=from_evidence)
    except KeyboardInterrupt:
        click.echo("interrupted: no report; nothing was changed on any host", err=True)
        sys.exit(ExitCode.INTERRUPTED)
    finally:
        signal.signal(signal.SIGTERM, before)
    _show(site, verification, as_json, judged_from)
    code = verification.exit_code
    if junit is not None and not _write_junit(junit, verification):
        code = code or ExitCode.ERROR
    sys.exit(code)


def _show(site: "Site", verification: "Verification", as_json: bool, from_evidence: Path | None) -> None:
    """Record the run and print the report; where it cannot be recorded, the report is printed all the same."""
    from hybridctl import report
    from hybridctl.json_text import json_pieces
    from hybridctl.runs import RunStore

    document, trouble, record = report.verify_document(verification), "", None
    try:
        store = RunStore(site.runs, verification.started)
        document["id"], record = store.id, store.path
        try:
            store.write_result(document)
            store.log(report.plain_report(verification))
        finally:
            store.close()
    except HybridctlError as error:
        trouble = error.message
    trouble = _keep_evidence(verification, record, from_evidence) or trouble
    if as_json:
        for piece in json_pieces(document, ascii_only=True):
            click.echo(piece, nl=False)
        click.echo(report.summary_line(verification), err=True)
    elif sys.stdout.isatty():
        report.print_rich_report(verification)
    else:
        click.echo(report.plain_report(verification))
    if trouble:
        click.secho(f"Warning: the hosts were judged, but {trouble}", fg="yellow", err=True)
    elif record is not None:
        click.echo(f"record: {os.path.relpath(record)}", err=True)


def _keep_evidence(verification: "Verification", record: Path | None, from_evidence: Path | None) -> str:
    """Hand the evidence to the folder of the run; return what kept it from that, empty when there is nothing to say."""
    from hybridctl.evidence.replay import link_evidence

    evidence = verification.evidence
    try:
        if record is None:
            if evidence is not None:
                evidence.discard()
        elif from_evidence is not None:
            link_evidence(from_evidence, record)
        elif evidence is not None:
            evidence.move_to(record)
    except OSError as error:
        return f"cannot keep the evidence: {error.strerror}"
    return evidence.trouble if evidence is not None and record is not None else ""


def _write_junit(path: Path, verification: "Verification") -> bool:
    """Write the file; tell whether that went well. The report is on the screen by then."""
    from hybridctl import report

    try:
        path.write_text(report.verify_junit(verification), encoding="utf-8")
    except OSError as error:
        click.secho(f"Error: --junit {path}: {error.strerror}", fg="red", err=True)
        click.echo("  -> name another file, or free some space", err=True)
        return False
    return True


def _catalogue(as_json: bool) -> str:
    """Return the checks there are, as a table or as JSON."""
    from hybridctl.checks import CATALOGUE

    checks = CATALOGUE.values()
    if as_json:
        rows = [
            {"id": c.id, "topic": c.topic, "title": c.title, "unit": c.unit, "unproven": c.unproven} for c in checks
        ]
        return json.dumps(rows, indent=2)
    width = max(len(check.id) for check in checks)
    lines = []
    for check in checks:
        unproven = f" (unproven: {check.unproven})" if check.unproven else ""
        lines.append(f"{check.id:<{width}}  {check.title}{', ' + check.unit if check.unit else ''}{unproven}")
    return "\n".join(lines)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
