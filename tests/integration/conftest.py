"""Sites of a few local hosts, whose plays run through the real ansible-runner in seconds."""

from pathlib import Path

import pytest

from hybridctl.testing import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty site."""
    return Bench(tmp_path)
