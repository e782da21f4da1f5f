"""JSON piece by piece says what Python's own says."""

import json
from typing import Any

import pytest

from hybridctl.json_text import Objects, json_pieces


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"a": 1},
        {"none": [], "names": ["a", "b"], "hosts": [{"n": "\u00e4\ud83d\ude00\n\x1b"}, {}], "last": {"b": [{}, 1]}},
        {"hosts": [{"name": "a"}], 'k"y': None},
    ],
)
def test_it_is_the_same_document(document: dict[str, Any]) -> None:
    """Nothing is lost, whatever is empty; each object of a list has its line."""
    text = "".join(json_pieces(document))
    assert json.loads(text) == document
    assert text.endswith("}\n")
    assert all(json.dumps(host, ensure_ascii=False) in text for host in document.get("hosts", ()))


@pytest.mark.parametrize("hosts", [[], ["a"], ["a", "b", "c"]])
def test_objects_are_made_one_by_one(hosts: list[str]) -> None:
    """The text is that of a list; no object is made before the one in front of it is written, and each time anew."""
    made: list[str] = []
    objects = Objects(lambda host: made.append(host) or {"name": host}, hosts)
    document = {"hosts": objects, "last": 1}
    written = []
    for piece in json_pieces(document):
        written.append(piece)
        assert sum('"name"' in text for text in written) == len(made)
    assert "".join(written) == "".join(json_pieces({"hosts": [{"name": host} for host in hosts], "last": 1}))
    assert [host["name"] for host in objects] == hosts
    assert len(objects) == len(hosts)
    assert made == 2 * hosts
