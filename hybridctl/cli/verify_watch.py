"""`hybridctl verify --watch`: verify again and again, and show each change of verdict."""

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from hybridctl.cli.pipes import reader_may_leave
from hybridctl.cli.status_line import StatusLine
from hybridctl.errors import ExitCode, HybridctlError, Interrupted

if TYPE_CHECKING:
    from hybridctl.alerts import News
    from hybridctl.verification import Verification

__all__ = ["Watch"]

_COLOURS = {"new": "red", "lost": "red", "cleared": "green", "back": "green"}


@dataclass
class Watch:
    """One watch.

    Attributes:
        judge: verifies once.
        keep: takes a round whose verdicts are news; writes its record and tells the command of --on-change.
        each: takes every round; what goes with it, such as the textfile.
    """

    judge: "Callable[[], Verification]"
    keep: "Callable[[Verification, dict[str, Any]], None]"
    each: "Callable[[Verification], object]"
    as_json: bool

    def run(self, every: float) -> ExitCode:
        """Watch until Ctrl-C; return the exit code of the last verification, 130 when there was none.

        Raises:
            HybridctlError: the first verification could not be done.
        """
        from hybridctl.alerts import news
        from hybridctl.report import summary_line, verify_document
        from hybridctl.report.lines import one_line
        from hybridctl.watching import rounds

        code, before, status = ExitCode.INTERRUPTED, None, StatusLine()
        with suppress(KeyboardInterrupt, Interrupted), reader_may_leave(sys.stdout):
            for outcome in rounds(self._judged, every):
                if isinstance(outcome, HybridctlError):
                    if before is None:
                        raise outcome
                    code = outcome.exit_code
                    status.show(f"{datetime.now():%H:%M:%S} not verified: {one_line(outcome.message)}")
                    continue
                code, document = outcome.exit_code, verify_document(outcome)
                found = news(before, document)
                status.clear()
                # Before anything is printed: the reader may be gone.
                if before is None or found:
                    self.keep(outcome, document)
                elif outcome.evidence is not None:
                    outcome.evidence.discard()
                self.each(outcome)
                for one in found:
                    self._tell(outcome.finished, one)
                status.show(f"{outcome.finished.astimezone():%H:%M:%S} {summary_line(outcome)}")
                before = document
        status.clear()
        return code

    def _judged(self) -> "Verification | HybridctlError":
        """A file of the site that is being edited ends no watch."""
        try:
            return self.judge()
        except Interrupted:
            raise
        except HybridctlError as error:
            return error

    def _tell(self, at: datetime, one: "News") -> None:
        if self.as_json:
            document = {"at": at.isoformat(timespec="seconds"), **one.document()}
            click.echo(json.dumps(document))
        else:
            click.secho(f"{at.astimezone():%H:%M:%S} {_line(one.document())}", fg=_COLOURS.get(one.kind))


def _line(news: Mapping[str, Any]) -> str:
    from hybridctl.report.lines import one_line

    if not news["check"]:
        states = {"back": "judged again", "gone": "no longer asked for"}
        what = states.get(news["kind"]) or f"{news['new']}: {news['reason']}"
        return one_line(f"{news['host']}: {what}")
    verdict = " -> ".join(word for word in (news["old"], news["new"] or "gone") if word)
    unit = f" {news['unit']}" if news["unit"] else ""
    measured = "" if news["measured"] is None else f", measured {news['measured']}{unit}"
    expected = f", expected {news['expected']}{unit}" if news["expected"] and news["new"] != "PASS" else ""
    reason = f": {news['reason']}" if news["reason"] else ""
    name = f"{news['check']} {news['subject']}".rstrip()
    return one_line(f"{news['host']} {name}: {verdict}{measured}{expected}{reason}")
