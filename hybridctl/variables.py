"""Which variables there are and what each may hold: the roles' argument_specs, ours, Ansible's, the user's."""

import fnmatch
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from hybridctl import content
from hybridctl.problems import Problem, nearest
from hybridctl.yamlmarks import OPAQUE, entries, line_of, value_of

__all__ = ["Option", "Variables", "role_options"]

MASK = "********"
HELPER_ROLES = ("locked_packages",)  # called by other roles, never set by a user


@dataclass(frozen=True)
class Option:
    """What a variable may hold, as an argument_specs.yml says it.

    Attributes:
        default: as in the role's defaults; None when it has none.
        least, most: bounds of a number.
        no_log: it holds a secret.
    """

    name: str
    type: str = "str"
    description: str = ""
    default: Any = None
    choices: tuple[Any, ...] = ()
    elements: str | None = None
    required: bool = False
    options: Mapping[str, "Option"] = field(default_factory=dict)
    least: int | None = None
    most: int | None = None
    no_log: bool = False


# Variables that no role owns: the layers and the commands read them.
OURS = {
    "hybridctl_profile": Option("hybridctl_profile", "str", "What the host must show: a profile's name."),
    "hybridctl_mirror": Option(
        "hybridctl_mirror", "str", "URL of the mirror of packages, wheels and models, for a site without internet."
    ),
}
_PORT = {"type": "int", "least": 1, "most": 65535}
_CONNECTION = {
    "ansible_host": Option("ansible_host"),
    "ansible_port": Option("ansible_port", **_PORT),  # type: ignore[arg-type]
    "ansible_ssh_port": Option("ansible_ssh_port", **_PORT),  # type: ignore[arg-type]
    "ansible_user": Option("ansible_user"),
    "ansible_become": Option("ansible_become", "bool"),
    "ansible_ssh_timeout": Option("ansible_ssh_timeout", "int", least=1),
    "ansible_timeout": Option("ansible_timeout", "int", least=1),
}
# Of ansible-core's plugins ssh, paramiko, local, sh, sudo and su, and of its own settings; their values are not judged.
_ANSIBLE_NAMES = """
become_exe become_flags become_method become_pass become_password become_user connection connection_user
control_path control_path_dir deprecation_warnings facts_modules host_key_checking interpreter_python_fallback
module_compression network_os no_target_syslog paramiko_host_key_checking paramiko_proxy_command password pipelining
private_key private_key_file private_key_passphrase python_interpreter python_module_rlimit_nofile remote_tmp
scp_executable scp_extra_args sftp_batch_mode sftp_executable sftp_extra_args shell_executable shell_type ssh_args
ssh_common_args ssh_executable ssh_extra_args ssh_host ssh_host_key_checking ssh_pass ssh_password
ssh_password_mechanism ssh_pipelining ssh_pkcs11_provider ssh_private_key ssh_private_key_file
ssh_private_key_passphrase ssh_retries ssh_transfer_method ssh_use_tty ssh_user ssh_verbosity sshpass_prompt su_exe
su_flags su_pass su_prompt_l10n su_user sudo_chdir sudo_exe sudo_flags sudo_pass sudo_user system_warnings
target_log_info
"""
_ANSIBLE = frozenset(f"ansible_{name}" for name in _ANSIBLE_NAMES.split())
_TYPES = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "path": "a path",
    "list": "a list",
    "dict": "a mapping",
    "raw": "anything",
}


@cache
def role_options() -> Mapping[str, Mapping[str, Option]]:
    """Return the options of every role a user configures, by role."""
    found: dict[str, dict[str, Option]] = {}
    for path in sorted((content.collection_root() / "roles").glob("*/meta/argument_specs.yml")):
        role = path.parent.parent.name
        if role in HELPER_ROLES:
            continue
        specs = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]
        found[role] = {name: option for spec in specs.values() for name, option in _options(spec).items()}
    return found


def _options(spec: Mapping[str, Any]) -> dict[str, Option]:
    return {name: _option(name, body) for name, body in (spec.get("options") or {}).items()}


def _option(name: str, body: Mapping[str, Any]) -> Option:
    description = body.get("description", "")
    port = name == "port" or name.endswith("_port")
    return Option(
        name=name,
        type=body.get("type", "str"),
        description=" ".join(description) if isinstance(description, list) else description,
        default=body.get("default"),
        choices=tuple(body.get("choices") or ()),
        elements=body.get("elements"),
        required=bool(body.get("required")),
        options=_options(body),
        least=1 if port else None,
        most=65535 if port else None,
        no_log=bool(body.get("no_log")),
    )


