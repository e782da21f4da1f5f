"""Cases of the gateway beside its tokens."""

from check_cases import DENIED, NO_KEY, REFUSED, TOO_SLOW, Answers, Cases, answer

READS = ("openssl x509 -noout -enddate -in", "date -u +%s")

_HTTP = "python3 -c"


def _shows(*lines: str) -> Answers:
    return {_HTTP: answer(status=200, text="# TYPE x gauge\n" + "".join(f"haproxy_{line}\n" for line in lines))}


def _build(version: str) -> Answers:
    return _shows(f'process_build_info{{version="{version}"}} 1', "process_nbthread 2")


def _states(second: str) -> Answers:
    lines = []
    for server, on in (("cpu1", "UP"), ("gpu1", second)):
        for state in ("DOWN", "UP", "MAINT", "DRAIN", "NOLB"):
            lines.append(f'server_status{{proxy="vllm",server="{server}",state="{state}"}} {int(state == on)}')
    return _shows(*lines)


def _responses(good: int, bad: int) -> Answers:
    start = 'backend_http_responses_total{proxy="vllm",code='
    return _shows(f'{start}"2xx"}} {good}', f'{start}"5xx"}} {bad}')


def _ends(end: str, now: str = "1796256000") -> Answers:  # 2026-12-03
    return {"openssl": f"notAfter={end}\n", "date": f"{now}\n"}


_UNREAD: list[Answers] = [
    {_HTTP: REFUSED},
    {_HTTP: TOO_SLOW},
    _shows("process_nbthread 2"),
    {_HTTP: answer(status=404)},
]
_CLOSED = answer(error="RemoteDisconnected: Remote end closed connection without response")

CASES: dict[str, Cases] = {
    "gateway.version": Cases(
        {"value": "2.6"},
        [_build("2.6.12-1+deb12u2")],
        [_build("2.4.24-0ubuntu0.22.04.1"), _build("2.60.1")],
        [*_UNREAD, _build("unknown")],
    ),
    "gateway.servers_down": Cases(
        {"value": 0},
        [_states("UP")],
        [_states("DOWN"), _states("DRAIN"), _states("MAINT")],
        [*_UNREAD, _shows('server_status{proxy="vllm",server="cpu1"} 1')],
    ),
    "gateway.queue": Cases(
        {"at_most": 16},
        [_shows('backend_current_queue{proxy="vllm"} 16')],
        [_shows('backend_current_queue{proxy="vllm"} 17')],
        _UNREAD,
    ),
    "gateway.connections": Cases(
        {"at_most": 80},
        [_shows("process_current_connections 6400", "process_max_connections 8000")],
        [_shows("process_current_connections 6480", "process_max_connections 8000")],
        [*_UNREAD, _shows("process_current_connections 1", "process_max_connections 0")],
    ),
    "gateway.server_errors": Cases(
        {"at_most": 1},
        [_responses(99, 1), _responses(0, 0)],
        [_responses(98, 2)],
        _UNREAD,
    ),
    "gateway.certificate_days": Cases(
        {"at_least": 30},
        [_ends("Jan  2 00:00:00 2027 GMT"), _ends("Dec  1 12:30:00 2036 GMT")],
        [_ends("Jan  1 23:59:59 2027 GMT"), _ends("Nov 30 00:00:00 2026 GMT")],
        [_ends("2027-01-02"), _ends("Jan  2 00:00:00 2027 GMT", "now"), {"openssl": DENIED, "date": "1796256000\n"}],
    ),
    "gateway.plain_http": Cases(
        {"value": "closed"},
        [{_HTTP: _CLOSED}, {_HTTP: answer(error="ConnectionResetError: [Errno 104] Connection reset by peer")}],
        [{_HTTP: answer(status=200, text="{}")}, {_HTTP: answer(status=401, text="")}],
        [{_HTTP: REFUSED}, {_HTTP: answer(error="TimeoutError: timed out")}, {_HTTP: answer()}],
    ),
    "gateway.answer_without_key": Cases(
        {"value": 401},
        [{_HTTP: answer(status=401, text="{}")}],
        [{_HTTP: answer(status=200, text="{}")}, {_HTTP: answer(status=503, text="no worker is ready")}],
        [{_HTTP: REFUSED}, {_HTTP: "rubbish"}, {_HTTP: NO_KEY}],
    ),
    "gateway.answer_on_other_path": Cases(
        {"value": 404},
        [{_HTTP: answer(status=404, text="{}")}],
        [{_HTTP: answer(status=200, text="vllm:num_requests_running 1\n")}, {_HTTP: answer(status=401, text="")}],
        [{_HTTP: NO_KEY}, {_HTTP: REFUSED}],
    ),
}
