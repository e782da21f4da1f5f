"""Every mistake a user can make in an inventory is told with file, line, what is allowed and what to do."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybridctl import content
from hybridctl.errors import InvalidInput
from hybridctl.inventory import Inventory, load_inventory
from hybridctl.inventory_checks import Checks
from hybridctl.inventory_files import read_files
from hybridctl.site import Site, open_site

HOSTS = """\
---
gateway:
  hosts:
    gw1:
      ansible_host: 192.0.2.1
vllm_cpu:
  hosts:
    cpu1:
      ansible_host: 192.0.2.2
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small valid site; the current folder, so that errors name short paths."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANSIBLE_VAULT_PASSWORD_FILE", raising=False)
    (tmp_path / "inventory" / "group_vars").mkdir(parents=True)
    (tmp_path / "hybridctl.yml").write_text("name: small\n")
    (tmp_path / "inventory" / "hosts.yml").write_text(HOSTS)
    return tmp_path


@pytest.fixture
def refused(root: Path) -> Callable[..., str]:
    """Write a file into the site and return the error, message and hint, that loading it gives."""

    def refuse(path: str, text: str | bytes) -> str:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return error_of(root)

    return refuse


def error_of(root: Path) -> str:
    """Return message and hint of the refusal; it is a usage error and says that nothing was contacted."""
    with pytest.raises(InvalidInput) as caught:
        load(root)
    assert caught.value.exit_code == 2
    assert "nothing was contacted" in caught.value.message
    assert caught.value.hint
    text = f"{caught.value.message}\n  -> {caught.value.hint}"
    assert len(text.splitlines()) <= 40
    return text


def load(root: Path) -> Inventory:
    """Load the site at `root`."""
    return load_inventory(open_site(start=root))


def vault(root: Path, text: str) -> bytes:
    """Return `text` as ansible-vault encrypts it."""
    file = root / "password-of-the-test"
    file.write_text("right")
    argv = [str(Path(sys.executable).with_name("ansible-vault")), "encrypt", "--vault-password-file", str(file)]
    done = subprocess.run(argv, input=text.encode(), capture_output=True, check=True)
    file.unlink()
    return done.stdout


def write_password(root: Path, text: str, mode: int = 0o600) -> None:
    """Write the site's vault password file."""
    (root / ".vault-password").write_text(text)
    (root / ".vault-password").chmod(mode)


def test_a_valid_site_gives_hosts_as_ansible_sees_them(root: Path) -> None:
    """Address, port, groups, profile and variables come through Ansible, templates in addresses evaluated."""
    (root / "inventory/group_vars/all.yml").write_text("vault_net: 192.0.2\nansible_port: 2222\nvllm_port: 8001\n")
    (root / "inventory/host_vars").mkdir()
    (root / "inventory/host_vars/gw1.yml").write_text("ansible_host: '{{ vault_net }}.9'\nansible_port: 22\n")
    (root / "inventory/hosts.yml").write_text(
        HOSTS.replace("ansible_host: 192.0.2.1", "hybridctl_profile: lab-gateway")
    )
    hosts = load(root).hosts
    assert (
        hosts["gw1"].address,
        hosts["gw1"].port,
        hosts["gw1"].groups,
        hosts["gw1"].profile,
    ) == ("192.0.2.9", 22, ("gateway",), "lab-gateway")
    assert (hosts["cpu1"].address, hosts["cpu1"].port, hosts["cpu1"].profile) == ("192.0.2.2", 2222, None)
    assert hosts["cpu1"].variables["vllm_port"] == 8001
    assert not {"groups", "inventory_dir", "omit", "playbook_dir"} & set(hosts["cpu1"].variables)


