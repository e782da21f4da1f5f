"""Cases of vLLM beside its token."""

from check_cases import NOT_THERE, REFUSED, TOO_SLOW, Answers, Cases, answer

READS = ()

_HTTP = "python3 -c"
_LIMITS = "LoadState=loaded\nLimitNOFILE=1048576\nLimitMEMLOCK=infinity\nNRestarts=0\n"
_HARD = "LoadState=loaded\nNoNewPrivileges=yes\nProtectSystem=strict\nCapabilityBoundingSet=\n"
_LINE = (
    "/opt/vllm/x/venv/bin/python -m vllm.entrypoints.openai.api_server --model /srv/models/tiny"
    " --served-model-name tiny --host 0.0.0.0 --port 8000 --dtype auto --max-num-seqs 128"
    " --kv-cache-memory-bytes 4294967296 --tensor-parallel-size 1"
)


def _started(line: str = _LINE, load: str = "loaded") -> Answers:
    shown = f"{{ path=/opt/vllm/x/venv/bin/python ; argv[]={line} ; ignore_errors=no ; start_time=[n/a] ; pid=0 }}"
    return {"systemctl show": f"LoadState={load}\nExecStart={shown}\n"}


def _shows(*lines: str) -> Answers:
    return {_HTTP: answer(status=200, text="# TYPE x gauge\n" + "".join(f"{line}\n" for line in lines))}


def _gauge(name: str, value: str) -> Answers:
    return _shows(f'vllm:{name}{{engine="0",model_name="tiny"}} {value}', "python_info 1")


def _ended(good: int, bad: int, preempted: int = 0) -> Answers:
    start = 'vllm:request_success_total{engine="0",model_name="tiny",finished_reason='
    return _shows(
        f'{start}"stop"}} {good}',
        f'{start}"error"}} {bad}',
        f'vllm:num_preemptions_total{{engine="0",model_name="tiny"}} {preempted}',
    )


_UNREAD: list[Answers] = [{_HTTP: REFUSED}, {_HTTP: TOO_SLOW}, _shows("python_info 1"), _gauge("num_requests", "1 x")]
_NOT_LOADED = {"systemctl show": _LIMITS.replace("loaded", "not-found")}

CASES: dict[str, Cases] = {
    "vllm.unit_properties": Cases(
        {"value": ["NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet="]},
        [{"systemctl show": _HARD}],
        [
            {"systemctl show": _HARD.replace("Privileges=yes", "Privileges=no")},
            {"systemctl show": _HARD.replace("strict", "full")},
            {"systemctl show": _HARD.replace("Set=", "Set=cap_sys_admin")},
        ],
        [{"systemctl show": _HARD.replace("loaded", "not-found")}, {"systemctl show": "LoadState=loaded\n"}],
    ),
    "vllm.restarts": Cases(
        {"value": 0},
        [{"systemctl show": _LIMITS}],
        [{"systemctl show": _LIMITS.replace("NRestarts=0", "NRestarts=3")}],
        [_NOT_LOADED, {"systemctl show": _LIMITS.replace("NRestarts=0", "NRestarts=")}, {"systemctl show": NOT_THERE}],
    ),
    "vllm.open_files": Cases(
        {"at_least": 65536},
        [{"systemctl show": _LIMITS}, {"systemctl show": _LIMITS.replace("1048576", "infinity")}],
        [{"systemctl show": _LIMITS.replace("1048576", "1024")}],
        [_NOT_LOADED, {"systemctl show": _LIMITS.replace("1048576", "many")}],
    ),
    "vllm.memlock": Cases(
        {"value": "infinity"},
        [{"systemctl show": _LIMITS}],
        [{"systemctl show": _LIMITS.replace("infinity", "8388608")}],
        [_NOT_LOADED, {"systemctl show": _LIMITS.replace("infinity", "")}],
    ),
    "vllm.flags": Cases(
        {"value": 0},
        [_started(), _started(_LINE.replace("--port 8000", "--port 80 --port 8000"))],
        [
            _started(_LINE.replace("--max-num-seqs 128", "--max-num-seqs 256")),
            _started(_LINE.replace(" --dtype auto", "")),
            _started(f"{_LINE} --port 9000"),
            _started(_LINE.replace("--tensor-parallel-size 1", "--tensor-parallel-size")),
        ],
        [_started(load="not-found"), {"systemctl show": "LoadState=loaded\nExecStart=\n"}],
    ),
    "vllm.answer_without_key": Cases(
        {"value": 401},
        [{_HTTP: answer(status=401, text='{"error":"Unauthorized"}')}],
        [{_HTTP: answer(status=200, text="{}")}, {_HTTP: answer(status=404, text="")}],
        [{_HTTP: REFUSED}, {_HTTP: NOT_THERE}, {_HTTP: "rubbish"}],
    ),
    "vllm.waiting": Cases(
        {"at_most": 32},
        [_gauge("num_requests_waiting", "32.0")],
        [_gauge("num_requests_waiting", "33.0")],
        _UNREAD,
    ),
    "vllm.running": Cases(
        {"at_most": 90},
        [_gauge("num_requests_running", "115")],
        [_gauge("num_requests_running", "116")],
        _UNREAD,
    ),
    "vllm.kv_cache": Cases(
        {"at_most": 95},
        [_gauge("kv_cache_usage_perc", "0.95")],
        [_gauge("kv_cache_usage_perc", "0.96")],
        [*_UNREAD, _gauge("kv_cache_usage_perc", "96"), _gauge("kv_cache_usage_perc", "NaN")],
    ),
    "vllm.preempted": Cases(
        {"at_most": 5},
        [_ended(100, 0, 5), _ended(0, 0)],
        [_ended(100, 0, 6), _ended(0, 0, 1)],
        [*_UNREAD, _gauge("num_preemptions_total", "0")],
    ),
    "vllm.errors": Cases(
        {"at_most": 1},
        [_ended(99, 1), _ended(0, 0)],
        [_ended(98, 2), _ended(0, 1)],
        _UNREAD,
    ),
}
