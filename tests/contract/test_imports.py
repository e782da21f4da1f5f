"""The direction cli -> core -> adapters, held by reading the imports."""

import ast
from pathlib import Path

import pytest

import hybridctl

PACKAGE = Path(hybridctl.__file__).parent
MODULES = sorted(p for p in PACKAGE.rglob("*.py") if "_content" not in p.parts)


def imports_of(source: str) -> set[str]:
    """Return every module name that the source imports, at any depth."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("module", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_the_runner_imports_ansible_runner(module: Path) -> None:
    """ansible_runner is named in one module, so that replacing it touches one file."""
    roots = {name.split(".")[0] for name in imports_of(module.read_text(encoding="utf-8"))}
    assert ("ansible_runner" in roots) == (module.relative_to(PACKAGE) == Path("runner.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_core_knows_no_command_line(module: Path) -> None:
    """Only hybridctl/cli imports click or hybridctl.cli."""
    if module.relative_to(PACKAGE).parts[0] in ("cli", "__main__.py"):
        return
    names = imports_of(module.read_text(encoding="utf-8"))
    assert not {n for n in names if n.split(".")[0] == "click" or n.startswith("hybridctl.cli")}


def test_the_reader_of_imports_sees_nested_ones() -> None:
    """An import inside a function counts too: the two tests above rest on it."""
    assert imports_of("def f():\n    import click\n    from a.b import c\n") == {"click", "a.b"}