class Variables:
    """The variables that a site may set.

    Args:
        own: glob patterns of the user's own variables.
    """

    def __init__(self, own: tuple[str, ...] = ()) -> None:
        self._own = own
        self.options: dict[str, Option] = {**OURS, **_CONNECTION}
        for options in role_options().values():
            self.options.update(options)

    def is_known(self, name: str) -> bool:
        """Tell whether a variable of this name may be set."""
        return (
            name in self.options
            or name in _ANSIBLE
            or (name.startswith("vault_") and name.isidentifier())
            or bool(re.fullmatch(r"ansible_\w+_interpreter", name))
            or any(fnmatch.fnmatchcase(name, pattern) for pattern in self._own)
        )

    def judge(self, path: Path, name: str, line: int, node: yaml.Node, *, hidden: bool = False) -> Iterator[Problem]:
        """Yield what is wrong with a variable that stands in a file.

        Args:
            hidden: the file was encrypted: no value of it is shown.
        """
        if not self.is_known(name):
            yield self.unknown(path, name, line)
        elif name in self.options:
            yield from _judge(path, self.options[name], name, node, hidden)

    def unknown(self, path: Path, name: str, line: int) -> Problem:
        """Return the problem of a variable nobody knows."""
        near = nearest(name, [*self.options, *_ANSIBLE], cutoff=0.75)
        message = f"{name}: unknown variable" + (f"; did you mean {near}?" if near else "")
        remedy = "if it is your own: add its name to own_variables in hybridctl.yml"
        return Problem(path, line, message, f"rename it to {near}; {remedy}" if near else remedy)


def _judge(path: Path, option: Option, name: str, node: yaml.Node, hidden: bool) -> Iterator[Problem]:
    value = value_of(node)
    if value is OPAQUE or (isinstance(value, str) and ("{{" in value or "{%" in value)):
        return  # only Ansible can tell, in the run
    wrong = _wrong(option, value)
    if wrong:
        shown = MASK if hidden else _shown(option, name, value)
        yield Problem(path, line_of(node), f"{name}: {shown} is not allowed; allowed: {wrong}", _remedy(option, value))
    elif option.type == "list" and isinstance(node, yaml.SequenceNode):
        element = replace(option, type=option.elements or "raw", elements=None, choices=(), required=False)
        for number, item in enumerate(node.value):
            yield from _judge(path, element, f"{name}[{number}]", item, hidden)
    elif option.type == "dict" and option.options:
        yield from _keys(path, option, name, node, hidden)


def _keys(path: Path, option: Option, name: str, node: yaml.Node, hidden: bool) -> Iterator[Problem]:
    seen = set()
    allowed = ", ".join(option.options)
    for entry in entries(node):
        seen.add(entry.key)
        if entry.key in option.options:
            yield from _judge(path, option.options[entry.key], f"{name}.{entry.key}", entry.node, hidden)
        else:
            near = nearest(entry.key, option.options)
            message = f"{name}: unknown key {entry.key}" + (f"; did you mean {near}?" if near else "")
            yield Problem(path, entry.line, message, f"allowed: {allowed}")
    for key, part in option.options.items():
        if part.required and key not in seen:
            yield Problem(path, line_of(node), f"{name}: {key} is missing", f"add it: {part.description}")


def _wrong(option: Option, value: Any) -> str:
    """Return what is allowed when `value` is not, else nothing."""
    if option.choices:
        return "" if value in option.choices and type(value) is not bool else ", ".join(map(str, option.choices))
    bounds = _bounds(option)
    if option.type == "int":
        number = value if type(value) is int else _integer(value)
        good = number is not None and (option.least or number) <= number <= (option.most or number)
        return "" if good else _TYPES["int"] + bounds
    good = {
        "float": type(value) in (int, float),
        "bool": type(value) is bool,
        "str": isinstance(value, str) or type(value) in (int, float),
        "path": isinstance(value, str),
        "list": isinstance(value, list),
        "dict": isinstance(value, dict),
    }.get(option.type, True)
    return "" if good else _TYPES[option.type] + bounds


def _bounds(option: Option) -> str:
    if option.least is None:
        return ""
    return f" from {option.least} to {option.most}" if option.most else f" of at least {option.least}"


def _integer(value: Any) -> int | None:
    return int(value) if isinstance(value, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", value) else None


def _shown(option: Option, name: str, value: Any) -> str:
    # The redactor needs the inventory, which needs this.
    from hybridctl.redaction import is_secret_name

    # `gateway_clients[0].key` is a secret by the name of its last part too.
    if option.no_log or any(is_secret_name(part) for part in re.split(r"[.\[]", name)) or name.endswith(".key"):
        return MASK
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if option.type in ("list", "dict") and value is not None:
        return "a single value"  # perhaps one of the secrets that belong inside: `gateway_clients: KEY`
    text = "nothing" if value is None else repr(value) if isinstance(value, str) else str(value).lower()
    return text if len(text) <= 60 else text[:57] + "..."


def _remedy(option: Option, value: Any) -> str:
    if option.type == "bool" and isinstance(value, str):
        return "write true or false, without quotes (in an INI file: True or False): Ansible takes other words for text"
    if option.type in ("str", "path") and isinstance(value, bool):
        return "quote it: YAML reads yes, no, on, off, true and false as booleans"
    if value is None:
        return "give it a value, or remove the line: the role's default then holds"
    return f"what it is: {option.description}" if option.description else ""