@pytest.mark.parametrize(
    ("path", "text", "told"),
    [
        pytest.param(
            "inventory/hosts.yml",
            "gateway:\n  hosts:\n    gw1: {ansible_host: 192.0.2.1\nother: 1\n",
            ["inventory/hosts.yml:4: not YAML"],
            id="syntax",
        ),
        pytest.param(
            "inventory/hosts.yml", "gateway:\n\thosts:\n", ["inventory/hosts.yml:2: a tab", "sed -i"], id="tab"
        ),
        pytest.param("inventory/hosts.yml", "", ["inventory/hosts.yml: the file is empty", "rm "], id="empty"),
        pytest.param("inventory/group_vars/all.yml", "\n \n", ["group_vars/all.yml: the file is empty"], id="blank"),
        pytest.param("inventory/hosts.yml", "# later\n", ["inventory/hosts.yml: no host stands in it"], id="comments"),
        pytest.param(
            "inventory/group_vars/all.yml",
            b"vllm_port: 1\n# caf\xe9\n",
            ["inventory/group_vars/all.yml:2: not UTF-8: byte 0xe9", "iconv"],
            id="latin-1",
        ),
        pytest.param("inventory/hosts.yml", HOSTS.encode("utf-16"), ["inventory/hosts.yml:1: not UTF-8"], id="utf-16"),
        pytest.param(
            "inventory/hosts.yml",
            HOSTS.replace("\n", "\r\n"),
            ["inventory/hosts.yml:1: Windows line ends (CRLF); allowed: LF", r"sed -i 's/\r$//' inventory/hosts.yml"],
            id="crlf",
        ),
        pytest.param(
            "inventory/hosts.yml", b"\xef\xbb\xbf" + HOSTS.encode(), ["hosts.yml:1: begins with a byte order"], id="bom"
        ),
        pytest.param(
            "inventory/hosts.yml",
            HOSTS.replace("gw1", "gw[3:1]"),
            ["inventory/hosts.yml:4: host range gw[3:1]: its end comes before its begin"],
            id="host-range",
        ),
        pytest.param(
            "inventory/hosts.yml",
            HOSTS.replace("    cpu1", "    gw1"),
            ["hosts.yml:9: host gw1: ansible_host is 192.0.2.2 here and 192.0.2.1 in inventory/hosts.yml:5"],
            id="two-addresses",
        ),
        pytest.param(
            "inventory/group_vars/all.yml", "- a\n", ["all.yml:1: holds a list; allowed: a mapping"], id="list"
        ),
        pytest.param("inventory/hosts.yml", "gw1\n", ["hosts.yml:1: holds a single value"], id="scalar"),
        pytest.param(
            "inventory/group_vars/all.yml",
            "vllm_port: 1\nvllm_dtype: auto\nvllm_port: 2\n",
            ["inventory/group_vars/all.yml:3: vllm_port stands twice, in lines 1 and 3", "remove one"],
            id="twice",
        ),
        pytest.param(
            "inventory/group_vars/all.yml",
            "---\nvllm_dtyp: auto\n",
            ["inventory/group_vars/all.yml:2: vllm_dtyp: unknown variable; did you mean vllm_dtype?", "own_variables"],
            id="unknown-variable",
        ),
        pytest.param(
            "inventory/group_vars/all.yml",
            "ansible_usr: x\n",
            ["all.yml:1: ansible_usr: unknown variable; did you mean ansible_user?"],
            id="unknown-ansible-variable",
        ),
        pytest.param(
            "inventory/hosts.yml",
            HOSTS.replace("ansible_host: 192.0.2.2", "gateway_prot: 1"),
            ["inventory/hosts.yml:9: gateway_prot: unknown variable; did you mean gateway_port?"],
            id="unknown-in-hosts",
        ),
        pytest.param(
            "inventory/group_vars/all.yml",
            "vllm_port: [1]\n",
            ["all.yml:1: vllm_port: a list is not allowed; allowed: a whole number from 1 to 65535"],
            id="type",
        ),
        pytest.param(
            "inventory/group_vars/all.yml",
            "gateway_clients:\n  - one\n",
            ["all.yml:2: gateway_clients[0]: a single value is not allowed; allowed: a mapping"],
            id="scalar-for-mapping",
        ),
        pytest.param(
            "inventory/group_vars/all.yml", "vllm_port: 70000\n", ["70000 is not allowed", "1 to 65535"], id="range"
        ),
        pytest.param(
            "inventory/group_vars/all.yml",
            "vllm_dtype: bf16\n",
            ["vllm_dtype: 'bf16' is not allowed; allowed: auto, float32, float16, bfloat16"],
            id="choice",
        ),
        pytest.param(
            "inventory/group_vars/all.yml",
            'vllm_enforce_eager: "yes"\n',
            ["vllm_enforce_eager: 'yes' is not allowed; allowed: true or false", "without quotes"],
            id="quoted-boolean",
        ),
        pytest.param(
            "inventory/group_vars/all.yml",
            "vllm_served_model_name: no\n",
            ["vllm_served_model_name: false is not allowed; allowed: text", "quote it"],
            id="boolean-text",
        ),
        pytest.param(
            "inventory/group_vars/all.yml",
            "model_store_models:\n  - name: m\n    sourc: x\n",
            [
                "all.yml:3: model_store_models[0]: unknown key sourc; did you mean source?",
                "all.yml:2: model_store_models[0]: source is missing",
            ],
            id="keys-of-elements",
        ),
        pytest.param(
            "inventory/hosts.yml",
            HOSTS.replace("vllm_cpu:", "all:\n  hosts:\n    lost:\nvllm_cpu:"),
            ["inventory/hosts.yml:8: host lost is in no group", "vllm_cpu"],
            id="no-group",
        ),
        pytest.param(
            "inventory/hosts.yml",
            HOSTS.replace("192.0.2.2", "192.0.2.1"),
            [
                "inventory/hosts.yml:9: hosts gw1 and cpu1 have the same address 192.0.2.1 port 22",
                "(first in inventory/hosts.yml:5)",
            ],
            id="duplicate-address",
        ),
        pytest.param(
            "inventory/hosts.yml",
            HOSTS.replace("ansible_host: 192.0.2.2", "hybridctl_profile: lab-workr"),
            [
                "inventory/hosts.yml:9: hybridctl_profile: unknown profile lab-workr; did you mean lab-worker?",
                "lab-gateway",
            ],
            id="profile",
        ),
        pytest.param(
            "inventory/group_vars/all.yml",
            "---\nhybridctl_profile: 920\n",
            ["inventory/group_vars/all.yml:2: hybridctl_profile: unknown profile 920", "allowed: "],
            id="profile-number",
        ),
        pytest.param(
            "inventory/group_vars/all.yml",
            "---\nvllm_port: 8000\nhybridctl_profile: 'lab-{{ vllm_port }}'\n",
            ["inventory/group_vars/all.yml:3: hybridctl_profile: unknown profile lab-8000"],
            id="profile-template",
        ),
        pytest.param(
            "inventory/group_vars/gateway.yml",
            "---\nhybridctl_profile: '{{ nowhere }}'\n",
            ["inventory/group_vars/gateway.yml:2: host gw1: hybridctl_profile: 'nowhere' is undefined"],
            id="profile-undefined",
        ),
        pytest.param(
            "inventory/group_vars/gateway.yml",
            "hybridctl_profile: '{{ true }}'\n",
            ["inventory/group_vars/gateway.yml:1: hybridctl_profile: unknown profile True"],
            id="profile-boolean-template",
        ),
        pytest.param(
            "inventory/hosts.yml",
            HOSTS.replace("192.0.2.2", "'{{ nowhere }}'"),
            ["inventory/hosts.yml:9: host cpu1: ansible_host: 'nowhere' is undefined", "correct the template"],
            id="address-undefined",
        ),
        pytest.param(
            "inventory/hosts.yml",
            HOSTS.replace("vllm_cpu", "vllm_cpuu"),
            ["inventory/hosts.yml:6: group vllm_cpuu: no playbook knows it; did you mean vllm_cpu?"],
            id="group",
        ),
        pytest.param(
            "inventory/group_vars/gatway.yml",
            "gateway_port: 443\n",
            ["inventory/group_vars/gatway.yml: there is no group gatway; did you mean gateway?"],
            id="group-file",
        ),
        pytest.param(
            "inventory/host_vars/gw2.yml", "vllm_port: 1\n", ["there is no host gw2; did you mean gw1?"], id="host-file"
        ),
        pytest.param(
            "inventory/hosts.yml",
            HOSTS.replace("  hosts:\n    gw1", "  host:\n    gw1"),
            ["inventory/hosts.yml:3: group gateway: unknown key host; allowed: hosts, vars, children"],
            id="group-key",
        ),
        pytest.param(
            "inventory/group_vars/all.yml",
            "vllm_port: !port 1\n",
            ["all.yml:1: a value begins with `!` and is none of the tags !vault"],
            id="tag",
        ),
        pytest.param(
            "inventory/group_vars/all.yml", "vllm_model: 2024-99-99\n", ["a value cannot be read"], id="impossible-date"
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(
    refused: Callable[..., str], path: str, text: str | bytes, told: list[str]
) -> None:
    """File, line, the bad value, what is allowed, the remedy."""
    error = refused(path, text)
    for part in told:
        assert part in error


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[gateway]\ngw1 ansible_host=a gateway_prt=4\n",
            "hosts.ini:2: gateway_prt: unknown variable; did you mean gateway_port",
        ),
        ("[gateway]\ngw1\n[gateway:vars]\ngateway_port=0\n", "hosts.ini:4: gateway_port: 0 is not allowed"),
        ("[gateway]\ngw1\n[gateway:vars]\nvllm_enforce_eager=true\n", "hosts.ini:4: vllm_enforce_eager: 'true'"),
        ("[gateway]\ngw1 hybridctl_profile=lab-gatway\n", "hosts.ini:2: hybridctl_profile: unknown profile lab-gatway"),
        (
            "[gateway]\na ansible_host=h\nb ansible_host=h\n",
            "hosts.ini:3: hosts a and b have the same address h port 22",
        ),
        ("alone\n[gateway]\ngw1\n", "hosts.ini:1: host alone is in no group"),
        ("[gateway]\ngw1 secretword\n", "hosts.ini:2: host gw1: a word without `=`"),
        ("[gateway:vars]\nsecretword\n", "hosts.ini:2: a line of [gateway:vars] without `=`"),
        ("[gateway]\ngw1 x='open secretword\n", "hosts.ini:2: a host line with no closing quotation"),
        ("[gateway:varz]\n", "hosts.ini:1: section [gateway:varz] is none"),
        ("[a:children]\nb\n", "hosts.ini:2: group a has the child b, and there is no section [b]"),
        ("[vllm_cpuu]\ngw1\n", "hosts.ini:1: group vllm_cpuu: no playbook knows it"),
        (
            "[gateway]\ngw[1:2] ansible_host=h\n",
            "hosts.ini:2: hosts gw1 and gw2 have the same address h port 22 (first in hosts.ini:2)",
        ),
        ("[gateway]\na:22\nb ansible_host=a\n", "hosts.ini:3: hosts a and b have the same address a port 22"),
        ("gw[1:2]\n", "hosts.ini:1: host gw2 is in no group"),
        ("[gateway]\ngw[1:b]\n", "hosts.ini:2: host range gw[1:b]: begin and end must be two numbers or two letters"),
        ("[gateway]\ngw[3:1]\n", "hosts.ini:2: host range gw[3:1]: its end comes before its begin"),
        (
            "[gateway]\ngw1 ansible_host=a\n[monitoring]\ngw1 ansible_host=b\n",
            "hosts.ini:4: host gw1: ansible_host is b here and a in hosts.ini:2",
        ),
        (
            "[gateway]\ngw1 ansible_port=22\n[x]\ngw1 ansible_port=23\n",
            "hosts.ini:4: host gw1: ansible_port is 23 here",
        ),
        ("\ufeff[gateway]\ngw1\n", "hosts.ini:1: begins with a byte order mark; allowed: UTF-8 without one"),
        ("# later\n", "hosts.ini: no host stands in it, only comments"),
        ("# later\n[gateway]\n", "hosts.ini:2: the inventory has no host"),
    ],
)
def test_mistakes_in_an_ini_inventory_have_a_line_too(root: Path, text: str, told: str) -> None:
    """Ansible names no line in INI files; we do, and show no value that may be a secret."""
    (root / "hosts.ini").write_text(text)
    with pytest.raises(InvalidInput) as caught:
        load_inventory(open_site(Path("hosts.ini")))
    assert told in caught.value.message
    assert "secretword" not in caught.value.message


