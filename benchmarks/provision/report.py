"""The results as Markdown, from the JSON alone."""

from pathlib import Path
from typing import Any

from benchmarks.common.results import Results, spread
from benchmarks.provision.compare import SCENARIOS
from benchmarks.provision.tools import TOOLS

__all__ = ["TITLES", "markdown", "nothing_to_change", "ratios", "write"]

TITLES = {
    "ours": "hybridctl's batch modules",
    "pyinfra": "pyinfra",
    "naive": "naive playbook, pipelined",
    "scratch": "from scratch",
    "nothing": "nothing to change",
    "one file": "one file changed",
}


def ratios(results: Results, hosts: int) -> tuple[float | None, float | None]:
    """Return ours / pyinfra and naive / ours of the medians with nothing to change; None where one is missing."""
    medians = {}
    for tool in TOOLS:
        found = spread(results.rows("compare", tool=tool, hosts=hosts, scenario="nothing"))
        medians[tool] = found.median if found else None
    ours, pyinfra, naive = (medians[tool] for tool in TOOLS)
    return ours / pyinfra if ours and pyinfra else None, naive / ours if ours and naive else None


def nothing_to_change(results: Results) -> list[dict[str, Any]]:
    """Return the runs of both parts that had nothing to change."""
    return [row for part in ("compare", "growth") for row in results.rows(part, scenario="nothing")]


def markdown(results: Results) -> str:
    """Return the whole report."""
    parts = ["# Provision, measured", "", "Generated from `provision.json`; how it is measured: `../README.md`.", ""]
    for part, title in (("compare", _comparison), ("where", _where), ("growth", _growth), ("site", _site)):
        if results.rows(part):
            parts += [*title(results), *_noise(results, part), ""]
    return "\n".join(parts)


def _comparison(results: Results) -> list[str]:
    lines = ["## The same resources with three tools", "", "Wall seconds: median (lowest-highest), runs.", ""]
    for hosts in sorted({row["hosts"] for row in results.rows("compare")}):
        count = results.rows("compare", hosts=hosts)[0]["resources"]
        lines += [f"{hosts} hosts, {count} resources on each:", ""]
        lines += ["| | " + " | ".join(TITLES[name] for name in SCENARIOS) + " |", "|---|---:|---:|---:|"]
        for tool in TOOLS:
            cells = []
            for scenario in SCENARIOS:
                rows = results.rows("compare", hosts=hosts, tool=tool, scenario=scenario)
                cells.append(f"{spread(rows)}, n={len(rows)}" if rows else "not run")
            lines.append(f"| {TITLES[tool]} | " + " | ".join(cells) + " |")
        lines.append("")
        beside_pyinfra, beside_naive = ratios(results, hosts)
        if beside_pyinfra:
            lines.append(f"With nothing to change: {beside_pyinfra:.2f} x the time of pyinfra (aim: at most 0.7).")
        if beside_naive:
            lines.append(f"The naive playbook takes {beside_naive:.1f} x as long (aim: at least 6).")
        lines.append("")
    changed = sorted({row["by_hand"] for row in results.rows("compare") if row.get("by_hand")})
    if changed:
        lines += [f"Changed by hand on a host before a run, and seen by it each time: {', '.join(changed)}.", ""]
    return lines


def _where(results: Results) -> list[str]:
    lines = [
        "## Where the time goes",
        "",
        "Our playbook with nothing to change on 2 hosts, cut off after each task.",
        "",
    ]
    lines += ["| up to | seconds, median | more than the line above | processor of the control node |"]
    lines += ["|---|---:|---:|---:|"]
    above = 0.0
    for count in sorted({row["tasks"] for row in results.rows("where")}):
        rows = results.rows("where", tasks=count)
        seconds, used = spread(rows), spread(rows, "cpu")
        if seconds and used:
            more = f"{seconds.median - above:.1f}"
            lines.append(f"| {rows[0]['last']} | {seconds.median:.1f} | {more} | {used.median:.1f} |")
            above = seconds.median
    return [*lines, ""]


def _growth(results: Results) -> list[str]:
    lines = ["## Growth, with nothing to change", "", "| hosts | resources | tool | seconds |", "|---:|---:|---|---:|"]
    cells: dict[tuple[int, int, int], list[dict[str, Any]]] = {}
    for row in nothing_to_change(results):
        cells.setdefault((row["resources"], row["hosts"], TOOLS.index(row["tool"])), []).append(row)
    for (resources, hosts, tool), rows in sorted(cells.items()):
        lines.append(f"| {hosts} | {resources} | {TITLES[TOOLS[tool]]} | {spread(rows)}, n={len(rows)} |")
    return [*lines, ""]


def _site(results: Results) -> list[str]:
    lines = ["## `hybridctl provision` on a lab's site, nothing to change", ""]
    rows = {version: results.rows("site", command="provision", version=version) for version in ("before", "after")}
    hosts = sorted({host for found in rows.values() for row in found for host in row["trips"]})
    lines += [f"Hosts: {', '.join(hosts)}. Before: the last commit before the roles took to batch modules.", ""]
    lines += ["| | before | after |", "|---|---:|---:|"]
    lines.append("| seconds | " + " | ".join(str(spread(found) or "not run") for found in rows.values()) + " |")
    for host in hosts:
        cells = [_trips(found, host) for found in rows.values()]
        lines.append(f"| round trips to {host} | " + " | ".join(cells) + " |")
    lines += ["", "Layer by layer, seconds (round trips to all hosts), medians:", ""]
    lines += ["| layer | before | after |", "|---|---:|---:|"]
    layers = list(dict.fromkeys(name for found in rows.values() for row in found for name in row["layers"]))
    for layer in sorted(layers, key=lambda name: (name == "end", layers.index(name))):
        lines.append(f"| {layer} | " + " | ".join(_layer(found, layer) for found in rows.values()) + " |")
    lines.append("")
    verify = spread(results.rows("site", command="verify"))
    if verify:
        lines += [f"`hybridctl verify` of the same hosts, apart: {verify} s.", ""]
    return lines


def _trips(rows: list[dict[str, Any]], host: str) -> str:
    found = spread([{"v": row["trips"].get(host, 0)} for row in rows], "v")
    return f"{found.median:.0f}" if found else "not run"


def _layer(rows: list[dict[str, Any]], layer: str) -> str:
    seconds = spread([{"v": row["layers"].get(layer, 0)} for row in rows], "v")
    trips = spread([{"v": sum(row["trips_by_layer"].get(layer, {}).values())} for row in rows], "v")
    return f"{seconds.median:.1f} ({trips.median:.0f})" if seconds and trips else "not run"


def _noise(results: Results, part: str) -> list[str]:
    entry = results.data[part]
    of = entry["machine"]
    busy = spread([row for row in results.rows(part) if "busy_before" in row], "busy_before")
    lines = [
        f"Machine: {of['cores']} cores ({of['processor']}), {of['memory_gib']} GiB, Linux {of['kernel']}, Python "
        f"{of['python']}, ansible-core {of['ansible_core']}, pyinfra {of['pyinfra']}; control node and hosts share it.",
        f"Busy with other things just before a run: {busy} % of the cores." if busy else "",
    ]
    return [*lines, *(f"Left out: {what}." for what in entry["left_out"])]


def write(results: Results, folder: Path) -> None:
    """Write the report beside the JSON."""
    (folder / "provision.md").write_text(markdown(results), encoding="utf-8")
