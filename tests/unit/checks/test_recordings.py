"""The parsers on recordings of real machines: read right, or refused; nothing in between.

HYBRIDCTL_SAMPLES names the folder of the recordings.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hybridctl.checks import CannotTell
from hybridctl.parsers.lscpu import implementer_of, parse_lscpu
from hybridctl.parsers.meminfo import total_of
from hybridctl.parsers.os_release import distribution_of, parse_os_release
from hybridctl.parsers.prometheus import parse_metrics

PARSERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "os-release": ("os/os-release*", parse_os_release),
    "lscpu": ("os/*lscpu*", parse_lscpu),
    "cpuinfo": ("os/*cpuinfo*", implementer_of),
    "meminfo": ("os/*meminfo*", total_of),
    "metrics": ("prometheus/*", parse_metrics),
}
RECORDED = {"os-release", "metrics"}  # of the others no recording is public yet


@pytest.fixture
def samples() -> Path:
    """The folder of the recordings; named but not there is an error, not a reason to skip."""
    named = os.environ.get("HYBRIDCTL_SAMPLES")
    if not named:
        pytest.skip("HYBRIDCTL_SAMPLES is not set: no recordings of real machines to try the parsers on")
    folder = Path(named)
    assert folder.is_dir(), f"HYBRIDCTL_SAMPLES={named} is no folder"
    return folder


@pytest.mark.parametrize("name", PARSERS)
def test_a_recording_is_read_or_refused(samples: Path, name: str) -> None:
    """No recording makes a parser raise anything but `CannotTell`, the way to UNKNOWN."""
    pattern, parser = PARSERS[name]
    files = sorted(samples.glob(pattern))
    assert files or name not in RECORDED, f"{samples / pattern} is missing"
    refused = []
    for path in files:
        try:
            assert parser(path.read_text(encoding="utf-8"))
        except CannotTell as error:
            refused.append(f"{path.name}: {error}")
    assert len(refused) < max(len(files), 1), refused


def test_ubuntu_is_read(samples: Path) -> None:
    """A real Ubuntu 22.04.5 says what the A100 profile expects of it."""
    release = parse_os_release((samples / "os/os-release-ubuntu-22.04.5.txt").read_text(encoding="utf-8"))
    assert (distribution_of(release), release["VERSION_ID"]) == ("Ubuntu", "22.04")


def test_node_exporter_is_read_to_its_last_sample(samples: Path) -> None:
    """Every line of the recordings that is no comment becomes a sample, whatever is in its labels."""
    for path in sorted((samples / "prometheus").glob("*")):
        text = path.read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
        assert len(parse_metrics(text)) == len(set(lines)), path.name


def test_another_exporter_has_no_node_series(samples: Path) -> None:
    """A GPU exporter on the port of node_exporter would be found out."""
    text = (samples / "prometheus/nvidia_gpu_exporter-h100-idle.prom").read_text(encoding="utf-8")
    assert not [name for name, _ in parse_metrics(text) if name.startswith("node_")]
