from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.errors import BadArgument
from akash_mcp.ids import Dseq
from akash_mcp.workflow.logs.cursor import MAX_CHARACTERS, MAX_PODS, PodId, decode, encode, pod_id
from akash_mcp.workflow.logs.resume import WINDOW, Mark, Reading

DSEQ = Dseq("1763759482113")

counted = st.integers(1, WINDOW).flatmap(
    lambda lines: st.builds(
        Mark,
        count=st.none() | st.integers(lines, 2**32 - 2),
        lines=st.just(lines),
        last=st.integers(0, 2**32 - 1),
        digest=st.binary(min_size=8, max_size=8),
    )
)
marks = st.dictionaries(st.binary(min_size=5, max_size=5), counted, max_size=MAX_PODS)


@given(marks, st.none() | st.text(max_size=20))
def test_a_cursor_comes_back_as_it_was(made: dict[PodId, Mark], service: str | None) -> None:
    text = encode(made, DSEQ, service)
    assert decode(text, DSEQ, service) == made
    assert len(text) <= MAX_CHARACTERS


def test_a_cursor_for_one_pod_is_short_and_holds_nothing_of_the_log() -> None:
    reading = Reading(None, None)
    reading.take("the secret word")
    reading.end(is_whole=True)
    text = encode({pod_id("akash1", "web-0"): reading.settled(reading.here())}, DSEQ, None)
    assert len(text) <= 40
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert not any(word in raw for word in (b"secret", b"web", DSEQ.encode()))


@given(st.text(max_size=60) | st.binary(max_size=90).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_what_we_did_not_make_is_refused(text: str) -> None:
    with pytest.raises(BadArgument, match="cursor"):
        decode(text, DSEQ, None)


@given(marks, st.data())
def test_a_cursor_that_was_changed_is_refused(made: dict[PodId, Mark], data: st.DataObject) -> None:
    text = encode(made, DSEQ, None)
    at = data.draw(st.integers(0, len(text) - 1))
    changed = (
        text[:at] + data.draw(st.sampled_from("AZaz09-_=+").filter(lambda c: c != text[at])) + text[at + 1 :]
    )
    with pytest.raises(BadArgument):
        decode(changed, DSEQ, None)


@pytest.mark.parametrize(("dseq", "service"), [("1763759482114", "web"), (DSEQ, "api"), (DSEQ, None)])
def test_the_cursor_of_something_else_is_refused(dseq: str, service: str | None) -> None:
    text = encode({b"12345": Mark(None, 1, 2, b"digest__")}, DSEQ, "web")
    with pytest.raises(BadArgument, match="this deployment and service"):
        decode(text, Dseq(dseq), service)


@pytest.mark.parametrize(
    "mark",
    [Mark(None, 0, 0, b"digest__"), Mark(None, WINDOW + 1, 0, b"digest__"), Mark(1, 2, 0, b"digest__")],
)
def test_a_place_that_cannot_be_is_refused(mark: Mark) -> None:
    with pytest.raises(BadArgument):
        decode(encode({b"12345": mark}, DSEQ, None), DSEQ, None)
