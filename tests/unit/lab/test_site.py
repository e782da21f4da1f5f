"""The lab's site folder, keys and state: what other commands read."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from hybridctl.errors import HybridctlError
from hybridctl.lab.access import make_keys, ssh_argv
from hybridctl.lab.sitefiles import write_site
from hybridctl.lab.spec import LabHost
from hybridctl.lab.state import State, locked, read_state, remove, write_state

HOSTS = {
    LabHost("gw1", ("gateway",), "lab-gateway"): "10.231.0.11",
    LabHost("cpu1", ("vllm_cpu", "spare")): "10.231.0.12",
}


def test_the_inventory_names_hosts_groups_and_profiles(tmp_path: Path) -> None:
    """hosts.yml holds each host once, with address and profile, and each of its groups."""
    write_site(tmp_path, "t", HOSTS, "http://10.231.0.1:8900", tmp_path / "keys")
    inventory = yaml.safe_load((tmp_path / "inventory" / "hosts.yml").read_text())["all"]
    assert inventory["hosts"] == {
        "gw1": {"ansible_host": "10.231.0.11", "hybridctl_profile": "lab-gateway"},
        "cpu1": {"ansible_host": "10.231.0.12"},
    }
    assert {group: list(body["hosts"]) for group, body in inventory["children"].items()} == {
        "gateway": ["gw1"],
        "vllm_cpu": ["cpu1"],
        "spare": ["cpu1"],
    }
    variables = yaml.safe_load((tmp_path / "inventory" / "group_vars" / "all" / "lab.yml").read_text())
    assert variables["hybridctl_mirror"] == "http://10.231.0.1:8900"
    assert "StrictHostKeyChecking=yes" in variables["ansible_ssh_common_args"]


def test_what_the_user_edited_stays(tmp_path: Path) -> None:
    """A file that is not as we wrote it is kept and named, also with another fleet; the others follow the fleet."""
    assert write_site(tmp_path, "t", HOSTS, "http://10.231.0.1:8900", tmp_path / "keys") == []
    edited = [tmp_path / "inventory/group_vars/gateway.yml", tmp_path / "hybridctl.yml"]
    for path in edited:
        path.write_text(path.read_text() + "# mine\n")
    (tmp_path / "inventory/group_vars/vllm_cpu.yml").unlink()
    first = dict(list(HOSTS.items())[:1])
    for _ in range(2):
        kept = write_site(tmp_path, "t", first, "http://10.231.0.1:8900", tmp_path / "keys")
        assert sorted(edited) == sorted(kept)
        assert [path.read_text().endswith("# mine\n") for path in edited] == [True, True]
    assert (tmp_path / "inventory/group_vars/vllm_cpu.yml").exists()
    inventory = yaml.safe_load((tmp_path / "inventory" / "hosts.yml").read_text())["all"]
    assert list(inventory["hosts"]) == ["gw1"]
    edited[0].unlink()
    assert write_site(tmp_path, "t", first, "http://10.231.0.1:8900", tmp_path / "keys") == edited[1:]


@pytest.mark.parametrize("turn", range(7))
def test_what_a_killed_up_left_is_not_taken_for_edited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turn: int
) -> None:
    """Wherever the second `up`, with a smaller fleet, is killed while it writes, the third writes everything."""
    first = dict(list(HOSTS.items())[:1])
    write_site(tmp_path, "t", HOSTS, "http://10.231.0.1:8900", tmp_path / "keys")
    rename, turns = Path.rename, list(range(turn))

    def killed(path: Path, target: Path) -> None:
        if not turns:
            raise KeyboardInterrupt
        turns.pop()
        rename(path, target)

    with monkeypatch.context() as context:
        context.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            write_site(tmp_path, "t", first, "http://10.231.0.9:8900", tmp_path / "keys")
    assert write_site(tmp_path, "t", HOSTS, "http://10.231.0.1:8900", tmp_path / "keys") == []
    assert "10.231.0.1:" in (tmp_path / "inventory/group_vars/all/lab.yml").read_text()


def test_secrets_are_vaulted_and_stay(tmp_path: Path) -> None:
    """The vault holds both keys, is readable by its owner only, and a second `up` leaves it as it is."""
    write_site(tmp_path, "t", HOSTS, "http://10.231.0.1:8900", tmp_path / "keys")
    vault, password = tmp_path / "inventory" / "group_vars" / "all" / "vault.yml", tmp_path / ".vault-password"
    before = vault.read_bytes()
    assert before.startswith(b"$ANSIBLE_VAULT;")
    assert {oct(path.stat().st_mode & 0o777) for path in (vault, password)} == {"0o600"}
    write_site(tmp_path, "t", HOSTS, "http://10.231.0.1:8900", tmp_path / "keys")
    assert vault.read_bytes() == before
    from ansible.parsing.vault import VaultLib, VaultSecret

    secret = VaultSecret(password.read_bytes().strip())
    plain = yaml.safe_load(VaultLib([("default", secret)]).decrypt(before))
    assert sorted(plain) == ["vault_gateway_api_key", "vault_vllm_api_key"]
    assert min(len(value) for value in plain.values()) >= 32


def test_an_interrupted_vault_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed while it writes the password, `up` leaves none that looks whole, and the next one goes through."""

    rename = Path.rename

    def killed(path: Path, target: Path) -> None:
        if target.name == ".vault-password":
            raise KeyboardInterrupt
        rename(path, target)

    with monkeypatch.context() as context:
        context.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            write_site(tmp_path, "t", HOSTS, "http://10.231.0.1:8900", tmp_path / "keys")
    assert not (tmp_path / ".vault-password").exists()
    write_site(tmp_path, "t", HOSTS, "http://10.231.0.1:8900", tmp_path / "keys")
    assert (tmp_path / "inventory" / "group_vars" / "all" / "vault.yml").exists()


