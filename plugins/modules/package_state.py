#!/usr/bin/python
# Copyright: the hybridctl authors
# SPDX-License-Identifier: Apache-2.0
"""Tell what apt would do to have packages at given versions; hold them. Nothing is installed here."""

from __future__ import annotations

DOCUMENTATION = r"""
module: package_state
short_description: What it takes to have packages at the versions of a lock
description:
  - Asks apt, in a simulation, what would be installed, upgraded, downgraded or removed to have the packages at their
    versions, with versions before and after and the bytes to download. Changes nothing but, when asked to, the hold of
    the packages.
  - Where the host's package index is missing or old, or a repository is not configured yet, a throw-away index is used,
    so that a plan leaves no trace.
  - A package that an interrupted run left half installed counts as not installed.
  - The action P(hybridctl.site.packages#action) installs with it; use that one in roles.
options:
  packages:
    type: dict
    required: true
    description: Name of each package and its version, with C(*) as in apt.
  repositories:
    type: list
    elements: str
    default: []
    description: One-line apt sources that will be configured before the packages are installed.
  index_max_age:
    type: int
    default: 3600
    description: Age in seconds above which the host's own index is not used.
  allow_removal:
    type: bool
    default: false
    description: Whether other packages may be removed for it.
  phase:
    type: str
    choices: [look, begin, end]
    default: look
    description:
      - C(look) changes nothing.
      - C(begin) first repairs what an interrupted run left (C(dpkg --configure -a)); when something is to be installed,
        it then keeps packages from starting services, by C(/usr/sbin/policy-rc.d).
      - C(end) takes that back and holds those of the packages that are installed.
attributes:
  check_mode:
    support: full
    description: As with C(phase=look).
  diff_mode:
    support: none
    description: The action P(hybridctl.site.packages#action) has one.
author: [The hybridctl authors]
"""

EXAMPLES = r"""
- name: What would it take?
  hybridctl.site.package_state:
    packages: {haproxy: 2.6.12-*}
  register: state
"""

RETURN = r"""
resources:
  description: What would change; with C(phase=end), what was held.
  type: list
  elements: dict
  returned: always
install:
  description: What to ask apt for, as NAME=VERSION, empty when all is there.
  type: list
  elements: str
  returned: always
versions:
  description: Every installed package and its version.
  type: dict
  returned: when something would change
"""

import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

LISTS = Path("/var/lib/apt/lists")
PARTS = Path("/etc/apt/sources.list.d")
SIMULATED = re.compile(r"^(Inst|Remv) (\S+)(?: \[([^]]+)\])?(?: \((\S+))?", re.MULTILINE)
URI = re.compile(r"^'[^']*' (\S+?)_\S+ (\d+) ", re.MULTILINE)
DPKG = Path("/var/lib/dpkg")
LOCK_PATIENCE = 60  # seconds; as long as ansible.builtin.apt waits
# The packages' own scripts ask this program; 101 forbids every action (Debian policy, invoke-rc.d).
POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_TEXT = """#!/bin/sh
# hybridctl: while it installs packages they start no service. Its next run removes this file, should it be left behind.
exit 101
"""
KEPT = POLICY.with_name("policy-rc.d.hybridctl-kept")
APT = ["apt-get", "-qq", "-y", "--no-install-recommends", "--allow-change-held-packages", "--allow-downgrades"]


def installed(module: AnsibleModule) -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
    """Return {name: (version, want)} of every installed package, and {name: version} of the half installed ones."""
    show = ["dpkg-query", "--show", "--showformat", "${Package} ${Version} ${db:Status-Want} ${db:Status-Status}\n"]
    _, out, _ = module.run_command(show, check_rc=True)
    rows = [row for row in (line.split() for line in out.splitlines()) if len(row) == 4]
    whole = {row[0]: (row[1], row[2]) for row in rows if row[3] == "installed"}
    return whole, {row[0]: row[1] for row in rows if row[3] not in ("installed", "not-installed", "config-files")}


