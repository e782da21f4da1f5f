"""`hybridctl verify`: judge every host against its profile."""

import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from hybridctl.cli.options import inventory_option, json_option, lang_option, limit_option
from hybridctl.cli.pipes import reader_may_leave
from hybridctl.cli.timer import refuse_options_in_front, textfile_option
from hybridctl.cli.verify_plugin import PluginGroup
from hybridctl.cli.verify_timer import on_change_option, timer
from hybridctl.errors import ExitCode, InvalidInput

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
    "--html",
    type=click.Path(dir_okay=False, readable=False, writable=True, path_type=Path),
    help="Write the page of this run to this file, too.",
)
@click.option(
    "--from-evidence",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Judge again what the hosts said in an earlier run (its folder); contact none.",
)
@click.option("--baseline", metavar="RUN", help="Report what changed since this recorded verification, or `latest`.")
@click.option(
    "--waivers",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="FAILs that somebody answers for. Default: waivers.yml of the site.",
)
@click.option("--forks", default=20, show_default=True, type=click.IntRange(1, 500), help="Hosts judged at a time.")
@click.option("--list", "listing", is_flag=True, help="Show the checks there are, and end.")
@lang_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    inventory: Path | None,
    limit: str | None,
    only: tuple[str, ...],
    junit: Path | None,
    html: Path | None,
    textfile: Path | None,
    on_change: str | None,
    watch: str | None,
    ci: bool,
    nagios: bool,
    from_evidence: Path | None,
    baseline: str | None,
    waivers: Path | None,
    forks: int,
    listing: bool,
    lang: str,
    as_json: bool,
) -> None:
    """Judge every host against its profile; change nothing.

    A host's profile is its variable hybridctl_profile. Verdicts are PASS, WARN, FAIL, and UNKNOWN for what could not be
    measured, or is in the profile and judged by no check yet; WAIVED is a FAIL that the site's waivers.yml puts up with
    until a day. Every host that was asked for is in the report. What the hosts said is kept, without secrets, in the
    folder of the run. The page that --html writes is one file that needs no network.

    \b
    Exit codes, the first that applies:
      2  invalid input, nothing was contacted
      4  a host is unreachable, whatever the others show: nobody knows about it
      5  a FAIL
      6  an UNKNOWN, or a host without a profile
      0  PASS, WARN and WAIVED only
      130  interrupted; a --watch ends by Ctrl-C with the code of its last verification
    With --baseline 4, 5 and 6 are for what that run did not show already, and 0 is that nothing got worse.
    Under --nagios: 2 for 4 and 5, 3 for 6 and whatever goes wrong, 1 for a WARN, else 0.

    \b
    Example:
      hybridctl verify
      hybridctl verify --limit gateway --only units --only service
      hybridctl verify --html report.html
      hybridctl verify --from-evidence .hybridctl/runs/latest
      hybridctl verify --baseline latest
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
    from hybridctl.baselines import find_baseline
    from hybridctl.cli.status_line import StatusLine
    from hybridctl.cli.verify_output import Output
    from hybridctl.cli.verify_watch import Watch
    from hybridctl.site import open_site
    from hybridctl.verification import verify
    from hybridctl.watching import parse_every

    if listing:
        with reader_may_leave(sys.stdout):
            click.echo(_catalogue(as_json, lang))
        return
    _refuse_mixtures(ctx.params)
    every = parse_every(watch) if watch is not None else 0
    if ci and junit is None:
        junit = Path("verify-junit.xml")
    _check_files(junit, html, textfile)
    site = open_site(inventory)
    # The evidence now: by the time it is noted in the record of this run, `latest` is this run.
    judged_from = from_evidence.resolve() if from_evidence is not None else None
    told = _command(on_change, site)
    output = Output(site, as_json, ci, nagios, junit, html, textfile, told, judged_from)
    recorded = find_baseline(site, baseline, only, limit) if baseline is not None else None
    click.echo(f"verify {site.name}", err=True)

    status = StatusLine()

    def judge() -> "Verification":
        judged = verify(
            site,
            limit,
            only,
            forks=forks,
            from_evidence=from_evidence,
            waivers=waivers,
            on_progress=status.progress,
        )
        status.clear()
        return report.in_language(judged, lang)

    before = _end_by_signals()
    try:
        if every:
            sys.exit(Watch(judge, output.keep, output.write_textfile, as_json).run(every))
        verification = judge()
    except KeyboardInterrupt:
        status.clear()
        if nagios:
            raise
        click.echo("interrupted: no report; nothing was changed on any host", err=True)
        sys.exit(ExitCode.INTERRUPTED)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    document = report.verify_document(verification)
    against = recorded.against(document) if recorded is not None else None
    sys.exit(output.show(verification, against, document))


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
    "watch": ("ci", "nagios", "junit", "html", "from_evidence", "baseline"),
    "ci": ("nagios", "as_json"),
    "nagios": ("as_json", "baseline"),
    "on_change": ("from_evidence",),
}


def _check_files(junit: Path | None, html: Path | None, textfile: Path | None) -> None:
    """Refuse files that cannot be written, before any host is asked."""
    from hybridctl.textfile import check_target

    given = {"--junit": junit, "--html": html, "--textfile": textfile}
    taken: dict[Path, str] = {}
    for option, path in given.items():
        if path is None:
            continue
        is_no_file = path.exists() and not path.is_file()  # such as /dev/stdout, which a page would take the place of
        if not path.name or (is_no_file and option == "--html"):
            raise InvalidInput(f"{option} '{path}': this is no file", f"name one: {option} FILE")
        if not (path.parent.is_dir() and os.access(path.parent, os.W_OK)):
            raise InvalidInput(f"{option} {path}: the folder is not there or not writable", f"mkdir -p {path.parent}")
        other = taken.setdefault(path.resolve(), option)
        if other != option:
            raise InvalidInput(f"{other} and {option} name the same file, {path}", "name a file for each")
    if textfile is not None:
        check_target(textfile)
    if junit is not None and junit.is_file():
        # A run that ends before its report must not leave the last one's, which a CI server would take for its own.
        junit.unlink()


def _command(on_change: str | None, site: "Site") -> tuple[str, ...]:
    """Return the command to tell of changes as words, none when there is none."""
    from hybridctl.hooks import check_program, parse_command

    if on_change is None:
        return ()
    argv = parse_command(on_change)
    check_program(argv, site.root)
    return argv


def _catalogue(as_json: bool, lang: str) -> str:
    """Return the checks there are, as a table or as JSON."""
    from hybridctl.checks import CATALOGUE
    from hybridctl.checks.tools import tool_of
    from hybridctl.checks.wording import wording_in

    checks, wording = CATALOGUE.values(), wording_in(lang)
    if as_json:
        rows = [
            {
                "id": c.id,
                "topic": c.topic,
                "title": wording.title(c),
                "unit": c.unit,
                "tool": tool_of(c.id),
                "parameters": {name: asdict(one) for name, one in c.parameters.items()},
                "remedy": wording.remedy(c),
                "unproven": c.unproven,
            }
            for c in checks
        ]
        return json.dumps(rows, indent=2)
    width = max(len(check.id) for check in checks)
    lines = []
    for check in checks:
        unproven = f" (unproven: {check.unproven})" if check.unproven else ""
        unit = f", {wording.unit(check.unit)}" if check.unit else ""
        lines.append(f"{check.id:<{width}}  {wording.title(check)}{unit}{unproven}")
    return "\n".join(lines)


def _end_by_signals() -> dict[signal.Signals, Any]:
    """Have SIGTERM, and SIGHUP but under nohup, end us as Ctrl-C does; return the handlers before."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    before = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, _interrupt)
    return before


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
