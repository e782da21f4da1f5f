"""How to reach a host, asked of the real Ansible: jump hosts, ports, users and keys mean what they mean to a play."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from hybridctl.access import Access, look_up
from hybridctl.errors import InvalidInput
from hybridctl.site import Site


def looked_up(tmp_path: Path, variables: dict[str, Any], wanted: dict[str, Any] | None = None) -> Access:
    """Look up a host with these variables."""
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"h1": variables}}}))
    return look_up(Site(tmp_path, inventory, "test"), ["h1"], wanted or {})["h1"]


def test_a_script_that_reads_its_stdin_does_not_take_the_question(tmp_path: Path) -> None:
    """As `ssh vault cat secret` does, which says the vault's password."""
    script = tmp_path / "password"
    script.write_text("#!/bin/sh\ncat > /dev/null\necho secret\n")
    script.chmod(0o700)
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": {"h1": {"ansible_host": "10.0.0.1"}}}}))
    site = Site(tmp_path, tmp_path / "hosts.yml", "test", vault_password_file=script)
    assert look_up(site, ["h1"], {})["h1"].address == "10.0.0.1"


def option(access: Access, name: str) -> list[str]:
    """Return the values ssh gets for an option, in order."""
    return [word.split("=", 1)[1] for word in access.ssh if word.startswith(f"{name}=")]


def test_a_bare_host_is_reached_by_its_name(tmp_path: Path) -> None:
    """Without variables, ssh gets the name and nothing of ours changes whom it trusts."""
    access = looked_up(tmp_path, {})
    assert (access.address, access.local, access.become_user, access.password) == ("h1", False, "", None)
    assert not option(access, "StrictHostKeyChecking")
    assert not [word for word in access.ssh if word.startswith("Control")]


def test_everything_an_inventory_can_say(tmp_path: Path) -> None:
    """Address, port, user, key and arguments arrive, templates evaluated; shared sockets do not."""
    access = looked_up(
        tmp_path,
        {
            "rack": 7,
            "ansible_host": "10.0.{{ rack }}.1",
            "ansible_port": "{{ 2000 + rack }}",
            "ansible_user": "ops",
            "ansible_ssh_private_key_file": "~/key",
            "ansible_ssh_common_args": "-o ProxyJump=bastion{{ rack }} -oControlPath=/tmp/x -o ControlMaster=no",
            "ansible_ssh_extra_args": "-o 'ProxyCommand=nc -x a b'",
            "ansible_ssh_password": "let-me-in",
        },
    )
    assert access.address == "10.0.7.1"
    assert option(access, "Port") == ["2007"]
    assert option(access, "User") == ["ops"]
    assert option(access, "IdentityFile") == [str(Path("~/key").expanduser())]
    assert option(access, "ProxyJump") == ["bastion7"]
    assert option(access, "ProxyCommand") == ["nc -x a b"]
    assert access.password == "let-me-in"
    assert "Control" not in str(access.ssh)


def test_legacy_names_count(tmp_path: Path) -> None:
    """The names of old inventories still work, as they do in Ansible."""
    access = looked_up(tmp_path, {"ansible_ssh_host": "10.0.0.9", "ansible_ssh_port": 2222, "ansible_ssh_user": "old"})
    assert (access.address, option(access, "Port"), option(access, "User")) == ("10.0.0.9", ["2222"], ["old"])


def test_host_keys_are_checked_as_ansible_checks_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Switched off for Ansible, it is off here; else ssh decides."""
    assert option(looked_up(tmp_path, {"ansible_host_key_checking": False}), "StrictHostKeyChecking") == ["no"]
    monkeypatch.setenv("ANSIBLE_HOST_KEY_CHECKING", "False")
    assert option(looked_up(tmp_path, {}), "StrictHostKeyChecking") == ["no"]


def test_become_and_its_password(tmp_path: Path) -> None:
    """`ansible_become` means sudo to root, or to the user that is named."""
    access = looked_up(tmp_path, {"ansible_become": True, "ansible_become_password": "become-me"})
    assert (access.become_user, access.become_password) == ("root", "become-me")
    assert looked_up(tmp_path, {"ansible_become": "yes", "ansible_become_user": "vllm"}).become_user == "vllm"
    assert looked_up(tmp_path, {"ansible_become": "no"}).become_user == ""


@pytest.mark.parametrize(
    ("variables", "become"),
    [
        ({}, ("sudo", "-H")),
        ({"ansible_become_exe": "/opt/bin/sudo"}, ("/opt/bin/sudo", "-H")),
        ({"ansible_become_flags": "-HSn -g 'two words'"}, ("sudo", "-H", "-g", "two words")),
        ({"ansible_sudo_flags": "-E --non-interactive"}, ("sudo", "-E")),
        ({"ansible_become_flags": ""}, ("sudo",)),
    ],
)
def test_sudo_and_its_flags(tmp_path: Path, variables: dict[str, Any], become: tuple[str, ...]) -> None:
    """A sudo of the site's own and its flags count; how it gets its password is ours to decide."""
    assert looked_up(tmp_path, {"ansible_become": True, **variables}).become == become


def test_settings_of_ansibles_own_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the user sets for Ansible by environment or by the configuration file they name is heeded."""
    configuration = tmp_path / "my.cfg"
    configuration.write_text("[defaults]\nremote_user = cfg\n[privilege_escalation]\nbecome = true\n")
    monkeypatch.setenv("ANSIBLE_CONFIG", str(configuration))
    monkeypatch.setenv("ANSIBLE_SSH_COMMON_ARGS", "-o ProxyJump=env")
    access = looked_up(tmp_path, {})
    assert (option(access, "User"), option(access, "ProxyJump"), access.become_user) == (["cfg"], ["env"], "root")


def test_local_hosts_need_no_ssh(tmp_path: Path) -> None:
    """`ansible_connection: local` is this machine."""
    assert looked_up(tmp_path, {"ansible_connection": "local"}).local


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"ansible_connection": "docker"}, "h1: ansible_connection=docker: verify reaches hosts by ssh or local only"),
        ({"ansible_become": True, "ansible_become_method": "su"}, "h1: ansible_become_method=su"),
        ({"ansible_port": "{{ nowhere }}"}, "'nowhere' is undefined"),
    ],
)
def test_what_verify_cannot_do_is_refused_before_anything_is_contacted(
    tmp_path: Path, variables: dict[str, Any], message: str
) -> None:
    """Another connection, another way to become root, a template without its variable: exit 2."""
    with pytest.raises(InvalidInput, match=message) as caught:
        looked_up(tmp_path, variables)
    assert "nothing was contacted" in caught.value.message
    assert caught.value.hint


def test_variables_of_checks(tmp_path: Path) -> None:
    """The site's value before the role's default; templates evaluated; nothing where that cannot be done."""
    access = looked_up(
        tmp_path,
        {"base": 8000, "vllm_port": "{{ base + 1 }}", "vllm_served_model_name": "{{ nowhere }}"},
        {"vllm_port": 8000, "vllm_served_model_name": "", "gateway_port": 443},
    )
    assert {key: str(value) for key, value in access.variables.items()} == {
        "vllm_port": "8001",
        "vllm_served_model_name": "None",
        "gateway_port": "443",
    }
