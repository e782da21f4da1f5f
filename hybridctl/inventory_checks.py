"""What can be wrong with an inventory: first by its files alone, then by what Ansible made of them."""

import stat
from pathlib import Path
from typing import Any

from hybridctl.ansible_view import AnsibleView
from hybridctl.inventory_files import InventoryFiles, Place
from hybridctl.problems import Problem, nearest, shown_path
from hybridctl.site import Site
from hybridctl.variables import MASK, Variables
from hybridctl.yamlmarks import value_of

__all__ = ["GROUPS", "Checks"]

GROUPS = (
    "kunpeng",
    "nvidia",
    "vllm_gpu",
    "vllm_cpu",
    "vllm_cpu_spare",
    "ray_head",
    "ray_worker",
    "gateway",
    "monitoring",
)
"""Groups that our playbooks know (design, section 2); a user may have others beside them."""

_ADDRESSES = ("ansible_host", "ansible_port", "ansible_ssh_host", "ansible_ssh_port")


class Checks:
    """Collects the problems of one site.

    Attributes:
        no_password: something is vaulted and there is no usable password, so Ansible need not be asked.
    """

    def __init__(self, site: Site, files: InventoryFiles) -> None:
        self.problems: list[Problem] = files.problems
        self.no_password = False
        self._site = site
        self._files = files
        self._variables = Variables(site.own_variables)
        self._judged = 0
        self._profiles: dict[str, bool] = {}  # whether there is one of this name; hosts share theirs
        self._refused_profiles: list[Any] = []

    def judge_files(self) -> None:
        """Judge what the files say by themselves."""
        self._judge_password()
        self._judge_settings()
        self._judge_addresses()

    def judge_view(self, view: AnsibleView) -> None:
        """Judge what Ansible made of the files."""
        for message in view.errors:
            self.problems.append(self._ansible_error(message))
        for path, text in view.vaulted.items():
            name = next((name for _, name, file in self._files.variable_files if str(file) == path), "all")
            self._files.read_variables(Path(path), name, text)
        self._judge_settings()
        for path in view.locked_files:
            self._add(Place(Path(path), 0), "the vault password does not open it", self._password_remedy())
        for host, names in view.locked.items():
            for name in names:
                places = [place for locked, place in self._files.locked if locked == name]
                place = places[0] if places else Place(self._site.inventory, 0)
                whose = "" if places else f" of host {host}"
                self._add(place, f"{name}{whose}: the vault password does not open it", self._password_remedy())
        if view.errors or view.locked_files:
            return
        if not view.hosts:
            first = min(self._files.groups.values(), default=Place(self._site.inventory, 0))
            self._add(first, "the inventory has no host", "add hosts to a group")
        self._judge_hosts(view)
        self._judge_groups(view)

    def _judge_settings(self) -> None:
        """Judge the settings that were not judged yet: those of vaulted files come later."""
        settings, self._judged = self._files.settings[self._judged :], len(self._files.settings)
        for setting in settings:
            path, line = setting.place.path, setting.place.line
            hidden = path in self._files.vaulted
            self.problems += self._variables.judge(path, setting.name, line, setting.node, hidden=hidden)
            if setting.name == "hybridctl_profile":
                value = value_of(setting.node)
                # Other types were refused as such; what only Ansible can see is judged in its view.
                if type(value) in (int, float) or (isinstance(value, str) and "{{" not in value):
                    self._judge_profile(setting.place, value)

    def _judge_profile(self, place: Place, value: Any) -> None:
        from hybridctl.profiles import is_profile, profile_names

        if isinstance(value, str):
            if value not in self._profiles:
                self._profiles[value] = is_profile(value, self._site.root)
            if self._profiles[value]:
                return
        known = profile_names(self._site.root)
        self._refused_profiles.append(value)
        near = nearest(str(value), known)
        shown = f"{value}; did you mean {near}?" if near else str(value)
        if place.path in self._files.vaulted or place in (locked for _, locked in self._files.locked):
            shown = MASK
        self._add(place, f"hybridctl_profile: unknown profile {shown}", f"allowed: {', '.join(known)}")

    def _judge_addresses(self) -> None:
        """Refuse a host that stands in two groups with two addresses: Ansible takes one of them and says nothing."""
        of_one = {file for _, _, file in self._files.variable_files}
        seen: dict[tuple[str, str], tuple[Any, Place]] = {}
        for setting in self._files.settings:
            if setting.name not in _ADDRESSES or setting.scope not in self._files.hosts or setting.place.path in of_one:
                continue
            value = value_of(setting.node)
            first, place = seen.setdefault((setting.scope, setting.name), (value, setting.place))
            if value != first:
                at = f"{shown_path(place.path)}:{place.line}"
                message = f"host {setting.scope}: {setting.name} is {value} here and {first} in {at}"
                self._add(setting.place, message, "remove one of them: Ansible would take the last")

    def _judge_password(self) -> None:
        file, wanted = self._site.vault_password_file, self._site.password_wanted
        if file is None:
            places = [Place(path, 0) for path in self._files.vaulted] + [place for _, place in self._files.locked]
            for place in places:
                self.no_password = True
                missing = f"; {shown_path(wanted)} does not exist" if wanted else ""
                self._add(place, f"encrypted, and there is no vault password{missing}", self._password_remedy())
            return
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & stat.S_IROTH:
            name = shown_path(file)
            self._add(Place(file, 0), f"everybody may read the vault password (mode {mode:04o})", f"chmod 600 {name}")
        if mode & stat.S_IXUSR:
            return  # a program that Ansible will run
        try:
            password = file.read_bytes().strip()
        except OSError as error:
            self.no_password = True
            self._add(
                Place(file, 0), f"the vault password cannot be read: {error.strerror}", f"ls -l {shown_path(file)}"
            )
            return
        if not password:
            self.no_password = True
            self._add(Place(file, 0), "the vault password file is empty", "write the password into it")

    def _password_remedy(self) -> str:
        name = shown_path(self._site.password_wanted or self._site.root / ".vault-password")
        return f"write the password to {name} (chmod 600), or set ANSIBLE_VAULT_PASSWORD_FILE"

    def _host_place(self, host: str) -> Place:
        """Return where the address of a host stands, or the host itself."""
        for setting in self._files.settings:
            if setting.scope == host and setting.name in ("ansible_host", "ansible_ssh_host"):
                return setting.place
        return self._files.hosts.get(host, Place(self._site.inventory, 0))

    def _place_of(self, name: str, host: str, view: AnsibleView) -> Place:
        """Return where a host gets a variable from: its own line, else the smallest of its groups that sets it."""
        groups = sorted((len(members), group) for group, members in view.groups.items() if host in members)
        for scope in (host, *(group for _, group in groups)):
            for setting in reversed(self._files.settings):
                if (setting.name, setting.scope) == (name, scope):
                    return setting.place
        return self._host_place(host)

    def _group_place(self, group: str) -> Place:
        return self._files.groups.get(group, Place(self._site.inventory, 0))

    def _judge_hosts(self, view: AnsibleView) -> None:
        seen: dict[tuple[str, int], str] = {}
        for host, names in view.broken.items():
            for name in names.keys() - set(view.locked.get(host, ())):
                message = f"host {host}: {name}: {names[name]}"
                self._add(self._place_of(name, host, view), message, "correct the template, or set what it uses")
        for host, address in view.evaluated.items():
            profile = address["hybridctl_profile"]
            if profile is not None and profile not in self._refused_profiles:
                self._judge_profile(self._place_of("hybridctl_profile", host, view), profile)
            where, port = str(address["ansible_host"] or host), address["ansible_port"] or 22
            if host in view.groups.get("ungrouped", ()):
                known = ", ".join(GROUPS)
                self._add(self._host_place(host), f"host {host} is in no group", f"put it under one of: {known}")
            if not str(port).isdigit() or not 1 <= int(port) <= 65535:
                message = f"host {host}: ansible_port {port!r}; allowed: a whole number from 1 to 65535"
                self._add(self._host_place(host), message, "22 is the default")
                continue
            other = seen.setdefault((where, int(port)), host)
            if other != host:
                first = self._host_place(other)
                at = f"{shown_path(first.path)}:{first.line}"
                message = f"hosts {other} and {host} have the same address {where} port {port} (first in {at})"
                self._add(self._host_place(host), message, "give each its own, or remove one of them")

    def _judge_groups(self, view: AnsibleView) -> None:
        for group, members in view.groups.items():
            near = None if group in (*GROUPS, "all", "ungrouped") else nearest(group, GROUPS, cutoff=0.85)
            # A group of the user's own may well be named vllm_cpu2, when its hosts are in vllm_cpu too.
            if near and not set(members) <= set(view.groups.get(near, ())):
                message = f"group {group}: no playbook knows it; did you mean {near}?"
                self._add(self._group_place(group), message, f"rename it, or put it under {near} as a child")
        for kind, name, path in self._files.variable_files:
            if kind == "group_vars" and name not in view.groups and name not in GROUPS:
                near = nearest(name, [*view.groups, *GROUPS])
                guess = f"; did you mean {near}?" if near else ""
                self._add(Place(path, 0), f"there is no group {name}{guess}", "rename the file after a group")
            elif kind == "host_vars" and name not in view.hosts:
                near = nearest(name, view.hosts)
                guess = f"; did you mean {near}?" if near else ""
                self._add(Place(path, 0), f"there is no host {name}{guess}", "rename the file after a host")

    def _ansible_error(self, message: str) -> Problem:
        text = " ".join(message.split())
        return Problem(
            self._site.inventory, 0, f"Ansible refuses it: {text}", "ansible-inventory --list shows the same"
        )

    def _add(self, place: Place, message: str, remedy: str) -> None:
        self.problems.append(Problem(place.path, place.line, message, remedy))
