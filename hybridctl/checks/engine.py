"""Checks of vLLM beside its token: the unit it runs in, the flags it was given, and its own metrics."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from hybridctl.checks.model import CannotTell, Check, Kind, Result, Verdict, Want
from hybridctl.checks.reading import output
from hybridctl.checks.request import SHORT_TIMEOUT, TIMEOUT, ask
from hybridctl.checks.service import worker_url
from hybridctl.parsers.prometheus import labels_of, parse_metrics
from hybridctl.parsers.systemctl import parse_show
from hybridctl.refusals import Unreadable

__all__ = ["CHECKS"]

# Flags of the role, each with the variable it comes from.
_FLAGS = {
    "--served-model-name": "vllm_served_model_name",
    "--host": "vllm_bind_address",
    "--port": "vllm_port",
    "--dtype": "vllm_dtype",
    "--max-num-seqs": "vllm_max_num_seqs",
    "--kv-cache-memory-bytes": "vllm_kv_cache_memory_bytes",
    "--tensor-parallel-size": "vllm_tensor_parallel_size",
}
_URL = ("vllm_bind_address", "vllm_port")


def hardening(host: Any, want: Want) -> Iterator[Result]:
    """Each property of the unit, written `Name=value`, has that value."""
    wanted = [str(pair).partition("=") for pair in want.expectation.wanted]
    shown = _unit(host, *(name for name, _, _ in wanted))
    for name, _, value in wanted:
        right = shown[name] == value
        reason = "" if right else "the unit's file, or one in vllm.service.d, says otherwise"
        verdict = Verdict.PASS if right else Verdict.FAIL
        expected = value or "(nothing)"
        yield want.result(verdict, shown[name] or "(nothing)", subject=name, expected=expected, reason=reason)


def restarts(host: Any, want: Want) -> Result:
    """How often systemd has started it again by itself since somebody last did."""
    return want.judge(
        _count(_unit(host, "NRestarts")["NRestarts"]), reason="its engine died, or its probe found it hanging"
    )


def open_files(host: Any, want: Want) -> Result:
    """How many files and sockets it may hold open."""
    said = _unit(host, "LimitNOFILE")["LimitNOFILE"]
    return want.judge(2**63 if said == "infinity" else _count(said))


def memlock(host: Any, want: Want) -> Result:
    """How much memory it may pin; RDMA wants it all."""
    said = _unit(host, "LimitMEMLOCK")["LimitMEMLOCK"]
    return want.judge(said if said == "infinity" else str(_count(said)))


def flags(host: Any, want: Want) -> Result:
    """How many of its flags are not what the site's variables say."""
    shown = _unit(host, "ExecStart")["ExecStart"]
    line = re.search(r"argv\[\]=(.*?) ; ignore_errors=", shown)
    if line is None:
        raise Unreadable("systemctl show", shown, "ExecStart shows no command line")
    words = line[1].split(" ")
    bad = []
    for flag, name in _FLAGS.items():
        planned = str(want.variable(name))
        # The last one counts, in vLLM too.
        given = next((words[at + 1] for at in range(len(words) - 2, -1, -1) if words[at] == flag), "(none)")
        if given != planned:
            bad.append(f"{flag} {given} instead of {planned}")
    return want.judge(len(bad), reason="; ".join(bad))


def no_key(host: Any, want: Want) -> Result:
    """What it answers to who shows no key."""
    answer = ask(host, worker_url(want), "/v1/models", timeout=want.parameters["timeout"])
    if not answer.status:
        raise CannotTell(f"it does not answer: {answer.error or 'no status'}")
    return want.judge(answer.status, reason="whoever reaches the port may use the model")


def waiting(host: Any, want: Want) -> Result:
    """Requests in vLLM's own queue."""
    return want.judge(int(sum(_series(_metrics(host, want), "vllm:num_requests_waiting").values())))


def running(host: Any, want: Want) -> Result:
    """Requests that run, in percent of what the site allows at once."""
    most = int(want.variable("vllm_max_num_seqs"))
    now = sum(_series(_metrics(host, want), "vllm:num_requests_running").values())
    return want.judge(round(100 * now / most, 1), reason=f"{now:g} of {most} requests run")


def kv_cache(host: Any, want: Want) -> Result:
    """How full the fullest KV cache is, in percent."""
    found = _series(_metrics(host, want), "vllm:kv_cache_usage_perc").values()
    if not all(0 <= share <= 1 for share in found):
        raise CannotTell("vllm:kv_cache_usage_perc is no share between 0 and 1")
    return want.judge(round(100 * max(found), 1))


def preempted(host: Any, want: Want) -> Result:
    """How often a request lost its place in the KV cache and was begun anew, for 100 that ended."""
    metrics = _metrics(host, want)
    ended = sum(_series(metrics, "vllm:request_success_total").values())
    lost = sum(_series(metrics, "vllm:num_preemptions_total").values())
    return want.judge(round(100 * lost / max(ended, 1), 1), reason=f"{lost:g} preemptions, {ended:g} requests ended")