def test_an_ini_inventory_is_as_good(root: Path) -> None:
    """The same hosts from an INI file, with ranges, groups of groups and Python values."""
    variables = "[vllm_cpu:vars]\nvllm_enforce_eager=True\n"
    (root / "hosts.ini").write_text(
        "[vllm_cpu]\nw[1:2] ansible_port=22 # two\n[kunpeng:children]\nvllm_cpu\n" + variables
    )
    inventory = load_inventory(open_site(Path("hosts.ini")))
    assert list(inventory.hosts) == ["w1", "w2"]
    assert set(inventory.hosts["w1"].groups) == {"kunpeng", "vllm_cpu"}
    assert inventory.hosts["w1"].variables["vllm_enforce_eager"] is True


def test_a_profile_may_be_a_template(root: Path) -> None:
    """The host is judged by what it evaluates to, as Ansible would."""
    (root / "inventory/group_vars/all.yml").write_text("hybridctl_profile: 'lab-{{ group_names[0] }}'\n")
    (root / "inventory/hosts.yml").write_text("gateway:\n  hosts:\n    gw1:\n")
    assert load(root).hosts["gw1"].profile == "lab-gateway"


def test_a_host_may_have_an_address_of_its_own_and_stand_in_two_groups(root: Path) -> None:
    """host_vars come before hosts.yml, on purpose; the same address twice is no contradiction."""
    (root / "inventory/hosts.yml").write_text(f"{HOSTS}monitoring:\n  hosts:\n    gw1: {{ansible_host: 192.0.2.1}}\n")
    (root / "inventory/host_vars").mkdir()
    (root / "inventory/host_vars/gw1.yml").write_text("ansible_host: 192.0.2.9\n")
    assert load(root).hosts["gw1"].address == "192.0.2.9"


