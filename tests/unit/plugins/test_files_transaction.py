"""Writing: whole or not at all, whatever stops it."""

import os
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from file_runs import apply, items, plan, tree
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.hybridctl.site.plugins.module_utils.file_items import ItemError
from ansible_collections.hybridctl.site.plugins.module_utils.file_transaction import (
    ApplyError,
    Transaction,
    remove_leftovers,
)

ROOT = Path(__file__).resolve().parents[3]


def test_attributes_alone_do_not_rewrite(tmp_path: Path) -> None:
    """A mode that differs is set in place: same inode, same time of change of the content."""
    path = tmp_path / "f"
    apply({"path": path, "content": b"x"})
    before = path.stat()
    apply({"path": path, "content": b"x", "mode": 0o4600})
    after = path.stat()
    assert (before.st_ino, before.st_mtime_ns, 0o4600) == (after.st_ino, after.st_mtime_ns, stat.S_IMODE(after.st_mode))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_owner_and_mode_of_what_is_replaced_stay(tmp_path: Path) -> None:
    """A new content keeps the owner that nobody asked to change; the set-user-ID bit survives the chown."""
    path = tmp_path / "f"
    path.write_bytes(b"old")
    os.chown(path, 54321, 54322)
    apply({"path": path, "content": b"new", "mode": 0o4755})
    status = path.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (54321, 54322, 0o4755)


def test_the_umask_changes_nothing(tmp_path: Path) -> None:
    """Modes are what the items say under the strictest and the loosest umask."""
    for mask in (0o077, 0o000):
        old = os.umask(mask)
        try:
            folder = tmp_path / f"{mask:o}"
            apply({"path": folder, "state": "directory"}, {"path": folder / "f", "mode": 0o664})
        finally:
            os.umask(old)
        modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "f")]
        assert modes == [0o755, 0o664]


def test_a_secret_is_never_readable_by_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The temporary file is 0600 from its first byte to its rename."""
    seen = []

    def watched(name: str) -> None:
        real = getattr(os, name)

        def look(*args: Any, **kwargs: Any) -> Any:
            seen.extend(stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob(".*.tmp"))
            return real(*args, **kwargs)

        monkeypatch.setattr(os, name, look)

    for name in ("fdopen", "chmod", "fsync", "rename"):
        watched(name)
    apply({"path": tmp_path / "key", "content": b"s3cret", "mode": 0o400, "secret": True})
    assert {0o600, 0o400} == set(seen)
    assert len(seen) >= 4


def test_backups_are_the_old_file_itself(tmp_path: Path) -> None:
    """Replaced and removed files are kept with content, owner, mode and time; a mode alone makes no backup."""
    for name in ("changed", "removed", "mode"):
        (tmp_path / name).write_bytes(name.encode())
        (tmp_path / name).chmod(0o600)
    old = (tmp_path / "changed").stat()
    done = apply(
        {"path": tmp_path / "changed", "content": b"new", "backup": True},
        {"path": tmp_path / "removed", "state": "absent", "backup": True},
        {"path": tmp_path / "mode", "content": b"mode", "backup": True},
        {"path": tmp_path / "new", "backup": True},
    )
    assert {str(tmp_path / "changed"), str(tmp_path / "removed")} == set(done.backups)
    kept = Path(done.backups[str(tmp_path / "changed")])
    assert (old.st_ino, old.st_mtime_ns, b"changed") == (kept.stat().st_ino, kept.stat().st_mtime_ns, kept.read_bytes())
    assert Path(done.backups[str(tmp_path / "removed")]).read_bytes() == b"removed"


def test_validation_comes_before_the_first_write(tmp_path: Path) -> None:
    """One invalid content among valid ones: nothing is changed, made or left, and the command's words are shown."""
    (tmp_path / "a").write_bytes(b"old")
    wanted: list[dict[str, Any]] = [
        {"path": tmp_path / "a", "content": b"new", "validate": "grep -q new %s"},
        {"path": tmp_path / "d", "state": "directory"},
        {"path": tmp_path / "d" / "b", "content": b"bad", "validate": "sh -c 'cat \"$1\"; exit 3' - %s"},
    ]
    with pytest.raises(ItemError) as caught:
        apply(*wanted)
    problem = "validate: `sh -c 'cat \"$1\"; exit 3' - %s` says no (status 3): bad; nothing was changed"
    assert f"files[2] {tmp_path}/d/b: {problem}" == str(caught.value)
    assert tree(tmp_path) == {"a": b"old"}
    assert not (tmp_path / "d").exists()
    with pytest.raises(ItemError) as caught:
        apply(*wanted[:2], {**wanted[2], "secret": True})
    assert str(caught.value).endswith("says no (status 3); nothing was changed"), "a secret is not repeated"
    with pytest.raises(ItemError, match="validate: /no/such: No such file or directory; nothing was changed"):
        apply({**wanted[0], "validate": "/no/such %s"})
    apply(*wanted[:2])
    assert tree(tmp_path) == {"a": b"new"}


