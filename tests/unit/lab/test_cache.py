"""The cache: named by content, whole or absent, built once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hybridctl.errors import HybridctlError
from hybridctl.lab.cache import cache_root, cached, in_use


def fill(folder: Path) -> None:
    """Build something small."""
    (folder / "sub").mkdir()
    (folder / "sub" / "data").write_text("x" * 100)


def refuse(folder: Path) -> None:
    """Fail the test when something is built that lies in the cache."""
    raise AssertionError(f"{folder} was built again")


def test_the_same_inputs_are_built_once(tmp_path: Path) -> None:
    """A second call takes the folder; other inputs get another one."""
    first = cached("thing", {"a": 1}, fill, tmp_path)
    assert cached("thing", {"a": 1}, refuse, tmp_path) == first
    assert cached("thing", {"a": 2}, fill, tmp_path) != first


@pytest.mark.parametrize("damage", ["short", "missing", "folder"])
def test_damage_is_noticed(tmp_path: Path, damage: str) -> None:
    """A file cut short or gone, or a folder gone, is an error that names it and the remedy."""
    folder = cached("thing", {}, fill, tmp_path)
    if damage == "short":
        (folder / "sub" / "data").write_text("x" * 99)
    else:
        (folder / "sub" / "data").unlink()
    if damage == "folder":
        (folder / "sub").rmdir()
        folder.rmdir()
    with pytest.raises(HybridctlError) as caught:
        cached("thing", {}, refuse, tmp_path)
    assert f"{folder}/sub/data should have 100 bytes" in caught.value.message
    assert caught.value.hint == "the same command again, with --rebuild-cache"
    assert (cached("thing", {}, fill, tmp_path, rebuild=True) / "sub" / "data").stat().st_size == 100


def test_an_interrupted_build_does_not_count(tmp_path: Path) -> None:
    """What a failed build left is thrown away by the next one."""

    def break_off(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached("thing", {}, break_off, tmp_path)
    folder = cached("thing", {}, fill, tmp_path)
    assert [path.name for path in folder.iterdir()] == ["sub"]


def test_two_that_start_together_build_once(tmp_path: Path) -> None:
    """The second one waits for the first one's folder."""
    built: list[Path] = []

    def slow(folder: Path) -> None:
        built.append(folder)
        fill(folder)

    with ThreadPoolExecutor(2) as pool:
        folders = list(pool.map(lambda _: cached("thing", {}, slow, tmp_path), range(2)))
    assert len(built) == 1
    assert folders[0] == folders[1]


def test_a_folder_in_use_is_not_rebuilt(tmp_path: Path) -> None:
    """Whoever stands on the folder can forbid the rebuild, and the folder stays."""
    folder = cached("thing", {}, fill, tmp_path)

    def forbid(path: Path) -> None:
        raise HybridctlError(f"{path.name} is in use")

    with pytest.raises(HybridctlError, match="in use"):
        cached("thing", {}, refuse, tmp_path, rebuild=True, may_remove=forbid)
    assert cached("thing", {}, refuse, tmp_path) == folder


def test_the_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """XDG_CACHE_HOME moves the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/big")
    assert cache_root() == Path("/big/hybridctl")


def test_a_rebuild_waits_for_those_who_stand_on_the_cache(tmp_path: Path) -> None:
    """Two labs are raised at once; one that rebuilds enters when both are done, and says that it waits."""
    said: list[str] = []
    waits, order = threading.Event(), []

    def hear(line: str) -> None:
        said.append(line)
        waits.set()

    def rebuild() -> None:
        with in_use(tmp_path, True, hear):
            order.append("rebuilt")

    thread = threading.Thread(target=rebuild)
    with in_use(tmp_path, False, said.append), in_use(tmp_path, False, said.append):
        thread.start()
        assert waits.wait(10)
        order.append("raised")
    thread.join(10)
    assert order == ["raised", "rebuilt"]
    assert said == [f"waiting: another `lab up` uses the cache {tmp_path}"]


def test_nobody_takes_from_a_cache_that_is_being_rebuilt(tmp_path: Path) -> None:
    """An `up` that comes meanwhile waits, and says so."""
    said: list[str] = []
    waits = threading.Event()

    def hear(line: str) -> None:
        said.append(line)
        waits.set()

    def raise_lab() -> None:
        with in_use(tmp_path, False, hear):
            said.append("in")

    thread = threading.Thread(target=raise_lab)
    with in_use(tmp_path, True, said.append):
        thread.start()
        assert waits.wait(10)
        assert said == [f"waiting: another `lab up` rebuilds the cache {tmp_path}"]
    thread.join(10)
    assert said[-1] == "in"
