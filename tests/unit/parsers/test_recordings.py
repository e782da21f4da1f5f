"""Every recording has a parser; tampered with, it is read alike, in part, or refused: never otherwise, no traceback."""

import re

import pytest
from forms import FORMS
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from recordings import READERS, REFUSED, Recording, attempt, contradictions, folder, recordings, text_of

from hybridctl.parsers import Unreadable

RECORDINGS = recordings()
ALL = [*RECORDINGS, *(Recording(name, text, read) for name, (read, text) in FORMS.items())]
each = pytest.mark.parametrize("recording", ALL, ids=[recording.name for recording in ALL])

NOISE = (
    "perl: warning: Setting locale failed.",
    "Last login: Mon Nov 30 07:00:00 2026 from 10.0.0.9",
    "警告：无法设置区域",  # a host in Chinese
    "    indented: noise",
    "\t\tnoise",
    "1234567",
    "\ufffd\ufffd",
    "WARNING: infoROM is corrupted at gpu 0000:3B:00.0",
    "",
    "key = value",
)


def _examples(text: str) -> int:
    # What takes long to read is tried less often; together these tests take some 20 seconds.
    return 4 if len(text) > 30_000 else 8 if len(text) > 10_000 else 40


def test_every_recording_has_one_parser() -> None:
    """No file of the folder is left out, and none is read by two."""
    samples = folder()
    if samples is None:
        pytest.skip("HYBRIDCTL_SAMPLES is not set: no recordings of real machines to try the parsers on")
    trees = {path for path in samples.glob("*/*") if path.is_dir()}
    files = {path for path in samples.rglob("*") if path.is_file() and path.name != "INDEX.tsv"}
    wanted = trees | {path for path in files if not trees & set(path.parents)}
    read = [path for pattern in READERS for path in samples.glob(pattern)]
    assert sorted(read) == sorted(wanted)
    assert len(RECORDINGS) == len(wanted) - len(REFUSED)


@pytest.mark.parametrize("name", REFUSED)
def test_what_was_cut_by_hand_is_refused(name: str) -> None:
    """The refusal quotes the line."""
    text = text_of(name)
    reader = next(reader for pattern, reader in READERS.items() if name.startswith(pattern.rstrip("*")))
    with pytest.raises(Unreadable) as refused:
        reader(text)
    assert refused.value.line == REFUSED[name]
    assert repr(REFUSED[name]) in str(refused.value)


@each
def test_a_recording_is_read(recording: Recording) -> None:
    """And twice alike."""
    assert recording.read(recording.text) == recording.read(recording.text)


@each
def test_a_cut_recording_says_nothing_wrong(recording: Recording) -> None:
    """Cut at any byte, what is still read is what the whole says."""
    truth = recording.read(recording.text)

    @settings(
        max_examples=_examples(recording.text),
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, len(recording.text) - 1))
    def cut(end: int) -> None:
        reading = attempt(recording, recording.text[:end])
        assert reading is None or not contradictions(truth, reading), recording.text[:end][-120:]

    cut()


@each
def test_noise_says_nothing_wrong(recording: Recording) -> None:
    """Lines of a login, of another program or in another language, anywhere between its own."""
    truth = recording.read(recording.text)
    lines = recording.text.split("\n")

    @settings(
        max_examples=_examples(recording.text),
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, len(lines)), st.lists(st.sampled_from(NOISE), min_size=1, max_size=2))
    def insert(at: int, noise: list[str]) -> None:
        text = "\n".join([*lines[:at], *noise, *lines[at:]])
        reading = attempt(recording, text)
        assert reading is None or not contradictions(truth, reading), (noise, lines[max(at - 2, 0) : at + 1])

    insert()


@each
@pytest.mark.parametrize(("sign", "other"), [(":", "："), (".", ","), (" ", "\u00a0")])
def test_another_locale_says_nothing_wrong(recording: Recording, sign: str, other: str) -> None:
    """Full-width colons, decimal commas and hard spaces: a value that is not the same text is not the same value."""
    truth = recording.read(recording.text)
    reading = attempt(recording, recording.text.replace(sign, other))
    # Texts carry the other sign with them; numbers and switches must be right.
    wrong = {} if reading is None else contradictions(truth, reading)
    assert not [pair for pair in wrong.values() if isinstance(pair[1], int | float) and pair[0] is not None]


@each
def test_hostile_text_is_no_traceback(recording: Recording) -> None:
    """Numbers without end, control characters, bytes that were no UTF-8, JSON and XML without end."""
    lines = recording.text.split("\n")
    middle = len(lines) // 2
    hostile = (
        re.sub(r"\d+", "9" * 5000, recording.text, count=50),
        re.sub(r"\d+", "\u0663", recording.text),
        recording.text.replace("a", "\x00"),
        recording.text.replace("e", "\udcff"),
        "\n".join([*lines[:middle], "\x1b]0;title\x07\x1b[2J", "x" * 200_000, *lines[middle:]]),
        '{"filesystems": ' + "[" * 5000,
        "[" * 200_000,
        '<?xml version="1.0"?><nvidia_smi_log>' + "<a>" * 50_000 + "</nvidia_smi_log>",
    )
    for text in hostile:
        attempt(recording, text)


@each
def test_nothing_and_rubbish_are_refused(recording: Recording) -> None:
    """No output, blanks, another program's usage, and random bytes are no answer of any tool but a log."""
    texts = ["", "\n \n", "Usage: tool [OPTION]...\n", "\x00\x01\x02\ufffd\n", "bash: tool: command not found\n"]
    taken = [text for text in texts if attempt(recording, text) is not None]
    # A kernel may say anything, but not nothing; a host may have no package of a name, and a job no channel.
    free = {"dmesg": texts[2:], "cmdline": texts[2:], "dpkg": texts[:2], "nccl channels": texts[2:]}
    assert set(taken) <= set(free.get(recording.name.split("/")[0], []))
