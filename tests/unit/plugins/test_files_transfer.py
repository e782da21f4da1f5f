"""`hybridctl.site.files` over a connection that breaks in the middle of the transfer."""

import os
import sys
from pathlib import Path

import pytest
from file_runs import tree
from plays import play

# Stands for ssh: hands the command to a shell here. The first call that brings more than 100 kB is cut there, as a
# connection that breaks is: the far side reads an end of file, ours gets status 255.
SSH = """#!/bin/sh
for last; do :; done
here=$(dirname "$0"); part=$here/part.$$
case "$ANSIBLE_PIPELINING $last" in 1*|*"dd of="*) ;; *) exec sh -c "$last" </dev/null ;; esac
head -c 100000 >"$part"
if [ "$(stat -c %s "$part")" = 100000 ] && [ ! -e "$here/was-cut" ]; then
    touch "$here/was-cut"
    sh -c "$last" <"$part" >/dev/null 2>"$here/far-side"
    echo 'client_loop: send disconnect: Broken pipe' >&2
    exit 255
fi
cat "$part" - | sh -c "$last"
"""


@pytest.mark.parametrize("pipelining", ["1", "0"])
def test_a_transfer_that_breaks_changes_nothing_and_the_next_run_does_all(tmp_path: Path, pipelining: str) -> None:
    """Half of the text is no text: the files are as they were, nothing lies beside them, the host is unreachable."""
    ssh, out = tmp_path / "ssh", tmp_path / "out"
    ssh.write_text(SSH)
    ssh.chmod(0o755)
    out.mkdir()
    (out / "a").write_bytes(b"old")
    content = os.urandom(150_000).hex()
    items = [{"path": f"{out}/{name}", "content": f"{name}{content}"} for name in "ab"]
    task = {"hybridctl.site.files": {"files": items, "mode": "0644"}, "ignore_unreachable": True}
    look = {"ansible.builtin.set_fact": {"seen": f"{{{{ query('ansible.builtin.fileglob', '{out}/*', '{out}/.*') }}}}"}}
    cut, seen, done = play(
        tmp_path / "book", task, look, task,
        inventory=("-i", "far,", "-c", "ssh"), host="far",
        variables={"ansible_python_interpreter": sys.executable, "ansible_ssh_executable": str(ssh)},
        environment={"ANSIBLE_PIPELINING": pipelining, "ANSIBLE_SSH_TRANSFER_METHOD": "piped",
                     "ANSIBLE_SSH_RETRIES": "0", "ANSIBLE_REMOTE_TEMP": str(tmp_path / "remote")},
    ).results  # fmt: skip
    assert (tmp_path / "was-cut").exists()
    assert cut["unreachable"] is True
    assert "Broken pipe" in cut["msg"]
    assert seen["ansible_facts"]["seen"] == [f"{out}/a"], "nothing new, nothing beside it"
    assert done["changed_paths"] == [f"{out}/a", f"{out}/b"]
    assert tree(out) == {name: f"{name}{content}".encode() for name in "ab"}
