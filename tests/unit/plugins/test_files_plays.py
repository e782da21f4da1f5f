"""`hybridctl.site.files` as a user runs it: by ansible-playbook, in check, diff and real mode."""

import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from file_runs import tree
from plays import old_python, play

CANARY = "C4n4ry-of-a-secret-content"


def files(*items: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    """Return a task."""
    return {"hybridctl.site.files": {"files": list(items), "mode": "0644", **arguments}}


def every_kind(out: Path) -> dict[str, Any]:
    """Return a task with an item of each kind; the templates are those of `written`."""
    return files(
        {"path": f"{out}/d", "state": "directory", "mode": "0750"},
        {"path": f"{out}/d/t.conf", "template": "t.conf.j2"},
        {"path": f"{out}/binary", "src": "binary"},
        {"path": f"{out}/key", "content": "k={{ canary }}\n", "mode": "0600", "secret": True},
        {"path": f"{out}/link", "state": "link", "target": "d/t.conf"},
        {"path": f"{out}/old", "state": "absent"},
        {"path": f"{out}/\u0144 $(x) '\"\n-f", "content": "{{ '\u9f99' }}"},
    )


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A folder with a playbook's templates and files, and beside it the folder that the items are about."""
    book = tmp_path / "book"
    (book / "templates").mkdir(parents=True)
    (book / "files").mkdir()
    (book / "templates" / "t.conf.j2").write_text(
        "# {{ ansible_managed }}\n{% if true %}\nto = {{ template_destpath }}\n{% endif %}\n"
        "{% include 'part.j2' %}\nend\n\n"
    )
    (book / "templates" / "part.j2").write_text("back\\nslash {{ '\\n' | length }}")
    (book / "files" / "binary").write_bytes(bytes(range(256)))
    out = tmp_path / "out"
    out.mkdir()
    (out / "old").write_text("old\n")
    return out


@pytest.mark.parametrize("which", ["control", "oldest"])
def test_check_names_what_the_run_does(written: Path, which: str) -> None:
    """Check mode changes nothing and names the very resources that the run then reports; a second run has none."""
    python = sys.executable if which == "control" else old_python()
    book, task, variables = written.parent / "book", every_kind(written), {"canary": CANARY}
    before = tree(written)
    (checked,) = play(book, task, flags=("--check", "--diff"), python=python, variables=variables).results
    assert before == tree(written)
    (done,) = play(book, task, flags=("--diff",), python=python, variables=variables).results
    assert (checked["resources"], checked["changed_paths"]) == (done["resources"], done["changed_paths"])
    assert (checked["changed"], done["changed"]) == (True, True)
    again = play(book, task, task, flags=("--diff",), python=python, variables=variables).results
    assert [(r["changed"], r["changed_paths"], r["resources"], r["diff"]) for r in again] == [(False, [], [], [])] * 2
    name = "\u0144 $(x) '\"\n-f"
    assert [f"{written}/{end}" for end in ("d", "d/t.conf", "binary", "key", "link", "old", name)] == done[
        "changed_paths"
    ]
    assert {
        "d/t.conf": f"# Ansible managed\nto = {written}/d/t.conf\nback\\nslash 1end\n\n".encode(),
        "binary": bytes(range(256)),
        "key": f"k={CANARY}\n".encode(),
        "link": b"d/t.conf",
        name: "\u9f99".encode(),
    } == tree(written)
    modes = {end: stat.S_IMODE((written / end).stat().st_mode) for end in ("d", "d/t.conf", "key")}
    assert modes == {"d": 0o750, "d/t.conf": 0o644, "key": 0o600}


def test_the_result_is_what_plans_are_made_of(written: Path) -> None:
    """The contract: keys, words and diffs of each kind of resource; Ansible's own diff has one entry an item."""
    book, variables = written.parent / "book", {"canary": CANARY}
    played = play(book, every_kind(written), flags=("--diff",), variables=variables)
    (done,) = played.results
    keys = {"kind", "name", "action", "why", "depends_on", "diff", "digest"}
    assert [keys] * 7 == [set(resource) for resource in done["resources"]]
    shown = {Path(r["name"]).name: (r["kind"], r["action"], r["why"], r["diff"]) for r in done["resources"]}
    place = f"{written}/link"
    assert shown["d"] == ("directory", "create", "absent", {"prepared": "new directory, mode 0750"})
    assert shown["binary"] == ("file", "create", "absent", {"prepared": "new file (binary, not shown)"})
    assert shown["key"] == ("file", "create", "absent", {"prepared": "new file (secret, not shown)"})
    assert ("link", "create", "absent", {"before": "", "after": "-> d/t.conf\n", "place": place}) == shown["link"]
    removed = {"before": "old\n", "after": "", "place": f"{written}/old"}
    assert ("file", "remove", "present", removed) == shown["old"]
    hidden = {Path(r["name"]).name for r in done["resources"] if r["digest"]}
    assert hidden == {"binary", "key"}, "what the diff does not show has a digest, and nothing else"
    assert len(done["diff"]) == 7
    assert f"--- before: {written}/d/t.conf" in played.output
    assert f"+to = {written}/d/t.conf" in played.output
    (written / "d" / "t.conf").write_text("drift\n")
    (written / "d" / "t.conf").chmod(0o600)
    (again,) = play(book, every_kind(written), variables=variables).results
    (change,) = again["resources"]
    assert (change["why"], change["diff"]["before"]) == ("content, mode 0600 -> 0644", "drift\n")
    assert "diff" not in again, "without --diff Ansible is not told"


def test_a_secret_is_in_no_output(written: Path) -> None:
    """With the most verbose output, a diff, a changed and an invalid content: neither the old nor the new one shows."""
    (written / "key").write_text(f"old {CANARY}")
    (written / "bad").write_text("x")
    key = {"path": f"{written}/key", "content": f"k={CANARY}\n", "secret": True, "backup": True}
    bad = {**key, "path": f"{written}/bad", "validate": "sh -c 'cat \"$1\"; exit 1' - %s"}
    played = play(written.parent / "book", files(key, no_such=1), files(bad), files(key), flags=("-vvv", "--diff"))
    assert [result["changed"] for result in played.results] == [False, False, True]
    assert "says no (status 1); nothing was changed" in played.results[1]["msg"]
    assert f"k={CANARY}\n" == (written / "key").read_text()
    assert CANARY not in json.dumps(played.results)
    assert ["invocation" in result for result in played.results] == [False] * 3
    # Ansible itself prints neither the task's arguments nor the payload.
    assert CANARY not in played.output


def test_backups_are_reported(written: Path) -> None:
    """The task's `backup` holds for all items, an item's own wins, and the result says where the old content is."""
    (written / "kept").write_text("old")
    task = files(
        {"path": f"{written}/kept", "content": "new"},
        {"path": f"{written}/old", "state": "absent", "backup": False},
        backup=True,
    )
    (done,) = play(written.parent / "book", task).results
    assert [f"{written}/kept"] == list(done["backup_files"])
    assert Path(done["backup_files"][f"{written}/kept"]).read_text() == "old"


def test_a_failure_carries_what_it_is_about(tmp_path: Path) -> None:
    """The host's refusal names item and path, and no path counts as changed."""
    (tmp_path / "d").mkdir()
    (failed,) = play(
        tmp_path / "book", files({"path": f"{tmp_path}/a", "content": ""}, {"path": f"{tmp_path}/d", "content": ""})
    ).results
    message = f"files[1] {tmp_path}/d: a file is wanted, but it is a directory"
    assert (True, message, [], []) == tuple(failed[key] for key in ("failed", "msg", "changed_paths", "resources"))
    assert not (tmp_path / "a").exists()


def test_five_thousand_items(tmp_path: Path) -> None:
    """One task, one execution: all written, then one changed by hand is found among them."""
    out = tmp_path / "out"
    items = [{"path": str(out), "state": "directory"}]
    items += [{"path": f"{out}/{index}", "content": f"content {index}\n"} for index in range(5000)]
    (done,) = play(tmp_path / "book", files(*items)).results
    assert len(done["changed_paths"]) == 5001
    (out / "4321").write_text("drift\n")
    (again,) = play(tmp_path / "book", files(*items)).results
    assert [f"{out}/4321"] == again["changed_paths"]
    assert {str(index): f"content {index}\n".encode() for index in range(5000)} == tree(out)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"path": "relative", "content": ""}, "files[0] relative: the path must be absolute"),
    ({"content": ""}, "files[0]: path is missing"),
    ({"path": "/x/../y", "content": ""}, "files[0] /x/../y: such a path is not taken; write /y"),
    ({"path": "/x/", "state": "directory"}, "files[0] /x/: such a path is not taken; write /x"),
    ({"path": "//x", "content": ""}, "files[0] //x: such a path is not taken; write /x"),
    ({"path": "/", "state": "directory"}, "files[0] /: such a path is not taken"),
    ({"path": "/x\0y", "content": ""}, 'files[0] "/x\\u0000y": such a path is not taken'),
    ({"path": "/x", "state": "touch"}, "files[0] /x: state is 'touch'; it takes absent, directory, file, link"),
    ({"path": "/x"}, "files[0] /x: a file takes exactly one of template, src, content, not none"),
    ({"path": "/x", "content": "", "src": "f"}, "exactly one of template, src, content, not src and content"),
    ({"path": "/x", "content": {"a": 1}}, "files[0] /x: content must be a string; to_json"),
    ({"path": "/x", "content": "", "mode": 420}, "files[0] /x: mode is 420; write it as a quoted octal number"),
    ({"path": "/x", "content": "", "mode": "u+x"}, "files[0] /x: mode is 'u+x'; write it as a quoted octal number"),
    ({"path": "/x", "content": "", "recurse": True}, "files[0] /x: unknown for state file: recurse; it takes"),
    ({"path": "/x", "state": "link", "target": "y", "mode": "0644"}, "unknown for state link: mode"),
    ({"path": "/x", "state": "link"}, "files[0] /x: a link needs a target"),
    ({"path": "/x", "content": "", "validate": "true"}, "files[0] /x: validate needs %s"),
    ({"path": "/x", "content": "", "validate": "a '%s"}, "files[0] /x: validate: No closing quotation"),
    ({"path": "/x", "content": "", "backup": "perhaps"}, "files[0] /x: backup must be true or false, not 'perhaps'"),
    ({"path": "/x", "content": "", "owner": ["a"]}, "files[0] /x: owner must be a string"),
    ({"path": "/x", "template": "no.j2"}, "files[0] /x: Could not find or access 'no.j2'"),
    ({"path": "/x", "src": "no"}, "files[0] /x: Could not find or access 'no'"),
    ({"path": "/x", "template": "undefined.j2"}, "files[0] /x: 'nowhere_defined' is undefined"),
    ({"path": "/x", "template": "syntax.j2"}, "files[0] /x: Syntax error in template"),
    (
        {"path": "/x", "src": "large"},
        "files[0] /x: 16777217 bytes are more than the 16 MiB of an item; use ansible.builtin",
    ),
]


