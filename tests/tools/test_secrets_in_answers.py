"""What the value of a secret can do to answers and calls, whatever it is."""

from __future__ import annotations

from akash_mcp.sanitize.secrets import known
from akash_mcp.tools.hiding import tool_result
from akash_mcp.tools.results import Outcome


def test_a_value_that_is_a_word_of_ours_breaks_no_answer() -> None:
    known.remember("created", "DB")
    try:
        answer = Outcome(status="created", summary="It is created.", money="None moved.", next_step="")
        shown = tool_result(answer, "").structured_content or {}
    finally:
        known.forget("created")
    assert (shown["status"], shown["summary"]) == ("created", "It is [secret DB].")
