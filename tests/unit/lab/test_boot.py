"""All hosts of a lab boot at once; when one of them ends it, nobody waits for the others."""

from ipaddress import IPv4Network
from pathlib import Path

import pytest

from hybridctl.errors import HybridctlError
from hybridctl.lab import access, fleet, hostfiles, sitefiles
from hybridctl.lab.fleet import Lab
from hybridctl.lab.spec import LabHost
from hybridctl.lab.state import State

HOSTS = (LabHost("bad", ("gateway",)), LabHost("slow", ("gateway",)))
STATE = State("10.231.0.0/24", HOSTS, {"bad": "10.231.0.11", "slow": "10.231.0.12"})
MANY = 50  # turns of waiting, a tenth of a second each


@pytest.mark.parametrize("end", [KeyboardInterrupt(), HybridctlError("no overlay")])
def test_nobody_waits_for_the_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, end: BaseException) -> None:
    """Ctrl-C and an error come through while another host still boots."""
    turns: list[str] = []

    class Host:
        def __init__(self, machine: str, folder: Path, *_: object) -> None:
            self.machine, self.folder, self.root = machine, folder, folder / "root"

        def mount(self) -> None:
            if self.machine.endswith("-bad"):
                raise end

        def start(self) -> None:
            pass

        def pids(self) -> list[int]:
            return [1]

    def answers(address: str) -> bool:
        turns.append(address)
        return len(turns) > MANY

    monkeypatch.setattr(fleet, "_KINDS", {"container": Host})
    monkeypatch.setattr(access, "answers", answers)
    for module, name in ((access, "make_keys"), (hostfiles, "write_names"), (sitefiles, "write_site")):
        monkeypatch.setattr(module, name, lambda *_: [])
    with pytest.raises(type(end)):
        Lab("t", tmp_path)._boot(STATE, tmp_path, IPv4Network(STATE.subnet), lambda _: None)
    assert len(turns) < MANY