def errors(host: Any, want: Want) -> Result:
    """How many of 100 requests ended with an error, which vLLM counts among its successes."""
    ended = _series(_metrics(host, want), "vllm:request_success_total")
    bad = sum(count for labels, count in ended.items() if labels_of(labels).get("finished_reason") == "error")
    total = sum(ended.values())
    return want.judge(round(100 * bad / max(total, 1), 2), reason=f"{bad:g} of {total:g} requests since it started")


def _unit(host: Any, *properties: str) -> dict[str, str]:
    names = ("LoadState", *properties)
    shown = parse_show(output(host, f"systemctl show --no-pager --property={','.join(names)} -- vllm.service"), names)
    if shown["LoadState"] != "loaded":
        raise CannotTell(f"vllm.service is {shown['LoadState']}: what systemd shows of it are defaults")
    return shown


def _count(said: str) -> int:
    if not re.fullmatch(r"\d{1,20}", said, re.ASCII):
        raise Unreadable("systemctl show", said, "a number was expected")
    return int(said)


def _metrics(host: Any, want: Want) -> Mapping[tuple[str, str], float]:
    answer = ask(host, worker_url(want), "/metrics", timeout=want.parameters["timeout"])
    if answer.trouble:
        raise CannotTell(f"its metrics cannot be had: {answer.trouble}")
    return parse_metrics(answer.text)


def _series(metrics: Mapping[tuple[str, str], float], name: str) -> dict[str, float]:
    found = {labels: value for (one, labels), value in metrics.items() if one == name}
    if not found:
        raise CannotTell(f"it shows no {name}")
    return found


_MOMENT = "the load of this moment"
_PAST = "what has happened to one host's service"
_METRICS = "vLLM's metrics"

CHECKS = (
    Check(
        "vllm.unit_properties",
        "how vLLM's unit is confined",
        Kind.NAMES,
        hardening,
        "see which file sets {subject}: systemctl cat vllm; then: hybridctl provision --role vllm --limit {host}",
    ),
    Check(
        "vllm.restarts",
        "vLLM started again by systemd",
        Kind.NUMBER,
        restarts,
        "read why it ended: journalctl -u vllm --grep 'Traceback|EngineDead|Killed'; out of memory: journalctl -k",
        unit="restarts",
        varies=_PAST,
    ),
    Check(
        "vllm.open_files",
        "files vLLM may hold open",
        Kind.NUMBER,
        open_files,
        "look for a LimitNOFILE in /etc/systemd/system/vllm.service.d or DefaultLimitNOFILE in system.conf",
        unit="files",
    ),
    Check(
        "vllm.memlock",
        "memory vLLM may pin",
        Kind.TEXT,
        memlock,
        "look for a LimitMEMLOCK in /etc/systemd/system/vllm.service.d; systemctl daemon-reload; restart the worker",
    ),
    Check(
        "vllm.flags",
        "vLLM's flags other than planned",
        Kind.NUMBER,
        flags,
        "hybridctl plan --role vllm --limit {host}; then provision it, which restarts the worker drained",
        unit="flags",
        variables=tuple(_FLAGS.values()),
    ),
    Check(
        "vllm.answer_without_key",
        "vLLM's answer to who has no key",
        Kind.NUMBER,
        no_key,
        "see that /etc/vllm/vllm.env sets VLLM_API_KEY, and that vllm_api_key is in the vault; restart the worker",
        unit="HTTP status",
        variables=_URL,
        parameters=TIMEOUT,
    ),
    Check(
        "vllm.waiting",
        "requests that wait in vLLM",
        Kind.NUMBER,
        waiting,
        "add a worker, or lower gateway_worker_maxconn so that the gateway spreads them",
        unit="requests",
        variables=_URL,
        parameters=SHORT_TIMEOUT,
        varies=_MOMENT,
        unproven=_METRICS,
    ),
    Check(
        "vllm.running",
        "requests that run, of those allowed",
        Kind.NUMBER,
        running,
        "raise vllm_max_num_seqs if the KV cache has room: hybridctl verify --only vllm.kv_cache --limit {host}",
        unit="%",
        variables=(*_URL, "vllm_max_num_seqs"),
        parameters=SHORT_TIMEOUT,
        varies=_MOMENT,
        unproven=_METRICS,
    ),
    Check(
        "vllm.kv_cache",
        "KV cache used",
        Kind.NUMBER,
        kv_cache,
        "raise vllm_kv_cache_memory_bytes if the host has memory, or lower vllm_max_model_len",
        unit="%",
        variables=_URL,
        parameters=SHORT_TIMEOUT,
        varies=_MOMENT,
        unproven=_METRICS,
    ),
    Check(
        "vllm.preempted",
        "requests begun anew for want of KV cache",
        Kind.NUMBER,
        preempted,
        "lower vllm_max_num_seqs: each request begun anew is computed twice; see vllm:num_preemptions_total",
        unit="per 100 requests",
        variables=_URL,
        parameters=SHORT_TIMEOUT,
        varies=_PAST,
        unproven=_METRICS,
    ),
    Check(
        "vllm.errors",
        "requests that ended with an error",
        Kind.NUMBER,
        errors,
        "find them in its log: journalctl -u vllm -p warning -n 200; restart_worker if the engine is the cause",
        unit="%",
        variables=_URL,
        parameters=SHORT_TIMEOUT,
        varies=_PAST,
        unproven=_METRICS,
    ),
)
