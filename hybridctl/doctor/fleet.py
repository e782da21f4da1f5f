"""Ask every host at once, through Ansible, and judge what it says."""

import os
import shlex
import tempfile
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from hybridctl import content
from hybridctl.checks.model import Verdict
from hybridctl.doctor.control import examine_control
from hybridctl.doctor.facts import parse_facts
from hybridctl.doctor.findings import Examination, Finding
from hybridctl.doctor.judge import judge_host, judge_variables
from hybridctl.events import parse
from hybridctl.inventory import Host, Inventory
from hybridctl.redaction import Redactor
from hybridctl.runner import PlayRequest, PlayResult, PlayStatus, run
from hybridctl.site import Site

__all__ = ["examine_hosts"]

_SCRIPT = Path(__file__).with_name("examine.sh")


def examine_hosts(
    site: Site,
    inventory: Inventory,
    hosts: Iterable[Host],
    *,
    forks: int = 20,
    runner: Callable[..., PlayResult] = run,
) -> Examination:
    """Examine this machine and the hosts, all at once; nothing is changed.

    Args:
        runner: stands in for `runner.run` in tests.

    Raises:
        HybridctlError: there is no ansible-playbook.
    """
    asked = tuple(hosts)
    listener = _Listener({host.name: host for host in asked})
    redactor = Redactor.for_inventory(inventory, environ=os.environ, password_file=site.vault_password_file)
    with tempfile.TemporaryDirectory(prefix="hybridctl-") as folder:
        request = PlayRequest(
            playbook=str(content.collection_root() / "playbooks" / "adhoc" / "doctor.yml"),
            inventory=site.inventory,
            run_dir=Path(folder),
            cwd=site.root,
            limit=",".join(host.name for host in asked),
            extra_vars={"hybridctl_doctor_script": _SCRIPT.read_text(encoding="utf-8")},
            vault_password_file=site.vault_password_file,
            forks=forks,
        )
        result = runner(request, listener, redactor)
    interrupted = result.status is PlayStatus.CANCELLED
    ended = interrupted or result.status is PlayStatus.FINISHED
    trouble = "" if ended else result.message or f"the examination was {result.status}"
    if result.handler_errors:
        trouble = "; ".join([trouble, *result.handler_errors]).strip("; ")
    findings = {host.name: (*judge_variables(host), *listener.of(host)) for host in asked}
    control = examine_control(site, inventory)
    return Examination(control, findings, tuple(listener.unreachable), trouble, interrupted)


class _Listener:
    """Takes the runner's events and keeps what each host said."""

    def __init__(self, hosts: dict[str, Host]) -> None:
        self._hosts = hosts
        self._started: dict[str, float] = {}
        self._found: dict[str, tuple[Finding, ...]] = {}
        self.unreachable: list[str] = []

    def __call__(self, raw: dict[str, Any]) -> None:
        data = raw.get("event_data") or {}
        name, host = raw.get("event"), self._hosts.get(str(data.get("host", "")))
        if host is None:
            return
        at = _seconds(str(raw.get("created", "")))
        if name == "runner_on_start":
            self._started[host.name] = at
        elif name == "runner_on_unreachable":
            self.unreachable.append(host.name)
            self._found[host.name] = (_trouble(raw, "reachable"),)
        elif name in ("runner_on_ok", "runner_on_failed"):
            self._found[host.name] = self._judge(host, raw, self._started.get(host.name, at), at)

    def of(self, host: Host) -> tuple[Finding, ...]:
        """Return the findings about a host; one that no word came from is not passed over."""
        nothing = Finding(
            "reachable", Verdict.UNKNOWN, "it was not examined", f"hybridctl doctor -l {shlex.quote(host.name)}"
        )
        return self._found.get(host.name, (nothing,))

    def _judge(self, host: Host, raw: dict[str, Any], asked: float, heard: float) -> tuple[Finding, ...]:
        output = str(((raw["event_data"].get("res") or {}).get("stdout")) or "")
        facts = parse_facts(output, asked, heard)
        if facts is None:
            return (_trouble(raw, "examined"),)
        reached = Finding("reachable", Verdict.PASS, f"{host.address} port {host.port}")
        return (reached, *judge_host(host, facts))


def _trouble(raw: dict[str, Any], topic: str) -> Finding:
    event = parse(raw)
    message = event.message if event and event.message else "its answer was cut short"
    return Finding(topic, Verdict.FAIL, message, (event.remedy if event else "") or "log in and look")


def _seconds(stamp: str) -> float:
    """Return an ISO 8601 stamp, UTC when it names no zone, as seconds since 1970."""
    moment = datetime.fromisoformat(stamp)
    return (moment if moment.tzinfo else moment.astimezone()).timestamp()
