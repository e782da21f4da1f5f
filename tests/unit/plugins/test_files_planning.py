"""What `hybridctl.site.files` would do: read from the state of the paths, on every run."""

import hashlib
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from file_runs import apply, items, plan, summary, tree

from ansible_collections.hybridctl.site.plugins.module_utils.file_items import ItemError, pack, unpack
from ansible_collections.hybridctl.site.plugins.module_utils.file_planning import NoLabels, Planner
from ansible_collections.hybridctl.site.plugins.module_utils.file_reporting import Report

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount, chattr and chown")


def test_new_paths_are_created(tmp_path: Path) -> None:
    """On an empty host every item is a step, and a file in a new directory is certain."""
    steps = plan(
        {"path": tmp_path / "d", "state": "directory"},
        {"path": tmp_path / "d" / "f", "content": b"x"},
        {"path": tmp_path / "d" / "l", "state": "link", "target": "f"},
        {"path": tmp_path / "gone", "state": "absent"},
    )
    assert summary(steps) == [
        ("d", "create", "absent", ""),
        ("f", "create", "absent", ""),
        ("l", "create", "absent", ""),
    ]


def test_what_is_as_it_should_be_is_no_step(tmp_path: Path) -> None:
    """Right after a run there is nothing to do, and the next one sees each kind of drift by itself."""
    wanted: list[dict[str, Any]] = [
        {"path": tmp_path / "d", "state": "directory", "mode": 0o750},
        {"path": tmp_path / "d" / "f", "content": b"x", "mode": 0o640},
        {"path": tmp_path / "l", "state": "link", "target": "d/f"},
        {"path": tmp_path / "gone", "state": "absent"},
    ]
    apply(*wanted)
    assert plan(*wanted) == []
    (tmp_path / "d" / "f").write_bytes(b"y")  # same size: the content itself must be compared
    assert summary(plan(*wanted)) == [("f", "change", "content", "")]
    apply(*wanted)
    (tmp_path / "d" / "f").chmod(0o600)
    assert summary(plan(*wanted)) == [("f", "change", "mode 0600 -> 0640", "")]
    apply(*wanted)
    (tmp_path / "d").chmod(0o700)
    (tmp_path / "l").unlink()
    (tmp_path / "l").symlink_to("elsewhere")
    (tmp_path / "gone").touch()
    drift = [("d", "change", "mode 0700 -> 0750", ""), ("l", "change", "target", ""), ("gone", "remove", "present", "")]
    assert drift == summary(plan(*wanted))
    apply(*wanted)
    assert plan(*wanted) == []


@ROOT_ONLY
def test_an_owner_that_differs_is_named(tmp_path: Path) -> None:
    """Owner and group by name or number; a number that nobody has is shown as it is."""
    path = tmp_path / "f"
    path.touch(mode=0o644)
    os.chown(path, 54321, 0)
    assert summary(plan({"path": path, "owner": "root", "group": "0"})) == [("f", "change", "owner 54321 -> root", "")]
    assert plan({"path": path, "owner": "54321", "group": "root"}) == []
    assert plan({"path": path}) == [], "an owner that nobody asked for stays"


def test_check_mode_names_what_must_come_first(tmp_path: Path) -> None:
    """A directory, user or link target that may still come: a dependency in check mode, an error in a real run."""
    away = tmp_path / "away"
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"path": away / "f"}, f"directory {away}", f"its directory {away} does not exist"),
        ({"path": away / "d", "state": "directory"}, f"directory {away}", f"its directory {away} does not exist"),
        ({"path": tmp_path / "u", "owner": "no-such-user"}, "user no-such-user", "no owner no-such-user on this host"),
        ({"path": tmp_path / "g", "group": "no-such-group"}, "group no-such-group", "no group no-such-group on this"),
        (
            {"path": tmp_path / "l", "state": "link", "target": "x"},
            f"file {tmp_path}/x",
            "does not exist; `force: true`",
        ),
    ]
    for want, dependency, problem in cases:
        (step,) = plan(want, check=True)
        assert [dependency] == step.depends_on
        with pytest.raises(ItemError, match=r"files\[0\] ") as caught:
            plan(want)
        assert problem in str(caught.value)
    assert plan({"path": away / "f", "state": "absent"}) == [], "what has no directory is absent already"
    assert tree(tmp_path) == {}