def test_validation_runs_no_shell(tmp_path: Path) -> None:
    """A hostile path is one argument."""
    folder = tmp_path / "$(touch owned) ; 'x"
    apply({"path": folder, "state": "directory"}, {"path": folder / "f", "validate": "test -f %s"})
    assert tree(tmp_path) == {"$(touch owned) ; 'x/f": b""}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small file system")
@pytest.mark.parametrize("limit", ["size=200k", "size=1m,nr_inodes=6"])
def test_a_full_disk_leaves_everything_as_it_was(tmp_path: Path, limit: str) -> None:
    """No space or no inodes for the last content: every target is old, no temporary file or directory stays."""
    mount = tmp_path / "small"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", limit, "tmpfs", mount], check=True)
    try:
        for name in "abc":
            (mount / name).write_bytes(name.encode())
        before = tree(mount)
        wanted = [{"path": mount / name, "content": b"x" * 80_000} for name in "abc"]
        with pytest.raises(ItemError, match=r"files\[\d\] .*: No space left on device; nothing was changed"):
            apply({"path": mount / "d", "state": "directory"}, *wanted, {"path": mount / "d" / "e", "content": b"x"})
        assert before == tree(mount)
        assert sorted(path.name for path in mount.iterdir()) == ["a", "b", "c"]
        apply({"path": mount / "a", "content": b"fits"})
        assert (mount / "a").read_bytes() == b"fits"
    finally:
        subprocess.run(["umount", mount], check=True)


def test_a_rename_that_fails_says_what_was_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files before it are new, it and those after are old, no temporary file or backup without cause stays."""
    for name in "abc":
        (tmp_path / name).write_bytes(b"old")
    real = os.rename

    def rename(source: bytes, target: bytes) -> None:
        if target.endswith(b"/b"):
            raise OSError(16, "Device or resource busy")
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    transaction = Transaction(plan(*({"path": tmp_path / name, "content": b"new", "backup": True} for name in "abc")))
    with pytest.raises(ApplyError) as caught:
        transaction.run()
    assert f"files[1] {tmp_path}/b: Device or resource busy; done before it: {tmp_path}/a" == str(caught.value)
    assert [Path(step.item.path).name for step in transaction.done] == ["a"]
    kept = Path(transaction.backups[f"{tmp_path}/a"]).name
    assert {"a": b"new", "b": b"old", "c": b"old", kept: b"old"} == tree(tmp_path)


KILLED = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    sys.path[:0] = sys.argv[1:3]
    from file_runs import apply
    folder, deadly, left = Path(sys.argv[3]), sys.argv[4], int(sys.argv[5])
    real = getattr(os, deadly)
    def call(*args, **kwargs):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return real(*args, **kwargs)
    setattr(os, deadly, call)
    apply(*({"path": folder / name, "content": name.encode() * 9000} for name in "abc"),
          {"path": folder / "l", "state": "link", "target": "a"})
    """
)


