"""Secrets are hidden by value, by name and by look, in every form they can take."""

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridctl.inventory import Host, Inventory
from hybridctl.redaction import MASK, Redactor, is_secret_name

SECRET = 'C4n"ary/with+chars\\and spaces'


@pytest.mark.parametrize(
    "name",
    ["vault_x", "db_password", "vllm_api_key", "gateway_worker_key", "ansible_become_pass", "hf_token", "secrets"],
)
def test_secret_names(name: str) -> None:
    """A variable named like a secret is one."""
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["max_num_batched_tokens", "vault_password_file".removeprefix("vault_"), "compass", "token_ttl", "keyboard"]
)
def test_names_that_are_no_secrets(name: str) -> None:
    """Counting tokens and naming a file hides nothing."""
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        json.dumps(SECRET),
        json.dumps(json.dumps({"x": SECRET})),
        repr(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(b"user:" + SECRET.encode()).decode(),
        base64.b64encode(b"ab" + SECRET.encode() + b"tail").decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
    ],
)
def test_every_form_of_a_secret_is_hidden(form: str) -> None:
    """Escaped for JSON once or twice, quoted by Python, in base64 with neighbours: nothing readable is left."""
    clean = Redactor([SECRET]).text(f"before {form} after")
    assert MASK in clean
    assert "ary/with" not in clean
    assert base64.b64encode(SECRET.encode()).decode()[4:20] not in clean
    assert clean.startswith("before ")
    assert clean.endswith(" after")


@given(
    st.binary(max_size=7), st.text(alphabet="abcdefghijkXYZ0123456789", min_size=9, max_size=30), st.binary(max_size=7)
)
def test_base64_of_any_neighbourhood_hides_the_middle(before: bytes, secret: str, after: bytes) -> None:
    """Whatever stands around a secret, its base64 cannot be decoded to it any more."""
    clean = Redactor([secret]).text(base64.b64encode(before + secret.encode() + after).decode())
    assert MASK in clean


def test_lines_of_a_secret_are_hidden_one_by_one() -> None:
    """A key of many lines is hidden although output arrives line by line."""
    redactor = Redactor(["first-line-of-key\nsecond-line-of-key"])
    assert redactor.text("second-line-of-key") == MASK


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Authorization: Bearer abc.def-123", f"Authorization: Bearer {MASK}"),
        ("https://me:pw1@host/x", f"https://{MASK}@host/x"),
        ("x -----BEGIN RSA PRIVATE KEY-----\\nMII\\n-----END RSA PRIVATE KEY----- y", f"x {MASK} y"),
        ("-----BEGIN PRIVATE KEY-----\nMII", MASK),
    ],
)
def test_looks(text: str, clean: str) -> None:
    """Bearer tokens, passwords in URLs and private keys are hidden although nobody named them."""
    assert Redactor().text(text) == clean


def test_data_hides_keys_numbers_and_named_fields() -> None:
    """Inside a result, secrets are hidden as keys, as numbers and by the name of their field."""
    clean = Redactor(["842913", "topsecret"]).data({"topsecret": 842913, "password": "unknown", "n": [1, True, None]})
    assert clean == {MASK: MASK, "password": MASK, "n": [1, True, None]}


def test_short_and_harmless_values_stay() -> None:
    """A vaulted `true` does not blot out every report."""
    assert Redactor(["true", "abc", "{{ vault_x }}"]).text("true abc {{ vault_x }}") == "true abc {{ vault_x }}"


def test_secrets_come_from_the_inventory_the_environment_and_the_password_file(tmp_path: Path) -> None:
    """Vaulted lists, nested fields, our environment and the vault's own password count."""
    password = tmp_path / "pw"
    password.write_text("vault-opener\n")
    variables = {"vault_list": ["first-one"], "users": [{"name": "jo", "password": "second-one"}], "plain": "visible"}
    host = Host("a", "a", 22, (), None, variables)
    redactor = Redactor.for_inventory(
        Inventory({"a": host}, {}), environ={"MY_TOKEN": "third-one", "HOME": "/root"}, password_file=password
    )
    text = "first-one second-one third-one vault-opener visible /root jo"
    assert redactor.text(text) == f"{MASK} {MASK} {MASK} {MASK} visible /root jo"


def test_a_password_that_cannot_be_read_breaks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other secrets are hidden all the same."""
    (tmp_path / "pw").write_text("vault-opener")

    def refuse(path: Path, **_: object) -> str:  # root may read everything
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_text", refuse)
    inventory = Inventory({}, {})
    redactor = Redactor.for_inventory(inventory, environ={"MY_TOKEN": "third-one"}, password_file=tmp_path / "pw")
    assert redactor.text("third-one") == MASK


def test_what_a_role_declares_and_what_is_encrypted_is_hidden_whatever_its_name() -> None:
    """Keys that stand in plain text in the gateway's list, and values of the vault; a host's name is none."""
    variables = {"gateway_clients": [{"name": "one-client", "key": "first-one"}], "gateway_worker_key": "second-one"}
    host = Host("cpu1-of-rack", "a", 22, (), None, variables)
    redactor = Redactor.for_inventory(Inventory({"cpu1-of-rack": host}, {}, frozenset({"third-one", "cpu1-of-rack"})))
    text = "first-one second-one third-one one-client cpu1-of-rack"
    assert redactor.text(text) == f"{MASK} {MASK} {MASK} one-client cpu1-of-rack"
