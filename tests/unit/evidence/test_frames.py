"""Frames survive whatever else comes through the connection, and nothing broken passes for an answer."""

import base64
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hybridctl.evidence import frames as module
from hybridctl.evidence.answers import Answer, Told, Trouble
from hybridctl.evidence.frames import Frames
from hybridctl.evidence.script import greeting, questions

MARK = "@test:1"
BYTES = st.binary(max_size=300)
WORDS = st.sampled_from([MARK, "hello", "begin", "err", "end", "0", "1", "99", "-1", "AAAA", "#s0##b0#", "\n", " "])


def read(data: bytes, count: int = 9, step: int = 0) -> dict[int, Told]:
    """Return what is read from a trip's bytes, that come in all at once or `step` at a time."""
    frames = Frames(MARK, count)
    parts = [data[at : at + step] for at in range(0, len(data), step)] if step else [data]
    return {number: told for part in parts for number, told in frames.feed(part)}


def framed(number: int, stdout: bytes, stderr: bytes = b"", status: int = 0, coded: int = 0) -> bytes:
    """Return a frame as the script writes it."""
    errors = base64.encodebytes(stderr + b".") + f"#s{status}##b{coded}#".encode()
    head, body = f"{MARK} begin {number}\n", base64.encodebytes(stdout + b".")
    return head.encode() + body + f"{MARK} err {number}\n".encode() + errors + f"\n{MARK} end {number}\n".encode()


def ran(*commands: str, limit: int = 5) -> bytes:
    """Run the real script in a real shell."""
    text = f"{{\n{greeting(MARK)}{questions(commands, [limit] * len(commands), MARK)}}}\n"
    return subprocess.run(["/bin/sh"], input=text.encode(), capture_output=True, check=True).stdout


@settings(max_examples=60, deadline=None)
@given(BYTES, BYTES, st.integers(0, 255), st.integers(1, 40), st.binary(max_size=80))
def test_any_bytes_come_back(stdout: bytes, stderr: bytes, status: int, step: int, noise: bytes) -> None:
    """Output of any bytes, in pieces of any size, after any noise; a noise without line end too."""
    data = noise + f"\n{MARK} hello\n".encode() + framed(3, stdout, stderr, status) + noise
    assert read(data, step=step) == {3: Answer(status, stdout, stderr)}


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 600), st.binary(min_size=1, max_size=40))
@example(439, b"/")
@example(600, b"AAAA")
@example(600, b"#s0#")
def test_a_disturbed_frame_is_whole_or_no_answer(at: int, noise: bytes) -> None:
    """Noise at any place never makes another answer of it."""
    whole = framed(0, b"0123456789" * 30, b"oops\n", 4)
    line = b"\n" + noise + b"\n"
    at = min(at, len(whole))
    told = read(whole[:at] + line + whole[at:]).get(0)
    assert told is None or isinstance(told, Trouble) or told == Answer(4, b"0123456789" * 30, b"oops\n")


@pytest.mark.parametrize(("place", "noise"), [(1, b"AAAA"), (3, b"AAAA"), (5, b"AAAA"), (5, b"A" * 76)])
def test_noise_that_looks_like_output_is_no_output(place: int, noise: bytes) -> None:
    """A line of base64 that somebody else printed, between the lines of the output or after them."""
    lines = framed(0, b"x" * 56 * 4 + b"y" * 3).split(b"\n")
    assert isinstance(read(b"\n".join([*lines[:place], noise, *lines[place:]]))[0], Trouble)


@pytest.mark.parametrize("noise", [b"AAAA", b"Lg==", b"#s0#", b"#b0#"])
@pytest.mark.parametrize("stderr", [b"", b"oops\n", b"x" * 200])
def test_noise_among_the_errors_is_no_error_of_the_command(stderr: bytes, noise: bytes) -> None:
    """Whatever line it stands before, and whether or not the command printed any errors itself."""
    lines = framed(0, b"x", stderr).split(b"\n")
    first, last = lines.index(f"{MARK} err 0".encode()), lines.index(f"{MARK} end 0".encode())
    for place in range(first + 1, last + 1):
        assert isinstance(read(b"\n".join([*lines[:place], noise, *lines[place:]]))[0], Trouble)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 400))
