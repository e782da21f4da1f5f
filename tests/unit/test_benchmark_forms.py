"""The benchmark of provision compares like with like: every resource stands in each of the three forms."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from benchmarks.common.results import Results
from benchmarks.provision import forms, plots, report
from benchmarks.provision.compare import Bench, compare, fitting
from benchmarks.provision.hosts import BY_HAND, Hosts, expected
from benchmarks.provision.resources import KINDS, LIST, Resource, load, named, source, text
from benchmarks.provision.site import _layers
from hybridctl.lab.fleet import Lab

BUILTIN = {
    "ansible.builtin.apt": ("package", "name"),
    "ansible.builtin.user": ("user", "name"),
    "ansible.builtin.file": ("directory", "path"),
    "ansible.builtin.copy": ("file", "dest"),
    "ansible.builtin.template": ("template", "dest"),
    "ansible.builtin.systemd_service": ("unit", "name"),
}
PYINFRA = {
    "apt.packages": ("package", "packages"),
    "server.user": ("user", "user"),
    "files.directory": ("directory", "path"),
    "files.put": ("file", "dest"),
    "files.template": ("template", "dest"),
    "server.sysctl": ("sysctl", "key"),
    "systemd.service": ("unit", "service"),
}


def keys(resources: list[Resource]) -> list[tuple[str, str]]:
    """Return what every form must have."""
    return [(entry.kind, entry.name) for entry in resources]


def naive(resources: list[Resource]) -> list[tuple[str, str]]:
    """Read the resources back out of the naive playbook."""
    found = []
    for task in forms.naive(resources)[0]["tasks"]:
        module = next(name for name in task if name.startswith("ansible.builtin."))
        if module == "ansible.builtin.shell":
            found.append(("sysctl", task[module]["cmd"].partition("sysctl -n ")[2].split()[0]))
        else:
            kind, key = BUILTIN[module]
            found.append((kind, task[module][key]))
    return found


def pyinfra(resources: list[Resource]) -> list[tuple[str, str]]:
    """Read the resources back out of the deploy."""
    found = []
    for node in ast.parse(forms.pyinfra_deploy(resources)).body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            kind, key = PYINFRA[ast.unparse(node.value.func)]
            value = next(ast.literal_eval(word.value) for word in node.value.keywords if word.arg == key)
            found.append((kind, value[0] if isinstance(value, list) else value))
    return found


def ours(resources: list[Resource]) -> list[tuple[str, str]]:
    """Read the resources back out of our playbook."""
    tasks = forms.ours(resources, {entry.name: "1.*" for entry in named(resources, "package")})[0]["tasks"]
    found: list[tuple[str, str]] = []
    for task in tasks:
        if "hybridctl.site.packages" in task:
            found += [("package", name) for name in task["hybridctl.site.packages"]["packages"]]
        elif "ansible.builtin.user" in task:
            found += [("user", entry["name"]) for entry in task["loop"]]
        elif "hybridctl.site.files" in task:
            for item in task["hybridctl.site.files"]["files"]:
                kind = "directory" if item.get("state") else "file" if "src" in item else "template"
                found.append((kind, item["path"]))
        elif "vars" in task:
            found += [("sysctl", entry["name"]) for entry in task["vars"]["parameters"]]
        elif "hybridctl.site.units" in task:
            found += [("unit", entry["name"]) for entry in task["hybridctl.site.units"]["units"]]
    return found


@pytest.mark.parametrize("count", [None, 600])
@pytest.mark.parametrize("form", [naive, pyinfra, ours])
def test_a_form_has_every_resource_once(form: Any, count: int | None) -> None:
    """None is missing from a form, none stands there twice."""
    resources = load(count=count)
    assert Counter(keys(resources)) == Counter(form(resources))


def test_the_list_is_long_enough_and_has_every_kind() -> None:
    """Sixty resources at least, of every kind; each kind but packages has a change by hand."""
    resources = load()
    assert len(resources) >= 60
    assert len(load(count=600)) == 600
    assert set(KINDS) == {entry.kind for entry in resources} == set(forms._NAIVE) == set(forms._PYINFRA)
    assert set(KINDS) - set(BY_HAND) == {"package"}
    assert all(len(named(resources, kind)) >= 2 for kind in BY_HAND)  # the second of a kind is changed


def test_both_templates_give_what_the_host_is_held_to() -> None:
    """What jinja makes of a template on a host is the content that the host is read for."""
    for entry in named(load(), "template"):
        template = jinja2.Template(text(entry), keep_trailing_newline=True)
        assert text(entry, node="b1") == template.render(node="b1")
        assert "{{" in text(entry)


def test_a_revision_changes_what_is_expected() -> None:
    """A changed source is another state on the host: a tool that skipped it would be found out."""
    entry = named(load(), "file")[0]
    key = f"file {entry.name}"
    assert expected([entry], "b1", {})[key] != expected([entry], "b1", {entry.name: 1})[key]


def test_the_forms_are_written_with_their_sources(tmp_path: Path) -> None:
    """Playbooks are YAML, the deploy is Python, and each file they name lies there."""
    resources = load()
    forms.write(tmp_path, resources, {entry.name: "1.*" for entry in named(resources, "package")})
    assert yaml.safe_load((tmp_path / "naive.yml").read_text())[0]["gather_facts"] is False
    assert yaml.safe_load((tmp_path / "ours.yml").read_text())[0]["gather_facts"] is False
    for kind in ("file", "template"):
        assert all((tmp_path / f"{kind}s" / source(entry)).is_file() for entry in named(resources, kind))


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([{"kind": "cron", "name": "x"}], "kind 'cron'"),
        ([{"kind": "user", "name": "x"}, {"kind": "user", "name": "x"}], "twice"),
    ],
)
def test_a_wrong_list_is_refused(tmp_path: Path, entries: list[dict[str, str]], message: str) -> None:
    """A kind that no form knows, or a resource that stands twice, is no benchmark."""
    path = tmp_path / "list.yml"
    path.write_text(yaml.safe_dump({"resources": entries}))
    with pytest.raises(ValueError, match=message):
        load(path)
    with pytest.raises(ValueError, match="the list alone"):
        load(LIST, count=3)


def test_layers_follow_each_other_without_a_gap() -> None:
    """Every second of a provision belongs to a layer, also what is before the first task and after the last."""
    events = [(10.0, ""), (11.0, "base"), (12.0, "base"), (14.0, "gateway"), (15.0, "gateway")]
    assert _layers(events, 9.0, 17.0) == [
        ("start", 9.0, 11.0),
        ("base", 11.0, 14.0),
        ("gateway", 14.0, 15.0),
        ("end", 15.0, 17.0),
    ]


def test_the_report_says_what_was_measured_and_how_often(tmp_path: Path) -> None:
    """Medians, ranges, counts and both aims come out of the rows; a cell without a run says so; plots are SVG."""
    results = Results(tmp_path / "provision.json")
    machine = dict.fromkeys(("cores", "processor", "memory_gib", "kernel", "python", "ansible_core", "pyinfra"), "?")
    for part in ("compare", "growth", "where"):
        results.begin(part, machine)
    for count, seconds in enumerate((1.0, 1.0, 3.5)):
        results.add("where", tasks=count, last=f"task {count}", seconds=seconds, cpu=0.5, busy_before=1.0)
    for tool, seconds in (("ours", (2.0, 3.0, 4.0)), ("pyinfra", (6.0,)), ("naive", (30.0,))):
        for value in seconds:
            row = {"tool": tool, "scenario": "nothing", "hosts": 2, "resources": 64, "busy_before": 1.0}
            results.add("compare", **row, seconds=value)
            results.add("growth", **{**row, "hosts": 4}, seconds=2 * value)
    said = report.markdown(Results(results.path))
    assert "| hybridctl's batch modules | not run | 3.0 (2.0-4.0), n=3 | not run |" in said
    assert "| task 2 | 3.5 | 2.5 | 0.5 |" in said
    assert "0.50 x the time of pyinfra" in said
    assert "takes 10.0 x as long" in said
    assert [path.name for path in plots.write(results, tmp_path)] == [
        "compare-2-hosts.svg",
        "growth-hosts.svg",
        "growth-resources.svg",
    ]
    assert "prefers-color-scheme: dark" in (tmp_path / "growth-hosts.svg").read_text()


def test_a_repeat_that_would_not_fit_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first repeat runs whatever it takes; the next only when it would end in time."""
    now, said = [0.0], list[str]()
    monkeypatch.setattr("benchmarks.provision.compare.time.monotonic", lambda: now[0])
    done = []
    for number in fitting(5, 1, said.append):
        done.append(number)
        now[0] += 25
    assert (done, said) == ([0, 1], ["3 of 5 repeats, since 1 minutes were over"])