def test_what_is_wrong_is_refused_before_the_host_is_contacted(tmp_path: Path) -> None:
    """Each bad item is refused with its index, its path and what to write; the host has no Python, and nobody asked."""
    book = tmp_path / "book"
    (book / "templates").mkdir(parents=True)
    (book / "files").mkdir()
    (book / "templates" / "undefined.j2").write_text("{{ nowhere_defined }}")
    (book / "templates" / "syntax.j2").write_text("{% if %}")
    with (book / "files" / "large").open("wb") as large:
        large.truncate(16 * 1024 * 1024 + 1)
    both = {"path": "/x/y", "content": ""}
    tasks = [
        *(files(item) for item, _ in REFUSED),
        files(both, {"path": "/a", "content": ""}, both),
        files({"path": "/x", "content": ""}, both),
        files(both, {"path": "/x", "state": "absent"}),
        files({"path": "/x", "state": "link", "target": "z"}, both),
        {"hybridctl.site.files": {"files": [both]}},
        {"hybridctl.site.files": {"files": [both], "seuser": "x"}},
        {"hybridctl.site.files": {"files": "/x"}},
        files("/x"),  # type: ignore[arg-type]
    ]
    expected = [message for _, message in REFUSED] + [
        "files[2] /x/y: it is files[0] already",
        "files[1] /x/y: it lies below files[0] /x, whose state is file",
        "files[0] /x/y: it lies below files[1] /x, whose state is absent",
        "files[1] /x/y: it lies below files[0] /x, whose state is link",
        'files[0] /x/y: a file needs a mode, here or for the task, such as "0644"',
        "unknown: seuser; the task takes backup, files, group, mode, owner",
        "`files` must be a list of items",
        "files[0]: an item is a mapping with a path",
    ]
    results = play(book, *tasks, python="/no/such/python").results
    assert [
        (want, got.get("msg")) for want, got in zip(expected, results, strict=True) if want not in got.get("msg", "")
    ] == []
    assert {True} == {result["failed"] for result in results}
