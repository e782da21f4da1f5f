"""The profiles: valid, sourced, and each line either judged by a check or saying why not yet."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from hybridctl import content
from hybridctl.checks import CATALOGUE
from hybridctl.errors import InvalidInput
from hybridctl.profiles import load_profile, profile_names

REFERENCES = (
    *("a100-2x80g-containers", "a100-2x80g-reference", "a100-8x80g-sxm", "h200-8x141g-sxm"),
    *("kunpeng-920-a100", "kunpeng-920-reference"),
)
SOFTWARE = ("debian-12-gateway", "debian-12-monitoring")
LAB = ("lab-gateway", "lab-monitoring", "lab-worker")
SCHEMAS = {
    "profile": Path(__file__).parents[2] / "hybridctl/profiles/schema.json",
    "report": Path(__file__).parents[2] / "hybridctl/data/verify-result.schema.json",
    "waivers": Path(__file__).parents[2] / "hybridctl/data/waivers.schema.json",
}
GOOD = 'schema: 1\ntitle: x\nexpect:\n  os.release: {value: "12", source: x}\n'


def site_with(tmp_path: Path, text: str, name: str = "mine") -> Path:
    """A site folder with a profile of its own."""
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / f"{name}.yml").write_text(text)
    return tmp_path


def test_the_profiles_there_are() -> None:
    """The reference site's, with software only for what the guide names no hardware of, and the lab's."""
    assert set(profile_names()) == {*REFERENCES, *SOFTWARE, *LAB}


@pytest.mark.parametrize("name", profile_names())
def test_a_profile_is_valid_and_sourced(name: str) -> None:
    """Every profile loads; every expectation says where it comes from; only the lab's are marked lab."""
    profile = load_profile(name)
    assert profile.lab == name.startswith("lab-")
    for expectation in profile.expectations.values():
        assert expectation.source
        assert bool(expectation.later) == (expectation.check not in CATALOGUE)


@pytest.mark.parametrize("name", [*LAB, *SOFTWARE])
def test_a_host_can_show_all_that_a_complete_profile_asks(name: str) -> None:
    """Exit status 0 is possible: nothing of the profile is left for later, and no package is outside the lock."""
    profile = load_profile(name)
    assert not [e.check for e in profile.expectations.values() if e.later]
    locked = content.lock()["packages"]["Debian_12"]["x86_64"]
    assert set(profile.expectations["packages.held"].wanted) <= set(locked)


def test_every_check_is_judged_somewhere() -> None:
    """No check is in the catalogue for nothing; how many sockets a board has, only a site's own profile can say."""
    expected = {check for name in profile_names() for check in load_profile(name).expectations}
    assert set(CATALOGUE) - expected == {"cpu.sockets"}


@pytest.mark.parametrize(
    ("name", "check", "wanted"),
    [
        ("kunpeng-920-reference", "os.distribution", "openEuler"),
        ("kunpeng-920-reference", "os.release", "22.03"),
        ("kunpeng-920-reference", "os.architecture", "aarch64"),
        ("kunpeng-920-reference", "cpu.model", "Kunpeng 920"),
        ("kunpeng-920-reference", "cpu.cores_per_socket", 64),
        ("kunpeng-920-reference", "cpu.max_frequency", 2600),
        ("kunpeng-920-reference", "memory.total", 512),
        ("kunpeng-920-reference", "memory.type", "DDR4"),
        ("kunpeng-920-reference", "memory.error_correction", "ECC"),
        ("kunpeng-920-reference", "storage.nvme_devices", 2),
        ("kunpeng-920-reference", "storage.raid_level", "raid0"),
        ("kunpeng-920-reference", "network.rate", 25),
        ("kunpeng-920-reference", "network.transport", "RoCEv2"),
        ("kunpeng-920-reference", "accelerator.gpu_link", "PCIe 4.0"),
        ("a100-2x80g-reference", "os.distribution", "Ubuntu"),
        ("a100-2x80g-reference", "os.release", "22.04"),
        ("a100-2x80g-reference", "gpu.count", 2),
        ("a100-2x80g-reference", "gpu.model", "A100"),
        ("a100-2x80g-reference", "gpu.memory", 81920),
        ("a100-2x80g-reference", "gpu.link", "NVLink"),
        ("a100-2x80g-reference", "cuda.toolkit", "12.2"),
        ("a100-2x80g-reference", "storage.model_cache", "NVMe"),
        ("a100-2x80g-reference", "fabric.ports", 2),
        ("a100-2x80g-reference", "fabric.rate", 200),
    ],
)
def test_the_guides_table(name: str, check: str, wanted: object) -> None:
    """Every cell of the guide's hardware table stands in its profile."""
    assert load_profile(name).expectations[check].wanted == wanted


def test_both_in_one_chassis_is_all_of_both() -> None:
    """The chassis with both is asked all that either is, but what it leaves out with a reason, and what takes both."""
    both, kunpeng, gpus = (
        load_profile(name) for name in ("kunpeng-920-a100", "kunpeng-920-reference", "a100-2x80g-reference")
    )
    either = {*kunpeng.expectations, *gpus.expectations} - {*both.inapplicable}
    assert {*either, "nccl.gid_index"} == set(both.expectations)
    assert both.expectations["os.distribution"].wanted == "openEuler"
    assert both.expectations["fabric.rate"].wanted == 200
    assert both.expectations["network.rate"].wanted == 25


