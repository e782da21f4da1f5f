"""A connection: time limits, exit statuses that are told apart, nothing secret in arguments.

`ssh`, `sshpass` and `sudo` are small scripts here that note their arguments and run the command on this machine.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridctl import connection as module
from hybridctl.access import Access
from hybridctl.checks.model import CannotTell, ConnectionLost
from hybridctl.connection import Connection
from hybridctl.profiles import load_profile
from hybridctl.verification import Target, judge_targets

NOTE = f"""#!{sys.executable}
import json, os, sys
sys.argv[0] = os.path.basename(sys.argv[0])
print(json.dumps(sys.argv), file=open(os.environ["NOTES"], "a"))
"""
SSH = NOTE + 'if "-O" not in sys.argv: os.execv("/bin/sh", ["sh", "-c", sys.argv[-1]])\n'
SUDO = NOTE + (
    'if "-S" in sys.argv and sys.stdin.readline() != "become-me\\n":\n'
    '    sys.exit("sudo: 1 incorrect password attempt")\n'
    'os.execv("/bin/sh", sys.argv[sys.argv.index("/bin/sh"):])\n'
)
SSHPASS = NOTE + (
    "given = os.read(int(sys.argv[2]), 100)\n"
    'if given != b"let-me-in\\n": sys.exit(5)\n'
    "os.execvp(sys.argv[3], sys.argv[3:])\n"
)

Notes = Callable[[], list[list[str]]]


@pytest.fixture
def notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Notes:
    """Put the scripts before the real programs; return what they noted."""
    for name, text in (("ssh", SSH), ("sudo", SUDO), ("sshpass", SSHPASS)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("NOTES", str(tmp_path / "notes"))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return lambda: [json.loads(line) for line in (tmp_path / "notes").read_text().splitlines()]


def opened(access: Access, **limits: int) -> Connection:
    """An open connection."""
    connection = Connection("h", access, **limits)
    connection.backend.suspending = False
    connection.open()
    return connection


@pytest.mark.parametrize("status", [0, 1, 2, 124, 126, 127, 255])
@pytest.mark.parametrize("local", [True, False], ids=["local", "ssh"])
def test_the_status_is_the_commands_own(notes: Notes, local: bool, status: int) -> None:
    """255 of a command is not a lost connection: some tools end so."""
    done = opened(Access("a", local=local)).host.run(f"printf 'out'; echo err >&2; exit {status}")
    assert (done.rc, done.stdout, done.stderr) == (status, "out", "err\n")


def test_arguments_are_quoted_once_for_every_shell_between(notes: Notes) -> None:
    """What stands in `%s` reaches the command unchanged through ssh, sudo and two shells."""
    odd = "a b\t'\"$HOME `id` \\ % {x} ü\n*"
    connection = opened(Access("a", become_user="root", become_password="become-me"))
    assert connection.host.run("printf %s %s", "%s", odd).stdout == odd


def test_output_need_not_end_with_a_line_end_and_may_look_like_our_mark(notes: Notes) -> None:
    """Only the last mark is ours."""
    assert opened(Access("a")).host.run("printf '@hybridctl:status=7'").stdout == "@hybridctl:status=7"


def test_a_command_that_reads_waits_for_nobody(notes: Notes, tmp_path: Path) -> None:
    """Nothing on stdin: a command cannot hang there, nor see a password that sudo did not ask for."""
    (tmp_path / "sudo").write_text(NOTE + 'os.execv("/bin/sh", sys.argv[sys.argv.index("/bin/sh"):])\n')
    connection = opened(Access("a", become_user="root", become_password="become-me"))
    assert connection.host.run("cat").stdout == ""


def test_a_command_that_takes_too_long_cannot_tell(notes: Notes) -> None:
    """The time limit holds on the host itself, so that nothing is left running there."""
    connection = opened(Access("a"), command_timeout=1)
    started = time.monotonic()
    assert connection.host.run("sleep 30").rc == 124
    assert time.monotonic() - started < 5


def test_a_host_that_takes_too_long_as_a_whole(notes: Notes) -> None:
    """When a host's time is used up, the checks that are left cannot tell."""
    with pytest.raises(CannotTell, match="took more than 0 s"):
        opened(Access("a"), host_timeout=0).host.run("true")


def test_the_same_command_is_run_once(notes: Notes) -> None:
    """Checks that read the same evidence share it."""
    connection = opened(Access("a"))
    assert connection.host.run("date +%%N").stdout == connection.host.run("date +%%N").stdout
    assert len(notes()) == 2  # opening, and the one command


def test_a_refused_connection_is_told_with_sshs_own_words(notes: Notes, tmp_path: Path) -> None:
    """ssh's last line is the reason; a host that answers nothing is not a host that fails."""
    (tmp_path / "ssh").write_text(
        "#!/bin/sh\necho warning >&2; echo 'h: Permission denied (publickey).' >&2; exit 255\n"
    )
    with pytest.raises(ConnectionLost, match=r"^h: Permission denied \(publickey\)\.$"):
        opened(Access("a"))


def test_a_connection_lost_on_the_way(notes: Notes, tmp_path: Path) -> None:
    """255 without the end of the command being seen means that the host went away."""
    connection = opened(Access("a"))
    (tmp_path / "ssh").write_text("#!/bin/sh\nprintf 'half an ans'; exit 255\n")
    with pytest.raises(ConnectionLost, match="ssh ended with status 255"):
        connection.host.run("true")


