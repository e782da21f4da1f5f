"""Trips to hosts that misbehave: what came back whole counts, what did not is said, and the rest is judged.

`ssh` is a small script here that does to the shell on this machine what a bad host or network does.
"""

import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridctl import connection as module
from hybridctl.access import Access
from hybridctl.checks.model import ConnectionLost
from hybridctl.connection import Connection
from hybridctl.evidence.answers import Answer, Trouble
from hybridctl.evidence.gate import AT_ONCE, gate
from hybridctl.evidence.script import MOST_STDERR

Ssh = Callable[[str], None]
BUSY = "kex_exchange_identification: Connection closed by remote host"


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ssh:
    """Put a script before the real ssh; `$again` is empty in its first call only."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def write(body: str) -> None:
        count = tmp_path / "called"
        count.unlink(missing_ok=True)
        head = f'#!/bin/sh\ncase "$*" in *"-O exit"*) exit 0;; esac\n[ -e {count} ] && again=1\necho x >> {count}\n'
        (tmp_path / "ssh").write_text(head + body + "\n")
        (tmp_path / "ssh").chmod(0o755)

    return write


def asked(*commands: str, command_timeout: int = 5) -> Connection:
    """Return a connection that has asked commands in its first trip."""
    connection = Connection("h", Access("a"), command_timeout=command_timeout)
    connection.open(commands)
    connection.close()
    return connection


def outputs(connection: Connection) -> dict[str, object]:
    """Return what each command printed, or why that is not known."""
    answers = connection.backend.answers.items()
    return {command: told.stdout if isinstance(told, Answer) else told.reason for command, told in answers}


@pytest.mark.parametrize(
    "body",
    [
        "exec /bin/sh",
        "echo 'Welcome to h!'; echo '@hybridctl:1 begin 0'; exec /bin/sh",
        "printf 'no line end'; printf '\\377\\376\\000' ; exec /bin/sh",
        "echo 'a banner on stderr' >&2; (sleep 0.3; echo late) & exec /bin/sh",
        "head -c 300000 /dev/zero; exec /bin/sh",
    ],
    ids=["clean", "motd", "no text", "a profile's job", "much"],
)
def test_what_a_profile_prints_is_no_answer(ssh: Ssh, body: str) -> None:
    """Banner, motd, profile output, bytes that are no text: the answers are the same, in one trip."""
    ssh(body)
    connection = asked("echo one", "echo two >&2; exit 7")
    assert outputs(connection) == {"echo one": b"one\n", "echo two >&2; exit 7": b""}
    assert connection.trips == 1


@pytest.mark.parametrize("shell", ["fish", "csh"])
def test_the_login_shell_gets_words_that_every_shell_knows(tmp_path: Path, ssh: Ssh, shell: str) -> None:
    """Neither quotes nor variables reach it, whatever the commands are: fish and csh would read them otherwise."""
    note = tmp_path / "argument"
    ssh(f'for last; do :; done; printf "%s" "$last" > {note}; exec /bin/sh')
    asked("echo 'it''s' \"$HOME\" !1 {a,b}\n")
    assert note.read_text() == "exec /bin/sh"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("echo 'This account is not available.'; exit 1", "(status 1): This account is not available."),
        ("exit 1", "(status 1): it says nothing"),
        ("echo Welcome; echo 'TypeError: unsupported' >&2; exit 1", "(status 1): TypeError: unsupported"),
        ("echo 'fish: Unknown command: exec' >&2; exit 127", "(status 127): fish: Unknown command: exec"),
    ],
    ids=["nologin", "false", "python", "a broken one"],
)
def test_a_login_shell_that_runs_no_commands(ssh: Ssh, tmp_path: Path, body: str, reason: str) -> None:
    """The host is unreachable by that user, in the words of the shell; it is not asked again."""
    ssh(body)
    with pytest.raises(ConnectionLost, match=re.escape(f"the login shell does not run /bin/sh {reason}")):
        asked("echo a")
    assert (tmp_path / "called").read_text() == "x\n"


def test_a_command_that_hangs_costs_its_own_limit(ssh: Ssh) -> None:
    """It is ended on the host; the others are answered in the same trip."""
    ssh("exec /bin/sh")
    connection = asked("echo a", "sleep 60", "echo b", command_timeout=1)
    assert outputs(connection) == {"echo a": b"a\n", "sleep 60": b"", "echo b": b"b\n"}
    told = connection.backend.answers["sleep 60"]
    assert isinstance(told, Answer)
    assert (told.status, connection.trips) == (124, 1)


def test_a_command_that_leaves_a_job_behind_is_given_up(ssh: Ssh, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that holds the output open keeps it from ending; the others are answered in another trip."""
    monkeypatch.setattr(module, "_GRACE", -4.5)
    ssh("exec /bin/sh")
    started = time.monotonic()
    connection = asked("setsid sleep 20 & echo a", "echo b", command_timeout=1)
    assert time.monotonic() - started < 15
    assert outputs(connection) == {"setsid sleep 20 & echo a": "a command did not end within 1 s", "echo b": b"b\n"}