def test_keys_are_known_beforehand(tmp_path: Path) -> None:
    """Each host's key stands in known_hosts under its address; half a pair is replaced, a whole one kept."""
    keys = tmp_path / "keys"
    make_keys(keys, "t", {"gw1": "10.231.0.11"})
    whole = (keys / "id_ed25519").read_text()
    (keys / "host_gw1.pub").unlink()
    make_keys(keys, "t", {"gw1": "10.231.0.11"})
    public = (keys / "host_gw1.pub").read_text().split()[1]
    assert (keys / "known_hosts").read_text() == f"10.231.0.11,gw1 ssh-ed25519 {public}\n"
    derived = subprocess.run(
        ["ssh-keygen", "-y", "-f", keys / "host_gw1"], capture_output=True, text=True, check=True
    ).stdout
    assert derived.split()[1] == public
    assert (keys / "id_ed25519").read_text() == whole
    assert (keys / "id_ed25519").stat().st_mode & 0o777 == 0o600
    assert ssh_argv(keys, "10.231.0.11")[-1] == "root@10.231.0.11"


def test_the_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Hosts, addresses and subnet survive the file; no file is no lab."""
    assert read_state(tmp_path) is None
    state = State("10.231.0.0/24", tuple(HOSTS), {"gw1": "10.231.0.11", "cpu1": "10.231.0.12"})
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state


def test_the_lock_is_held_once(tmp_path: Path) -> None:
    """A second command does not enter while the first holds the lab, and does afterwards."""
    with (
        locked(tmp_path / "lab"),
        pytest.raises(HybridctlError, match="another command is at work"),
        locked(tmp_path / "lab", wait=False),
    ):
        raise AssertionError("entered twice")
    with locked(tmp_path / "lab", wait=False):
        assert (tmp_path / "lab" / "lock").exists()


def test_the_folder_goes_and_the_lock_goes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An `up` that starts while `down` removes the folder waits, as long as anything of the old lab is there."""
    folder = tmp_path / "lab"
    removed: list[str] = []

    def watched(path: Path) -> None:
        assert (folder / "lock").exists()
        removed.append(path.name)
        os.rmdir(path)  # noqa: PTH106 - Path.rmdir is what `remove` ends with

    monkeypatch.setattr(shutil, "rmtree", watched)
    with locked(folder):
        (folder / "hosts").mkdir()
        (folder / "www").symlink_to(tmp_path)
        write_state(folder, State("10.231.0.0/24", tuple(HOSTS)))
        remove(folder)
    assert removed == ["hosts"]
    assert list(tmp_path.iterdir()) == []


def test_a_lab_that_came_while_the_old_one_went_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the end of the lock and of the folder a new `up` may have entered: its files stay."""
    folder, unlink = tmp_path / "lab", Path.unlink

    def then_up(path: Path, missing_ok: bool = False) -> None:
        unlink(path, missing_ok)
        if path.name == "lock":
            write_state(folder, State("10.231.0.0/24", tuple(HOSTS)))

    with locked(folder):
        monkeypatch.setattr(Path, "unlink", then_up)
        remove(folder)
    assert read_state(folder) == State("10.231.0.0/24", tuple(HOSTS))


def test_a_folder_that_goes_while_it_is_locked_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`down` may end between the making of the folder and of the lock in it."""
    folder, mkdir, turns = tmp_path / "lab", Path.mkdir, []

    def first_time_gone(path: Path, *args: Any, **kwargs: Any) -> None:
        mkdir(path, *args, **kwargs)
        turns.append(path)
        if len(turns) == 1:
            path.rmdir()

    monkeypatch.setattr(Path, "mkdir", first_time_gone)
    with locked(folder):
        assert (folder / "lock").exists()
    assert turns == [folder, folder]
