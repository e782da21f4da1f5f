"""Run a playbook through ansible-runner: the only module that imports it.

ansible-runner keeps what it writes (events, environment, command) in a private folder that is removed when the play
ends; what the caller gets has been through the redactor. Its event handler only enqueues, so that a slow screen or
disk never slows the play down.
"""

import json
import os
import queue
import shlex
import shutil
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from hybridctl import content
from hybridctl.errors import HybridctlError
from hybridctl.processes import end_processes
from hybridctl.redaction import Redactor
from hybridctl.signals import cancelling
from hybridctl.temporary import private_folder, short_temporary, sweep

__all__ = ["MARK", "PlayRequest", "PlayResult", "PlayStatus", "run"]

# A dead host is given up after 10 s at the start, after 15 s of silence (3 x 5 s) in the middle of a run.
SSH_ARGS = (
    "-o ControlMaster=auto -o ControlPersist=60s -o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=3"
)

# In the environment of ansible-playbook and its workers, with the run's identifier: should this process be killed, they
# go on for a while, and the locks of that run must not be broken yet.
MARK = "HYBRIDCTL_PLAY"

# ansible-playbook's exit statuses of a play that ran to its end: all well, a host failed, a host was unreachable.
_FINISHED = (0, 2, 4)


class PlayStatus(StrEnum):
    """How the run of a playbook ended; what became of each host is in the events."""

    FINISHED = "finished"
    NO_HOSTS = "no hosts"
    CANCELLED = "cancelled"
    BROKEN = "broken"


@dataclass(frozen=True)
class PlayRequest:
    """What to run.

    Attributes:
        playbook: absolute path, or full collection name (`hybridctl.site.site`).
        run_dir: the folder of this run; ansible-playbook works in `cwd`, nothing is written here by ansible-runner.
        cwd: the folder that relative paths in the user's variables start from; default: that of the inventory.
        hosts: exactly these, whatever characters their names hold; None leaves it to `limit`.
        skip_tags: what is left out of `tags`.
        forks: hosts worked on at a time.
    """

    playbook: str
    inventory: Path
    run_dir: Path
    cwd: Path | None = None
    limit: str | None = None
    check: bool = False
    diff: bool = False
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    hosts: tuple[str, ...] | None = None
    extra_vars: Mapping[str, Any] = field(default_factory=dict)
    vault_password_file: Path | None = None
    forks: int = 20


@dataclass(frozen=True)
class PlayResult:
    """How it ended.

    Attributes:
        rc: exit status of ansible-playbook, None when it was never started or had to be killed.
        message: why it broke, redacted; empty when it did not.
        handler_errors: what `on_event` raised, redacted; the play itself went on.
    """

    status: PlayStatus
    rc: int | None
    seconds: float
    message: str = ""
    handler_errors: tuple[str, ...] = ()


def run(request: PlayRequest, on_event: Callable[[dict[str, Any]], None], redactor: Redactor) -> PlayResult:
    """Run the playbook; `on_event` gets every runner event, redacted and in order, in the calling thread.

    SIGINT, SIGTERM and SIGHUP end the play with all its processes; the result then says CANCELLED. An exception of
    `on_event` does not stop the play; it is told in the result.

    Raises:
        HybridctlError: there is no ansible-playbook.
    """
    started = time.monotonic()
    binary = _ansible_playbook()
    sweep()
    private = private_folder(short_temporary())
    try:
        events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        cancelled = threading.Event()
        end: dict[str, Any] = {}
        thread = threading.Thread(
            target=_play, args=(request, binary, private, events, cancelled, end), name="ansible-runner", daemon=True
        )
        seen = _Seen()
        with cancelling(cancelled):
            thread.start()
            errors = _consume(events, on_event, redactor, seen)
            thread.join()
    finally:
        # On a cancellation ansible-runner kills one process group, but Ansible's workers have groups of their own; and
        # the masters of SSH connections outlive every run.
        end_processes(str(private))
        shutil.rmtree(private, ignore_errors=True)
    status, message = _judge(end, seen, cancelled.is_set())
    return PlayResult(
        status, end.get("rc"), round(time.monotonic() - started, 1), redactor.text(message), tuple(errors)
    )


