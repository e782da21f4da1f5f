"""What is shown while a run goes on: a table on a terminal, lines elsewhere."""

import io
import re

import click
import pytest
from rich.console import Console

from hybridctl.cli.progress import LiveProgress, PlainProgress, choose
from hybridctl.events import Event, EventKind, Outcomes, parse
from hybridctl.testing import play_start, result_event, start

EVENTS = (
    play_start("base | every host"),
    start("a", "Read", second=1),
    result_event("runner_on_ok", "a", "Read", second=2),
    result_event("runner_on_ok", "b", "Write", {"changed": True}, second=3),
    result_event("runner_on_failed", "b", "Check", {"msg": "too small"}, role="host_base", second=4),
    start("a", "Wait", second=5),
)


def show(progress: PlainProgress | LiveProgress, hosts: tuple[str, ...] = ("a", "b")) -> None:
    """Give the events to a display."""
    outcomes = Outcomes(hosts)
    for raw in EVENTS:
        event = parse(raw)
        assert event is not None
        outcomes.add(event)
        progress(event, outcomes)


def test_plain_lines_tell_transitions_changes_and_failures(capsys: pytest.CaptureFixture[str]) -> None:
    """Not a line for each ok task; everything on stderr."""
    show(PlainProgress())
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [re.sub(r"^\d\d:\d\d ", "", line) for line in captured.err.splitlines()] == [
        "base: every host",
        "base a started",
        "base b started",
        "base b changed Write",
        "base b failed host_base : Check: too small",
        "  -> read /site/tasks/main.yml:7, then run again with --limit b",
    ]


def test_a_hook_is_told_on_every_screen(capsys: pytest.CaptureFixture[str]) -> None:
    """It may take minutes in which nothing else moves."""
    event = Event(EventKind.HOOK, "", message="before-batch hook of batch 1: ./silence-alerts 90")
    PlainProgress()(event, Outcomes(("a",)))
    assert event.message in capsys.readouterr().err
    screen = Console(file=io.StringIO(), width=100, height=30)
    LiveProgress(console=screen)(event, Outcomes(("a",)))
    assert isinstance(screen.file, io.StringIO)
    assert event.message in screen.file.getvalue()


def test_verbose_lines_tell_ok_tasks_too(capsys: pytest.CaptureFixture[str]) -> None:
    """-v shows what changed nothing."""
    show(PlainProgress(verbose=True))
    assert "base a ok Read" in capsys.readouterr().err


def test_the_table_shows_host_layer_task_and_changes() -> None:
    """Trouble first, then who works; the failure itself stays above the table."""
    screen = Console(file=io.StringIO(), width=100, height=30, force_terminal=True, color_system=None)
    progress = LiveProgress(console=screen)
    show(progress)
    screen.print(progress.table())
    assert isinstance(screen.file, io.StringIO)
    text = screen.file.getvalue()
    assert "base b failed host_base : Check: too small" in text
    rows = [line for line in text.splitlines() if line.startswith((" a ", " b "))]
    assert [row.split()[0] for row in rows] == ["b", "a"]
    assert "failed: Check" in rows[0]
    assert "2 s" in rows[1]
    assert "Wait" in rows[1]


def test_a_large_fleet_fits_the_screen() -> None:
    """No more rows than the screen has, and the rest is counted."""
    screen = Console(file=io.StringIO(), width=100, height=20, force_terminal=True, color_system=None)
    progress = LiveProgress(console=screen)
    show(progress, hosts=("a", "b", *(f"h{n}" for n in range(98))))
    assert progress.table().row_count == 12
    assert progress.table().caption == "and 88 more hosts"


def test_names_and_seconds_of_a_whole_site_are_whole_in_100_columns() -> None:
    """Only what is done now is cut, and that with a mark."""
    screen = Console(file=io.StringIO(), width=100, height=30, force_terminal=True, color_system=None)
    progress, outcomes = LiveProgress(console=screen), Outcomes(("spare01",))
    layers = ("preflight", "base", "serving", "gateway", "monitoring")
    for layer in layers:
        play = f"{layer} | all"
        begin = start("spare01", "Have it at the lock's versions " * 3, play=play)
        for raw in (play_start(play), begin, result_event("runner_on_ok", "spare01", "x", play=play, second=59), begin):
            event = parse(raw)
            assert event is not None
            outcomes.add(event)
            progress(event, outcomes)
    screen.print(progress.table())
    assert isinstance(screen.file, io.StringIO)
    text = screen.file.getvalue()
    assert {"host", *layers, "changed", "now"} <= set(text.split())
    row = next(line for line in text.splitlines() if "spare01" in line)
    assert row.count("59 s") == len(layers)
    assert row.rstrip().endswith("…")
    assert max(map(len, text.splitlines())) <= 100


def test_without_a_terminal_lines_are_chosen() -> None:
    """Under a pipe or in CI nobody gets a table that is drawn in place."""
    assert isinstance(choose(False), PlainProgress)


def test_the_present_batch_is_shown() -> None:
    """Which of how many, above the table; as a line of its own elsewhere."""
    event = Event(EventKind.BATCH, "", item="2 of 5", hosts=("a", "b"))
    outcomes = Outcomes(("a", "b", "c"))
    outcomes.add(event)
    progress = LiveProgress(console=Console(file=io.StringIO()))
    progress(event, outcomes)
    assert str(progress.table().title).endswith("batch 2 of 5: starting")


def test_a_batch_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """With its hosts; and who enters a layer again in the next batch is told again."""
    progress, outcomes = PlainProgress(), Outcomes(("a", "b"))
    for number, host in enumerate(("a", "b"), 1):
        for event in (
            Event(EventKind.BATCH, "", item=f"{number} of 2", hosts=(host,)),
            *filter(None, map(parse, (play_start("base | every host"), start(host, "Read")))),
        ):
            outcomes.add(event)
            progress(event, outcomes)
    lines = [line.partition(" ")[2] for line in capsys.readouterr().err.splitlines()]
    wanted = ["batch 1 of 2: a", "base: every host", "base a started", "batch 2 of 2: b", "base: every host"]
    assert lines == [*wanted, "base b started"]


@pytest.mark.parametrize("kind", [PlainProgress, LiveProgress])
def test_a_question_interrupted_interrupts_the_run(
    kind: type[PlainProgress | LiveProgress], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C at the prompt is not a no."""

    def abort(*_: object, **__: object) -> bool:
        raise click.Abort

    monkeypatch.setattr("click.confirm", abort)
    with kind() as progress, pytest.raises(KeyboardInterrupt):
        progress.ask("Break it?")