def test_all_problems_are_told_at_once_and_fit_a_screen(root: Path, refused: Callable[..., str]) -> None:
    """Problems of several files stand in one error, in order; beyond a screen they are counted."""
    (root / "inventory/group_vars/all.yml").write_text("".join(f"wrong_{number}: 1\n" for number in range(12)))
    error = refused("inventory/hosts.yml", HOSTS.replace("192.0.2.2", "192.0.2.1"))
    assert error.startswith("13 problems in inventory; nothing was contacted\n")
    assert "and 3 more" in error
    assert error.index("all.yml:1: wrong_0") < error.index("all.yml:10: wrong_9")
    assert len(error.splitlines()) <= 25


@pytest.mark.parametrize(
    "value", ["'{{ port }}'", "!vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  00", "!unsafe '5'", '"8000"']
)
def test_what_only_ansible_can_judge_passes(root: Path, value: str) -> None:
    """A template, a vaulted value, an integer in quotes are not refused by type."""
    (root / "inventory/group_vars/all.yml").write_text(f"vllm_port: {value}\n")
    checks = Checks(open_site(start=root), read_files(root / "inventory"))
    checks.judge_files()
    assert [problem for problem in checks.problems if "vault password" not in problem.message] == []


def test_variables_of_the_users_own_are_let_through_by_name(root: Path) -> None:
    """`own_variables` takes patterns; what they do not match is still refused."""
    (root / "hybridctl.yml").write_text("own_variables: [rack_*]\n")
    (root / "inventory/group_vars/all.yml").write_text("rack_row: 7\n")
    assert load(root).hosts["gw1"].variables["rack_row"] == 7
    (root / "inventory/group_vars/all.yml").write_text("rack_row: 7\nrak_row: 8\n")
    assert "all.yml:2: rak_row: unknown variable" in error_of(root)