@pytest.mark.parametrize(
    ("deadly", "left"),
    [("fdopen", 0), ("chmod", 1), ("fsync", 0), ("fsync", 2), ("symlink", 0), ("rename", 0), ("rename", 2),
     ("rename", 3), ("fsync", 3)],
)  # fmt: skip
def test_a_killed_run_leaves_whole_files_and_the_next_one_ends_it(tmp_path: Path, deadly: str, left: int) -> None:
    """SIGKILL at any point: each target is the old or the new one; the next run converges and removes the leftovers."""
    for name in "abc":
        (tmp_path / name).write_bytes(b"old")
    new = {name: name.encode() * 9000 for name in "abc"}
    argv = [sys.executable, "-c", KILLED, str(ROOT), str(ROOT / "tests/support"), str(tmp_path), deadly, str(left)]
    killed = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    for name in "abc":
        assert (tmp_path / name).read_bytes() in (b"old", new[name])
    wanted: list[dict[str, Any]] = [{"path": tmp_path / name, "content": content} for name, content in new.items()]
    wanted.append({"path": tmp_path / "l", "state": "link", "target": "a"})
    remove_leftovers(items(*wanted))
    apply(*wanted)
    assert {**new, "l": b"a"} == tree(tmp_path)
    assert plan(*wanted) == []


def test_only_what_a_dead_run_left_is_removed(tmp_path: Path) -> None:
    """The temporary file of a living process and a file that only looks alike stay."""
    started = Path(f"/proc/{os.getpid()}/stat").read_text().rpartition(")")[2].split()[19]
    alive = tmp_path / f".hybridctl-{os.getpid()}-{started}-0.tmp"
    recycled = tmp_path / f".hybridctl-{os.getpid()}-{int(started) - 1}-0.tmp"
    alike = tmp_path / ".hybridctl-x-1-0.tmp"
    for path in (alive, recycled, alike):
        path.touch()
    assert [str(recycled)] == remove_leftovers(items({"path": tmp_path / "f"}))
    assert {alive.name, alike.name} == set(tree(tmp_path))


def test_a_tree_is_removed_when_all_of_it_is_named(tmp_path: Path) -> None:
    """Entries go before their directory, in whatever order they are listed."""
    folder = tmp_path / "d"
    (folder / "e").mkdir(parents=True)
    (folder / "e" / "f").touch()
    apply(*({"path": path, "state": "absent"} for path in (folder, folder / "e", folder / "e" / "f")))
    assert list(tmp_path.iterdir()) == []


def test_force_replaces_links_and_files(tmp_path: Path) -> None:
    """A link becomes a file without touching what it points at, and a file becomes a link."""
    (tmp_path / "real").write_bytes(b"real")
    (tmp_path / "f").symlink_to("real")
    (tmp_path / "l").write_bytes(b"old")
    apply(
        {"path": tmp_path / "f", "content": b"new", "force": True},
        {"path": tmp_path / "l", "state": "link", "target": "nowhere", "force": True},
    )
    assert tree(tmp_path) == {"real": b"real", "f": b"new", "l": b"nowhere"}


names = st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=40).filter(
    lambda name: name not in (".", "..") and len(name.encode()) < 200
)


@settings(max_examples=60, deadline=None)
@given(wanted=st.dictionaries(names, st.binary(max_size=50), min_size=1, max_size=4))
def test_any_name_and_content(tmp_path_factory: pytest.TempPathFactory, wanted: dict[str, bytes]) -> None:
    """Newlines, quotes, blanks, any script, any bytes: written as they are, and nothing to do the second time."""
    folder = tmp_path_factory.mktemp("names")
    listed = [{"path": f"{folder}/{name}", "content": content} for name, content in wanted.items()]
    apply(*listed)
    assert wanted == tree(folder)
    assert plan(*listed) == []


@pytest.mark.parametrize("name", [b"\xff\xfe", "\u0144\u03a9\u9f99".encode(), b"-rf", b"$(x) `y`\n\"'"])
def test_names_that_are_no_text(tmp_path: Path, name: bytes) -> None:
    """A path that is not UTF-8 travels as surrogates and arrives as its bytes."""
    apply({"path": str(tmp_path) + "/" + name.decode("utf-8", "surrogateescape"), "content": b"x"})
    assert [os.fsencode(path.name) for path in tmp_path.iterdir()] == [name]
