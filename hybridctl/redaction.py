"""Keep secrets out of everything that is shown or stored: by their values, by their names, by their looks."""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from hybridctl.secret_values import declared

if TYPE_CHECKING:
    from hybridctl.inventory import Inventory

__all__ = ["MASK", "Redactor", "is_secret_name"]

MASK = "********"

# Shorter values (`yes`, `on`, a digit) would blot out half of every report; they protect nothing anyway.
SHORTEST = 4
_HARMLESS = {"true", "false", "none", "null", "root", "prompt", "always"}

_SECRET_NAME = re.compile(
    r"(^|[_-])(pass|passwd|password|passphrase|secret|token|api_?key|(private|ssl|tls|worker|client|access)_key|credential|"
    r"credential|key_material|authorization)s?([_-]|$)",
    re.IGNORECASE,
)
# `..._password_file` names a place, `max_tokens` counts; neither is a secret.
_NOT_SECRET_NAME = re.compile(r"(_(file|path|dir|url|mode|owner|group|length|ttl)$)|((max|num|min)\w*_tokens?)", re.I)
# What stands in every match, case folded, and the pattern: most texts have none of these and need no search.
_PATTERNS = (
    # The base64 of the key may have been escaped, so line ends may be the two characters \n.
    (
        "private key-----",
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    ),
    ("bearer ", re.compile(r"(?<=\bBearer )[\w.~+/=-]{4,}", re.IGNORECASE)),
    ("basic ", re.compile(r"(?<=\bBasic )[\w+/=-]{8,}", re.IGNORECASE)),
    ("://", re.compile(r"(?<=://)[^\s/:@'\"]+:[^\s/@'\"]+(?=@)")),
    ("hf_", re.compile(r"\bhf_[A-Za-z0-9]{20,}")),
)


def is_secret_name(name: str) -> bool:
    """Tell whether a variable of this name holds a secret."""
    if name.startswith("vault_"):
        return True
    return bool(_SECRET_NAME.search(name)) and not _NOT_SECRET_NAME.search(name)


class Redactor:
    """Replaces secrets by `MASK`.

    Args:
        secrets: values that must not be seen; encoded forms of them are hidden too.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        ordered = sorted(forms, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    @classmethod
    def for_inventory(
        cls, inventory: "Inventory", *, environ: Mapping[str, str] | None = None, password_file: Path | None = None
    ) -> "Redactor":
        """Collect the secrets that a run over `inventory` can meet.

        Args:
            inventory: what is encrypted in it, its `vault_*` variables, those with a secret's name, and those that a
                role declares `no_log`.
            environ: variables with a secret's name in there count as well.
            password_file: the vault's password itself, when it is a readable file.
        """
        # A name that every event needs is no secret, even where somebody encrypted a file with it.
        names = "\n".join((*inventory.hosts, *inventory.groups))
        secrets = {secret for secret in inventory.secrets if secret not in names}
        for host in inventory.hosts.values():
            secrets.update(_named_secrets(host.variables))
            for value in declared(host.variables):
                secrets.update(_leaves(value))
        secrets.update(_named_secrets(environ or {}))
        if password_file is not None:
            # What we cannot read, Ansible cannot either: then no secret of the vault is in the run.
            with suppress(OSError):
                secrets.add(password_file.read_text(encoding="utf-8", errors="replace").strip())
        return cls(secrets)

    def text(self, text: str) -> str:
        """Return `text` without secrets."""
        if self._values is not None:
            text = self._values.sub(MASK, text)
        folded = text.casefold()
        for sign, pattern in _PATTERNS:
            if sign in folded:
                text = pattern.sub(MASK, text)
        return text

    def data(self, value: Any) -> Any:
        """Return a copy of a JSON-like value without secrets, in its keys too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {
                self.text(str(key)): MASK if _hidden(str(key), item) else self.data(item) for key, item in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.data(item) for item in value]
        # A secret may be a number: a PIN, a numeric token.
        if isinstance(value, int | float) and not isinstance(value, bool) and self.text(str(value)) != str(value):
            return MASK
        return value


def _hidden(key: str, value: Any) -> bool:
    return isinstance(value, str) and value != "" and is_secret_name(key)


def _named_secrets(variables: Mapping[str, Any]) -> Iterator[str]:
    """Yield the values of secret variables, and of secret keys inside other variables."""
    for name, value in variables.items():
        if is_secret_name(str(name)):
            yield from _leaves(value)
        elif isinstance(value, Mapping):
            yield from _named_secrets(value)
        elif isinstance(value, list | tuple):
            for item in value:
                if isinstance(item, Mapping):
                    yield from _named_secrets(item)


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _forms(secret: str) -> Iterator[str]:
    """Yield the secret as it can appear: plain, by line, escaped for JSON, Python and URLs, in base64."""
    secret = secret.strip()
    # A template is not a secret; what it names is collected under that name.
    if len(secret) < SHORTEST or secret.lower() in _HARMLESS or "{{" in secret:
        return
    yield secret
    for line in secret.splitlines():
        if len(line.strip()) >= 8:
            yield line.strip()
    once = json.dumps(secret)[1:-1]
    # A module's output is often JSON that stands as a string in the JSON of the event.
    yield from (once, json.dumps(once)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1])
    yield quote(secret)
    yield quote(secret, safe="")
    yield from _base64_forms(secret.encode())


def _base64_forms(secret: bytes) -> Iterator[str]:
    """Yield what stays of the secret in base64, whatever stands before and after it (as in `user:secret`)."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(secret).decode().rstrip("=")
        for offset in range(3):
            text = encode(b"\0" * offset + secret).decode().rstrip("=")
            # The first and last characters also carry bits of the neighbours.
            first = (offset * 8 + 5) // 6
            last = (offset + len(secret)) * 8 // 6
            if last - first >= 8:
                yield text[first:last]