def test_a_shell_that_prints_something_else_cannot_tell(notes: Notes, tmp_path: Path) -> None:
    """A login shell that refuses commands is no evidence, whatever its exit status."""
    connection = opened(Access("a"))
    (tmp_path / "ssh").write_text("#!/bin/sh\necho 'This account is not available.'; exit 0\n")
    with pytest.raises(CannotTell, match="commands cannot be run there"):
        connection.host.run("true")


def test_ssh_that_hangs_is_given_up(notes: Notes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A jump host that accepts and stays silent does not hold up the run."""
    (tmp_path / "ssh").write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(module, "CONNECT_TIMEOUT", 0.2)
    with pytest.raises(ConnectionLost, match="no answer by ssh within"):
        opened(Access("a"))


def test_without_sudo_rights_nothing_can_be_told(notes: Notes) -> None:
    """sudo's refusal has an exit status of its own, which must not pass for the command's."""
    connection = opened(Access("a", become_user="root", become_password="wrong"))
    with pytest.raises(CannotTell, match="sudo: 1 incorrect password attempt"):
        connection.host.run("false")


def test_sudo_never_asks_when_no_password_is_known(notes: Notes) -> None:
    """Without a password sudo runs with -n: it refuses instead of waiting, and no empty password is tried."""
    opened(Access("a", become_user="vllm")).host.run("true")
    (sudo,) = [argv for argv in notes() if argv[0] == "sudo"]
    assert sudo[1:5] == ["-H", "-n", "-u", "vllm"]


def test_a_sudo_of_the_sites_own(notes: Notes, tmp_path: Path) -> None:
    """Its path and flags reach the host, quoted."""
    own = tmp_path / "own sudo"
    own.write_text((tmp_path / "sudo").read_text())
    own.chmod(0o755)
    access = Access("a", become=(str(own), "-E", "-g", "a b"), become_user="root", become_password="become-me")
    assert opened(access).host.run("echo there").stdout == "there\n"
    (sudo,) = [argv for argv in notes() if argv[0] == "own sudo"]
    assert sudo[1:9] == ["-E", "-g", "a b", "-S", "-p", "", "-u", "root"]


def test_passwords_are_in_no_argument(notes: Notes) -> None:
    """Both passwords go through pipes."""
    access = Access("a", password="let-me-in", become_user="root", become_password="become-me")
    connection = opened(access)
    assert connection.host.run("echo hello").stdout == "hello\n"
    connection.close()
    assert {argv[0] for argv in notes()} == {"ssh", "sshpass", "sudo"}
    assert "let-me-in" not in str(notes())
    assert "become-me" not in str(notes())
    assert "let-me-in" not in repr(access)
    assert "become-me" not in repr(access)


def test_a_login_password_that_is_refused_is_called_so(notes: Notes) -> None:
    """sshpass ends with 5 and says nothing."""
    with pytest.raises(ConnectionLost, match=r"^the password was refused$"):
        opened(Access("a", password="wrong"))


def test_an_end_does_not_wait_for_what_was_begun_here(notes: Notes) -> None:
    """A job that outlives the shell and holds its output open does not hold up who closes the connection."""
    connection = opened(Access(local=True))
    closing = threading.Timer(0.5, connection.close)
    closing.start()
    started = time.monotonic()
    with pytest.raises((ConnectionLost, CannotTell)):
        connection.host.run("sleep 20")
    closing.join()
    assert time.monotonic() - started < 10


def test_one_connection_for_all_commands_and_nothing_left(notes: Notes, tmp_path: Path) -> None:
    """All commands share a socket of our own, which is told to end and removed."""
    connection = opened(Access("a", ssh=("-o", "ProxyJump=bastion")))
    connection.host.run("true")
    connection.close()
    paths = {word for argv in notes() for word in argv if word.startswith("ControlPath=")}
    assert len(paths) == 1
    assert not Path(paths.pop().removeprefix("ControlPath=")).parent.exists()
    assert all("ProxyJump=bastion" in argv for argv in notes())
    assert [argv for argv in notes() if "-O" in argv]
    with pytest.raises(ConnectionLost):
        connection.host.run("echo again")
    connection.close()


def test_no_ssh_on_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A control node without ssh is told so, for each host in its report."""
    monkeypatch.setenv("PATH", str(tmp_path))
    connection = Connection("a", Access("a"))
    with pytest.raises(ConnectionLost, match="there is no ssh on this machine"):
        connection.open()
    connection.close()
    targets = [Target(name, load_profile("lab-gateway"), Access(name)) for name in ("a", "b")]
    reports = judge_targets(targets, Connection)
    assert [report.reason for report in reports] == ["there is no ssh on this machine"] * 2


def test_an_ssh_that_does_not_end_is_left_behind(notes: Notes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing gives up after its time limit and removes the socket's folder all the same."""
    connection = opened(Access("a"))
    sockets = connection._sockets
    (tmp_path / "ssh").write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setattr(module, "CLOSE_TIMEOUT", 0.2)
    connection.close()
    assert sockets is not None
    assert not sockets.exists()
