"""What tests of `verify` share: a site of this machine, and one whose verifications are given in words."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hybridctl import verification
from hybridctl.cli import cli
from hybridctl.verification import Verification

Ask = Callable[..., Result]


@pytest.fixture
def make_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, str], Path]:
    """Make a site of so many hosts, `h1` and on, that are all this machine, with a profile of these lines; go there."""

    def make(hosts: int, lines: str) -> Path:
        (tmp_path / "hybridctl.yml").write_text("name: rack-7\n")
        named = ", ".join(f"h{n}: {{ansible_host: 127.0.0.{n}}}" for n in range(1, hosts + 1))
        for folder in ("inventory", "profiles"):
            (tmp_path / folder).mkdir()
        (tmp_path / "inventory/hosts.yml").write_text(
            "all:\n  vars: {ansible_connection: local, hybridctl_profile: mine}\n"
            f"  children:\n    monitoring:\n      hosts: {{{named}}}\n"
        )
        (tmp_path / "profiles/mine.yml").write_text(f"schema: 1\ntitle: this machine\nexpect:\n{lines}")
        monkeypatch.chdir(tmp_path)
        return tmp_path

    return make


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
