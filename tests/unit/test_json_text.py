"""JSON piece by piece says what Python's own says."""

import json
from typing import Any

import pytest

from hybridctl.json_text import json_pieces


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