def _play(
    request: PlayRequest,
    binary: Path,
    private: Path,
    events: "queue.SimpleQueue[dict[str, Any] | None]",
    cancelled: threading.Event,
    end: dict[str, Any],
) -> None:
    """Body of the thread that drives ansible-runner; whatever happens, it ends the queue."""
    import ansible_runner

    def enqueue(event: dict[str, Any]) -> bool:
        events.put(event)
        return False  # ansible-runner need not write the event to disk

    try:
        runner = ansible_runner.run(
            private_data_dir=str(private),
            project_dir=str(request.cwd or _folder(request.inventory)),
            playbook=request.playbook,
            cmdline=shlex.join(_arguments(request, private)),
            envvars={**_environment(binary, private), **_tags(request), MARK: request.run_dir.name},
            # How often a cancellation is looked for, in seconds; and no copy of the output on disk.
            settings={"pexpect_timeout": 0.5, "suppress_output_file": True},
            fact_cache_type="memory",
            quiet=True,
            event_handler=enqueue,
            cancel_callback=cancelled.is_set,
        )
        end["rc"] = runner.rc
    except Exception as error:
        end["error"] = f"{type(error).__name__}: {error}".splitlines()[0]
    finally:
        events.put(None)


class _Seen:
    """What the judge needs from the stream of events."""

    def __init__(self) -> None:
        self.processed: Mapping[str, int] | None = None
        self.last_words: list[str] = []

    def add(self, event: Mapping[str, Any]) -> None:
        if event.get("event") == "playbook_on_stats":
            self.processed = (event.get("event_data") or {}).get("processed") or {}
        elif event.get("event") in ("verbose", "error", "warning"):
            self.last_words = [*self.last_words, str(event.get("stdout") or "").strip()][-30:]

    @property
    def has_error(self) -> bool:
        """Whether ansible-playbook named an error of its own."""
        return any("ERROR!" in word or "[ERROR]" in word for word in self.last_words)

    @property
    def error(self) -> str:
        """What ansible-playbook said last; its own error when it named one."""
        text = "\n".join(word for word in self.last_words if word)
        place = max(text.rfind("ERROR!"), text.rfind("[ERROR]"))
        return text[place:].strip() if place >= 0 else "\n".join(text.splitlines()[-5:])


def _judge(end: Mapping[str, Any], seen: _Seen, cancelled: bool) -> tuple[PlayStatus, str]:
    """Return status and message; only a play with statistics can have finished."""
    rc, words = end.get("rc"), seen.error
    if cancelled:
        return PlayStatus.CANCELLED, ""
    if "leaves us with no hosts to target" in words or (seen.processed is not None and not seen.processed):
        return PlayStatus.NO_HOSTS, words
    if seen.processed is not None and (rc in _FINISHED or "error" in end):
        # The runner itself may stumble after the last event (a pipe that some background process keeps open).
        return PlayStatus.FINISHED, ""
    if seen.processed is None and rc == 0:
        return PlayStatus.BROKEN, f"ansible-playbook ended with status 0 but reported no host at all. {words}".strip()
    if rc is None and "error" not in end and not seen.has_error:
        # ansible-runner has no status for what a signal ended. What it said last is some warning, and no reason.
        return PlayStatus.BROKEN, "ansible-playbook was killed (by the kernel, for want of memory? see dmesg)"
    return PlayStatus.BROKEN, words or end.get("error") or f"ansible-playbook ended with status {rc}"


def _consume(
    events: "queue.SimpleQueue[dict[str, Any] | None]",
    on_event: Callable[[dict[str, Any]], None],
    redactor: Redactor,
    seen: _Seen,
) -> list[str]:
    errors: list[str] = []
    while (event := events.get()) is not None:
        clean = redactor.data(event)
        seen.add(clean)
        try:
            on_event(clean)
        except Exception as error:
            text = redactor.text(f"{type(error).__name__}: {error}")
            if text not in errors:
                errors.append(text)
    return errors


