"""The cases of every topic: CASES of each module here that is called *_cases, and what their commands begin with."""

import importlib
from pathlib import Path

from check_cases import Cases

_MODULES = [
    importlib.import_module(path.stem)
    for path in sorted(Path(__file__).parent.glob("*_cases.py"))
    if path != Path(__file__)
]

CASES: dict[str, Cases] = {check: cases for module in _MODULES for check, cases in module.CASES.items()}
# What a check may run, by its first words; whoever adds one has looked at whether it can write.
# What it knows without asking the host.
ASKS_NOTHING = {"drift.resources"}
READS: tuple[str, ...] = tuple(word for module in _MODULES for word in module.READS)