def test_what_was_whole_before_a_drop_is_kept(ssh: Ssh, tmp_path: Path) -> None:
    """One reconnection asks the rest, the command that was under way last: it may have cut the connection."""
    ssh(f"cd {tmp_path}; [ $again ] || {{ sh -c 'echo $$ > shell; exec /bin/sh'; exit 255; }}; exec /bin/sh")
    killer = f"cd {tmp_path}; [ -e cut ] || {{ touch cut; kill -9 $(cat shell); sleep 0.3; }}; echo c"
    connection = asked("echo a", killer, "echo b")
    assert outputs(connection) == {"echo a": b"a\n", killer: b"c\n", "echo b": b"b\n"}
    assert list(connection.backend.answers) == ["echo a", "echo b", killer]
    assert connection.trips == 2


def test_a_second_drop_loses_the_host(ssh: Ssh) -> None:
    """What was whole is kept; ssh's own words are the reason."""
    cut = "head -c 100000 | sed '/^one 1/,$d' | { cat; echo '}'; } | /bin/sh"
    ssh(f"{cut}; echo 'client_loop: send disconnect' >&2; exit 255")
    connection = Connection("h", Access("a"))
    with pytest.raises(ConnectionLost, match="client_loop: send disconnect"):
        connection.open(["echo a", "echo b", "echo c", "echo d"])
    assert list(outputs(connection).values()) == [b"a\n", b"b\n"]
    assert connection.trips == 2


def test_a_busy_server_is_asked_again(ssh: Ssh, monkeypatch: pytest.MonkeyPatch) -> None:
    """MaxStartups: a server that closed before it greeted gets another try, for a while."""
    monkeypatch.setattr(module, "_PAUSE", 0.01)
    ssh(f"[ $again ] && exec /bin/sh; echo '{BUSY}' >&2; exit 255")
    assert outputs(asked("echo a")) == {"echo a": b"a\n"}
    monkeypatch.setattr(module, "CONNECT_TIMEOUT", 0.1)
    ssh(f"echo '{BUSY}' >&2; exit 255")
    with pytest.raises(ConnectionLost, match="Connection closed by remote host"):
        asked("echo a")


def test_a_changed_host_key_is_refused_at_once(ssh: Ssh, tmp_path: Path) -> None:
    """No second try: it would be refused again, and the reason names the file and line with the key that was known."""
    said = "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nOffending ED25519 key in /etc/ssh/known:7"
    ssh(f"echo '{said}\nHost key verification failed.' >&2; exit 255")
    reason = r"^Host key verification failed\. It shows another key than /etc/ssh/known:7 has$"
    with pytest.raises(ConnectionLost, match=reason):
        asked("echo a")
    assert (tmp_path / "called").read_text() == "x\n"


def test_output_without_end_is_given_up(ssh: Ssh, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command is UNKNOWN, the others are asked again."""
    monkeypatch.setattr("hybridctl.evidence.frames.MOST_OUTPUT", 100_000)
    ssh("exec /bin/sh")
    connection = asked("yes", "echo b", command_timeout=20)
    assert isinstance(connection.backend.answers["yes"], Trouble)
    assert outputs(connection)["echo b"] == b"b\n"


def test_errors_without_end_are_cut_on_the_host(ssh: Ssh) -> None:
    """Also in one line: a shell would keep all of it, and send it."""
    ssh("exec /bin/sh")
    connection = asked("head -c 3000000 /dev/zero | tr '\\0' x >&2; echo a", "echo b")
    told = next(iter(connection.backend.answers.values()))
    assert isinstance(told, Trouble) or len(told.stderr) <= MOST_STDERR
    assert outputs(connection)["echo b"] == b"b\n"


def test_ten_megabytes_come_back(ssh: Ssh) -> None:
    """A long kernel log is nothing special."""
    ssh("exec /bin/sh")
    (told,) = asked("head -c 10000000 /dev/zero").backend.answers.values()
    assert isinstance(told, Answer)
    assert len(told.stdout) == 10_000_000


def test_many_commands_are_sent_in_portions(ssh: Ssh, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script has a size that sudo's arguments may have; every command is asked all the same."""
    monkeypatch.setattr(module, "_MOST_SCRIPT", 200)
    ssh("exec /bin/sh")
    connection = asked(*(f"echo {number}" for number in range(20)))
    assert list(outputs(connection).values()) == [f"{number}\n".encode() for number in range(20)]
    assert 2 < connection.trips < 10


def test_a_door_lets_few_in_at_a_time() -> None:
    """Names of one host share its door, and hosts behind a jump host share that."""
    assert gate(Access("a")) is gate(Access("a")) is not gate(Access("b"))
    assert gate(Access("a", ssh=("-o", "ProxyJump=j"))) is gate(Access("b", ssh=("-oProxyJump=j",)))
    assert gate(Access("a", ssh=("-J", "j"))) is gate(Access("c", ssh=("-o", "ProxyJump=j")))
    door = gate(Access("c"))
    assert [door.acquire(blocking=False) for _ in range(AT_ONCE + 1)] == [True] * AT_ONCE + [False]


@pytest.mark.parametrize("errors", [r"a\n", "a", r"\n", r"a\n\nb", r"a\\\\ \t z  ", r"\377\n", r"#s0##b0#\n#s9#"])
def test_errors_come_back_as_they_were(ssh: Ssh, errors: str) -> None:
    """Whether their first line ends or not, and whatever it is made of."""
    ssh("exec /bin/sh")
    (told,) = asked(f"printf '{errors}' >&2; exit 3").backend.answers.values()
    assert told == Answer(3, b"", subprocess.check_output(["/usr/bin/printf", errors]))
