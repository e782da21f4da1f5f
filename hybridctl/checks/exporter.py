"""Checks of the exporters that Prometheus asks."""

from typing import Any

from hybridctl.checks.model import CannotTell, Check, Kind, Result, Verdict, Want
from hybridctl.checks.request import Answer, ask
from hybridctl.parsers.prometheus import parse_metrics

__all__ = ["CHECKS"]

_HINT = (
    "on {host}: systemctl status prometheus-node-exporter; journalctl -u prometheus-node-exporter -n 50; "
    "then: hybridctl provision --layer monitoring --limit {host}"
)


def node_series(host: Any, want: Want) -> Result:
    """node_exporter shows the host's own numbers."""
    answer = _ask(host, want)
    if answer.trouble:
        return want.result(Verdict.FAIL, 0, reason=answer.trouble)
    count = sum(name.startswith("node_") for name, _ in parse_metrics(answer.text))
    return want.judge(count, reason="too few series begin with node_: another program, or collectors that fail")


def node_clock(host: Any, want: Want) -> Result:
    """The time node_exporter shows is the host's: its numbers are of now."""
    answer = _ask(host, want)
    if answer.trouble:
        return want.result(Verdict.FAIL, None, reason=answer.trouble)
    shown = parse_metrics(answer.text).get(("node_time_seconds", ""))
    if shown is None:
        return want.result(Verdict.FAIL, None, reason="it shows no node_time_seconds")
    # Zero while the exporter's time lies between the host's clock before and after the request.
    off = max(answer.before - shown, shown - answer.after, 0.0)
    return want.judge(round(off, 1), reason="its numbers are not of now")


def _ask(host: Any, want: Want) -> Answer:
    address, _, port = str(want.variable("node_telemetry_listen_address")).rpartition(":")
    if not port.isdigit():
        raise CannotTell(f"node_telemetry_listen_address has no port: {want.variable('node_telemetry_listen_address')}")
    # Listening on every address, it is asked on loopback.
    where = "127.0.0.1" if address in ("", "0.0.0.0", "[::]") else address  # noqa: S104 - compared, not bound
    return ask(host, f"http://{where}:{port}", "/metrics", timeout=20)


CHECKS = (
    Check(
        "exporter.node_series",
        "node_exporter shows the host's series",
        Kind.NUMBER,
        node_series,
        _HINT,
        unit="series",
        varies="each kernel and each mount adds series",
        variables=("node_telemetry_listen_address",),
    ),
    Check(
        "exporter.node_clock",
        "node_exporter's numbers are of now",
        Kind.NUMBER,
        node_clock,
        _HINT,
        unit="s",
        varies="the delay of this moment",
        variables=("node_telemetry_listen_address",),
    ),
)
