"""Layers and roles of a run, and the tags that say so to Ansible."""

from pathlib import Path

import pytest
import yaml

from hybridctl import content
from hybridctl.errors import InvalidInput
from hybridctl.layers import known_layers, role_layers, role_tag
from hybridctl.selection import Options


@pytest.mark.parametrize(
    ("layers", "roles", "tags", "skipped", "entered"),
    [
        ((), (), (), (), ()),
        (("base",), (), ("preflight", "base"), (), ("preflight", "base")),
        ((), ("vllm",), ("preflight", "role_vllm"), (), ("preflight", "serving")),
        (
            ("serving",),
            ("vllm", "host_base"),
            ("preflight", "role_vllm", "role_host_base"),
            ("base", "gateway", "monitoring"),
            ("preflight", "serving"),
        ),
    ],
)
def test_layers_and_roles_as_tags(
    layers: tuple[str, ...],
    roles: tuple[str, ...],
    tags: tuple[str, ...],
    skipped: tuple[str, ...],
    entered: tuple[str, ...],
) -> None:
    """Preflight always; both together are what is in both."""
    options = Options(layers=layers, roles=roles)
    options.check_names()
    assert (options.tags, options.skip_tags, options.entered) == (tags, skipped, entered)


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        (Options(layers=("wings",)), "--layer wings: there is no such layer", "preflight, base, serving"),
        (Options(roles=("wings",)), "--role wings: no layer has such a role", "gateway, host_base, model_store"),
        (Options(roles=("locked_packages",)), "--role locked_packages: no layer has such a role", "host_base"),
        (
            Options(layers=("base", "gateway"), roles=("vllm",)),
            "--layer base, gateway has none of --role vllm; nothing would be done",
            "vllm is in layer serving",
        ),
    ],
)
def test_what_names_nothing_is_refused(options: Options, message: str, hint: str) -> None:
    """With what could have been meant."""
    with pytest.raises(InvalidInput) as caught:
        options.check_names()
    assert caught.value.message == message
    assert hint in caught.value.hint


def test_every_role_of_every_playbook_carries_its_tag() -> None:
    """A role without it would be left out by --role, silently."""
    found = 0
    for path in sorted((content.collection_root() / "playbooks").glob("*.yml")):
        for play in yaml.safe_load(path.read_text()):
            for role in play.get("roles", ()):
                assert role["tags"] == [role_tag(role["role"].rpartition(".")[2])], path
                found += 1
    assert found >= 5


def test_no_layer_is_also_the_tag_of_a_role() -> None:
    """`gateway` is a layer and a role: one tag for both would make --role gateway mean the layer."""
    assert not {role_tag(role) for role in role_layers()} & set(known_layers())


def test_what_serves_all_layers_is_no_layer() -> None:
    """The lock's playbooks are imported like layers."""
    names = [
        Path(entry["ansible.builtin.import_playbook"]).stem
        for entry in yaml.safe_load((content.collection_root() / "playbooks" / "site.yml").read_text())
    ]
    assert [name for name in names if name not in known_layers()] == ["host_lock", "host_unlock"]
    assert names.index("host_lock") == names.index("preflight") + 1
    assert names[-1] == "host_unlock"
