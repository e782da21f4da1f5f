"""The findings about one host, from its facts and its variables. Pure: the same facts give the same findings."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from hybridctl import content
from hybridctl.checks.model import Verdict
from hybridctl.doctor.facts import Facts
from hybridctl.doctor.findings import Finding
from hybridctl.inventory import Host
from hybridctl.layers import role_groups, supported_systems
from hybridctl.variables import role_options

__all__ = ["judge_host", "judge_variables"]

MOST_OFFSET = 1.0  # seconds; beyond that logs of two hosts cannot be laid side by side
WORST_OFFSET = 60.0  # seconds; beyond that package indexes and certificates are refused
LOW_DISK, LEAST_DISK = 10.0, 2.0  # GiB free
LEAST_MEMORY = 0.5  # GiB, for the system and our agents
WORKER_MEMORY = 4.0  # GiB beside the KV cache: vLLM itself and its weights, at the very least
_PACKAGE_NAMES = {"debian": "Debian", "ubuntu": "Ubuntu", "openEuler": "openEuler", "openeuler": "openEuler"}

# Ports our roles bind: the variable that sets it (a port, or address:port) and the units that are ours.
PORTS = {
    "gateway": (("gateway_port", "haproxy.service"), ("gateway_metrics_bind", "haproxy.service")),
    "vllm": (("vllm_port", "vllm.service"),),
    "node_telemetry": (("node_telemetry_listen_address", "prometheus-node-exporter.service"),),
}


def judge_host(host: Host, facts: Facts) -> tuple[Finding, ...]:
    """Return every finding about a host that answered."""
    findings = [judge(host, facts) for judge in _JUDGES]
    if {"kunpeng", "nvidia"} & set(host.groups):
        findings += [_headers(facts), _secure_boot(facts)]
    return tuple(findings)


def judge_variables(host: Host) -> Iterator[Finding]:
    """Yield what a run would miss in the host's variables; the host need not answer."""
    for role in sorted(_roles(host)):
        for name, option in role_options()[role].items():
            value = host.variables.get(name, option.default)
            if option.description.rstrip().endswith("Required.") and value in ("", None, []):
                remedy = f"set it in group_vars: {option.description}"
                yield Finding("variables", Verdict.FAIL, f"{name} is not set; role {role} needs it", remedy)
            for secret in sorted(set(re.findall(r"\bvault_\w+", str(value)))):
                if secret not in host.variables:
                    remedy = f"ansible-vault edit inventory/group_vars/all/vault.yml, and add {secret}"
                    yield Finding("variables", Verdict.FAIL, f"{name} uses {secret}, which is set nowhere", remedy)
            if "hybridctl_mirror" in str(value) and not host.variables.get("hybridctl_mirror"):
                remedy = "set it in group_vars/all: the URL of the site's mirror"
                yield Finding("variables", Verdict.FAIL, f"{name} uses hybridctl_mirror, which is set nowhere", remedy)


def _roles(host: Host) -> set[str]:
    groups = {"all", *host.groups}
    return {role for role, where in role_groups().items() if role in role_options() and groups & set(where)}


def _unknown(topic: str, what: str) -> Finding:
    return Finding(topic, Verdict.UNKNOWN, f"the host did not say {what}", "log in and look")


def _privileges(_host: Host, facts: Facts) -> Finding:
    uid = facts.one("uid")
    if uid is None:
        return _unknown("privileges", "who we are there")
    if uid[0] == "0":
        return Finding("privileges", Verdict.PASS, "root")
    return Finding("privileges", Verdict.FAIL, f"uid {uid[0]}; wanted: root", "set ansible_become: true")


def _system(_host: Host, facts: Facts) -> Finding:
    os, machine = facts.one("os", 2), facts.one("machine", 2)
    if os is None or machine is None:
        return _unknown("system", "its distribution")
    name = f"{_PACKAGE_NAMES.get(os[0], os[0])}_{os[1]}_{machine[0]}"
    measured = f"{os[2] if len(os) > 2 else name}, {machine[0]}, kernel {machine[1]}"
    if name in supported_systems():
        return Finding("system", Verdict.PASS, measured)
    allowed = ", ".join(system.replace("_", " ", 2) for system in supported_systems())
    return Finding("system", Verdict.FAIL, f"{measured}; supported: {allowed}", "reinstall it, or take it out")


def _python(_host: Host, facts: Facts) -> Finding:
    found = facts.one("python", 2)
    manager = (facts.one("manager") or ("apt",))[0]
    remedy = "dnf install python3" if manager == "dnf" else "apt-get install python3"
    if found is None:
        return Finding("python", Verdict.FAIL, "no python3 that runs; wanted: 3.9 or newer", remedy)
    numbers = re.findall(r"\d+", found[1])
    if [int(number) for number in numbers[:2]] >= [3, 9]:
        return Finding("python", Verdict.PASS, f"{found[1]} ({found[0]})")
    return Finding("python", Verdict.FAIL, f"{found[1]} ({found[0]}); wanted: 3.9 or newer", remedy)


