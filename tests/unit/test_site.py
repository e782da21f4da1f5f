"""Which site a command works on, and what its settings may say."""

from pathlib import Path

import pytest

from hybridctl.errors import InvalidInput
from hybridctl.site import open_site


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site folder below a current folder that is none."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ANSIBLE_VAULT_PASSWORD_FILE", raising=False)
    site = tmp_path / "rack"
    (site / "inventory" / "group_vars").mkdir(parents=True)
    (site / "hybridctl.yml").write_text("name: Rack 7\n")
    return site


def refusal(root: Path, text: str) -> str:
    """Return the error that a `hybridctl.yml` of this text gives."""
    (root / "hybridctl.yml").write_text(text)
    with pytest.raises(InvalidInput) as caught:
        open_site(start=root)
    return f"{caught.value.message} -> {caught.value.hint}"


def test_the_site_around_the_current_folder(root: Path) -> None:
    """A folder inside a site belongs to it; runs are kept in the site."""
    site = open_site(start=root / "inventory" / "group_vars")
    assert (root, root / "inventory", "Rack 7") == (site.root, site.inventory, site.name)
    assert site.runs == root / ".hybridctl" / "runs"


@pytest.mark.parametrize("given", ["rack/inventory", "rack", "./rack/../rack/inventory"])
def test_an_inventory_belongs_to_the_site_above_it(root: Path, given: str) -> None:
    """-i finds hybridctl.yml above; the site folder itself means the inventory in it."""
    site = open_site(Path(given))
    assert root == site.root.resolve()
    assert root / "inventory" == site.inventory.resolve()


def test_an_inventory_beside_the_default_one_has_a_name(root: Path) -> None:
    """What is kept of it is told apart by its path from the site; the default one needs none, however it is given."""
    (root / "inventories/staging").mkdir(parents=True)
    assert open_site(root / "inventories/staging").other_inventory == "inventories/staging"
    assert open_site(Path("rack/inventories/../inventory/")).other_inventory == ""
    (root / "hybridctl.yml").write_text("inventory: inventories/staging\n")
    assert open_site(start=root).other_inventory == ""
    assert open_site(root / "inventory").other_inventory == "inventory"


def test_an_inventory_without_a_site_has_the_current_folder(root: Path, tmp_path: Path) -> None:
    """Plain Ansible inventories work: settings have their defaults."""
    (tmp_path / "hosts.ini").write_text("[gateway]\na\n")
    site = open_site(Path("hosts.ini"))
    assert (tmp_path, tmp_path / "hosts.ini", tmp_path.name) == (site.root, site.inventory, site.name)
    assert site.vault_password_file is None


def test_the_password_file_is_found_when_it_is_there(root: Path) -> None:
    """Relative to the site; None when it is missing, and then we still know where it was looked for."""
    assert (None, root / ".vault-password") == (open_site(start=root).vault_password_file, root / ".vault-password")
    assert open_site(start=root).password_wanted == root / ".vault-password"
    (root / ".vault-password").write_text("x")
    assert open_site(start=root).vault_password_file == root / ".vault-password"


def test_outside_of_a_site(tmp_path: Path) -> None:
    """Without a site and without -i the error says how to get either."""
    with pytest.raises(InvalidInput) as caught:
        open_site(start=tmp_path)
    assert "is not in a site folder: no hybridctl.yml here or above" in caught.value.message
    assert "hybridctl init DIR" in caught.value.hint
    assert "-i PATH" in caught.value.hint


