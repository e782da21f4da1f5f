"""A verification as its page reads it: every text once, and a result that passed in a few numbers.

Nine in ten results are PASS and say the same of every host, so that a file of 500 hosts stays one that mail takes.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from hybridctl.checks import CATALOGUE, TOPICS
from hybridctl.evidence.answers import Told
from hybridctl.evidence.excerpt import Excerpt, excerpt
from hybridctl.json_text import Objects
from hybridctl.report.run_text import clean
from hybridctl.verify_changes import results_of

__all__ = ["Look", "hosts_of", "packed", "verdicts_of"]

Answers = Callable[[str], Mapping[str, Told]]
Look = tuple[str, str, str]  # a verdict's word, its letters in the matrix, its tone

_WORST_FIRST = ("FAIL", "UNKNOWN", "WARN")
_TONES = {"PASS": "good", "WARN": "warn", "FAIL": "bad", "UNKNOWN": "dim", "WAIVED": "waived"}
_LETTERS = {word: word[0] for word in _TONES} | {"WAIVED": "Wv"}
_WAIVER = ("verdict", "reason", "owner", "expires", "ticket", "origin")
_LONGEST = 2000  # characters of one text
_COMMAND = 400  # characters shown of a command
_EXCERPTS = 2 << 20  # characters of all excerpts together, shared by the hosts that have something to show


def hosts_of(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the hosts of a document that can be read; what cannot is damage, which the record has named."""
    hosts = document.get("hosts")
    return [
        host
        for host in (hosts if isinstance(hosts, list | Objects) else ())
        if isinstance(host, Mapping)
        and isinstance(host.get("name"), str)
        and isinstance(host.get("checks"), list)
        and all(map(_is_result, host["checks"]))
    ]


def verdicts_of(hosts: Iterable[Mapping[str, Any]]) -> dict[Look, int]:
    """Return each verdict with the number of results that have it, the worst first; those of a newer hybridctl too."""
    counted = Counter(str(check["verdict"]) for host in hosts for check in host["checks"])
    others = [word for word in counted if word not in _TONES]
    letters = dict(_LETTERS)
    for word in others:
        taken = set(letters.values())
        letters[word] = next((word[:n] for n in range(1, len(word)) if word[:n] not in taken), word)
    order = (*_WORST_FIRST, *others, "WAIVED", "PASS")
    return {(word, letters[word], _TONES.get(word, "calm")): counted[word] for word in order}