def _clock(_host: Host, facts: Facts) -> Finding:
    if facts.blur is None:
        return _unknown("clock", "the time")
    size = abs(facts.offset)
    if facts.blur + size <= MOST_OFFSET:
        return Finding("clock", Verdict.PASS, f"within {facts.blur + size:.1f} s of this machine")
    if size <= MOST_OFFSET:
        measured = f"the answer took too long to tell: within {facts.blur + size:.1f} s; allowed: {MOST_OFFSET:.0f} s"
        return Finding("clock", Verdict.UNKNOWN, measured, "run doctor again with --limit; or on the host: timedatectl")
    side = "ahead of" if facts.offset > 0 else "behind"
    verdict = Verdict.FAIL if size > WORST_OFFSET else Verdict.WARN
    remedy = "check this machine's clock first, then on the host: chronyc makestep (or timedatectl set-ntp true)"
    return Finding("clock", verdict, f"at least {size:.1f} s {side} this machine; allowed: {MOST_OFFSET:.0f} s", remedy)


def _disk(_host: Host, facts: Facts) -> Finding:
    seen = {}
    for values in facts.all("disk"):
        if len(values) == 3 and values[2].isdigit():
            seen[values[0]] = int(values[2]) / 2**20
    missing = [folder for folder in ("/", "/var") if folder not in seen]
    if missing:
        return _unknown("disk", f"what is free on {', '.join(missing)}")
    measured = ", ".join(f"{folder} {free:.1f} GiB free" for folder, free in seen.items())
    least = min(seen.values())
    if least >= LOW_DISK:
        return Finding("disk", Verdict.PASS, measured)
    verdict, wanted = (Verdict.FAIL, LEAST_DISK) if least < LEAST_DISK else (Verdict.WARN, LOW_DISK)
    return Finding(
        "disk", verdict, f"{measured}; wanted: {wanted:.0f} GiB", "df -h; then apt-get clean, old logs, old models"
    )


def _memory(host: Host, facts: Facts) -> Finding:
    total = facts.one("memory")
    if total is None or not total[0].isdigit():
        return _unknown("memory", "how much it has")
    have, wanted, why = int(total[0]) / 2**20, LEAST_MEMORY, "the system and our agents"
    if "vllm_cpu" in host.groups:
        cache = _value(host, "vllm", "vllm_kv_cache_memory_bytes")
        if isinstance(cache, int | str) and str(cache).isdigit():
            wanted, why = int(cache) / 2**30, "vllm_kv_cache_memory_bytes alone"
            if wanted < have < wanted + WORKER_MEMORY:
                measured = f"{have:.1f} GiB; the KV cache takes {wanted:.1f} of them"
                return Finding("memory", Verdict.WARN, measured, "lower vllm_kv_cache_memory_bytes")
    if have >= wanted:
        return Finding("memory", Verdict.PASS, f"{have:.1f} GiB")
    measured = f"{have:.1f} GiB; wanted: {wanted:.1f} GiB for {why}"
    return Finding("memory", Verdict.FAIL, measured, "add memory, or lower vllm_kv_cache_memory_bytes")


def _ports(host: Host, facts: Facts) -> Finding:
    answer = (facts.one("listening") or ("",))[0]
    if answer == "missing":
        remedy = "apt-get install iproute2, or dnf install iproute"
        return Finding("ports", Verdict.UNKNOWN, "no ss on the host", remedy)
    if answer != "known":
        return Finding("ports", Verdict.UNKNOWN, "ss did not say who listens", "see the host: ss -ltnp")
    listening: dict[str, tuple[str, str]] = {}
    for values in facts.all("listen"):
        if len(values) == 3:
            listening[values[0].rpartition(":")[2]] = values[1:]
    free, taken, unclear = [], [], []
    for role in sorted(_roles(host) & set(PORTS)):
        for name, unit in PORTS[role]:
            port = str(_value(host, role, name)).rpartition(":")[2]
            process, owner = listening.get(port, ("", ""))
            if not port.isdigit():
                unclear.append(f"{name} is a template")
            elif not process or owner == unit:
                free.append(f"{port} {'ours' if process else 'free'}")
            else:
                taken.append(f"{port} ({name}) is taken by {owner if owner != '-' else process}")
    if taken:
        return Finding("ports", Verdict.FAIL, "; ".join(taken), "stop that service, or set another port")
    if unclear:
        return Finding("ports", Verdict.UNKNOWN, "; ".join(unclear), "see the host: ss -ltnp")
    return Finding("ports", Verdict.PASS, ", ".join(free))


