"""Secrets that are known by value are hidden in every spelling that is usual, and replaced by their name."""

from __future__ import annotations

import html
import json
from base64 import b64encode, urlsafe_b64encode
from typing import Literal
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.sanitize import secrets
from akash_mcp.sanitize import text as sanitized
from akash_mcp.sanitize.secrets import SHORTEST_NAMED, KnownSecrets, mask
from akash_mcp.sanitize.text import clean

VALUE = "mk7Q'\"<&é%2B+/ \\value"
SPELLINGS = {
    "as it is": VALUE,
    "JSON": json.dumps({"a": VALUE}),
    "JSON with escapes only": json.dumps({"a": VALUE}, ensure_ascii=True),
    "JSON inside JSON": json.dumps({"a": json.dumps(VALUE, ensure_ascii=False)}, ensure_ascii=False),
    "URL": f"https://h/?a={quote(VALUE, safe='')}",
    "URL path": quote(VALUE),
    "form": quote_plus(VALUE),
    "HTML": html.escape(VALUE),
    "single quotes of YAML": "a: '" + VALUE.replace("'", "''") + "'",
    "base64": b64encode(VALUE.encode()).decode(),
    "base64 for URLs": urlsafe_b64encode(VALUE.encode()).decode(),
    "hex": VALUE.encode().hex(),
}


def known(value: str = VALUE, name: str | None = "DB") -> KnownSecrets:
    collection = KnownSecrets()
    collection.remember(value, name)
    return collection


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_a_named_secret_is_replaced_by_its_name_in_every_spelling(text: str) -> None:
    hidden, count = known().mask(f"before {text} after")
    assert count == 1
    assert hidden.startswith("before ")
    assert "[secret DB]" in hidden
    assert "mk7Q" not in hidden


@given(before=st.binary(max_size=5), after=st.binary(max_size=5), value=st.text(min_size=12, max_size=40))
def test_of_base64_around_a_value_only_the_ends_are_left(before: bytes, after: bytes, value: str) -> None:
    value = "".join(char for char in value if not "\ud800" <= char <= "\udfff") + "0123456789ab"
    text = b64encode(before + value.encode() + after).decode()
    hidden, count = known(value).mask(text)
    assert count == 1
    # Two bytes of the value at the most share a group with what stands before or after it.
    assert len(hidden.replace("[secret DB]", "")) <= len(b64encode(before + b"....")) + len(
        b64encode(b"...." + after)
    )


def test_lines_of_a_long_value_are_hidden_one_by_one() -> None:
    key = "-----BEGIN THING-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nshort\n-----END THING-----"
    assert known(key).mask("| MIIEvQIBADANBgkqhkiG9w0BAQEFAASC")[0] == "| [secret DB]"
    assert known(key).mask(" ".join(key.split()))[0] == "[secret DB]"
    assert known(key).mask("short")[1] == 0


def test_what_is_too_short_is_not_hidden() -> None:
    assert known("x" * (SHORTEST_NAMED - 1)).mask("x" * 20) == ("x" * 20, 0)
    assert known("x" * SHORTEST_NAMED).mask("a xxxxxx b") == ("a [secret DB] b", 1)


@pytest.mark.parametrize(
    "text",
    [
        "PASSWORD=[secret DB] and more",
        'password: "[secret DB]"',
        "postgres://u:[secret DB]@host/x",
        "--password [secret DB] --verbose",
        "{'token': '[secret DB]'}",
        "PASSWORD=secret://DB",
        "password: 'secret://DB'",
    ],
)
def test_the_name_of_a_secret_and_a_reference_to_it_are_not_masked_themselves(text: str) -> None:
    assert mask(text) == (text, 0)
    for limit in range(len(text)):
        once = clean(text, limit=limit).text
        if not once.endswith(tuple("secret:/"[:n] for n in range(1, 8))):  # half a reference is half a word
            assert clean(once, limit=limit).text == once


@pytest.mark.parametrize("keep", ["start", "end"])
@pytest.mark.parametrize("first", [0, 1])
def test_a_value_that_holds_another_is_not_halved_where_a_long_text_is_cut(
    keep: Literal["start", "end"], first: int
) -> None:
    outer, inner = "correct horse battery-77 and more words", "battery-77"
    values = [outer, inner]
    for value in (values[first], values[1 - first]):
        secrets.known.remember(value, "DB")
    try:
        cut = 50 * 4 + 4 * secrets.LONGEST_SECRET
        for offset in range(len(outer)):
            near, far = "x " * ((cut - offset) // 2), " x" * 60_000
            text = near + outer + far if keep == "start" else far + outer + near
            window, _ = sanitized._window(text, 50, keep)
            assert "horse" not in (shown := secrets.mask(window)[0]), shown[-60:]
            assert "more" not in shown, shown[:60]
    finally:
        for value in values:
            secrets.known.forget(value)


def test_a_value_that_is_forgotten_is_shown_again() -> None:
    collection = known()
    collection.forget(VALUE)
    assert collection.mask(VALUE) == (VALUE, 0)