def test_a_missing_inventory_names_its_neighbour(root: Path) -> None:
    """A typing error in -i is told with the nearest name."""
    with pytest.raises(InvalidInput) as caught:
        open_site(Path("rack/inventry"))
    assert caught.value.message == "rack/inventry: there is no such inventory; nothing was contacted"
    assert caught.value.hint == "did you mean rack/inventory?"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: a\ninventry: b\n", "rack/hybridctl.yml:2: inventry: unknown setting; did you mean inventory?"),
        ("name: [a]\n", "rack/hybridctl.yml:1: name: ['a'] is not allowed; allowed: text"),
        ("name: 7\n", "rack/hybridctl.yml:1: name: 7 is not allowed; allowed: text"),
        ("own_variables: rack_*\n", "own_variables: 'rack_*' is not allowed; allowed: a list of patterns"),
        ("own_variables: [1]\n", "own_variables: [1] is not allowed; allowed: a list of patterns"),
        ("- a\n", "rack/hybridctl.yml:1: must be a mapping"),
        ("name: a\nname: b\n", "rack/hybridctl.yml:2: name stands twice"),
        ("name: {\n", "rack/hybridctl.yml:2: not YAML"),
        ("", "rack/hybridctl.yml: the file is empty"),
        ("name: a\r\n", "rack/hybridctl.yml:1: Windows line ends"),
        ("name: a\nbatch: 0\n", "rack/hybridctl.yml:2: batch: '0' is not a list of batches"),
        ("batch: [1, 200%]\n", "rack/hybridctl.yml:1: batch: '1,200%' is not a list of batches"),
        ("name: a\nmax_fail: x\n", "rack/hybridctl.yml:2: max_fail: 'x' is not a number of failed hosts"),
        ("window: 1-5\n", "rack/hybridctl.yml:1: window: '1-5' is not a window"),
        ("hooks: x\n", "rack/hybridctl.yml:1: hooks: must be a mapping"),
        ("hooks:\n  before: [x]\n", "rack/hybridctl.yml:2: hooks.before: unknown"),
        ("hooks:\n  after_batch: [1]\n", "rack/hybridctl.yml:2: hooks.after_batch: [1] is not a command"),
        ("hooks:\n  timeout: 0\n", "rack/hybridctl.yml:2: hooks.timeout: 0 is not a timeout"),
        ("name: a\ninventory: hosts\n", "rack/hybridctl.yml:2: inventory: hosts: there is no such file or folder"),
    ],
)
def test_a_mistake_in_the_settings_is_told_with_its_line(root: Path, text: str, told: str) -> None:
    """Settings are few and fixed; anything else is refused with what is allowed."""
    assert told in refusal(root, text)


def test_two_mistakes_are_told_together(root: Path) -> None:
    """Both lines stand in one error."""
    told = refusal(root, "name: 7\ninventry: b\n")
    assert "hybridctl.yml:1: name" in told
    assert "hybridctl.yml:2: inventry" in told


@pytest.mark.parametrize("text", ["---\n# only comments\n", "name:\n"])
def test_settings_may_be_left_out(root: Path, text: str) -> None:
    """The name is that of the folder then."""
    (root / "hybridctl.yml").write_text(text)
    assert open_site(start=root).name == "rack"


def test_how_the_hosts_follow_one_another(root: Path) -> None:
    """Batches, budget, window and hooks; what the command line says comes over them."""
    (root / "hybridctl.yml").write_text(
        "batch: [1, 50%]\nmax_fail: 5%\nwindow: 22:00-04:30\n"
        "hooks:\n  before_batch: [./silence, --minutes, '90']\n  after_batch: ./unsilence now\n  timeout: 20\n"
    )
    rollout = open_site(start=root).rollout
    assert rollout.document() == {
        "batch": "1,50%",
        "canary": None,
        "max_fail": "5%",
        "window": "22:00-04:30",
        "before_batch": ["./silence", "--minutes", "90"],
        "after_batch": ["./unsilence", "now"],
        "hook_timeout": 20,
    }
    over = rollout.over({"batch": "100%", "max_fail": None, "hook_timeout": 7})
    assert over.document() == {**rollout.document(), "batch": "100%", "hook_timeout": 7}


def test_a_site_says_nothing_of_batches_by_itself(root: Path) -> None:
    """All hosts at once, as a provision without options."""
    assert open_site(start=root).rollout.shares == ()
