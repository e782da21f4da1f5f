"""`verify` where something around it is bad: who reads it, where it writes, who else runs, and evidence of strangers.

Hosts are this machine, reached without ssh; each test is a row of docs/verify.md.
"""

import gzip
import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from waiting import until

from hybridctl.cli import cli
from hybridctl.evidence import files

ARGV = [sys.executable, "-m", "hybridctl", "verify"]
ROOT = Path(__file__).resolve().parents[2]
HOSTILE = "\x1b]0;mine\x07\x1b[2J\x9b1m\r\u202eevil\0"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site of two hosts that are both this machine; the second check fails, in words of two alphabets."""
    (tmp_path / "hybridctl.yml").write_text("name: rack-7\n")
    (tmp_path / "inventory").mkdir()
    write_hosts(tmp_path, "h1", "h2")
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/mine.yml").write_text(
        "schema: 1\ntitle: this machine\nexpect:\n  os.release: {value: 十二, source: nobody}\n"
        "  cpu.threads: {at_least: 1, unit: threads, source: every machine}\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path


def write_hosts(site: Path, *names: str) -> None:
    """Write the inventory."""
    hosts = "".join(f"        {name}: {{ansible_host: 127.0.0.{at}}}\n" for at, name in enumerate(names, 1))
    (site / "inventory/hosts.yml").write_text(
        "all:\n  vars: {ansible_connection: local, hybridctl_profile: mine}\n"
        f"  children:\n    monitoring:\n      hosts:\n{hosts}"
    )


@contextmanager
def running(*arguments: str, **more: Any) -> Iterator["subprocess.Popen[str]"]:
    """Run `hybridctl verify ARGUMENTS` as a process of its own."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **more}
    with subprocess.Popen([*ARGV, *arguments], **options) as process:
        try:
            yield process
        finally:
            process.kill()


def records(site: Path) -> list[Path]:
    """Return the folders of runs."""
    return sorted(path for path in (site / ".hybridctl/runs").iterdir() if not path.is_symlink())


def test_evidence_of_a_stranger_does_not_drive_the_terminal(site: Path) -> None:
    """Escapes in output, reasons, versions, host and file names: what is printed has none, on stdout and stderr."""
    folder = site / "theirs"
    folder.mkdir()
    told = {"command": "cat -- /etc/os-release", "status": 0, "stdout": f'NAME="{HOSTILE}"\n', "stderr": HOSTILE}
    told["stdout"] += f'VERSION_ID="{HOSTILE}"\n'
    common = {"schema": 1, "version": "1", "taken": HOSTILE, "reached": True, "lost": ""}
    documents = {
        "h1": {**common, "host": "h1", "commands": [told, {"command": "env LC_ALL=C lscpu", "trouble": HOSTILE}]},
        "h2": {**common, "host": HOSTILE, "commands": []},
        "h3": {**common, "host": "h3", "commands": [], "lost": HOSTILE, "reached": False},
        "h4": {**common, "host": "h4", "schema": HOSTILE, "version": HOSTILE},
    }
    for host, document in documents.items():
        (folder / f"{host}.json.gz").write_bytes(gzip.compress(json.dumps(document).encode()))
    write_hosts(site, *documents)
    result = CliRunner().invoke(cli, ["verify", "--from-evidence", "theirs"])
    assert result.exit_code == 4, result.output
    assert "evil" in result.stdout
    (folder / f"{quote(HOSTILE, safe='')}.json.gz").write_bytes(b"")
    refused = CliRunner().invoke(cli, ["verify", "--from-evidence", "theirs"])
    assert refused.exit_code == 2
    assert "evil" in refused.stderr
    for text in (result.stdout, result.stderr, refused.stdout, refused.stderr):
        assert [letter for letter in text if not letter.isprintable() and letter != "\n"] == []


def test_a_reader_that_goes_away(site: Path) -> None:
    """`| head`: the exit status is the verification's, the record and the JUnit file are whole, nobody complains."""
    reading, writing = os.pipe()
    os.close(reading)
    with running("--junit", "report.xml", stdout=writing) as process:
        os.close(writing)
        _, talk = process.communicate(timeout=300)
    assert process.returncode == 5, talk
    assert talk.splitlines()[0] == "verify rack-7"
    assert talk.splitlines()[1].startswith("record: .hybridctl/runs/")
    assert len(talk.splitlines()) == 2
    assert (site / "report.xml").read_text().count("<testcase ") == 4
    (record,) = records(site)
    assert json.loads((record / "result.json").read_text())["judged"] == 2


