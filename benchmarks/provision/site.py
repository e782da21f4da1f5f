"""`hybridctl provision` with nothing to change on a lab's site: seconds and round trips, layer by layer.

Before and after: the same measured with the last commit before the roles took to batch modules, on the same hosts, each
version after a provision of its own that is not counted.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.common import machine
from benchmarks.common.results import Results
from hybridctl.lab.fleet import Lab

__all__ = ["BEFORE", "PART", "measure"]

BEFORE = "c17676a^"  # c17676a: files, units and packages by batch modules
PART = "site"
LIMIT = 1800  # seconds; ends a hang
# Every round trip of Ansible is one call of ssh. The address is the first word that starts with a digit.
COUNTER = """#!/bin/sh
for word; do case $word in [0-9]*.*.*.*) printf '%s %s\\n' "$(date +%s.%N)" "$word" >>"$BENCH_TRIPS"; break;; esac; done
exec ssh "$@"
"""


def measure(lab: Lab, scratch: Path, results: Results, repeats: int, say: Callable[[str], None]) -> None:
    """Measure both versions, then verify alone, and record one row a run.

    Raises:
        RuntimeError: a provision failed, or the second one in a row changed something.
    """
    here, scratch = Path.cwd(), scratch.absolute()
    _stand_in(lab)
    counter = scratch / "counting-ssh"
    counter.write_text(COUNTER, encoding="utf-8")
    counter.chmod(0o755)
    for version, code in (("before", _checkout(scratch / "before")), ("after", here)):
        _refuse_other_code(code)
        _provision(lab, code, counter, scratch)
        for number in range(repeats):
            busy = machine.busy()
            row = _provision(lab, code, counter, scratch)
            if row.pop("changed"):
                raise RuntimeError(f"{version}: a provision with nothing to change changed something")
            results.add(PART, command="provision", version=version, repeat=number, busy_before=busy, **row)
            say(f"site: provision {version}: {row['seconds']:.1f} s, round trips {row['trips']}")
    for number in range(repeats):
        seconds, done = _hybridctl(here, ["verify", "-i", str(lab.inventory), "--json"], {})
        if not done.stdout.startswith("{"):
            raise RuntimeError(f"verify gave no verdict: {done.stderr[-2000:]}")
        results.add(PART, command="verify", version="after", repeat=number, seconds=round(seconds, 2))
        say(f"site: verify {seconds:.1f} s, status {done.returncode}")


def _stand_in(lab: Lab) -> None:
    """Have the last host answer the gateway's health checks, as a worker would."""
    host = lab.status()[-1]
    serve = (
        "mkdir -p /srv/worker && touch /srv/worker/health && systemd-run -q -u worker python3 -m http.server 8000 -d"
    )
    subprocess.run([*lab.ssh_argv(host.name), f"{serve} /srv/worker"], check=True, stdin=subprocess.DEVNULL)
    workers = [{"name": "standin", "address": host.address, "port": 8000}]
    path = lab.inventory / "group_vars" / "all" / "bench.yml"
    path.write_text(json.dumps({"gateway_workers": workers}), encoding="utf-8")


def _provision(lab: Lab, code: Path, counter: Path, scratch: Path) -> dict[str, Any]:
    trips = scratch / "trips"
    trips.unlink(missing_ok=True)
    began = time.time()
    environment = {"ANSIBLE_SSH_EXECUTABLE": str(counter), "BENCH_TRIPS": str(trips)}
    seconds, done = _hybridctl(code, ["provision", "-i", str(lab.inventory), "--json"], environment)
    if done.returncode != 0:
        raise RuntimeError(f"provision ended with status {done.returncode}: {done.stderr[-3000:]}")
    events = list(_events(lab.site / ".hybridctl" / "runs" / "latest" / "events.jsonl"))
    layers = _layers(events, began, began + seconds)
    names = {host.address: host.name for host in lab.status()}
    calls = [(float(at), names[address]) for at, address in map(str.split, trips.read_text().splitlines())]
    return {
        "seconds": round(seconds, 2),
        "changed": sum(host["changed"] for host in json.loads(done.stdout)["hosts"]),
        "layers": {name: round(end - begin, 2) for name, begin, end in layers},
        "trips": dict(sorted(Counter(host for _, host in calls).items())),
        "trips_by_layer": {
            name: dict(sorted(Counter(host for at, host in calls if begin <= at < end).items()))
            for name, begin, end in layers
        },
    }


def _layers(events: list[tuple[float, str]], began: float, ended: float) -> list[tuple[str, float, float]]:
    """Return (layer, begin, end) without a gap; what comes before the first task is `start`, after the last `end`."""
    begins: list[tuple[str, float]] = [("start", began)]
    for at, layer in events:
        if layer and layer != begins[-1][0]:
            begins.append((layer, at))
    begins.append(("end", max(at for at, _ in events)))
    ends = [at for _, at in begins[1:]] + [ended]
    spans: dict[str, list[float]] = {}
    for (layer, begin), end in zip(begins, ends, strict=True):
        spans.setdefault(layer, [begin, end])[1] = end
    return [(layer, begin, end) for layer, (begin, end) in spans.items()]


def _events(path: Path) -> Iterator[tuple[float, str]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event.get("at"):
            yield datetime.fromisoformat(event["at"]).timestamp(), event.get("layer") or ""


def _hybridctl(
    code: Path, arguments: list[str], environment: dict[str, str]
) -> tuple[float, "subprocess.CompletedProcess[str]"]:
    """Run hybridctl out of the folder `code`; return wall seconds and what became of it."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "hybridctl", *arguments],
        cwd=code,  # which Python's -m looks into first
        env={**os.environ, "PYTHONPATH": str(code), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    return time.perf_counter() - started, done


def _refuse_other_code(code: Path) -> None:
    """Raise unless the hybridctl that will be run is the one in the folder."""
    ask = [sys.executable, "-c", "import hybridctl; print(hybridctl.__file__)"]
    done = subprocess.run(
        ask, cwd=code, env={**os.environ, "PYTHONPATH": str(code)}, capture_output=True, text=True, check=True
    )
    if Path(done.stdout.strip()).parent.parent != code:
        raise RuntimeError(f"{done.stdout.strip()} would be run, not the code in {code}")


def _checkout(folder: Path) -> Path:
    """Lay the files of the commit BEFORE into the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", BEFORE], stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
    return folder.absolute()
