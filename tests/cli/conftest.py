"""What tests of `verify` share: a site whose verifications are given in words."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hybridctl import verification
from hybridctl.cli import cli
from hybridctl.verification import Verification

Ask = Callable[..., Result]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Run `hybridctl verify ARGUMENTS` in a site, over these verifications, one after another; then comes Ctrl-C."""
    (tmp_path / "hybridctl.yml").write_text("name: bank\n")
    (tmp_path / "inventory").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)

    def run(*arguments: str, given: tuple[Verification | Exception, ...] = ()) -> Result:
        coming = iter(given)

        def judge(*_: object, **__: object) -> Verification:
            found = next(coming, KeyboardInterrupt())
            if isinstance(found, BaseException):
                raise found
            return found

        monkeypatch.setattr(verification, "verify", judge)
        return CliRunner().invoke(cli, ["verify", *arguments])

    return run
