"""Sites of a few local hosts, whose plays run through the real ansible-runner in seconds; one lab at a time."""

from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from hybridctl.testing import Bench


class OneLabAtATime(LoadScopeScheduling):
    """Gives all files with labs to one process, one after the other; every other test goes where there is room."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        # Files are not imported in this process: their marks are known by their text only.
        return "labs" if "pytest.mark.lab" in (self.config.rootpath / file).read_text() else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneLabAtATime | None:
    """Have it so with `--dist loadscope`."""
    return OneLabAtATime(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty site."""
    return Bench(tmp_path)