def packed(
    hosts: Sequence[Mapping[str, Any]],
    answers: Answers,
    before: Mapping[str, Mapping[str, Any]] | None,
    titles: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what the page's script reads.

    Args:
        answers: what a host of this name said, by command.
        before: the hosts of the verification before this one by name, None when there was none.
        titles: of checks in the language of the document; the others are called what the catalogue calls them.

    Returns:
        Tables, and hosts whose results are lists of places in them: what was asked, the verdict, what was measured,
        the place of what it was before (None for the same, -1 for nothing); unless it is PASS also reason, remedy and
        the places of what the host said, and its waiver where it has one.
    """
    pack = _Pack(hosts, answers, before)
    rows = [pack.host(host) for host in hosts]
    return {
        "verdicts": pack.verdicts,
        "topics": pack.topics,
        "titles": {clean(check): _title(check, titles) for check in pack.checks},
        "asked": pack.asked.values,
        "values": pack.values.values,
        "texts": pack.texts.values,
        "said": pack.said.values,
        "waivers": pack.waivers.values,
        "before": pack.before.values,
        "compared": before is not None,
        "hosts": rows,
    }


class _Table:
    """Values, each once."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._places: dict[Any, int] = {}

    def place(self, value: Any) -> int:
        """Return the place of a value; it is taken in when it is new."""
        key = (type(value), value)  # else 1 were True and 1.0
        if key not in self._places:
            self._places[key] = len(self.values)
            self.values.append(value)
        return self._places[key]


class _Pack:
    """Fills the tables."""

    def __init__(
        self, hosts: Sequence[Mapping[str, Any]], answers: Answers, before: Mapping[str, Mapping[str, Any]] | None
    ) -> None:
        self.asked, self.values, self.texts, self.said, self.before, self.waivers = (_Table() for _ in range(6))
        self.verdicts = list(verdicts_of(hosts))
        self.checks = list(dict.fromkeys(str(check["id"]) for host in hosts for check in host["checks"]))
        met = {check.partition(".")[0] for check in self.checks}
        self.topics = [*(topic for topic in TOPICS if topic in met), *sorted(met.difference(TOPICS))]
        self._ranks = {word: rank for rank, (word, *_) in enumerate(self.verdicts)}
        self._answers, self._then = answers, before
        self._share = _EXCERPTS // max(1, sum(any(map(_has_commands, host["checks"])) for host in hosts))

    def host(self, host: Mapping[str, Any]) -> list[Any]:
        """Return a host: its name, state, profile, whether it is of a lab, why it was not judged, its results."""
        name, found = host["name"], results_of(host)
        asked = any(map(_has_commands, host["checks"]))
        evidence = _Evidence(self, self._answers(name) if asked else {}, self._share)
        # What is worst has its excerpts first, where not all of them have room.
        said = {key: evidence.of(check) for key, check in sorted(found.items(), key=lambda item: self._rank(item[1]))}
        old = results_of(self._then[name]) if self._then and name in self._then else {}
        results = []
        for key, check in found.items():
            row: list[Any] = [
                self._asked(check),
                self._rank(check),
                self.values.place(_value(check)),
                self._was(key, check, old),
            ]
            if row[1] != self._ranks["PASS"]:
                row += [self._text(check.get("reason")), self._text(check.get("remedy")), said[key]]
                if isinstance(waiver := check.get("waiver"), Mapping):
                    row.append(self.waivers.place(tuple(_short(waiver.get(part) or "") for part in _WAIVER)))
            elif row[-1] is None:  # nearly every one
                row.pop()
            results.append(row)
        state, profile, reason = (_short(host.get(key) or "") for key in ("state", "profile", "reason"))
        return [clean(name), state, profile, host.get("lab") is True, reason, results]

    def _rank(self, check: Mapping[str, Any]) -> int:
        return self._ranks[str(check["verdict"])]

    def _asked(self, check: Mapping[str, Any]) -> int:
        id_ = str(check["id"])
        words = (_short(check.get(key) or "") for key in ("subject", "expected", "unit", "source", "origin"))
        return self.asked.place((clean(id_), self.topics.index(id_.partition(".")[0]), *words))

    def _was(self, key: Any, check: Mapping[str, Any], old: Mapping[Any, Mapping[str, Any]]) -> int | None:
        if self._then is None:
            return None
        if key not in old:
            return -1
        then = (str(old[key]["verdict"]), _value(old[key]))
        return None if then == (str(check["verdict"]), _value(check)) else self.before.place(then)

    def _text(self, text: Any) -> int:
        return self.texts.place(_short(text or ""))

    def texts_of(self, command: str, told: Excerpt) -> tuple[int, ...]:
        """Return a command and the excerpt of its answer as places of texts, and the number of lines left out."""
        words = (_short(command, _COMMAND), told.outcome, told.stdout, told.stderr)
        return (*map(self._text, words), told.left_out)


class _Evidence:
    """The excerpts of one host, as long as there is room for them."""

    def __init__(self, pack: _Pack, answers: Mapping[str, Told], room: int) -> None:
        self._pack, self._answers, self._room = pack, answers, room
        self._known: dict[str, int] = {}

    def of(self, check: Mapping[str, Any]) -> list[int]:
        """Return the places of what was said to the commands of a check, or to those of them that name its subject."""
        commands = [str(command) for command in check.get("commands") or ()]
        own = [command for command in commands if check["subject"] and check["subject"] in command]
        return list(map(self._place, own or commands))

    def _place(self, command: str) -> int:
        if command not in self._known:
            told = self._excerpt(command)
            self._room -= len(told.stdout) + len(told.stderr)
            self._known[command] = self._pack.said.place(self._pack.texts_of(command, told))
        return self._known[command]

    def _excerpt(self, command: str) -> Excerpt:
        if command not in self._answers:
            return Excerpt("its answer is not in the evidence")
        if self._room <= 0:
            return Excerpt("its answer is in the evidence; this page has no room for more of this host")
        return excerpt(self._answers[command])


def _title(check: str, titles: Mapping[str, Any]) -> str:
    own = CATALOGUE[check].title if check in CATALOGUE else ""
    return _short(titles.get(check) or own)


def _is_result(check: Any) -> bool:
    return isinstance(check, Mapping) and all(isinstance(check.get(key), str) for key in ("id", "subject", "verdict"))


def _has_commands(check: Mapping[str, Any]) -> bool:
    return isinstance(check.get("commands"), list) and bool(check["commands"])


def _value(check: Mapping[str, Any]) -> str | int | float | None:
    """Return what was measured; a number that JSON has no word for becomes a text."""
    value = check.get("measured")
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)):
        return value
    return _short(value)


def _short(text: Any, longest: int = _LONGEST) -> str:
    text = clean(str(text))
    return text if len(text) <= longest else f"{text[:longest]}…"
