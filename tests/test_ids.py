"""Identifiers: what is not one is refused, and what is stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.ids import BadId, bech32_decode, bech32_encode, parse_dseq, parse_provider

AUDITOR = "akash1365yvmc4s7awdyj3n2sav7xfx76adc6dnmlx63"


@pytest.mark.parametrize("text", ["", "0", "-1", "1e3", "12.5", "0x10", "abc", "1" * 21, "١٢"])
def test_text_that_is_not_a_dseq_is_refused(text: str) -> None:
    with pytest.raises(BadId, match="is not a dseq"):
        parse_dseq(text)


def test_a_dseq_is_taken_as_people_write_it() -> None:
    assert parse_dseq(" 1763759482113\n") == "1763759482113"
    assert parse_dseq("007") == "7"


def test_a_real_address_is_taken() -> None:
    assert parse_provider(AUDITOR) == AUDITOR


@pytest.mark.parametrize(
    "text",
    [
        AUDITOR[:-1] + "4",
        AUDITOR.upper(),
        AUDITOR[:-1],
        "cosmos1" + AUDITOR[6:],
        "https://evil.example",
        "akash1",
        "",
        bech32_encode("akash", b"short"),
        bech32_encode("cosmos", bytes(20)),
    ],
)
def test_text_that_is_not_a_provider_address_is_refused(text: str) -> None:
    with pytest.raises(BadId):
        parse_provider(text)


@given(st.binary(max_size=40))
def test_bech32_goes_there_and_back(payload: bytes) -> None:
    assert bech32_decode(bech32_encode("akash", payload)) == ("akash", payload)


@given(st.integers(min_value=6, max_value=43), st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l"))
def test_one_wrong_letter_is_noticed(place: int, letter: str) -> None:
    if AUDITOR[place] != letter:
        with pytest.raises(BadId):
            parse_provider(AUDITOR[:place] + letter + AUDITOR[place + 1 :])


@pytest.mark.parametrize(
    "text",
    [
        "a12uel5l",
        "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5tgs",
        "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw",
        "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
    ],
)
def test_the_vectors_of_bip_173_have_right_checksums(text: str) -> None:
    # Not every vector holds whole bytes; its checksum is right all the same.
    assert _problem(text) in (None, "the address has left-over bits")


def _problem(text: str) -> str | None:
    try:
        bech32_decode(text)
    except BadId as problem:
        return str(problem)
    return None