def _arguments(request: PlayRequest, private: Path) -> list[str]:
    # A localhost that the inventory names gets our Python, unless the inventory says otherwise: later sources win.
    variables = private / "localhost" / "host_vars"
    variables.mkdir(parents=True)
    (variables.parent / "hosts.yml").write_text("all: {}\n", encoding="utf-8")
    (variables / "localhost.yml").write_text(
        "ansible_python_interpreter: '{{ ansible_playbook_python }}'\n", encoding="utf-8"
    )
    arguments = ["-i", str(variables.parent), "-i", str(request.inventory.absolute()), "--forks", str(request.forks)]
    if request.hosts is not None:
        # In a file: 5,000 names are too long for an argument, and lines of a file are not taken apart at colons.
        chosen = private / "hosts"
        chosen.write_text("\n".join(request.hosts) + "\n", encoding="utf-8")
        arguments += ["--limit", f"@{chosen}"]
    elif request.limit is not None:
        arguments += ["--limit", request.limit]
    if request.check:
        arguments.append("--check")
    if request.diff:
        arguments.append("--diff")
    if request.extra_vars:
        # In a file, since everybody on the machine can read arguments.
        extra = private / "extra-vars.json"
        extra.touch(mode=0o600)
        extra.write_text(json.dumps(dict(request.extra_vars)), encoding="utf-8")
        arguments += ["--extra-vars", f"@{extra}"]
    if request.vault_password_file is not None:
        arguments += ["--vault-password-file", str(request.vault_password_file.absolute())]
    return arguments


def _tags(request: PlayRequest) -> dict[str, str]:
    """Return the tags as settings, in place of the user's own: --tags would only add to those.

    No tag at all is "all", since Ansible reads an empty value as a list of one empty tag, which no task has.
    """
    return {"ANSIBLE_RUN_TAGS": ",".join(request.tags) or "all", "ANSIBLE_SKIP_TAGS": ",".join(request.skip_tags)}


def _environment(binary: Path, private: Path) -> dict[str, str]:
    """Return Ansible's settings: those that must be, and those that a variable of the user's may change.

    No `ansible.cfg` is read unless the user names one in ANSIBLE_CONFIG: what a run does should not depend on the
    folder it was started in.
    """
    configuration, sockets = private / "ansible.cfg", private / "cp"
    configuration.touch()
    sockets.mkdir(mode=0o700)
    own = str(content.collections_path())
    users = os.environ.get("ANSIBLE_COLLECTIONS_PATH") or "~/.ansible/collections:/usr/share/ansible/collections"
    fixed = {
        "ANSIBLE_COLLECTIONS_PATH": f"{own}:{users}",
        "ANSIBLE_INJECT_FACT_VARS": "False",
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(sockets),
        "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "False",
        "ANSIBLE_NOCOLOR": "True",
        "ANSIBLE_FORCE_COLOR": "False",
        # A host that fails after a file was changed would lose the restart it notified, and the next run would find the
        # file as it should be and restart nothing (ADR 7).
        "ANSIBLE_FORCE_HANDLERS": "True",
        "ANSIBLE_LOG_PATH": os.devnull,  # its log would not be redacted
        "ANSIBLE_NO_LOG": "False",
        "ANSIBLE_STDOUT_CALLBACK": "default",
        "PATH": f"{binary.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }
    may_change = {
        "ANSIBLE_CONFIG": str(configuration),
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_SSH_ARGS": SSH_ARGS,
        "ANSIBLE_TIMEOUT": "10",
        "ANSIBLE_GATHERING": "smart",
        "ANSIBLE_PYTHON_INTERPRETER": "auto_silent",
    }
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or ""
    if "utf" not in locale.lower():
        fixed["LC_ALL"] = "C.UTF-8"  # Ansible refuses to start in any other
    return {**{key: os.environ.get(key) or value for key, value in may_change.items()}, **fixed}


def _ansible_playbook() -> Path:
    """Find the ansible-playbook that was installed with us; under pipx it is not on the user's PATH."""
    ours = Path(sys.executable).parent / "ansible-playbook"
    if os.access(ours, os.X_OK):
        return ours
    elsewhere = shutil.which("ansible-playbook")
    if elsewhere is None:
        raise HybridctlError(
            f"there is no ansible-playbook, neither beside {sys.executable} nor on PATH",
            "reinstall: pipx reinstall hybridctl",
        )
    return Path(elsewhere)


def _folder(inventory: Path) -> Path:
    return inventory.absolute() if inventory.is_dir() else inventory.absolute().parent