def test_a_group_that_only_looks_like_ours_is_let_through_as_its_child(root: Path) -> None:
    """vllm_cpu2 may exist when its hosts are in vllm_cpu too."""
    (root / "inventory/hosts.yml").write_text("vllm_cpu:\n  children:\n    vllm_cpu2:\n      hosts:\n        a:\n")
    assert load(root).groups["vllm_cpu"] == ("a",)


class TestVault:
    """Secrets: every way a password can be wrong, and nothing of a secret in any error."""

    def test_an_open_vault_gives_its_variables(self, root: Path) -> None:
        """A file encrypted whole and a value encrypted in place are both opened."""
        (root / "inventory/group_vars/all.yml").write_bytes(vault(root, "vault_x: plain-x\n"))
        inline = vault(root, "plain-y").decode().replace("\n", "\n  ")
        (root / "inventory/group_vars/gateway.yml").write_text(f"vault_y: !vault |\n  {inline}\n")
        write_password(root, "right")
        variables = load(root).hosts["gw1"].variables
        assert (variables["vault_x"], variables["vault_y"]) == ("plain-x", "plain-y")

    def test_what_is_encrypted_is_a_secret_whatever_its_name(self, root: Path) -> None:
        """In place, however deep, and in a file that is encrypted whole; what is short there, or no text, is not."""
        inline = vault(root, "deep-canary").decode().replace("\n", "\n        ")
        (root / "hybridctl.yml").write_text("own_variables: [rack_*]\n")
        text = f"rack_bmc:\n  - user: admin-of-all\n    key: !vault |\n        {inline}\n"
        (root / "inventory/group_vars/gateway.yml").write_text(text)
        whole = vault(root, "rack_pin: [{a: whole-canary}]\nrack_row: 12345678\nrack_mode: auto\n")
        (root / "inventory/group_vars/all.yml").write_bytes(whole)
        write_password(root, "right")
        inventory = load(root)
        assert inventory.secrets == {"deep-canary", "whole-canary"}
        assert "canary" not in repr(inventory.secrets and replace(inventory, hosts={}))

    def test_no_password(self, root: Path, refused: Callable[..., str]) -> None:
        """A vaulted file without a password names the file and where the password belongs."""
        error = refused("inventory/group_vars/all.yml", vault(root, "vault_x: 1\n"))
        assert "inventory/group_vars/all.yml: encrypted, and there is no vault password" in error
        assert "write the password to .vault-password (chmod 600)" in error

    def test_a_value_without_password(self, root: Path, refused: Callable[..., str]) -> None:
        """A vaulted value without a password names its line."""
        inline = vault(root, "y").decode().replace("\n", "\n  ")
        error = refused("inventory/group_vars/all.yml", f"vllm_port: 1\nvault_y: !vault |\n  {inline}\n")
        assert "inventory/group_vars/all.yml:2: encrypted, and there is no vault password" in error

    def test_a_wrong_password(self, root: Path, refused: Callable[..., str]) -> None:
        """The file that does not open is named; the password is not."""
        write_password(root, "wrong-password")
        error = refused("inventory/group_vars/all.yml", vault(root, "vault_x: 1\n"))
        assert "inventory/group_vars/all.yml: the vault password does not open it" in error
        assert "wrong-password" not in error

    def test_a_wrong_password_for_a_value(self, root: Path, refused: Callable[..., str]) -> None:
        """The value that does not open is named with its line."""
        write_password(root, "wrong-password")
        inline = vault(root, "y").decode().replace("\n", "\n  ")
        error = refused("inventory/group_vars/gateway.yml", f"vault_y: !vault |\n  {inline}\n")
        assert "inventory/group_vars/gateway.yml:1: vault_y: the vault password does not open it" in error

    def test_a_password_that_everybody_may_read(self, root: Path) -> None:
        """Mode 0644 is refused with the command that mends it."""
        write_password(root, "right", 0o644)
        error = error_of(root)
        assert ".vault-password: everybody may read the vault password (mode 0644)" in error
        assert "chmod 600 .vault-password" in error

    def test_a_password_that_we_may_not_read(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The file of another user is told as such, and does not break what hides secrets."""
        write_password(root, "right")
        read = Path.read_bytes

        def refuse(path: Path) -> bytes:  # root may read everything
            if path.name == ".vault-password":
                raise PermissionError(13, "Permission denied", str(path))
            return read(path)

        monkeypatch.setattr(Path, "read_bytes", refuse)
        assert ".vault-password: the vault password cannot be read: Permission denied" in error_of(root)

    def test_an_empty_password(self, root: Path) -> None:
        """An empty password file is told as such."""
        write_password(root, "\n")
        assert ".vault-password: the vault password file is empty" in error_of(root)

    def test_the_environment_comes_before_the_setting(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """ANSIBLE_VAULT_PASSWORD_FILE opens what .vault-password does not."""
        (root / "inventory/group_vars/all.yml").write_bytes(vault(root, "vault_x: opened\n"))
        write_password(root, "wrong")
        (root / "other").write_text("right")
        (root / "other").chmod(0o600)
        monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(root / "other"))
        assert load(root).hosts["gw1"].variables["vault_x"] == "opened"

    def test_mistakes_inside_a_vaulted_file_show_no_value(self, root: Path, refused: Callable[..., str]) -> None:
        """Inside the vault names are judged too, but no value of it is shown."""
        write_password(root, "right")
        text = "vault_a: 1\nvllm_dtype: canary-string\nvllm_prt: 1\n"
        error = refused("inventory/group_vars/all.yml", vault(root, text))
        assert "all.yml:2: vllm_dtype: ******** is not allowed" in error
        assert "all.yml:3: vllm_prt: unknown variable; did you mean vllm_port?" in error
        assert "canary" not in error

    def test_a_profile_in_the_vault_is_judged_and_not_shown(self, root: Path, refused: Callable[..., str]) -> None:
        """Its value stays hidden, whether the file or the value alone is encrypted."""
        write_password(root, "right")
        error = refused("inventory/group_vars/gateway.yml", vault(root, "hybridctl_profile: lab-workr\n"))
        assert "gateway.yml:1: hybridctl_profile: unknown profile ********" in error
        inline = vault(root, "lab-workr").decode().replace("\n", "\n  ")
        error = refused("inventory/group_vars/gateway.yml", f"hybridctl_profile: !vault |\n  {inline}\n")
        assert "gateway.yml:1: hybridctl_profile: unknown profile ********" in error
        assert "workr" not in error

    @pytest.mark.parametrize(
        "text",
        [
            "vllm_api_key: [canary-string]\n",
            "gateway_worker_key: [canary-string]\n",
            "gateway_clients: canary-string\n",
            "gateway_clients: [canary-string]\n",
            "gateway_clients: {a: canary-string}\n",
            "gateway_clients: [[canary-string]]\n",
            "gateway_clients:\n  - {name: a, key: {b: canary-string}}\n",
            "vault_x: *canary-string\n",
            "vault_x: !canary-string\n",
            "vault_x: 'canary-string\n",
            "vault_x: {canary-string\n",
            "canary: 1\nvault_x: canary-string: b\n",
        ],
    )
    def test_no_secret_stands_in_an_error(self, refused: Callable[..., str], text: str) -> None:
        """A secret in a file that is wrong is not repeated, whether it breaks a type or YAML itself."""
        assert "canary-string" not in refused("inventory/group_vars/all.yml", text)


class TestSelect:
    """--limit over a loaded inventory."""

    def test_without_a_limit_all_hosts(self, root: Path) -> None:
        """None means every host."""
        assert [host.name for host in load(root).select(None)] == ["gw1", "cpu1"]

    def test_a_pattern(self, root: Path) -> None:
        """Groups, exclusions and wildcards are Ansible's."""
        inventory = load(root)
        assert [host.name for host in inventory.select("all:!vllm_cpu")] == ["gw1"]
        assert [host.name for host in inventory.select("cpu*")] == ["cpu1"]

    @pytest.mark.parametrize(
        ("limit", "near"), [("gatway", "gateway"), ("gw1,cpu9", "cpu1"), ("gateway:&vllm_cpu", "")]
    )
    def test_nothing_matched_names_what_there_is(self, root: Path, limit: str, near: str) -> None:
        """Also when only a part of the pattern matches nothing: a typing error must not shrink a run."""
        with pytest.raises(InvalidInput) as caught:
            load(root).select(limit)
        assert "nothing was contacted" in caught.value.message
        assert f"did you mean {near}" in caught.value.message or not near
        assert "hosts: gw1, cpu1" in caught.value.hint
        assert "gateway, vllm_cpu" in caught.value.hint


EXAMPLE = (content.inventories() / "example/inventory/hosts.yml").read_bytes()
VARIABLES = (content.inventories() / "example/inventory/group_vars/gateway.yml").read_bytes()


@st.composite
def broken(draw: st.DrawFn, text: bytes) -> bytes:
    """Return `text` cut short, or with some of its bytes replaced, removed or inserted."""
    data = bytearray(text)
    if draw(st.booleans()):
        del data[draw(st.integers(0, len(data))) :]
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 3))] = draw(st.one_of(st.binary(max_size=3), st.sampled_from(_NASTY)))
    return bytes(data)


