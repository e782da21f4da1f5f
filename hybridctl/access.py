"""How to reach each host, as Ansible would: asked of Ansible itself, in a process of its own."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from hybridctl.ansible_view import TIMEOUT, environment
from hybridctl.errors import HybridctlError, InvalidInput
from hybridctl.site import Site

__all__ = ["Access", "Ask", "asking", "look_up"]


@dataclass(frozen=True)
class Access:
    """How to run a command on a host.

    Attributes:
        local: on this machine, without ssh.
        ssh: arguments of ssh, jump hosts and host keys included, without the address.
        password: of the login; never shown.
        become: sudo, by the name or path it has there, and its flags.
        become_user: whom to become by sudo; empty when nobody.
        variables: the site's variables that checks asked for, templates evaluated.
    """

    address: str = ""
    local: bool = False
    ssh: tuple[str, ...] = ()
    password: str | None = field(default=None, repr=False)
    become: tuple[str, ...] = ("sudo", "-H")
    become_user: str = ""
    become_password: str | None = field(default=None, repr=False)
    variables: Mapping[str, Any] = field(default_factory=dict, repr=False)


Ask = Callable[[Iterable[str], Mapping[str, Any]], dict[str, Access]]


def look_up(site: Site, hosts: Iterable[str], variables: Mapping[str, Any]) -> dict[str, Access]:
    """Ask Ansible how it would reach hosts of a site.

    Args:
        variables: the names of those to evaluate for each host, with the default of the role.

    Raises:
        InvalidInput: a host has a connection that verify does not know.
        HybridctlError: Ansible could not be asked.
    """
    with asking(site) as ask:
        return ask(hosts, variables)


@contextmanager
def asking(site: Site) -> Iterator[Ask]:
    """Start Ansible, which reads the inventory while its user does other things, and yield a `look_up` of the site."""
    place = {
        "inventory": str(site.inventory),
        "basedir": str(site.root),
        "vault_password_file": str(site.vault_source) if site.vault_source else None,
    }
    with tempfile.TemporaryDirectory(prefix="hybridctl-") as folder:
        answer = Path(folder) / "answer.json"
        with subprocess.Popen(
            [sys.executable, "-m", "hybridctl._access_side", str(answer), json.dumps(place)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment(Path(folder), site.vault_answer),
            cwd=site.root,
            text=True,
            errors="replace",
        ) as process:
            try:
                yield partial(_ask, site, process, answer)
            finally:
                process.kill()


def _ask(
    site: Site,
    process: "subprocess.Popen[str]",
    answer: Path,
    hosts: Iterable[str],
    variables: Mapping[str, Any],
) -> dict[str, Access]:
    question = json.dumps({"hosts": list(hosts), "variables": dict(variables)})
    try:
        _, errors = process.communicate(question, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        raise HybridctlError(
            f"{site.inventory}: Ansible did not say within {TIMEOUT} s how it reaches the hosts",
            f"see where it hangs: ansible-inventory -i {site.inventory} --list",
        ) from None
    if process.returncode != 0 or not answer.exists():
        last = (errors.strip().splitlines() or [f"status {process.returncode}"])[-1]
        raise HybridctlError(f"Ansible could not be asked about {site.inventory}: {last}", "hybridctl doctor")
    found: dict[str, dict[str, Any]] = json.loads(answer.read_text(encoding="utf-8"))
    for name, given in found.items():
        if "error" in given:
            raise InvalidInput(
                f"{name}: {given['error']}; nothing was contacted",
                f"ansible-inventory -i {site.inventory} --host {name}",
            )
    return {name: _access(given) for name, given in found.items()}


def _access(given: Mapping[str, Any]) -> Access:
    fields: dict[str, Any] = {name: tuple(some) if isinstance(some, list) else some for name, some in given.items()}
    return Access(**fields)