@pytest.mark.parametrize("what", ["title", "remedy", "function"])
def test_no_two_checks_are_the_same(what: str) -> None:
    """Each check of hardware and fabric has a title, a function and a remedy of its own."""
    topics = ("fabric", "network", "accelerator", "board", "kernel", "memory")
    said = [getattr(check, what) for check in CATALOGUE.values() if check.topic in topics]
    assert len(said) == len(set(said))


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_the_schemas_are_schemas(schema: Path) -> None:
    """Both published schemas are valid JSON Schema."""
    Draft202012Validator.check_schema(json.loads(schema.read_text(encoding="utf-8")))


def test_a_site_has_profiles_of_its_own(tmp_path: Path) -> None:
    """A site's profile is found by its name beside ours."""
    root = site_with(tmp_path, GOOD)
    assert "mine" in profile_names(root)
    assert load_profile("mine", root).expectations["os.release"].wanted == "12"


def test_a_site_cannot_shadow_a_profile_of_ours(tmp_path: Path) -> None:
    """A host said to meet the reference meets the reference, not a softer file of the same name."""
    root = site_with(tmp_path, GOOD, "kunpeng-920-reference")
    with pytest.raises(InvalidInput, match="kunpeng-920-reference is the name of a profile of ours"):
        load_profile("kunpeng-920-reference", root)


def test_an_unknown_profile_names_the_nearest() -> None:
    """A mistyped name comes with a guess and the list."""
    with pytest.raises(InvalidInput, match="did you mean lab-worker") as caught:
        load_profile("lab-wroker")
    assert "kunpeng-920-reference" in caught.value.hint


@pytest.mark.parametrize(
    ("change", "line", "message", "hint"),
    [
        (("title: x", "tilte: x"), 2, "unknown key tilte; did you mean title?", "allowed: base, expect"),
        (("schema: 1", "schema: 2"), 1, "1 was expected", "allowed: 1"),
        (("source: x", "sorce: x"), 4, "unknown key sorce; did you mean source?", "allowed: any_of"),
        ((", source: x", ""), 4, "source is missing", "add it"),
        (('value: "12"', "at_least: 1, at_most: 2"), 4, "says not exactly one of value", "name one"),
        (("os.release", "os.relaese"), 4, "unknown check; did you mean os.release?", "verify --list"),
        (("os.release", "OS.release"), 3, "does not match", "allowed"),
        (('"12"', "12"), 4, "value: 12; the check measures text", "quote it"),
        (('"12"', '"12", unit: years'), 4, "unit years; the check measures in (no unit)", "correct it"),
        (('"12"', '""'), 4, "value: '' holds no letter and no digit", "write what the host must show"),
        (('value: "12"', 'any_of: ["12", "-"]'), 4, "holds no letter and no digit", "write what"),
        (('"12"', '["12"]'), 4, "a list; the check measures one thing", "any_of"),
        (('"12"', '"12", tolerance: 3%'), 4, "a tolerance goes with the value of a number only", "remove"),
        (('"12"', '"12", tolerance: 3'), 4, "3 is not of type 'string'", "allowed"),
        (('"12"', '"12", later: some day'), 4, "`later` would hide its verdict", "remove"),
        (("source: x}", 'source: x}\n  os.release: {value: "11", source: x}'), 5, "os.release stands twice", "remove"),
        (
            ("source: x}", "source: x}\n  units.active: {value: a.service, source: x}"),
            5,
            "takes a list of names",
            "write",
        ),
        (("source: x}", "source: x}\n  cpu.sockets: {value: 2, source: x}"), 5, "the check measures in sockets", ""),
        (
            ("source: x}", 'source: x}\n  cpu.sockets: {value: "2", unit: sockets, source: x}'),
            5,
            "measures a number",
            "",
        ),
        (("source: x}", "source: x"), 5, "not YAML", ""),
        (
            ('os.release: {value: "12"', "fleet.kernel: {value: 5.15"),
            4,
            "the check compares the hosts",
            "write value: same",
        ),
        (
            ('os.release: {value: "12"', "fleet.kernel: {any_of: [same, x]"),
            4,
            "the check compares the hosts",
            "value: same",
        ),
    ],
)
def test_a_mistake_names_its_line(tmp_path: Path, change: tuple[str, str], line: int, message: str, hint: str) -> None:
    """Every mistake in a profile comes with file, line, what is wrong and what is allowed; nothing was contacted."""
    text = GOOD.replace(*change)
    assert text != GOOD
    with pytest.raises(InvalidInput) as caught:
        load_profile("mine", site_with(tmp_path, text))
    told = f"{caught.value.message}\n{caught.value.hint}"
    assert f"mine.yml:{line}: " in told
    assert message in told
    assert hint in told
    assert caught.value.exit_code == 2


def test_an_empty_profile_is_refused(tmp_path: Path) -> None:
    """A profile that expects nothing would pass everything."""
    root = site_with(tmp_path, "schema: 1\ntitle: x\nexpect: {}\n")
    with pytest.raises(InvalidInput, match=r"mine\.yml:3"):
        load_profile("mine", root)
    (root / "profiles/mine.yml").write_text("# nothing\n")
    with pytest.raises(InvalidInput, match=r"mine\.yml"):
        load_profile("mine", root)


def test_the_fleet_of_the_lab_has_profiles() -> None:
    """Every host of the default lab is judged by a profile there is."""
    fleet = yaml.safe_load((content.inventories() / "lab" / "lab-hosts.yml").read_text(encoding="utf-8"))
    assert {host["profile"] for host in fleet["hosts"].values()} <= set(profile_names())