def repair(module: AnsibleModule, half: dict[str, str]) -> None:
    """Let dpkg end what an interrupted run began: apt installs nothing before that is done.

    Packages of which not even the files are complete stay as they are; apt unpacks them anew.
    """
    # Files of digits are dpkg's own journal; apt refuses to work while there are any.
    if not half and not any(path.name.isdigit() for path in (DPKG / "updates").glob("*")):
        return
    with (DPKG / "lock-frontend").open("a") as lock:
        # What a dead run started may still be at work: then there is nothing to repair when it is done.
        deadline = time.monotonic() + LOCK_PATIENCE
        while True:
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > deadline:
                    module.fail_json(
                        msg=f"Could not get lock {DPKG}/lock-frontend for {LOCK_PATIENCE} s: another package job runs"
                    )
                time.sleep(0.2)
        hush()
        rc, out, err = module.run_command(
            ["dpkg", "--force-confdef", "--force-confold", "--configure", "-a"],
            environ_update={"DPKG_FRONTEND_LOCKED": "true"},
        )
        if rc != 0:
            names = ", ".join(sorted(half)) or "dpkg knows which"
            module.fail_json(
                msg=f"an interrupted run left packages half installed ({names}), and "
                f"`dpkg --configure -a` cannot repair them: {last_lines(err or out)}"
            )


def hush() -> None:
    """Keep packages from starting services."""
    if is_ours():
        return
    if os.path.lexists(POLICY):
        POLICY.rename(KEPT)
    new = POLICY.with_name("policy-rc.d.hybridctl-new")
    new.write_text(POLICY_TEXT)
    new.chmod(0o755)
    new.rename(POLICY)


def lift() -> None:
    """Take that back; nobody else's file is touched."""
    POLICY.with_name("policy-rc.d.hybridctl-new").unlink(missing_ok=True)
    if is_ours():
        POLICY.unlink()
    if os.path.lexists(KEPT) and not os.path.lexists(POLICY):
        KEPT.rename(POLICY)


def is_ours() -> bool:
    """Tell whether packages are kept from starting services by us."""
    return POLICY.is_file() and POLICY.read_bytes() == POLICY_TEXT.encode()


def index_is_fresh(max_age: int, lists: Path = LISTS) -> bool:
    """Tell whether the host has an index of packages no older than `max_age` seconds."""
    # apt leaves the time of the archive on the files; the folder's own is that of the last update.
    return any(lists.glob("*_Packages*")) and time.time() - lists.stat().st_mtime < max_age


@contextmanager
def index(module: AnsibleModule) -> Iterator[list[str]]:
    """Give the options that make apt use an index: none for the host's own, those of a throw-away one otherwise."""
    repositories = module.params["repositories"]
    if not repositories and index_is_fresh(module.params["index_max_age"]):
        yield []
        return
    folder = Path(tempfile.mkdtemp(prefix="hybridctl-index-", dir=module.tmpdir))
    try:
        (folder / "lists" / "partial").mkdir(parents=True)
        parts = folder / PARTS.name
        if PARTS.is_dir():
            shutil.copytree(PARTS, parts)
        else:
            parts.mkdir()
        (parts / "hybridctl-planned.list").write_text("".join(f"{line}\n" for line in repositories))
        options = {
            "Dir::State::lists": folder / "lists",
            "Dir::Etc::sourceparts": parts,
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
            # The folder is root's alone; apt's own user could not read it.
            "APT::Sandbox::User": "root",
        }
        words = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
        rc, out, err = module.run_command(["apt-get", "-qq", *words, "update"])
        if rc != 0:
            fail(module, f"the package index cannot be read: {last_lines(err or out)}")
        yield words
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def simulate(module: AnsibleModule, asked: list[str]) -> list[dict[str, Any]]:
    """Return the changes that apt would make, as resources."""
    with index(module) as options:
        rc, out, err = module.run_command([*APT, *options, "--simulate", "install", *asked])
        if rc != 0:
            fail(module, f"apt cannot install {', '.join(asked)}: {last_lines(err or out)}")
        found = SIMULATED.findall(out)
        uris = ""
        if found:
            _, uris, _ = module.run_command([*APT, *options, "--print-uris", "install", *asked])
    sizes = {name: int(size) for name, size in URI.findall(uris)}
    return [resource(module, do, name.partition(":")[0], old, new, sizes) for do, name, old, new in found]


