"""Checks of the gateway beside its tokens: what HAProxy says of itself, its certificate, and what it must refuse."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hybridctl.checks.model import CannotTell, Check, Kind, Result, Want
from hybridctl.checks.reading import output
from hybridctl.checks.request import SHORT_TIMEOUT, Answer, ask
from hybridctl.checks.service import CERTIFICATE, CLIENT_KEY, gateway_url
from hybridctl.parsers.prometheus import labels_of, parse_metrics
from hybridctl.refusals import Unreadable

__all__ = ["CHECKS"]

# What Python says of a server that ends the connection in place of an answer.
_CLOSED = ("RemoteDisconnected", "ConnectionResetError", "BadStatusLine")


def version(host: Any, want: Want) -> Result:
    """The series of the HAProxy that runs, which may be older than the one on disk."""
    for labels in _series(_metrics(host, want), "haproxy_process_build_info"):
        found = re.match(r"(\d+\.\d+)\.", labels.get("version", ""), re.ASCII)
        if found:
            return want.judge(found[1], reason=f"{labels['version']} runs")
    raise CannotTell("haproxy_process_build_info names no version")


def servers_down(host: Any, want: Want) -> Result:
    """How many workers HAProxy does not send requests to, whyever."""
    found = [labels for labels, on in _pairs(_metrics(host, want), "haproxy_server_status") if on == 1]
    if not found or not all(labels.get("state") and labels.get("server") for labels in found):
        raise CannotTell("haproxy_server_status says of no worker which state it has")
    bad = sorted(f"{labels['server']} ({labels['state']})" for labels in found if labels["state"] != "UP")
    return want.judge(len(bad), reason=", ".join(bad))


def queue(host: Any, want: Want) -> Result:
    """Requests that wait for a worker."""
    return want.judge(int(sum(on for _, on in _pairs(_metrics(host, want), "haproxy_backend_current_queue"))))


def connections(host: Any, want: Want) -> Result:
    """Client connections, in percent of what HAProxy takes at once."""
    metrics = _metrics(host, want)
    now = sum(on for _, on in _pairs(metrics, "haproxy_process_current_connections"))
    most = sum(on for _, on in _pairs(metrics, "haproxy_process_max_connections"))
    if most <= 0:
        raise CannotTell("haproxy_process_max_connections is no number of connections")
    return want.judge(round(100 * now / most, 1), reason=f"{now:g} of {most:g}")


def server_errors(host: Any, want: Want) -> Result:
    """Answers with a status of 500 and above, of all that the workers gave since HAProxy started."""
    found = _pairs(_metrics(host, want), "haproxy_backend_http_responses_total")
    bad = sum(on for labels, on in found if labels.get("code") == "5xx")
    total = sum(on for _, on in found)
    return want.judge(round(100 * bad / max(total, 1), 2), reason=f"{bad:g} of {total:g} answers")


def certificate(host: Any, want: Want) -> Result:
    """How many days the certificate still lives, by the host's own clock."""
    text = output(host, "env LC_ALL=C openssl x509 -noout -enddate -in %s", CERTIFICATE)
    now = output(host, "date -u +%s", "%s").strip()
    try:
        end = datetime.strptime(" ".join(text.split()), "notAfter=%b %d %H:%M:%S %Y GMT").replace(tzinfo=UTC)
        days = (end.timestamp() - int(now)) / 86400
    except ValueError:
        raise Unreadable("openssl x509", text.strip(), f"no date, or the clock says {now[:20]!r}") from None
    return want.judge(int(days // 1), reason=f"it ends on {end:%Y-%m-%d}")


def plain_http(host: Any, want: Want) -> Result:
    """What the port does with a request that is not encrypted: a key sent so could be read on the way."""
    answer = ask(host, gateway_url(want).replace("https:", "http:"), "/v1/models", timeout=want.parameters["timeout"])
    if answer.status:
        return want.judge("answered", reason=f"HTTP {answer.status} came back in the clear")
    if not answer.error.startswith(_CLOSED):
        raise CannotTell(f"it does not answer: {answer.error or 'no status'}")
    return want.judge("closed")


def no_key(host: Any, want: Want) -> Result:
    """What it answers to who shows no key."""
    answer = ask(host, gateway_url(want), "/v1/models", ca_file=CERTIFICATE, timeout=want.parameters["timeout"])
    return want.judge(_status(answer), reason="whoever reaches the port may use the workers")


def other_path(host: Any, want: Want) -> Result:
    """What it answers a client who asks for a path that is none of a client's: the workers' metrics."""
    answer = ask(
        host, gateway_url(want), "/metrics", key=CLIENT_KEY, ca_file=CERTIFICATE, timeout=want.parameters["timeout"]
    )
    return want.judge(_status(answer), reason="clients reach more of the workers than gateway_paths names")


def _status(answer: Answer) -> int:
    if not answer.status:
        raise CannotTell(f"it does not answer: {answer.error or 'no status'}")
    return answer.status


def _metrics(host: Any, want: Want) -> Mapping[tuple[str, str], float]:
    address, _, port = str(want.variable("gateway_metrics_bind")).rpartition(":")
    if not port.isdigit():
        raise CannotTell(f"gateway_metrics_bind has no port: {want.variable('gateway_metrics_bind')}")
    where = "127.0.0.1" if address in ("", "*", "0.0.0.0", "[::]", "::") else address  # noqa: S104 - compared, not bound
    answer = ask(host, f"http://{where}:{port}", "/metrics", timeout=want.parameters["timeout"])
    if answer.trouble:
        raise CannotTell(f"its metrics cannot be had: {answer.trouble}")
    return parse_metrics(answer.text)


def _pairs(metrics: Mapping[tuple[str, str], float], name: str) -> list[tuple[dict[str, str], float]]:
    found = [(labels_of(labels), value) for (one, labels), value in metrics.items() if one == name]
    if not found:
        raise CannotTell(f"it shows no {name}")
    return found


def _series(metrics: Mapping[tuple[str, str], float], name: str) -> list[dict[str, str]]:
    return [labels for labels, _ in _pairs(metrics, name)]


_MOMENT = "the load of this moment"
_PAST = "what has happened to one host's service"
_EXPORTER = "HAProxy's own exporter"
_BIND = ("gateway_metrics_bind",)
_PORT = ("gateway_port",)

CHECKS = (
    Check(
        "gateway.version",
        "series of the HAProxy that runs",
        Kind.TEXT,
        version,
        "hybridctl provision --role gateway --limit {host}; an old process beside it: systemctl restart haproxy",
        variables=_BIND,
        parameters=SHORT_TIMEOUT,
        unproven=_EXPORTER,
    ),
    Check(
        "gateway.servers_down",
        "workers HAProxy sends nothing to",
        Kind.NUMBER,
        servers_down,
        "look at the worker it names: hybridctl verify --limit WORKER; left drained: playbook adhoc.undrain_worker",
        unit="workers",
        variables=_BIND,
        parameters=SHORT_TIMEOUT,
        varies=_MOMENT,
        unproven=_EXPORTER,
    ),
    Check(
        "gateway.queue",
        "requests that wait for a worker",
        Kind.NUMBER,
        queue,
        "add a worker to vllm_gpu or vllm_cpu and provision the gateway; until then lower gateway_queue_timeout",
        unit="requests",
        variables=_BIND,
        parameters=SHORT_TIMEOUT,
        varies=_MOMENT,
        unproven=_EXPORTER,
    ),
    Check(
        "gateway.connections",
        "client connections, of those allowed",
        Kind.NUMBER,
        connections,
        "raise gateway_maxconn; who holds them: echo 'show sess' into /run/haproxy/admin.sock by socat",
        unit="%",
        variables=_BIND,
        parameters=SHORT_TIMEOUT,
        varies=_MOMENT,
        unproven=_EXPORTER,
    ),
    Check(
        "gateway.server_errors",
        "answers of the workers with status 5xx",
        Kind.NUMBER,
        server_errors,
        "see which worker gave them: journalctl -u haproxy --grep 'status=5' -n 200",
        unit="%",
        variables=_BIND,
        parameters=SHORT_TIMEOUT,
        varies=_PAST,
        unproven=_EXPORTER,
    ),
    Check(
        "gateway.certificate_days",
        "days the gateway's certificate still lives",
        Kind.NUMBER,
        certificate,
        "put the new one into gateway_tls_certificate, then: hybridctl provision --role gateway --limit {host}",
        unit="days",
        varies="each certificate has its own end",
    ),
    Check(
        "gateway.plain_http",
        "what becomes of a request in the clear",
        Kind.TEXT,
        plain_http,
        "find what listens there in place of HAProxy's TLS: ss --listening --tcp --processes",
        variables=_PORT,
        parameters=SHORT_TIMEOUT,
    ),
    Check(
        "gateway.answer_without_key",
        "the gateway's answer to who has no key",
        Kind.NUMBER,
        no_key,
        "compare /etc/haproxy/haproxy.cfg with what provision would write: hybridctl plan --role gateway",
        unit="HTTP status",
        variables=_PORT,
        parameters=SHORT_TIMEOUT,
    ),
    Check(
        "gateway.answer_on_other_path",
        "the gateway's answer on a path of no client",
        Kind.NUMBER,
        other_path,
        "take the path out of gateway_paths, then: hybridctl provision --role gateway",
        unit="HTTP status",
        variables=_PORT,
        parameters=SHORT_TIMEOUT,
    ),
)
