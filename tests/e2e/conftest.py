"""One rack for all end-to-end tests: the demo raises it, as a user would, and leaves it up."""

import os
import subprocess
from collections.abc import Iterator

import pytest
from lab_traces import assert_gone, traces
from rack import BIN, NAME, ROOT, Rack, lab

from hybridctl.lab.fleet import Lab


@pytest.fixture(scope="session")
def rack() -> Iterator[Rack]:
    """Raise the rack by the demo itself, and hold `lab down` to leaving nothing."""
    ours = Lab(NAME, ROOT)
    before = traces(ours)
    try:
        done = subprocess.run(
            [ROOT / "scripts" / "demo", "--name", NAME, "--keep"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=1800,
            check=False,
            env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
        )
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-6000:]
        yield Rack(done.stdout)
    finally:
        lab("down", "--name", NAME)
    assert_gone(ours, before)
