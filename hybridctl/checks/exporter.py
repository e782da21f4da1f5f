"""Checks of the exporters that Prometheus asks."""

from collections.abc import Iterator, Mapping
from typing import Any

from hybridctl.checks.model import CannotTell, Check, Kind, Result, Verdict, Want
from hybridctl.checks.request import SHORT_TIMEOUT, Answer, ask
from hybridctl.parsers.prometheus import labels_of, parse_metrics

__all__ = ["CHECKS"]


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


def collectors(host: Any, want: Want) -> Iterator[Result]:
    """Each collector brought numbers; one that finds nothing of its kind on the host says that it failed as well."""
    found = _by_collector(_metrics(host, want), "node_scrape_collector_success")
    for name in want.expectation.wanted:
        if name not in found:
            reason = "node_exporter has no such collector switched on"
            yield want.result(Verdict.FAIL, "not on", subject=name, expected="succeeds", reason=reason)
        elif found[name] == 1:
            yield want.result(Verdict.PASS, "succeeds", subject=name, expected="succeeds")
        else:
            reason = "it could not read its numbers"
            yield want.result(Verdict.FAIL, "failed", subject=name, expected="succeeds", reason=reason)


def slowest(host: Any, want: Want) -> Result:
    """How long the slowest collector takes."""
    found = _by_collector(_metrics(host, want), "node_scrape_collector_duration_seconds")
    name = max(found, key=lambda one: found[one])
    return want.judge(round(found[name], 2), reason=f"the collector {name} takes so long")


def textfile(host: Any, want: Want) -> Result:
    """Whether a file of the textfile collector cannot be read; then none of its numbers is there."""
    error = _metrics(host, want).get(("node_textfile_scrape_error", ""))
    if error is None:
        raise CannotTell("it shows no node_textfile_scrape_error: the collector textfile is off")
    return want.judge(int(error), reason="a file in node_telemetry_textfile_directory is not in the format")


def _metrics(host: Any, want: Want) -> Mapping[tuple[str, str], float]:
    answer = _ask(host, want)
    if answer.trouble:
        raise CannotTell(f"its metrics cannot be had: {answer.trouble}")
    return parse_metrics(answer.text)


def _by_collector(metrics: Mapping[tuple[str, str], float], name: str) -> dict[str, float]:
    found = {labels_of(labels).get("collector", ""): value for (one, labels), value in metrics.items() if one == name}
    if not found or "" in found:
        raise CannotTell(f"it shows no {name} by collector")
    return found


def _ask(host: Any, want: Want) -> Answer:
    address, _, port = str(want.variable("node_telemetry_listen_address")).rpartition(":")
    if not port.isdigit():
        raise CannotTell(f"node_telemetry_listen_address has no port: {want.variable('node_telemetry_listen_address')}")
    # Listening on every address, it is asked on loopback.
    where = "127.0.0.1" if address in ("", "0.0.0.0", "[::]") else address  # noqa: S104 - compared, not bound
    return ask(host, f"http://{where}:{port}", "/metrics", timeout=want.parameters["timeout"])


CHECKS = (
    Check(
        "exporter.node_series",
        "node_exporter shows the host's series",
        Kind.NUMBER,
        node_series,
        "on {host}: journalctl -u prometheus-node-exporter, then hybridctl provision --layer monitoring --limit {host}",
        unit="series",
        varies="each kernel and each mount adds series",
        variables=("node_telemetry_listen_address",),
        parameters=SHORT_TIMEOUT,
    ),
    Check(
        "exporter.node_clock",
        "node_exporter's numbers are of now",
        Kind.NUMBER,
        node_clock,
        "on {host}: systemctl restart prometheus-node-exporter; if it stays: compare date -u with timedatectl",
        unit="s",
        varies="the delay of this moment",
        variables=("node_telemetry_listen_address",),
        parameters=SHORT_TIMEOUT,
    ),
    Check(
        "exporter.collectors",
        "node_exporter's collectors that succeed",
        Kind.NAMES,
        collectors,
        "on {host}: journalctl -u prometheus-node-exporter --grep {subject} -n 20; switched off in node_telemetry_*",
        variables=("node_telemetry_listen_address",),
        parameters=SHORT_TIMEOUT,
    ),
    Check(
        "exporter.slowest_collector",
        "time of node_exporter's slowest collector",
        Kind.NUMBER,
        slowest,
        "switch off the collector the reason names: node_telemetry_collectors_disabled; or look for a mount that hangs",
        unit="s",
        varies="the load of this moment",
        variables=("node_telemetry_listen_address",),
        parameters=SHORT_TIMEOUT,
    ),
    Check(
        "exporter.textfile_errors",
        "textfile collector's error",
        Kind.NUMBER,
        textfile,
        "find the file: promtool check metrics < FILE for each in node_telemetry_textfile_directory; write it anew",
        unit="errors",
        variables=("node_telemetry_listen_address",),
        parameters=SHORT_TIMEOUT,
    ),
)