_NASTY = [b"\t", b"{", b"[", b"*a", b"&a ", b"!x ", b"<<: ", b": ", b"- ", b"\x00", b"\xff", b"? ", b"|\n", b"%", b"'"]


@given(hosts=broken(EXAMPLE), variables=broken(VARIABLES))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_broken_files_are_refused_never_a_traceback(root: Path, hosts: bytes, variables: bytes) -> None:
    """Whatever the bytes, reading them ends in problems with a place, not in an exception."""
    (root / "inventory/hosts.yml").write_bytes(hosts)
    (root / "inventory/group_vars/all.yml").write_bytes(variables)
    checks = Checks(Site(root, root / "inventory", "x"), read_files(root / "inventory"))
    checks.judge_files()
    for problem in checks.problems:
        assert problem.path.exists()
        assert 0 <= problem.line <= 1 + (hosts + b"\n" + variables).count(b"\n")


@given(hosts=broken(EXAMPLE))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_we_let_through_ansible_reads(root: Path, hosts: bytes) -> None:
    """A file that passes our own eyes is one that Ansible reads, or it is refused in Ansible's words."""
    (root / "inventory/hosts.yml").write_bytes(hosts)
    with contextlib.suppress(InvalidInput):
        load(root)


def test_nobody_is_contacted(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading starts one process, Ansible's reading of the inventory, and no ssh."""
    marks = root / "bin"
    marks.mkdir()
    for name in ("ssh", "sshpass", "scp", "sftp", "ansible", "ansible-playbook"):
        (marks / name).write_text(f"#!/bin/sh\ntouch {root}/contacted\n")
        (marks / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{marks}{os.pathsep}{os.environ['PATH']}")
    load(root)
    assert not (root / "contacted").exists()