def test_a_cut_frame_is_no_answer(length: int) -> None:
    """A connection that drops in the middle of a frame has told nothing of it."""
    whole = framed(0, b"x" * 200)
    told = read(whole[: min(length, len(whole) - 1)])
    assert told == {}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from([MARK, "hello", "begin", "err", "end", "0", "1", "99", "-1", "AAAA", "#s0##b0#", "\n", " "])
    )
)
def test_nothing_breaks_the_reader(words: list[str]) -> None:
    """Frames in any order and number are read or left out; there is no traceback."""
    for number, told in read(" ".join(words).encode() + b"\n", count=2).items():
        assert number in (0, 1)
        assert isinstance(told, Answer | Trouble)


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("printf 'no line end'", Answer(0, b"no line end", b"")),
        ("printf '\\377\\000\\r\\n'; exit 255", Answer(255, b"\xff\0\r\n", b"")),
        ("echo out; echo err >&2; exit 3", Answer(3, b"out\n", b"err\n")),
        (f"echo '{MARK} end 0'; echo '#s9#' >&2", Answer(0, f"{MARK} end 0\n".encode(), b"#s9#\n")),
        ("cat", Answer(0, b"", b"")),
        ("exec >&- 2>&-; exit 2", Answer(2, b"", b"")),
        ("echo 'a'\"'\"'b $HOME' `echo c`\n# d", Answer(0, b"a'b $HOME c\n", b"")),
        ("syntax error (", Answer(2, b"", b'/bin/sh: 1: Syntax error: "(" unexpected\n')),
        ("nosuchcommand", Answer(127, b"", b"/bin/sh: 1: nosuchcommand: not found\n")),
        ("echo x >&3; echo y >&5; echo z", Answer(0, b"z\n", b"")),
    ],
)
def test_the_real_script(command: str, answer: Answer) -> None:
    """What a command does to its shell or prints in our own form changes no answer, its own or the next."""
    told = read(ran(command, "echo next"))
    assert told[1] == Answer(0, b"next\n", b"")
    found = told[0]
    assert isinstance(found, Answer)
    assert (found.status, found.stdout) == (answer.status, answer.stdout)
    # Words of the shell that sits on this machine; only whether there are some matters.
    assert bool(found.stderr) == bool(answer.stderr) or found.status == 2 or ">&3" in command


def test_a_command_over_its_limit() -> None:
    """It ends with 124 and what it had printed; the next one is run."""
    told = read(ran("echo begun; exec sleep 30", "echo next", limit=1))
    assert told == {0: Answer(124, b"begun\n", b""), 1: Answer(0, b"next\n", b"")}


def test_a_script_cut_short_runs_nothing() -> None:
    """What arrives of a script whose connection dropped is not run up to there."""
    text = f"{{\n{greeting(MARK)}{questions(['echo x'], [5], MARK)}"
    done = subprocess.run(["/bin/sh"], input=text.encode(), capture_output=True, check=False)
    assert done.stdout == b""


def test_output_without_base64_on_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tool of ours that failed there is a reason, not an empty output."""
    assert isinstance(told := read(framed(0, b"", coded=127))[0], Trouble)
    assert "base64 ended with status 127" in told.reason


def test_a_flood_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Output without end does not fill the memory."""
    monkeypatch.setattr(module, "MOST_OUTPUT", 1000)
    frames = Frames(MARK, 1)
    list(frames.feed(f"{MARK} begin 0\n".encode() + b"QUFB\n" * 1000))
    assert frames.flooded
    assert list(frames.feed(framed(0, b"x"))) == []
