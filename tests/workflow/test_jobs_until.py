"""What ends a run is written in one plain way, and anything else is refused with how to write it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.errors import BadArgument
from akash_mcp.workflow.jobs.until import LONGEST_TEXT, SHORTEST_TEXT, Until, parse_until


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("log:train:epoch 10/10", Until("train", "epoch 10/10")),
        ("exit:train", Until("train")),
        (" LOG: web-2 :  done: 3 files ", Until("web-2", "done: 3 files")),
        ("Exit: a", Until("a")),
    ],
)
def test_a_text_and_an_end_are_understood(text: str, until: Until) -> None:
    assert parse_until(text) == until


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "says nothing that could end a run"),
        ("epoch 10/10", "says nothing that could end a run"),
        ("exit", "says nothing that could end a run"),
        ("log:epoch 10/10", "says nothing that could end a run"),
        ("text:train:done", "says nothing that could end a run"),
        ("log:Train:done", "says nothing that could end a run"),
        ("exit:train:0", "do not tell exit codes"),
        ("log:train", "3 to 200 plain characters"),
        ("log:train:ok", "3 to 200 plain characters"),
        ("log:train:a\nb c", "3 to 200 plain characters"),
        ("log:train:do\u200bne", "3 to 200 plain characters"),
        (f"log:train:{'x' * 201}", "3 to 200 plain characters"),
        ('log:train:"epoch 10/10"', "stands in quotes"),
    ],
)
def test_anything_else_is_refused_with_how_to_write_it(text: str, said: str) -> None:
    with pytest.raises(BadArgument) as refused:
        parse_until(text)
    assert said in refused.value.what
    assert "exit:" in refused.value.next_step


@given(
    st.from_regex(r"[a-z]([-a-z0-9]{0,10}[a-z0-9])?", fullmatch=True),
    st.none()
    | st.text(st.characters(codec="ascii", categories=("L", "N", "P", "Zs")), min_size=3).map(str.strip),
)
def test_the_journal_keeps_it_as_it_was_written(service: str, text: str | None) -> None:
    until = Until(service, text)
    quoted = text is not None and text[:1] in "\"'`" and text[-1:] == text[:1]
    if text is None or (SHORTEST_TEXT <= len(text) <= LONGEST_TEXT and not quoted):
        assert parse_until(str(until)) == until


def test_a_service_that_the_sdl_does_not_have_is_refused() -> None:
    parse_until("exit:web").check_service(["db", "web"])
    with pytest.raises(BadArgument, match="the SDL's services are db, web"):
        parse_until("exit:train").check_service(["web", "db"])