def hostile(folder: Path, kind: str) -> Path:
    """Make something at a path that is not what an item wants there."""
    path = folder / "p"
    if kind == "directory":
        path.mkdir()
        (path / "x").touch()
    elif kind == "dangling":
        path.symlink_to("nowhere")
    elif kind == "loop":
        path.symlink_to("p")
    elif kind == "link":
        (folder / "real").touch()
        path.symlink_to("real")
    elif kind == "file":
        path.touch()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    return path


@pytest.mark.parametrize(
    ("kind", "want", "problem"),
    [
        ("directory", {}, "a file is wanted, but it is a directory"),
        ("directory", {"force": True}, "a file is wanted, but it is a directory"),
        ("dangling", {}, "a file is wanted, but it is a link to nowhere, which does not exist; `force: true`"),
        ("loop", {}, "a file is wanted, but it is a link to p, a loop of links; `force: true` replaces it"),
        ("link", {}, "a file is wanted, but it is a link to real; `force: true` replaces it"),
        ("pipe", {}, "a file is wanted, but it is neither a file, a directory nor a link"),
        ("socket", {}, "a file is wanted, but it is neither a file, a directory nor a link"),
        ("file", {"state": "directory"}, "a directory is wanted, but it is a file"),
        ("link", {"state": "directory"}, "a directory is wanted, but it is neither"),
        ("dangling", {"state": "directory"}, "it is a link to nowhere, which does not exist"),
        ("loop", {"state": "directory"}, "it is a link to p, a loop of links"),
        ("file", {"state": "link", "target": "real"}, "a link is wanted, but it is a file; `force: true` replaces it"),
        ("directory", {"state": "link", "target": "x", "force": True}, "a link is wanted, but it is a directory"),
        ("directory", {"state": "absent"}, "the directory is not empty (x ...); ansible.builtin.file removes"),
        ("pipe", {"state": "absent"}, "a removal is wanted, but it is neither a file, a directory nor a link"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("check", [False, True])
def test_the_wrong_kind_is_refused(tmp_path: Path, kind: str, want: dict[str, Any], problem: str, check: bool) -> None:
    """What is in the way is named with item and path, in check mode too; a good item beside it is not written."""
    path = hostile(tmp_path, kind)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ItemError) as caught:
        plan({"path": tmp_path / "good", "content": b"x"}, {"path": path, **want}, check=check)
    assert f"files[1] {path}: {problem}" in str(caught.value)
    assert before == sorted(tmp_path.iterdir())


def test_parents_that_lead_nowhere(tmp_path: Path) -> None:
    """A parent that is a file, a dangling link or a loop is an error in check mode too: no task will mend it."""
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    for parent, problem in (
        ("file", f"{tmp_path}/file is not a directory"),
        ("dangling", f"its directory {tmp_path}/dangling is a link to nowhere, which does not exist"),
        ("loop", f"a loop of links lies in its directory {tmp_path}/loop"),
    ):
        with pytest.raises(ItemError) as caught:
            plan({"path": tmp_path / parent / "f"}, check=True)
        assert f"files[0] {tmp_path}/{parent}/f: {problem}" == str(caught.value)


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    """The system's refusal carries item and path."""
    with pytest.raises(ItemError, match=r"files\[0\] .*File name too long"):
        plan({"path": tmp_path / ("x" * 300)})


@contextmanager
def undone(*argv: str) -> Iterator[None]:
    """Run a command when the block ends."""
    try:
        yield
    finally:
        subprocess.run(argv, check=True)


@ROOT_ONLY
@pytest.mark.parametrize("flag", ["i", "a"])
def test_an_immutable_file_is_refused_before_anything_is_written(tmp_path: Path, flag: str) -> None:
    """chattr is seen while planning: content and mode alike, and the item before it stays undone."""
    path = tmp_path / "f"
    path.write_bytes(b"old")
    if subprocess.run(["chattr", f"+{flag}", path], capture_output=True, check=False).returncode:
        pytest.skip("this file system has no such attribute")
    with undone("chattr", f"-{flag}", str(path)):
        for want in ({"content": b"new"}, {"content": b"old", "mode": 0o600}):
            with pytest.raises(ItemError, match=rf"files\[1\] {path}: it must not be changed \(chattr \+{flag}\)"):
                apply({"path": tmp_path / "first"}, {"path": path, **want})
        assert tree(tmp_path) == {"f": b"old"}
        assert plan({"path": path, "content": b"old"}) == [], "what is right already needs no writing"


@ROOT_ONLY
@pytest.mark.parametrize("check", [False, True])
def test_a_read_only_mount_is_refused_before_anything_is_written(tmp_path: Path, check: bool) -> None:
    """New and existing files below a read-only mount are refused, in check mode too."""
    mount = tmp_path / "ro"
    mount.mkdir()
    (mount / "f").write_bytes(b"old")
    subprocess.run(["mount", "--bind", mount, mount], check=True)
    with undone("umount", str(mount)):
        subprocess.run(["mount", "-o", "remount,ro,bind", mount], check=True)
        for name in ("f", "new"):
            with pytest.raises(ItemError, match=rf"files\[1\] {mount}/{name}: it lies on a read-only file system"):
                plan({"path": tmp_path / "first"}, {"path": mount / name, "content": b"new"}, check=check)
    assert tree(tmp_path) == {"ro/f": b"old"}


def test_selinux_labels_that_differ_are_restored(tmp_path: Path) -> None:
    """A wrong label is a change by itself; a new file gets its label before it has its name."""
    path, restored = tmp_path / "f", []

    class Labels(NoLabels):
        def differs(self, path: str) -> bool:
            return not restored

        def restore(self, path: str, place: str) -> None:
            restored.append((path, place))

    from ansible_collections.hybridctl.site.plugins.module_utils.file_transaction import Transaction

    apply({"path": path})
    wanted = items({"path": path})
    steps = Planner(wanted, labels=Labels()).steps()
    assert summary(steps) == [("f", "change", "SELinux context", "")]
    Transaction(steps, Labels()).run()
    assert [(str(path), str(path))] == restored
    assert Planner(wanted, labels=Labels()).steps() == []
    Transaction(Planner(items({"path": tmp_path / "new"}), labels=Labels()).steps(), Labels()).run()
    (made, place) = restored[-1]
    assert (str(tmp_path / "new"), True) == (place, made.endswith(".tmp"))


@pytest.mark.parametrize(
    "contents", [(b"old", b"one", b"two"), (b"\0", b"\0one", b"\0two"), (b"", b"1" * 200_000, b"2" * 200_000)]
)
@pytest.mark.parametrize("secret", [False, True])
def test_plans_of_contents_that_are_not_shown_differ(tmp_path: Path, contents: tuple[bytes, ...], secret: bool) -> None:
    """A secret, a binary, a text too long: another content than the approved one is another plan all the same."""
    path = tmp_path / "f"
    path.write_bytes(contents[0])

    def planned(content: bytes) -> dict[str, Any]:
        (step,) = plan({"path": path, "content": content, "secret": secret}, check=True)
        return Report().resource(step)

    one, again, two = (planned(content) for content in (contents[1], contents[1], contents[2]))
    assert one == again
    assert (one["diff"], one["digest"]) != (two["diff"], two["digest"])
    if "prepared" in one["diff"]:
        assert hashlib.sha256(contents[1]).hexdigest().startswith(one["digest"]) is not secret


def test_a_payload_that_is_none(tmp_path: Path) -> None:
    """Text that no action plugin made is refused, and so is one that was cut anywhere on its way."""
    whole = pack(items({"path": tmp_path / "f", "content": os.urandom(300)}))
    for payload in ("", "x", "AAAA", "e30=", *(whole[:length] for length in range(len(whole)))):
        with pytest.raises(ValueError, match="not a payload"):
            unpack(payload)
