"""Cursors round-trip, and everything else is refused."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.errors import BadArgument
from akash_mcp.ids import Dseq
from akash_mcp.workflow.logs.cursor import MAX_CHARACTERS, MAX_PODS, PodId, decode, encode, pod_id
from akash_mcp.workflow.logs.resume import WINDOW, Position, Reading

DSEQ = Dseq("1763759482113")

counted = st.integers(1, WINDOW).flatmap(
    lambda lines: st.builds(
        Position,
        count=st.none() | st.integers(lines, 2**32 - 2),
        lines=st.just(lines),
        last=st.integers(0, 2**32 - 1),
        digest=st.binary(min_size=8, max_size=8),
    )
)
positions = st.dictionaries(st.binary(min_size=5, max_size=5), counted, max_size=MAX_PODS)


@given(positions, st.none() | st.text(max_size=20))
def test_a_cursor_decodes_to_the_positions_it_was_made_of(
    made: dict[PodId, Position], service: str | None
) -> None:
    text = encode(made, DSEQ, service)
    assert decode(text, DSEQ, service) == made
    assert len(text) <= MAX_CHARACTERS


def test_a_cursor_for_one_pod_is_short_and_holds_nothing_of_the_log() -> None:
    reading = Reading(None, None)
    reading.take("the secret word")
    reading.end(is_whole=True)
    text = encode({pod_id("akash1", "web-0"): reading.counted_from_start(reading.position())}, DSEQ, None)
    assert len(text) <= 40
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert not any(word in raw for word in (b"secret", b"web", DSEQ.encode()))


@given(st.text(max_size=60) | st.binary(max_size=90).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_a_text_that_is_not_a_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadArgument, match="cursor"):
        decode(text, DSEQ, None)


@given(positions, st.data())
def test_a_cursor_that_was_changed_is_refused(made: dict[PodId, Position], data: st.DataObject) -> None:
    text = encode(made, DSEQ, None)
    at = data.draw(st.integers(0, len(text) - 1))
    changed = (
        text[:at] + data.draw(st.sampled_from("AZaz09-_=+").filter(lambda c: c != text[at])) + text[at + 1 :]
    )
    with pytest.raises(BadArgument):
        decode(changed, DSEQ, None)


@pytest.mark.parametrize(("dseq", "service"), [("1763759482114", "web"), (DSEQ, "api"), (DSEQ, None)])
def test_the_cursor_of_another_deployment_or_service_is_refused(dseq: str, service: str | None) -> None:
    text = encode({b"12345": Position(None, 1, 2, b"digest__")}, DSEQ, "web")
    with pytest.raises(BadArgument, match="this deployment and service"):
        decode(text, Dseq(dseq), service)


@pytest.mark.parametrize(
    "position",
    [
        Position(None, 0, 0, b"digest__"),
        Position(None, WINDOW + 1, 0, b"digest__"),
        Position(1, 2, 0, b"digest__"),
    ],
)
def test_an_impossible_position_is_refused(position: Position) -> None:
    with pytest.raises(BadArgument):
        decode(encode({b"12345": position}, DSEQ, None), DSEQ, None)