def _held(_host: Host, facts: Facts) -> Finding:
    if facts.one("manager") is None:
        return _unknown("held packages", "what manages its packages: neither apt nor dnf")
    if facts.one("holds") is None:
        return Finding(
            "held packages", Verdict.UNKNOWN, "which are held was not said", "see the host: apt-mark showhold"
        )
    ours = {name for system in content.lock()["packages"].values() for names in system.values() for name in names}
    held = [values[0] for values in facts.all("held") if values]
    foreign = [name for name in held if name not in ours]
    if foreign:
        named = ", ".join(foreign[:6]) + (" ..." if len(foreign) > 6 else "")
        return Finding(
            "held packages", Verdict.WARN, f"not by us: {named}", "apt-mark unhold NAME, if a role should change it"
        )
    return Finding("held packages", Verdict.PASS, f"{len(held)} held, all of them by us" if held else "none")


def _package_lock(_host: Host, facts: Facts) -> Finding:
    if facts.one("manager") is None:
        return _unknown("package lock", "what manages its packages: neither apt nor dnf")
    busy = [f"{name} (pid {pid})" for name, pid in (v for v in facts.all("packaging") if len(v) == 2)]
    locks = [values[0] for values in facts.all("locked") if values]
    if busy or locks:
        what = ", ".join([*busy, *(f"{lock} is locked" for lock in locks)])
        return Finding("package lock", Verdict.WARN, what, "wait for it to end, then run doctor again")
    return Finding("package lock", Verdict.PASS, "free, and no upgrade is running")


def _proxy(host: Host, facts: Facts) -> Finding:
    if facts.one("proxies") is None:
        return _unknown("proxy", "its proxy variables")
    found = {values[0]: values[1].strip("\"'") for values in facts.all("proxy") if len(values) == 2}
    if not found:
        return Finding("proxy", Verdict.PASS, "none")
    measured = ", ".join(f"{name}={value}" for name, value in found.items())
    mirror = urlsplit(str(host.variables.get("hybridctl_mirror", ""))).hostname or ""
    spared = ",".join(value for name, value in found.items() if name.lower() == "no_proxy").split(",")
    through = [name for name in found if name.lower() in ("http_proxy", "https_proxy", "all_proxy")]
    if through and mirror and not any(_spares(entry.strip(), mirror) for entry in spared):
        remedy = f"add {mirror} to no_proxy in /etc/environment of the host"
        return Finding("proxy", Verdict.WARN, f"{measured}; the mirror would be asked through it", remedy)
    return Finding("proxy", Verdict.PASS, measured)


def _spares(entry: str, name: str) -> bool:
    """Tell whether an entry of no_proxy covers a host name."""
    bare = entry.removeprefix("*").removeprefix(".")
    return entry == "*" or (bare != "" and (name == bare or name.endswith(f".{bare}")))


def _headers(facts: Facts) -> Finding:
    state, machine = facts.one("headers"), facts.one("machine", 2)
    if state is None or machine is None:
        return _unknown("kernel headers", "its kernel")
    if state[0] == "present":
        return Finding("kernel headers", Verdict.PASS, f"for {machine[1]}")
    dnf = (facts.one("manager") or ("apt",))[0] == "dnf"
    remedy = f"dnf install kernel-devel-{machine[1]}" if dnf else f"apt-get install linux-headers-{machine[1]}"
    return Finding("kernel headers", Verdict.FAIL, f"none for {machine[1]}: drivers cannot be built", remedy)


def _secure_boot(facts: Facts) -> Finding:
    state = facts.one("secureboot")
    if state is None or state[0] not in ("none", "0", "1"):
        return Finding(
            "Secure Boot", Verdict.UNKNOWN, "its state cannot be read", "on the host, as root: mokutil --sb-state"
        )
    if state[0] == "1":
        remedy = "enrol a key for the drivers (mokutil --import), or switch it off in the firmware"
        return Finding("Secure Boot", Verdict.WARN, "on: the kernel refuses unsigned drivers", remedy)
    return Finding("Secure Boot", Verdict.PASS, "off" if state[0] == "0" else "not booted by UEFI")


def _value(host: Host, role: str, name: str) -> Any:
    options: Mapping[str, Any] = role_options().get(role, {})
    return host.variables.get(name, options[name].default if name in options else None)


_JUDGES: tuple[Callable[[Host, Facts], Finding], ...] = (
    _privileges,
    _system,
    _python,
    _clock,
    _disk,
    _memory,
    _ports,
    _held,
    _package_lock,
    _proxy,
)
