"""`hybridctl verify`: judge every host against its profile."""

import json
import os
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from hybridctl.cli.options import inventory_option, json_option, limit_option
from hybridctl.cli.timer import refuse_options_in_front, textfile_option
from hybridctl.cli.verify_plugin import PluginGroup
from hybridctl.cli.verify_timer import on_change_option, timer
from hybridctl.errors import ExitCode, HybridctlError, InvalidInput

if TYPE_CHECKING:
    from hybridctl.site import Site
    from hybridctl.verification import Verification

__all__ = ["command"]


@click.group(cls=PluginGroup, invoke_without_command=True)
@inventory_option
@limit_option
@click.option("--only", "-o", multiple=True, metavar="CHECK", help="Only this check or topic; may be given again.")
@click.option(
    "--junit",
    type=click.Path(dir_okay=False, readable=False, writable=True, path_type=Path),
    help="Write JUnit XML to this file, too.",
)
@textfile_option
@on_change_option
@click.option(
    "--watch",
    is_flag=False,
    flag_value="60s",
    metavar="[EVERY]",
    help="Verify again and again, every 60s or so often, and show each change; Ctrl-C ends it.",
)
@click.option("--ci", is_flag=True, help="Print a line for each finding; JUnit XML to verify-junit.xml. docs/ci.md")
@click.option("--nagios", is_flag=True, help="Print one line of status and exit 0 to 3, as monitoring plugins do.")
@click.option(
    "--from-evidence",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Judge again what the hosts said in an earlier run (its folder); contact none.",
)
@click.option("--forks", default=20, show_default=True, type=click.IntRange(1, 500), help="Hosts judged at a time.")
@click.option("--list", "listing", is_flag=True, help="Show the checks there are, and end.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    inventory: Path | None,
    limit: str | None,
    only: tuple[str, ...],
    junit: Path | None,
    textfile: Path | None,
    on_change: str | None,
    watch: str | None,
    ci: bool,
    nagios: bool,
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
      130  interrupted; a --watch ends by Ctrl-C with the code of its last verification
    Under --nagios: 2 for 4 and 5, 3 for 6 and whatever goes wrong, 1 for a WARN, else 0.

    \b
    Example:
      hybridctl verify
      hybridctl verify --limit gateway --only units --only service
      hybridctl verify --from-evidence .hybridctl/runs/latest
      hybridctl verify --watch 30s --only gpu
      hybridctl verify --textfile /var/lib/prometheus/node-exporter/hybridctl-verify.prom --on-change ./alert.sh
      hybridctl verify --ci
      sudo hybridctl verify timer install --every 15min --on-change ./alert.sh
      hybridctl verify --json | jq '.hosts[] | {name, checks: [.checks[] | select(.verdict != "PASS")]}'
    """
    if ctx.invoked_subcommand:
        refuse_options_in_front(ctx)
        return
    from hybridctl import report
    from hybridctl.cli.verify_watch import Watch
    from hybridctl.site import open_site
    from hybridctl.verification import verify
    from hybridctl.watching import parse_every

    if listing:
        click.echo(_catalogue(as_json))
        return
    _refuse_mixtures(ctx.params)
    every = parse_every(watch) if watch is not None else 0
    if ci and junit is None:
        junit = Path("verify-junit.xml")
    _check_files(junit, textfile)
    site = open_site(inventory)
    told = _command(on_change, site)
    # Now: by the time it is noted in the record of this run, `latest` is this run.
    judged_from = from_evidence.resolve() if from_evidence is not None else None
    click.echo(f"verify {site.name}", err=True)

    def judge() -> "Verification":
        return verify(site, limit, only, forks=forks, from_evidence=from_evidence)

    def keep(verification: "Verification", document: dict[str, Any]) -> None:
        click.echo(_record(site, verification, document, judged_from), err=True)
        _alert(site, told, document)

    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        if every:
            watching = Watch(judge, keep, lambda round_: _write_textfile(site, textfile, round_), as_json)
            sys.exit(watching.run(every))
        verification = judge()
    except KeyboardInterrupt:
        if nagios:
            raise
        click.echo("interrupted: no report; nothing was changed on any host", err=True)
        sys.exit(ExitCode.INTERRUPTED)
    finally:
        signal.signal(signal.SIGTERM, before)
    document = report.verify_document(verification)
    note = _record(site, verification, document, judged_from)
    _print(verification, document, as_json=as_json, ci=ci, nagios=nagios)
    click.echo(note, err=True)
    _alert(site, told, document)
    code = report.nagios_status(verification) if nagios else verification.exit_code
    written = [_write_junit(junit, verification), _write_textfile(site, textfile, verification)]
    sys.exit(code if all(written) else code or (report.NagiosStatus.UNKNOWN if nagios else ExitCode.ERROR))


command.add_command(timer)


def _refuse_mixtures(options: Mapping[str, Any]) -> None:
    """Refuse options that do not go together; a variable of the environment is an option, too."""
    for name, others in _NOT_TOGETHER.items():
        for other in others:
            if options[name] and options[other]:
                flags = (f"--{word.removeprefix('as_').replace('_', '-')}" for word in (name, other))
                raise InvalidInput(
                    f"{' and '.join(flags)} do not go together",
                    "leave one of them out, or call hybridctl verify once for each",
                )


_NOT_TOGETHER = {
    "watch": ("ci", "nagios", "junit", "from_evidence"),
    "ci": ("nagios", "as_json"),
    "nagios": ("as_json",),
    "on_change": ("from_evidence",),
}


def _check_files(junit: Path | None, textfile: Path | None) -> None:
    """Refuse files that cannot be written, before any host is asked."""
    from hybridctl.textfile import check_target

    if junit is not None and not (junit.parent.is_dir() and os.access(junit.parent, os.W_OK)):
        raise InvalidInput(f"--junit {junit}: the folder is not there or not writable", f"mkdir -p {junit.parent}")
    if textfile is not None:
        check_target(textfile)


def _command(on_change: str | None, site: "Site") -> tuple[str, ...]:
    """Return the command to tell of changes as words, none when there is none."""
    from hybridctl.hooks import check_program, parse_command

    if on_change is None:
        return ()
    argv = parse_command(on_change)
    check_program(argv, site.root)
    return argv


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
            store.log(report.plain_report(verification))
        finally:
            store.close()
    except HybridctlError as error:
        trouble = error.message
    trouble = _keep_evidence(verification, record, from_evidence) or trouble
    if record is None or trouble:
        return click.style(f"Warning: the hosts were judged, but {trouble}", fg="yellow")
    return f"record: {os.path.relpath(record)}"


def _print(verification: "Verification", document: Mapping[str, Any], *, as_json: bool, ci: bool, nagios: bool) -> None:
    """Print the report."""
    from hybridctl import report

    if as_json:
        click.echo(json.dumps(document, indent=2))
        click.echo(report.summary_line(verification), err=True)
    elif ci:
        is_github = os.environ.get("GITHUB_ACTIONS") == "true"
        click.echo("\n".join(report.ci_lines(verification, github=is_github)))
    elif nagios:
        click.echo("\n".join(report.nagios_lines(verification)))
    elif sys.stdout.isatty():
        report.print_rich_report(verification)
    else:
        click.echo(report.plain_report(verification))


def _alert(site: "Site", argv: Sequence[str], document: Mapping[str, Any]) -> None:
    """Tell a command what changed since the last run of the same scope; whatever comes of it, the hosts were judged."""
    if not argv:
        return
    from hybridctl.alerts import alert, alert_document, predecessor
    from hybridctl.report.lines import one_line

    try:
        before = predecessor(site.runs, document)
    except HybridctlError as error:
        click.secho(f"Warning: --on-change tells all that is not PASS: {error.message}", fg="yellow", err=True)
        before = None
    told = alert_document(before, document)
    if told is None:
        return
    click.echo(f"changed: {shlex.join(argv)}", err=True)
    failure = alert(argv, told, site.root, lambda line: click.echo(f"  {one_line(line)}", err=True))
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


def _write_junit(path: Path | None, verification: "Verification") -> bool:
    """Write the file, if any; tell whether that went well. The report is on the screen by then."""
    from hybridctl import report

    if path is None:
        return True
    try:
        path.write_text(report.verify_junit(verification), encoding="utf-8")
    except OSError as error:
        click.secho(f"Error: --junit {path}: {error.strerror}", fg="red", err=True)
        click.echo("  -> name another file, or free some space", err=True)
        return False
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
