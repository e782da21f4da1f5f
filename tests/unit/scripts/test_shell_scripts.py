"""The shell scripts beside the package, run in a folder of their own with stand-ins for what they call."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[3] / "scripts"
TOOLS = ("bash", "cat", "cp", "date", "dirname", "env", "git", "head", "mkdir", "mktemp", "rm", "sed", "sh", "sort")

# `venv` makes a copy of itself, `pip` installs nothing, all else is real.
PYTHON = f"""#!/bin/sh
case "$1 $2" in
"-m venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
"-m pip") ;;
*) exec {sys.executable} "$@" ;;
esac
"""


def write(path: Path, text: str) -> Path:
    """Write an executable file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def run(folder: Path, *argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a script of the folder."""
    return subprocess.run(
        [folder / argv[0], *argv[1:]],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **env},
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with nothing but the scripts and what they read."""
    folder = tmp_path / "checkout"
    shutil.copytree(SCRIPTS, folder / "scripts")
    (folder / "requirements").mkdir()
    for name in ("requirements/py311.txt", "requirements/py312.txt", "pyproject.toml"):
        (folder / name).write_text(name)
    return folder


def test_a_moved_checkout_gets_a_new_environment(checkout: Path, tmp_path: Path) -> None:
    """The path of the folder stands in .venv: elsewhere it is built anew, in the same place it is not."""
    python = write(tmp_path / "python", PYTHON)
    first, second = (run(checkout, "scripts/bootstrap", "python", HYBRIDCTL_PYTHON=str(python)) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert ("Building .venv" in first.stdout, "Building .venv" in second.stdout) == (True, False)
    moved = checkout.rename(tmp_path / "moved")
    assert "Building .venv" in run(moved, "scripts/bootstrap", "python", HYBRIDCTL_PYTHON=str(python)).stdout


@pytest.mark.parametrize(
    ("candidate", "package"), [("3.10.6-1~22.04", "python3.11-venv"), ("3.12.3-0ubuntu2", "python3-venv")]
)
def test_the_package_of_a_new_enough_python_is_asked_of_apt(
    checkout: Path, tmp_path: Path, candidate: str, package: str
) -> None:
    """A machine without any Python installs the one that will do, and says what to do when that did not help."""
    programs, log = tmp_path / "bin", tmp_path / "apt.log"
    write(programs / "id", "#!/bin/sh\necho 0\n")
    write(programs / "apt-get", f'#!/bin/sh\necho "$@" >>{log}\n')
    write(programs / "apt-cache", f"#!/bin/sh\n[ ! -e {log} ] || echo '  Candidate: {candidate}'\n")
    for tool in TOOLS:
        (programs / tool).symlink_to(str(shutil.which(tool)))
    script = checkout / "scripts/bootstrap"
    script.write_text(script.read_text().replace("/usr/bin/python3", str(tmp_path / "none")))
    done = run(checkout, "scripts/bootstrap", "python", PATH=str(programs))
    assert done.returncode == 2
    assert f"System packages needed: {package}\n" in done.stdout
    assert log.read_text().splitlines()[-1].endswith(f" {package}")
    assert "HYBRIDCTL_PYTHON=" in done.stderr


def test_the_runs_of_a_failed_demo_outlive_its_lab(checkout: Path) -> None:
    """They are copied out of the lab's folder before `down` removes it, and the last words name the place."""
    write(
        checkout / ".venv/bin/hybridctl",
        """#!/bin/sh
runs=.hybridctl/lab/demo/site/.hybridctl/runs/r1
case "$1 $2" in
"lab up") mkdir -p $runs && echo why >$runs/run.log ;;
"lab down") rm -r .hybridctl/lab/demo ;;
*) exit 3 ;;
esac
""",
    )
    done = run(checkout, "scripts/demo")
    assert done.returncode == 3, done.stderr
    kept = next(line for line in done.stderr.splitlines() if line.startswith("its runs stay in "))
    assert (checkout / kept.removeprefix("its runs stay in ") / "r1/run.log").read_text() == "why\n"
    assert not (checkout / ".hybridctl/lab/demo").exists()
