"""The results as Markdown, from the JSON alone."""

from pathlib import Path
from typing import Any

from benchmarks.common.results import Results, Spread, spread
from benchmarks.verify import fleet, one
from benchmarks.verify.backends import OTHERS

__all__ = ["TITLES", "markdown", "median_of", "write"]

TITLES = {
    "ours, cold": "hybridctl, cold",
    "ours, seeded": "hybridctl, seeded",
    "ssh": "testinfra ssh://",
    "ssh, ControlPath": "testinfra ssh://, shared connection",
    "paramiko": "testinfra paramiko://",
    "ansible": "testinfra ansible://",
    "ansible, forced": "testinfra ansible://, forced",
}
AIMS = (("ssh", 20), ("paramiko", 5))
GROWTH = 5  # times one host's seconds that a hundred may take


def markdown(results: Results) -> str:
    """Return the whole report."""
    parts = ["# Verify, measured", "", "Generated from `verify.json`; how it is measured: `../README.md`.", ""]
    for part, title in ((one.PART, _one), (fleet.PART, _fleet)):
        if results.rows(part):
            parts += [*title(results), *_noise(results, part), ""]
    return "\n".join(parts)


def median_of(results: Results, part: str, key: str = "seconds", **wanted: Any) -> Spread | None:
    """Return the spread of the rows with these values."""
    return spread(results.rows(part, **wanted), key)


def _one(results: Results) -> list[str]:
    part = results.data[one.PART]
    checks = results.rows(one.PART)[0]["checks"]
    lines = [
        "## One host",
        "",
        f"{checks} results from {part['commands']} commands; every tool gave the same verdicts. From the first byte to "
        "the last verdict, median (lowest-highest):",
        "",
        "| | seconds | times ours, cold | times ours, seeded | round trips |",
        "|---|---:|---:|---:|---:|",
    ]
    cold, seeded = (median_of(results, one.PART, tool=tool) for tool in one.OURS)
    for tool in (*one.OURS, *OTHERS):
        found = results.rows(one.PART, tool=tool)
        seconds = spread(found)
        if seconds:
            trips = "-".join(map(str, sorted({row["trips"] for row in found})))
            cells = [f"{seconds.median / ours.median:.1f}" if ours else "not run" for ours in (cold, seeded)]
            lines.append(f"| {TITLES[tool]} | {seconds:.2f}, n={len(found)} | {' | '.join(cells)} | {trips} |")
    lines.append("")
    for tool, aim in AIMS:
        other = median_of(results, one.PART, tool=tool)
        if other and cold and seeded:
            times = f"{other.median / cold.median:.1f} x cold, {other.median / seeded.median:.1f} x seeded"
            lines.append(f"{TITLES[tool]} takes {times} (aim: at least {aim}).")
    lines.append(f"The deepest check asks {part['depth']} times in a row (aim: cold no more trips, seeded at most 2).")
    whole = [f"{tool.partition(', ')[2]} {some:.2f} s" for tool in one.COMMAND if (some := _of(results, tool))]
    if whole:
        lines.append(
            "The whole command `hybridctl verify`, from Python's start over Ansible's inventory to the report: "
            f"{', '.join(whole)}."
        )
    return [*lines, ""]


def _of(results: Results, tool: str) -> Spread | None:
    return median_of(results, one.PART, tool=tool)


def _fleet(results: Results) -> list[str]:
    row = results.rows(fleet.PART)[0]
    lines = [
        "## A fleet",
        "",
        f"`hybridctl verify` of hosts that answer {row['commands']} commands each, {1000 * row['delay']:.0f} ms apart, "
        "median (lowest-highest):",
        "",
        "| hosts | | seconds | control node's processor, s a host | its memory, MiB | ssh's and Ansible's, MiB "
        "| servers' processor, s a host |",
        "|---:|---|---:|---:|---:|---:|---:|",
    ]
    for hosts in sorted({row["hosts"] for row in results.rows(fleet.PART)}):
        for kind in ("cold", "seeded"):
            found = results.rows(fleet.PART, hosts=hosts, kind=kind)
            seconds, cpu, own, others, served = (
                spread(found, key) for key in ("seconds", "cpu", "peak_mib", "others_mib", "servers_cpu")
            )
            if seconds and cpu and own and others and served:
                lines.append(
                    f"| {hosts} | {kind} | {seconds:.1f}, n={len(found)} | {cpu.median / hosts:.3f} | {own.median:.0f} "
                    f"| {others.median:.0f} | {served.median / hosts:.3f} |"
                )
    lines.append("")
    for kind in ("cold", "seeded"):
        few, many = (median_of(results, fleet.PART, hosts=hosts, kind=kind) for hosts in (1, 100))
        if few and many:
            times = f"{many.median / few.median:.1f} x the time of one"
            lines.append(f"100 hosts take {times}, {kind} (aim: at most {GROWTH}).")
    return [*lines, ""]


def _noise(results: Results, part: str) -> list[str]:
    entry = results.data[part]
    of = entry["machine"]
    busy = spread(results.rows(part), "busy_before")
    others = {name: of[name] for name in ("testinfra", "paramiko", "asyncssh") if name in of}
    lines = [
        f"Machine: {of['cores']} cores ({of['processor']}), {of['memory_gib']} GiB, Linux {of['kernel']}, Python "
        f"{of['python']}, ansible-core {of['ansible_core']}, {', '.join(map(' '.join, others.items()))}; control node "
        "and hosts share it.",
        f"Busy with other things just before a run: {busy} % of the cores.",
    ]
    return [*lines, *(f"Left out: {what}." for what in entry["left_out"])]


def write(results: Results, folder: Path) -> None:
    """Write the report beside the JSON."""
    (folder / "verify.md").write_text(markdown(results), encoding="utf-8")
