"""Checks of what the site is for: worker and gateway answer a real request. `/health` stays 200 over a dead engine."""

from typing import Any

from hybridctl.checks.model import Check, Kind, Parameter, Result, Verdict, Want
from hybridctl.checks.request import TIMEOUT, Answer, KeyFile, ask
from hybridctl.refusals import MOST_QUOTED

__all__ = ["CERTIFICATE", "CHECKS", "CLIENT_KEY", "gateway_url", "worker_url"]

_WORKER_KEY = KeyFile("/etc/vllm/vllm.env", "VLLM_API_KEY=")
CLIENT_KEY = KeyFile("/etc/haproxy/clients.map")
# The gateway's own certificate, with its authority's when a site has one.
CERTIFICATE = "/etc/haproxy/tls/gateway.pem"
_TOKENS = {"tokens": Parameter(1, 1, 256)}


def worker_completion(host: Any, want: Want) -> Result:
    """vLLM generates as many tokens as it is asked for, on the worker itself."""
    body = _completion(want, str(want.variable("vllm_served_model_name")))
    timeout = want.parameters["timeout"]
    return _tokens(want, ask(host, worker_url(want), "/v1/completions", body, key=_WORKER_KEY, timeout=timeout))


def gateway_completion(host: Any, want: Want) -> Result:
    """The gateway brings as many tokens of a worker's as it is asked for, over TLS and with a client's key."""
    return _tokens(want, _ask_gateway(host, want, "/v1/completions", _completion(want, "")))


def gateway_models(host: Any, want: Want) -> Result:
    """The gateway lists the models of its workers, over TLS and with a client's key."""
    answer = _ask_gateway(host, want, "/v1/models")
    if answer.trouble:
        return want.result(Verdict.FAIL, 0, reason=answer.trouble)
    try:
        models = [str(model["id"]) for model in answer.document()["data"]]
    except (TypeError, KeyError):
        return want.result(Verdict.FAIL, 0, reason=f"the answer lists no models: {answer.text[:MOST_QUOTED]!r}")
    return want.judge(len(models), reason="no worker offers a model")


def _local(bind_address: str) -> str:
    """Return where the host itself reaches what listens there."""
    if bind_address in ("", "0.0.0.0"):  # noqa: S104 - compared, not listened on
        return "127.0.0.1"
    if ":" in bind_address:
        return "[::1]" if bind_address == "::" else f"[{bind_address}]"
    return bind_address


def worker_url(want: Want) -> str:
    """Return where vLLM is reached on the worker itself."""
    return f"http://{_local(str(want.variable('vllm_bind_address')))}:{want.variable('vllm_port')}"


def gateway_url(want: Want) -> str:
    """Return where the gateway is reached on itself."""
    return f"https://127.0.0.1:{want.variable('gateway_port')}"


def _ask_gateway(host: Any, want: Want, path: str, body: dict[str, Any] | None = None) -> Answer:
    timeout = want.parameters["timeout"]
    return ask(host, gateway_url(want), path, body, key=CLIENT_KEY, ca_file=CERTIFICATE, timeout=timeout)


def _completion(want: Want, model: str) -> dict[str, Any]:
    tokens = want.parameters["tokens"]
    body = {"model": model, "prompt": "1", "max_tokens": tokens}
    # A model may end sooner by itself; the first token it never leaves out.
    return {**body, "min_tokens": tokens} if tokens > 1 else body


def _tokens(want: Want, answer: Answer) -> Result:
    if answer.trouble:
        return want.result(Verdict.FAIL, 0, reason=answer.trouble)
    try:
        made = int(answer.document()["usage"]["completion_tokens"])
    except (TypeError, KeyError, ValueError):
        return want.result(Verdict.FAIL, 0, reason=f"the answer is no completion: {answer.text[:MOST_QUOTED]!r}")
    return want.judge(made, reason="the answer came without a token")


CHECKS = (
    Check(
        "service.worker_completion",
        "vLLM generates a token",
        Kind.NUMBER,
        worker_completion,
        "on {host}: systemctl status vllm; journalctl -u vllm -n 50; then: systemctl restart vllm",
        unit="tokens",
        parameters={**_TOKENS, **TIMEOUT},
        variables=("vllm_bind_address", "vllm_port", "vllm_served_model_name"),
        varies="what a service did at this moment is not what it must do",
    ),
    Check(
        "service.gateway_models",
        "the gateway lists models",
        Kind.NUMBER,
        gateway_models,
        "on {host}: systemctl status haproxy; echo 'show servers state' | socat stdio /run/haproxy/admin.sock",
        unit="models",
        parameters=TIMEOUT,
        variables=("gateway_port",),
        varies="what a service did at this moment is not what it must do",
    ),
    Check(
        "service.gateway_completion",
        "the gateway brings a token",
        Kind.NUMBER,
        gateway_completion,
        "verify the workers first: hybridctl verify --only service; on {host}: journalctl -u haproxy -n 50",
        unit="tokens",
        parameters={**_TOKENS, **TIMEOUT},
        variables=("gateway_port",),
        varies="what a service did at this moment is not what it must do",
    ),
)
