"""With what a check measures: the program that it asks first, or the file where it only reads one."""

import shlex
from functools import cache

from hybridctl.checks.catalogue import CATALOGUE
from hybridctl.checks.fake import FakeHost
from hybridctl.checks.judge import judge_expectation, role_default
from hybridctl.checks.model import Expectation, Kind

__all__ = ["tool_of"]

_READERS = {"cat", "find", "grep", "ls", "od", "stat"}  # they say nothing of what is read
_ANY = {Kind.TEXT: "x", Kind.NUMBER: 1, Kind.NAMES: ("x",), Kind.ALIKE: "same"}
_NO_DEFAULT = {"vllm_model": "/model"}  # what stands in for a variable; for the others an address does


@cache
def tool_of(check: str) -> str:
    """Return `nvidia-smi`, `/proc/meminfo`, or `http` for a request; found by running it on a host that has nothing.

    What asks the host nothing is known from `hybridctl drift`.
    """
    entry = CATALOGUE[check]
    host = FakeHost({})
    variables = {name: role_default(name) or _NO_DEFAULT.get(name, "http://mirror") for name in entry.variables}
    judge_expectation(host, Expectation(check, "value", _ANY[entry.kind], entry.unit), variables)
    if not host.asked:
        return "hybridctl drift"
    words = shlex.split(host.asked[0])
    if words[0] == "env":
        words = [word for word in words[1:] if "=" not in word]
    if words[0] in _READERS:
        # A folder that a variable names is a site's own, and is told by what reads it.
        return next((word for word in words[1:] if word.startswith("/") and word not in _NO_DEFAULT.values()), words[0])
    return "http" if words[0] == "python3" else words[0].rpartition("/")[2]
