"""Where a verification goes: the screen, the record of the run, files that were asked for, a command that is told."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hybridctl.cli.pipes import reader_may_leave
from hybridctl.errors import ExitCode, HybridctlError

if TYPE_CHECKING:
    from hybridctl.baselines import Against
    from hybridctl.site import Site
    from hybridctl.verification import Verification

__all__ = ["Output"]


@dataclass(frozen=True)
class Output:
    """What was asked for.

    Attributes:
        as_json, ci, nagios: what stdout gets in place of the report for people; at most one of them.
        junit, html, textfile: files to write, too.
        told: command that is told of changes, as words; empty for none.
        judged_from: the run whose evidence is judged, None when hosts are asked.
    """

    site: "Site"
    as_json: bool = False
    ci: bool = False
    nagios: bool = False
    junit: Path | None = None
    html: Path | None = None
    textfile: Path | None = None
    told: Sequence[str] = ()
    judged_from: Path | None = None

    def show(self, verification: "Verification", against: "Against | None", document: dict[str, Any]) -> int:
        """Record the run, print the report, write the files; return the exit code.

        Args:
            against: the baseline it is held against.
            document: of the verification; gets the id of its record.
        """
        from hybridctl import report

        if against is not None:
            document["baseline"] = against.document()
        document["told"] = bool(self.told)
        note = _record(self.site, verification, document, self.judged_from)
        with reader_may_leave(sys.stdout):
            _print(self, verification, document, against)
        with reader_may_leave(sys.stderr):
            if self.as_json:
                click.echo(report.summary_line(verification), err=True)
            _tell_waivers(verification)
            click.echo(note, err=True)
        code = int(verification.exit_code if against is None else against.exit_code)
        if self.nagios:
            code = int(report.nagios_status(verification))
        written = [
            _write_junit(self.junit, verification, against),
            _write_page(self.html, self.site, document),
            _write_textfile(self.site, self.textfile, verification),
        ]
        try:
            _alert(self.site, self.told, document)
        except KeyboardInterrupt:  # everything else is done
            click.secho(f"Warning: --on-change {self.told[0]}: interrupted", fg="yellow", err=True)
        return code if all(written) else code or int(report.NagiosStatus.UNKNOWN if self.nagios else ExitCode.ERROR)

    def keep(self, verification: "Verification", document: dict[str, Any]) -> None:
        """Record a round of a watch, and tell of its changes."""
        document["told"] = bool(self.told)
        click.echo(_record(self.site, verification, document, self.judged_from), err=True)
        _alert(self.site, self.told, document)

    def write_textfile(self, verification: "Verification") -> None:
        """Write the metrics of a round, if they are wanted."""
        _write_textfile(self.site, self.textfile, verification)


def _record(site: "Site", verification: "Verification", document: dict[str, Any], from_evidence: Path | None) -> str:
    """Record the run, and its id in the document; return what to say of that: a failure costs nobody the report."""
    from hybridctl import report
    from hybridctl.runs import RunStore

    trouble, record = "", None
    try:
        store = RunStore(site.runs, verification.started)
        document["id"], record = store.id, store.path
        try:
            store.write_result(document)
            store.log_lines(report.plain_lines(verification))
        finally:
            store.close()
    except HybridctlError as error:
        trouble = error.message
    trouble = _keep_evidence(verification, record, from_evidence) or trouble
    if record is None or trouble:
        return click.style(f"Warning: the hosts were judged, but {trouble}", fg="yellow")
    return f"record: {os.path.relpath(record)}"


def _print(
    output: Output, verification: "Verification", document: Mapping[str, Any], against: "Against | None"
) -> None:
    """Print the report."""
    from hybridctl import report
    from hybridctl.json_text import json_pieces
    from hybridctl.report.ci import harmless

    if output.as_json:
        for piece in json_pieces(document, ascii_only=True):
            click.echo(piece, nl=False)
    elif against is not None:
        lines = report.changes_lines(against, verification)
        click.echo("\n".join(map(harmless, lines) if output.ci else lines))
    elif output.ci:
        is_github = os.environ.get("GITHUB_ACTIONS") == "true"
        click.echo("\n".join(report.ci_lines(verification, github=is_github)))
    elif output.nagios:
        click.echo("\n".join(report.nagios_lines(verification)))
    elif sys.stdout.isatty():
        report.print_rich_report(verification)
    else:
        sys.stdout.writelines(f"{line}\n" for line in report.plain_lines(verification))
        sys.stdout.flush()


def _tell_waivers(verification: "Verification") -> None:
    """Say on stderr which waivers somebody should look at."""
    for use in verification.waivers:
        if use.remark:
            told = f"{use.waiver.origin}: {use.waiver.check} on {use.waiver.pattern}, {use.waiver.owner}: {use.remark}"
            click.secho(f"Warning: {told}", fg="yellow", err=True)


def _alert(site: "Site", argv: Sequence[str], document: Mapping[str, Any]) -> None:
    """Tell a command what changed since the last run of the same scope; whatever comes of it, the hosts were judged."""
    if not argv:
        return
    from hybridctl.alerts import alert, alert_document, predecessor
    from hybridctl.report.ci import harmless

    try:
        before = predecessor(site.runs, document)
    except HybridctlError as error:
        click.secho(f"Warning: --on-change tells all that is not PASS: {error.message}", fg="yellow", err=True)
        before = None
    told = alert_document(before, document)
    if told is None:
        return
    click.echo(f"changed: {shlex.join(argv)}", err=True)
    failure = alert(argv, told, site.root, lambda line: click.echo(f"  | {harmless(line)}", err=True))
    if failure:
        click.secho(f"Warning: --on-change {argv[0]}: {failure}", fg="yellow", err=True)


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


def _write_junit(path: Path | None, verification: "Verification", against: "Against | None") -> bool:
    """Write the file, if any; tell whether that went well. The report is on the screen by then."""
    from hybridctl import report

    if path is None:
        return True
    try:
        path.write_text(report.verify_junit(verification, against), encoding="utf-8")
    except OSError as error:
        click.secho(f"Error: --junit {path}: {error.strerror}", fg="red", err=True)
        click.echo("  -> name another file, or free some space", err=True)
        return False
    return True


def _write_page(path: Path | None, site: "Site", document: dict[str, Any]) -> bool:
    """Write the page of the run, if it is wanted; the run may have no record. Tell whether that went well."""
    from hybridctl.report.html import write_page
    from hybridctl.report.verify_page import verify_page
    from hybridctl.run_history import RunRecord

    if path is None:
        return True
    id_ = document.get("id", "")
    try:
        write_page(path, verify_page(RunRecord(id_, site.runs / id_, document)))
    except HybridctlError as error:
        click.secho(f"Error: {error.message}", fg="red", err=True)
        click.echo(f"  -> {error.hint}", err=True)
        return False
    click.echo(f"page: {os.path.relpath(path)}", err=True)
    return True


def _write_textfile(site: "Site", path: Path | None, verification: "Verification") -> bool:
    """Write the metrics, if any are wanted; tell whether that went well."""
    from hybridctl import report
    from hybridctl.textfile import write_textfile

    if path is None:
        return True
    try:
        write_textfile(path, report.verify_metrics(verification, site.other_inventory))
    except HybridctlError as error:
        click.secho(f"Error: {error.message}", fg="red", err=True)
        click.echo(f"  -> {error.hint}", err=True)
        return False
    return True
