"""What a registry says of how it wants to be asked, in every way in which servers write it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.clients.registry.challenges import parse_challenge


@pytest.mark.parametrize(
    ("header", "scheme", "parameters"),
    [
        ('Bearer realm="https://a/t",service="s"', "bearer", {"realm": "https://a/t", "service": "s"}),
        ('bearer Realm = "https://a" , scope="x:pull,push"', "bearer", {"realm": "https://a", "scope": "x:pull,push"}),
        ('Negotiate, Basic realm="own"', "basic", {"realm": "own"}),
        ('Digest realm="d", nonce=1, Bearer realm=https://a/t', "bearer", {"realm": "https://a/t"}),
        (r'Bearer realm="a\"b\\c"', "bearer", {"realm": r'a"b\c'}),
        ('Bearer realm="first",realm="second"', "bearer", {"realm": "first"}),
        ("Basic", "basic", {}),
    ],
)  # fmt: skip
def test_a_challenge_is_read(header: str, scheme: str, parameters: dict[str, str]) -> None:
    challenge = parse_challenge(header)
    assert challenge is not None
    assert (challenge.scheme, challenge.parameters) == (scheme, parameters)


@pytest.mark.parametrize("header", ["", "Negotiate abc==", 'realm="x"', '"', "Digest realm=x", ",,,"])
def test_what_we_cannot_answer_is_none(header: str) -> None:
    assert parse_challenge(header) is None


@given(st.text(max_size=200))
def test_any_header_is_read_without_an_error(header: str) -> None:
    challenge = parse_challenge(header)
    assert challenge is None or challenge.scheme in ("bearer", "basic")


@pytest.mark.parametrize("header", ['Bearer a="' * 50_000, 'Bearer realm="' + "\\" * 500_000, "a=" * 500_000])
def test_a_hostile_header_costs_nothing(header: str) -> None:
    began = time.process_time()
    parse_challenge(header)
    assert time.process_time() - began < 1
