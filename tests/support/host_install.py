"""hybridctl itself on a lab host: this installation and the lab's site folder, copied to what is to be a control node.

Nothing is fetched: a lab host has no registry, and what is tested is this checkout.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import hybridctl
from hybridctl import content
from hybridctl.lab.fleet import Lab

__all__ = ["PROGRAM", "SITE", "install_on"]

PREFIX = Path("/opt/hybridctl")
PROGRAM = PREFIX / "bin" / "hybridctl"
SITE = Path("/srv/site")
_SCRIPTS = ("hybridctl", "ansible", "ansible-playbook", "ansible-inventory", "ansible-config")


def install_on(lab: Lab, host: str) -> None:
    """Install hybridctl in PREFIX and the lab's site in SITE of a host whose Python has our version.

    Raises:
        RuntimeError: its Python has another.
    """
    root = lab.folder / "hosts" / host / "root"
    ours = f"{sys.version_info.major}.{sys.version_info.minor}"
    said = subprocess.run(
        [*lab.ssh_argv(host), f"python3 -m venv --without-pip {PREFIX} && ls {PREFIX}/lib"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    if said != f"python{ours}":
        raise RuntimeError(f"{host} has {said}, this is Python {ours}: its packages would not run there")
    _packages(root / str(PREFIX / "lib" / f"python{ours}" / "site-packages")[1:])
    for name in _SCRIPTS:
        _script(Path(sys.executable).parent / name, root / str(PREFIX / "bin" / name)[1:])
    _site(lab, root / str(SITE)[1:])


def _packages(target: Path) -> None:
    source = Path(sysconfig.get_path("purelib"))
    ignore = shutil.ignore_patterns("*.pth", "hybridctl", "__pycache__", "*_editable_*")
    shutil.copytree(source, target, ignore=ignore, dirs_exist_ok=True)
    package = Path(hybridctl.__file__).parent
    shutil.copytree(package, target / "hybridctl", ignore=shutil.ignore_patterns("_content", "__pycache__"))
    tree = Path("ansible_collections", "hybridctl", "site")
    shutil.copytree(content.collections_path() / tree, target / "hybridctl" / "_content" / tree)


def _script(source: Path, target: Path) -> None:
    _, _, body = source.read_text(encoding="utf-8").partition("\n")
    target.write_text(f"#!{PREFIX}/bin/python3\n{body}", encoding="utf-8")
    target.chmod(0o755)


def _site(lab: Lab, target: Path) -> None:
    shutil.copytree(lab.site, target, ignore=shutil.ignore_patterns(".hybridctl"))
    shutil.copytree(lab.keys, target / "keys")
    variables = target / "inventory" / "group_vars" / "all" / "lab.yml"
    variables.write_text(variables.read_text(encoding="utf-8").replace(str(lab.keys), str(SITE / "keys")))
    for path in (target, *target.rglob("*")):
        os.chown(path, 0, 0)
