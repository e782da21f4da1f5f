"""Model files are what their manifest says, and are made so again when they are not."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from testinfra.host import Host

ROOT = Path(__file__).resolve().parents[3]
FOLDER = "/data/models/tiny"


def converge() -> str:
    """Run the role again; return Ansible's recap."""
    site = ROOT / ".hybridctl" / "lab" / f"molecule-{os.environ['MOLECULE_SCENARIO_NAME']}" / "site"
    playbook = Path(sys.executable).with_name("ansible-playbook")
    argv = [playbook, "-i", site / "inventory", ROOT / ".config" / "molecule" / "converge.yml"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_every_file_matches_its_manifest(host: Host) -> None:
    """sha256sum itself finds nothing wrong, from a URL and from the control node."""
    for folder in (FOLDER, "/data/models/from-control-node"):
        assert "FAILED" not in host.check_output("sh -c %s", f"cd {folder} && sha256sum -c SHA256SUMS")


def test_the_weights_can_be_read_by_the_service_user(host: Host) -> None:
    """Another user than root reads them; nobody but root writes them."""
    weights = host.file(f"{FOLDER}/model.safetensors")
    assert (weights.user, weights.mode) == ("root", 0o644)


def test_a_changed_byte_is_repaired(host: Host) -> None:
    """A file with a wrong byte of the same length is fetched anew; the next run changes nothing."""
    host.check_output("sh -c %s", f"printf X | dd of={FOLDER}/model.safetensors bs=1 seek=100 conv=notrunc status=none")
    assert host.run("sh -c %s", f"cd {FOLDER} && sha256sum -c --quiet SHA256SUMS").rc == 1
    assert "changed=1" in converge()
    assert host.run("sh -c %s", f"cd {FOLDER} && sha256sum -c --quiet SHA256SUMS").rc == 0
    assert "changed=0" in converge()


def test_a_source_that_is_not_the_pinned_one_is_refused(refused: Callable[..., str]) -> None:
    """A manifest with another checksum than the inventory pins names the source and both checksums."""
    model = {"name": "tiny", "source": str(ROOT / "molecule/model_store/files"), "sha256": "0" * 64}
    said = refused(json.dumps({"model_store_models": [model]}))
    assert "SHA256SUMS" in said
    assert "0" * 64 in said


def test_a_relative_source_is_refused(refused: Callable[..., str]) -> None:
    """A source that is neither URL nor absolute path is refused by name."""
    said = refused(json.dumps({"model_store_models": [{"name": "oops", "source": "models/oops"}]}))
    assert "model_store_models: oops wants" in said