@pytest.mark.parametrize("arguments", [(), ("--limit", "nobody")], ids=["report", "error"])
def test_a_dumb_terminal_gets_no_escapes(site: Path, arguments: tuple[str, ...]) -> None:
    """TERM=dumb on a terminal: words only, of the report and of an error."""
    master, slave = pty.openpty()
    with running(*arguments, stdout=slave, stderr=slave, env={**os.environ, "TERM": "dumb"}) as process:
        os.close(slave)
        shown = b""
        try:
            while data := os.read(master, 4096):
                shown += data
        except OSError:  # how Linux says that nobody has the other end any more
            pass
        process.wait(300)
    os.close(master)
    assert b"h1" in shown or b"nobody" in shown
    assert b"\x1b" not in shown
    assert process.returncode == (2 if arguments else 5)


def test_a_terminal_that_lacks_letters(site: Path) -> None:
    """In a locale without them, letters of a report are shown by their codes; the report is not lost for them."""
    with running(env={**os.environ, "PYTHONIOENCODING": "latin-1"}) as process:
        report, talk = process.communicate(timeout=300)
    assert process.returncode == 5, talk
    assert "expected \\u5341\\u4e8c" in report
    assert "hosts asked 2, judged 2" in report


def test_two_at_once_on_one_site(site: Path) -> None:
    """Each has its own whole record with evidence, `latest` is one of them, and what is asked first stays readable."""
    with running("--json") as first, running("--json") as second, running("--json") as third:
        documents = [json.loads(process.communicate(timeout=300)[0]) for process in (first, second, third)]
    assert {record.name for record in records(site)} == {document["id"] for document in documents}
    for document in documents:
        record = site / ".hybridctl/runs" / document["id"]
        assert json.loads((record / "result.json").read_text()) == document
        assert sorted(path.name for path in (record / "evidence").iterdir()) == ["h1.json.gz", "h2.json.gz"]
    assert (site / ".hybridctl/runs/latest").resolve() in records(site)
    for seeds in (site / ".hybridctl/seeds").iterdir():
        (commands,) = json.loads(seeds.read_text())["sets"].values()
        assert "env LC_ALL=C lscpu" in commands
    assert list((site / ".hybridctl").glob(".evidence-*")) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_ctrl_c_in_the_middle(site: Path, tmp_path: Path, number: signal.Signals) -> None:
    """Or a terminal that is closed: 130 at once although a command hangs; no report, no record, no evidence is left."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/lscpu").write_text(f"#!/bin/sh\n: >{tmp_path}/begun\nexec sleep 60\n")
    (tmp_path / "bin/lscpu").chmod(0o755)
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    with running("--limit", "h1", env={**os.environ, "PATH": path}) as process:
        begun = tmp_path / "begun"
        until(lambda: begun.exists() or process.poll() is not None, "the command begins")
        process.send_signal(number)
        report, talk = process.communicate(timeout=30)
    assert process.returncode == 130
    assert report == ""
    assert talk.splitlines()[-1] == "interrupted: no report; nothing was changed on any host"
    assert list((site / ".hybridctl").glob("*")) == []


def test_a_closed_terminal_under_nohup(site: Path, tmp_path: Path) -> None:
    """SIGHUP is ignored by whoever started us, and stays so: the report comes."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/lscpu").write_text(
        f"#!/bin/sh\n: >{tmp_path}/begun\nuntil [ -e {tmp_path}/go ]; do sleep 0.1; done\n"
    )
    (tmp_path / "bin/lscpu").chmod(0o755)
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with running("--limit", "h1", env={**os.environ, "PATH": path}) as process:
            begun = tmp_path / "begun"
            until(lambda: begun.exists() or process.poll() is not None, "the command begins")
            process.send_signal(signal.SIGHUP)
            (tmp_path / "go").touch()
            report, _ = process.communicate(timeout=30)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert process.returncode == 5
    assert "hosts asked 1, judged 1" in report


def test_the_disk_is_full_while_evidence_is_written(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdicts are those of the hosts, a warning says what was not kept, and no half of a file is left."""

    def full(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.Path, "write_bytes", full)
    result = CliRunner().invoke(cli, ["verify", "--only", "cpu"])
    assert result.exit_code == 0, result.output
    assert "hosts asked 2, judged 2; PASS 2" in result.stdout
    assert "Warning: the hosts were judged, but cannot write the evidence of h" in result.stderr
    assert "No space left on device" in result.stderr
    assert list((site / ".hybridctl").rglob("*partial*")) == []
