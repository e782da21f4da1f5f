"""One tool judges one host: `python -m benchmarks.verify.backends TOOL HOST CONFIG FOLDER` prints it as JSON.

Every tool calls the same functions of checks with the same expectations; only the testinfra host differs.
"""

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import testinfra

from benchmarks.verify.sites import PROFILE
from hybridctl.access import Access
from hybridctl.checks.judge import judge_expectation
from hybridctl.checks.model import Result
from hybridctl.connection import Connection
from hybridctl.evidence.counters import Counters
from hybridctl.evidence.keeping import Keeping
from hybridctl.evidence.record import Recorder
from hybridctl.evidence.seeds import Seeds
from hybridctl.profiles import load_profile
from hybridctl.redaction import Redactor
from hybridctl.verification import Target, judge_targets

__all__ = ["OTHERS", "SPECS"]

# testinfra's ssh backend asks for a shared connection by itself, and gets one only where it is told the socket's path.
SPECS: dict[str, tuple[str, dict[str, Any]]] = {
    "ssh": ("ssh://{host}", {"ssh_config": "{config}"}),
    "ssh, ControlPath": ("ssh://{host}", {"ssh_config": "{config}", "controlpath": "{folder}/master"}),
    "paramiko": ("paramiko://{host}", {"ssh_config": "{config}"}),
    "ansible": ("ansible://{host}", {"ansible_inventory": "{folder}/site/inventory"}),
    "ansible, forced": ("ansible://{host}", {"ansible_inventory": "{folder}/site/inventory", "force_ansible": True}),
}
OTHERS = tuple(SPECS)


def _ours(host: str, config: str, folder: Path) -> tuple[float, list[Result], int]:
    made: list[Connection] = []

    def connect(name: str, access: Access) -> Connection:
        made.append(Connection(name, access))
        return made[-1]

    target = Target(host, load_profile(PROFILE, folder / "site"), Access(host, ssh=("-F", config)))
    recorder = Recorder(folder / "kept", Redactor())
    keeping = Keeping(Seeds(folder / "seeds", Redactor()), recorder, Counters(folder / "counters"))
    began = time.perf_counter()
    (report,) = judge_targets([target], connect, keeping=keeping)
    seconds = time.perf_counter() - began
    keeping.recorder.discard()
    return seconds, list(report.results), made[0].trips


def _others(tool: str, host: str, config: str, folder: Path) -> tuple[float, list[Result], int]:
    spec, options = SPECS[tool]
    given = {"host": host, "config": config, "folder": folder}
    filled = {key: value.format(**given) if isinstance(value, str) else value for key, value in options.items()}
    expected = load_profile(PROFILE, folder / "site").expectations.values()
    reached = testinfra.get_host(spec.format(**given), **filled)
    if tool.startswith("ansible"):
        _ = reached.backend.ansible_runner.inventory  # ours was handed its way to the host, too
    trips, run = 0, reached.backend.run

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal trips
        trips += 1
        return run(*args, **kwargs)

    reached.backend.run = counted
    began = time.perf_counter()
    results = [result for expectation in expected for result in judge_expectation(reached, expectation, {})]
    return time.perf_counter() - began, results, trips


def main(tool: str, host: str, config: str, folder: str) -> None:
    """Judge, and print seconds, trips and verdicts."""
    warnings.simplefilter("ignore")  # paramiko tells of a key that it does not look up
    own = tool == "ours"
    seconds, results, trips = _ours(host, config, Path(folder)) if own else _others(tool, host, config, Path(folder))
    verdicts = sorted((result.name, result.verdict.value) for result in results)
    print(json.dumps({"seconds": round(seconds, 3), "trips": trips, "verdicts": verdicts}))


if __name__ == "__main__":
    main(*sys.argv[1:])