def resource(module: AnsibleModule, do: str, name: str, old: str, new: str, sizes: dict[str, int]) -> dict[str, Any]:
    """Return one change as the resource it is about."""
    pattern = module.params["packages"].get(name)
    action = "remove" if do == "Remv" else "install"
    if old and new:
        rc, _, _ = module.run_command(["dpkg", "--compare-versions", new, "lt", old])
        action = "downgrade" if rc == 0 else "upgrade"
    why = f"the lock wants {pattern}" if pattern else "goes with what is asked for"
    return {
        "kind": "package", "name": name, "action": action, "why": why,
        "old": old, "new": "" if do == "Remv" else new, "size": sizes.get(name, 0),
    }  # fmt: skip


def last_lines(text: str) -> str:
    """Return what apt said, without its progress."""
    return "; ".join(line for line in text.strip().splitlines()[-4:] if line.strip())


def fail(module: AnsibleModule, message: str) -> None:
    """End with the error and what to do."""
    module.fail_json(
        msg=f"{message}. Does the host reach its package mirror, and has that the version? Try: apt-get update"
    )


def main() -> None:
    """Run."""
    module = AnsibleModule(
        argument_spec={
            "packages": {"type": "dict", "required": True},
            "repositories": {"type": "list", "elements": "str", "default": []},
            "index_max_age": {"type": "int", "default": 3600},
            "allow_removal": {"type": "bool", "default": False},
            "phase": {"type": "str", "choices": ["look", "begin", "end"], "default": "look"},
        },
        supports_check_mode=True,
    )
    module.run_command_environ_update = {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    if not module.get_bin_path("apt-get"):
        module.fail_json(msg="there is no apt-get on this host: only Debian's package manager is known yet")
    packages, phase = module.params["packages"], "look" if module.check_mode else module.params["phase"]
    before, half = installed(module)
    asked = [f"{name}={version}" for name, version in sorted(packages.items())]
    install: list[str] = []
    try:
        if phase == "begin":
            repair(module, half)
        changes = simulate(module, asked) if asked else []
        removed = [change["name"] for change in changes if change["action"] == "remove"]
        if removed and not module.params["allow_removal"]:
            module.fail_json(
                msg=f"to install {', '.join(sorted(packages))}, apt would remove {', '.join(removed)}; refused. "
                "Remove them by hand if that is right."
            )
        install = [f"{c['name']}={c['new']}" for c in changes if c["name"] in packages and c["new"]]
        # apt may have to do something for the packages although each of them is there: a broken dependency.
        if changes and not install:
            install = [f"{name}={before[name][0]}" for name in packages if name in before]
    finally:
        if phase == "begin" and install:
            hush()
        elif phase != "look":
            lift()
    named = {change["name"] for change in changes}
    changes += [
        {"kind": "package", "name": name, "action": "install", "why": "an interrupted run left it half installed",
         "old": "", "new": version, "size": 0}
        for name, version in sorted(half.items()) if name not in named
    ]  # fmt: skip
    loose = [name for name in sorted(packages) if before.get(name, ("", ""))[1] != "hold"]
    holds = [{"kind": "package", "name": name, "action": "hold", "why": "only we move it"} for name in loose]
    if phase == "end":
        wanted = [name for name in loose if name in before]
        if wanted:
            module.run_command(["apt-mark", "hold", *wanted], check_rc=True)
        module.exit_json(
            changed=bool(wanted), resources=[hold for hold in holds if hold["name"] in wanted], install=install,
            versions={name: version for name, (version, _) in before.items()},
        )  # fmt: skip
    resources = changes + holds
    versions = {name: version for name, (version, _) in before.items()} if resources else {}
    module.exit_json(changed=bool(resources), resources=resources, install=install, versions=versions)


if __name__ == "__main__":
    main()