def test_tools_take_turns_and_each_has_its_repeats(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Interleaved, in an order that rotates; a scenario with fewer repeats has them last."""
    done: list[tuple[int, str, str]] = []

    class Recorder(Bench):
        def timed(self, part: str, tool: str, scenario: str, **more: Any) -> None:
            done.append((more["repeat"], tool, scenario))

        def change_source(self) -> None: ...

        def change_by_hand(self, number: int) -> str:
            return ""

    lab = Lab("none", tmp_path)
    bench = Recorder(tmp_path, Hosts(lab, ("b1",)), load(), Results(tmp_path / "p.json"), print)
    monkeypatch.setattr("benchmarks.provision.compare.fleet.undo", lambda *_: None)
    monkeypatch.setattr("benchmarks.provision.compare.tools.run", lambda *_: (0.0, 0.0))
    repeats = {tool: {"scratch": 0, "nothing": 2, "one file": 1} for tool in ("ours", "pyinfra")}
    compare(bench, {**repeats, "naive": {"scratch": 0, "nothing": 1, "one file": 0}}, minutes=1)
    assert done == [
        *[(0, "ours", "nothing"), (0, "pyinfra", "nothing")],
        *[(1, "pyinfra", "nothing"), (1, "pyinfra", "one file"), (1, "naive", "nothing")],
        *[(1, "ours", "nothing"), (1, "ours", "one file")],
    ]


def test_the_command_says_what_it_takes() -> None:
    """It can be asked for help without root and without a lab."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.provision", "--help"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "--extent" in done.stdout) == (0, True)
