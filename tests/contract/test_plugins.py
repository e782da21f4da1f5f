"""Our modules are documented as Ansible documents its own, and the documentation says what the code takes."""

import ast
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hybridctl.site.plugins.action.files import KEYS, TASK_KEYS
from ansible_collections.hybridctl.site.plugins.modules.units import ARGUMENTS

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = "ansible_collections.hybridctl.site.plugins.module_utils."
TARGET_SIDE = [path for name in ("modules", "module_utils") for path in sorted((ROOT / "plugins" / name).glob("*.py"))]
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))


def documented(collections: Path, module: str) -> dict[str, Any]:
    """Return what ansible-doc knows of one of our modules in that folder of collections."""
    argv = [Path(sys.executable).with_name("ansible-doc"), "-t", "module", "--json", f"hybridctl.site.{module}"]
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(collections)}
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True, cwd="/")
    known: dict[str, Any] = json.loads(done.stdout)[f"hybridctl.site.{module}"]
    return known


@pytest.mark.parametrize("module", MODULES)
def test_ansible_doc_knows_the_module_from_the_checkout(module: str) -> None:
    """Description, options, examples, returned values and what check mode does are all there."""
    known = documented(ROOT, module)
    assert Path(known["doc"]["filename"]).resolve() == ROOT / "plugins" / "modules" / f"{module}.py"
    assert known["doc"]["attributes"]["check_mode"]["support"] == "full"
    assert f"hybridctl.site.{module}:" in known["examples"]
    assert {"resources"} <= set(known["return"])


def test_the_options_of_files_are_documented() -> None:
    """What the action plugin takes and what ansible-doc shows is the same, for the task and for each state's items."""
    options = documented(ROOT, "files")["doc"]["options"]
    assert set(options) == TASK_KEYS
    assert set(options["files"]["suboptions"]) == set().union(*KEYS.values())
    assert set(options["files"]["suboptions"]["state"]["choices"]) == set(KEYS)


def test_the_options_of_units_are_documented() -> None:
    """Names, types, defaults and choices of the argument specification are those that ansible-doc shows."""

    def compared(options: dict[str, Any], nested: str) -> dict[str, dict[str, Any]]:
        keys = ("type", "elements", "required", "default", "choices")
        plain = {name: {key: spec[key] for key in keys if spec.get(key)} for name, spec in options.items()}
        inner = {f"units.{name}": spec for name, spec in options.get("units", {}).get(nested, {}).items()}
        return {**plain, **(compared(inner, nested) if inner else {})}

    assert compared(documented(ROOT, "units")["doc"]["options"], "suboptions") == compared(ARGUMENTS, "options")


def test_the_options_of_packages_are_documented() -> None:
    """The action hands all of its options to the module that plans, whose documentation says the same of each."""
    action, module = (documented(ROOT, name)["doc"]["options"] for name in ("packages", "package_state"))
    keys = ("type", "elements", "required", "default")
    handed = {name: spec for name, spec in module.items() if name not in ("hold", "phase")}
    said = {name: {key: spec.get(key) for key in keys} for name, spec in handed.items()}
    assert {name: {key: spec.get(key) for key in keys} for name, spec in action.items()} == said


@pytest.mark.parametrize("path", TARGET_SIDE, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_what_runs_on_targets_is_python_3_9(path: Path) -> None:
    """Its grammar, and no module or argument that came later: a target need not have what the control node has."""
    tree = ast.parse(path.read_text(), feature_version=(3, 9))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    theirs = {name for name in imported if not name.startswith(("ansible.module_utils.", COLLECTION))}
    assert {name.partition(".")[0] for name in theirs} <= set(sys.stdlib_module_names) - {"tomllib"}
    zips = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "zip"]
    assert not [call.lineno for call in zips if call.keywords], "zip(strict=...) came with 3.10"


def test_ansible_doc_knows_the_modules_from_the_wheel(tmp_path: Path) -> None:
    """An installed wheel documents the same modules."""
    argv = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(argv, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    content = tmp_path / "hybridctl" / "_content"
    names = [documented(content, module)["doc"]["filename"] for module in MODULES]
    assert [Path(name).is_relative_to(content) for name in names] == [True] * len(MODULES)
