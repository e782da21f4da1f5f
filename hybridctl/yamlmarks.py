"""YAML with the line of everything, so that an error can name it; and the plain mistakes a text file can have."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hybridctl.problems import Problem, shown_path

__all__ = ["OPAQUE", "Entry", "compose", "entries", "line_of", "parse", "read_text", "value_of"]

VAULT_HEADER = b"$ANSIBLE_VAULT;"
_TAGS = ("!vault", "!vault-encrypted", "!unsafe")


class _Opaque:
    """Stands for a value that only Ansible can see, such as one in the vault."""

    def __repr__(self) -> str:
        return "(in the vault)"


OPAQUE = _Opaque()


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with Ansible's tags."""


_Loader.add_constructor("!vault", lambda _loader, _node: OPAQUE)
_Loader.add_constructor("!vault-encrypted", lambda _loader, _node: OPAQUE)
_Loader.add_constructor("!unsafe", lambda _loader, node: node.value)


@dataclass(frozen=True)
class Entry:
    """A key of a mapping with its value."""

    key: str
    line: int
    node: yaml.Node


def read_text(path: Path, *, content: bytes | None = None) -> tuple[str | None, list[Problem]]:
    """Read a text file of the user's; None beside the problems when it cannot be used."""
    if content is None:
        try:
            content = path.read_bytes()
        except OSError as error:
            remedy = f"ls -l {shown_path(path)}"
            return None, [Problem(path, 0, f"cannot be read: {error.strerror}", remedy)]
    if not content.strip():
        return None, [Problem(path, 0, "the file is empty", f"write it, or remove it: rm {shown_path(path)}")]
    if content.startswith(codecs.BOM_UTF8):
        # Ansible takes it for a part of the first word.
        remedy = f"sed -i '1s/^\\xef\\xbb\\xbf//' {shown_path(path)}"
        return None, [Problem(path, 1, "begins with a byte order mark; allowed: UTF-8 without one", remedy)]
    if b"\r" in content:
        line = content[: content.index(b"\r")].count(b"\n") + 1
        name = shown_path(path)
        return None, [Problem(path, line, "Windows line ends (CRLF); allowed: LF", f"sed -i 's/\\r$//' {name}")]
    try:
        return content.decode("utf-8"), []
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        message = f"not UTF-8: byte 0x{content[error.start]:02x}; allowed: UTF-8 text"
        name = shown_path(path)
        return None, [
            Problem(path, line, message, f"iconv -f ISO-8859-1 -t UTF-8 {name} -o {name}.new, compare, rename")
        ]


def compose(path: Path, text: str) -> tuple[yaml.Node | None, list[Problem]]:
    """Parse YAML into nodes that know their lines; None when it is not YAML or says nothing.

    Keys that stand twice, tags Ansible does not know, and more than one document are problems too: Ansible would take
    the last one silently or stop in the middle of a run.
    """
    try:
        node = yaml.compose(text, _Loader)
        if node is None or (isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"):
            return None, []
        problems = list(_tags(path, node))
        if problems:
            return None, problems
        problems = list(_twice(path, node))
        value_of(node)
    except yaml.YAMLError as error:
        return None, [_syntax(path, text, error)]
    except RecursionError:
        return None, [Problem(path, 0, "nested too deeply", "split it")]
    except ValueError as error:  # a date or number that looks right to YAML and is none
        return None, [Problem(path, 0, f"a value cannot be read: {error}", "quote dates and numbers meant as text")]
    return node, problems


def parse(path: Path) -> tuple[yaml.Node | None, list[Problem]]:
    """Read and compose a file."""
    text, problems = read_text(path)
    if text is None:
        return None, problems
    return compose(path, text)


def entries(node: yaml.Node) -> Iterator[Entry]:
    """Yield the keys of a mapping node in order, those of merged mappings (`<<`) too."""
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        if key.tag == "tag:yaml.org,2002:merge":
            for merged in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                yield from entries(merged)
        else:
            yield Entry(str(key.value) if isinstance(key, yaml.ScalarNode) else "?", line_of(key), value)


def line_of(node: yaml.Node) -> int:
    """Return the line a node begins in, counted from 1."""
    return int(node.start_mark.line) + 1


def value_of(node: yaml.Node) -> Any:
    """Return the value of a node; `OPAQUE` where the vault hides it."""
    loader = _Loader("")
    try:
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _walk(node: yaml.Node) -> Iterator[yaml.Node]:
    """Yield every node once, however often it is aliased."""
    seen, todo = set(), [node]
    while todo:
        here = todo.pop()
        if id(here) in seen:
            continue
        seen.add(id(here))
        yield here
        if isinstance(here, yaml.MappingNode):
            todo.extend(part for pair in here.value for part in pair)
        elif isinstance(here, yaml.SequenceNode):
            todo.extend(here.value)


def _twice(path: Path, root: yaml.Node) -> Iterator[Problem]:
    for node in _walk(root):
        first: dict[str, int] = {}
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if not isinstance(key, yaml.ScalarNode):
                continue
            line = line_of(key)
            if key.value in first and key.value != "<<":
                message = (
                    f"{key.value} stands twice, in lines {first[key.value]} and {line}; Ansible would take the last"
                )
                yield Problem(path, line, message, "remove one of them")
            first.setdefault(key.value, line)


def _tags(path: Path, root: yaml.Node) -> Iterator[Problem]:
    for node in _walk(root):
        if not node.tag.startswith("tag:yaml.org,2002:") and node.tag not in _TAGS:
            # Not shown: an unquoted password may begin with `!`.
            message = f"a value begins with `!` and is none of the tags {', '.join(_TAGS)}"
            yield Problem(path, line_of(node), message, "quote the value, or correct the tag")


def _syntax(path: Path, text: str, error: yaml.YAMLError) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        what = " ".join(part for part in (error.problem, error.context) if part)
        # What it quotes may be a secret: `password: *abc` is an alias to YAML.
        what = re.sub(r"'[^'<]{2,}'", "(not shown)", what)
    else:  # a character that YAML forbids
        line = text[: getattr(error, "position", 0)].count("\n") + 1
        what = str(error).splitlines()[0]
    if "'\\t'" in what or (0 < line <= text.count("\n") + 1 and _indented_by_tab(text.splitlines(), line)):
        return Problem(path, line, "a tab where YAML wants spaces", f"sed -i 's/\\t/  /g' {shown_path(path)}")
    return Problem(
        path, line, f"not YAML: {what}", f"see the line, and quote text with ': ' or '#': vi +{line} {shown_path(path)}"
    )


def _indented_by_tab(lines: list[str], line: int) -> bool:
    text = lines[line - 1] if line <= len(lines) else ""
    return "\t" in text[: len(text) - len(text.lstrip())]
