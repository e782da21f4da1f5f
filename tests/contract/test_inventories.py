"""The inventories that travel with us are valid by the same code as a user's, and know every variable."""

from pathlib import Path

import yaml

from hybridctl import content
from hybridctl.doctor import judge
from hybridctl.inventory import load_inventory
from hybridctl.inventory_checks import GROUPS
from hybridctl.inventory_files import read_files
from hybridctl.lab.sitefiles import write_site
from hybridctl.lab.spec import default_fleet_file, load_fleet
from hybridctl.layers import role_groups, supported_systems
from hybridctl.profiles import profile_names
from hybridctl.site import open_site
from hybridctl.site_template import SECRET_FILES, create, plain_files, vault_names
from hybridctl.variables import HELPER_ROLES, role_options

EXAMPLE = content.inventories() / "example"


def test_the_example_is_the_reference_site() -> None:
    """Two Kunpeng, two GPU servers, a gateway, a monitoring host; each with a profile, workers the reference."""
    inventory = load_inventory(open_site(EXAMPLE))
    sizes = {group: len(inventory.groups[group]) for group in ("kunpeng", "nvidia", "gateway", "monitoring")}
    assert sizes == {"kunpeng": 2, "nvidia": 2, "gateway": 1, "monitoring": 1}
    profiles = {
        name: inventory.hosts[name].profile for group in ("kunpeng", "nvidia") for name in inventory.groups[group]
    }
    assert set(profiles.values()) == {"kunpeng-920-reference", "a100-2x80g-reference"} <= set(profile_names())
    assert [host.name for host in inventory.hosts.values() if host.profile is None] == []
    assert set(inventory.groups) <= {*GROUPS, "all", "ungrouped"}


def test_no_variable_of_the_example_stands_without_a_comment() -> None:
    """Above every key of its group_vars there is a comment that says what it is."""
    for path in (EXAMPLE / "inventory/group_vars").rglob("*.yml"):
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if line[:1].isalpha() and not lines[number - 1][:1].isalpha():
                assert lines[number - 1].startswith("#"), f"{path}:{number + 1}"


def test_the_example_holds_no_secret() -> None:
    """Its secrets are references into a vault that `init` makes."""
    names = [path.name for path in EXAMPLE.rglob("*") if path.is_file()]
    assert ".vault-password" not in names
    assert "vault.yml" not in names


def test_the_site_of_a_lab_is_valid(tmp_path: Path) -> None:
    """What `lab up` writes for the default fleet loads, with four hosts in three groups."""
    fleet = load_fleet(default_fleet_file())
    write_site(
        tmp_path / "site", "x", {host: f"192.0.2.{n}" for n, host in enumerate(fleet, 1)}, "http://192.0.2.9", tmp_path
    )
    inventory = load_inventory(open_site(tmp_path / "site/inventory"))
    assert [host.name for host in fleet] == list(inventory.hosts)
    assert inventory.hosts["cpu1"].profile == "lab-worker"


def test_a_new_site_is_valid_and_holds_every_variable(tmp_path: Path) -> None:
    """`init` makes a site that loads; each variable of each role stands in it, set or as a comment."""
    create(tmp_path / "new", "new")
    inventory = load_inventory(open_site(tmp_path / "new/inventory"))
    assert len(inventory.hosts) == 6
    text = "".join(path.read_text() for path in (tmp_path / "new/inventory/group_vars").rglob("*.yml"))
    for options in role_options().values():
        for name in options:
            assert f"\n{name}:" in text or f"\n# {name}:" in text


def test_what_the_comments_say_is_valid_when_they_are_taken_away(tmp_path: Path) -> None:
    """Every commented default can be uncommented as it stands: the file then still is YAML with the role's default."""
    for path, text in plain_files("x").items():
        if "group_vars" not in path:
            continue
        generated = text[text.index("\n## ----") :].splitlines()
        bare = "\n".join(line.removeprefix("# ") for line in generated if not line.startswith("##"))
        values = yaml.safe_load(bare)
        for role, options in role_options().items():
            for name, option in options.items():
                if f"\n# {name}:" in text:
                    assert values[name] == option.default, f"{role}: {name}"
        (tmp_path / "bare.yml").write_text(bare + "\n")
        files = read_files(tmp_path / "bare.yml")
        assert not [problem for problem in files.problems if "not YAML" in problem.message]


def test_every_vaulted_variable_of_the_defaults_is_made() -> None:
    """The keys that roles expect in the vault are found in their specs."""
    assert {"vault_gateway_api_key", "vault_vllm_api_key"} <= set(vault_names())


def test_every_role_is_known_to_a_layer() -> None:
    """A role that a user configures runs on some group, or its variables would do nothing."""
    assert set(role_options()) == set(role_groups())
    assert not set(HELPER_ROLES) & set(role_options())
    assert {group for groups in role_groups().values() for group in groups} <= {*GROUPS, "all"}


def test_the_ports_that_doctor_looks_at_are_variables_of_the_roles() -> None:
    """A renamed variable must not silence the finding."""
    for role, ports in judge.PORTS.items():
        for name, unit in ports:
            assert name in role_options()[role]
            assert unit.endswith(".service")


def test_every_port_of_a_role_is_looked_at() -> None:
    """An option that says where a role listens is in the doctor's list."""
    known = {name for ports in judge.PORTS.values() for name, _ in ports}
    # Where the gateway connects to, and cores.
    others = {"gateway_worker_port", "vllm_cpu_threads_bind"}
    for options in role_options().values():
        for name in options:
            if name.endswith(("_port", "_bind", "listen_address")) and name not in others:
                assert name in known


def test_supported_systems_are_those_of_the_lock() -> None:
    """doctor and provision refuse the same systems: all that the lock has no versions for."""
    assert set(supported_systems()) == {"Debian_12_x86_64"}


def test_secret_files_are_those_the_settings_name() -> None:
    """The password that `init` writes is the one that hybridctl.yml names and git ignores."""
    files = plain_files("x")
    assert f"vault_password_file: {SECRET_FILES[0]}" in files["hybridctl.yml"]
    assert SECRET_FILES[0] in files[".gitignore"].splitlines()
