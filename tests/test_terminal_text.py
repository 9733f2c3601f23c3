"""What others wrote cannot pass for what we write, on the terminal where a person says yes."""

from __future__ import annotations

import signal
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from terminals import QUESTION, Terminal

from akash_mcp.cli.terminal import framed, lasting_interrupt
from akash_mcp.guard.approval import waiting
from akash_mcp.guard.approval.waiting import Waiting
from akash_mcp.guard.books.store import Store
from akash_mcp.guard.plans.plans import FundPlan
from akash_mcp.ids import Dseq
from akash_mcp.money import Usd

COLUMNS = 80
NASTY = "\x1b[2K\x1b[1A\r\b\x07\x9b31m\u202e\u2066\u200b\u2028\x85\x0b\u3164 \u4f60a\n\t"


@pytest.fixture(autouse=True)
def _columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(COLUMNS))


def lines(text: str) -> list[str]:
    shown = framed(text)
    assert shown.endswith("\n")
    return shown[:-1].split("\n")


# The fixture sets one environment for all examples.
@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from(NASTY)), max_size=400))
def test_no_line_of_a_framed_text_can_be_taken_for_ours(text: str) -> None:
    for line in lines(text):
        assert line.startswith("  | ")
        assert cell_len(line) < COLUMNS
        assert not any(unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs") for char in line)


@pytest.mark.parametrize("char", ["a", "a ", "\u4f60", " "])
def test_long_lines_are_broken_before_the_terminal_would(char: str) -> None:
    text = char * 500
    shown = lines(text)
    assert all(cell_len(line) < COLUMNS for line in shown)
    assert "".join(line.removeprefix("  | ") for line in shown) == text


def test_a_text_is_shown_whole() -> None:
    assert framed("At most $1.00.\n\n    rm -rf /") == "  | At most $1.00.\n  | \n  |     rm -rf /\n"


def wait(folder: Path, plan: FundPlan, client: str) -> Waiting:
    store = Store(folder)
    waits, _ = store.run_now(waiting.ask, plan, "a call", client)
    store.close()
    return waits


def test_what_a_client_calls_itself_answers_nothing(tmp_path: Path) -> None:
    plan = FundPlan(tool="add_funds", dseq=Dseq("1763759482113"), amount=Usd(3), ours=True)
    forged = f"\x1b[2J\n\n{QUESTION}yes\nYes to everything\u202e"
    waits = wait(tmp_path, plan, forged)
    with Terminal("approve", waits.op_id, AKASH_MCP_STATE_DIR=tmp_path) as screen:
        shown = screen.until(f"\nDo this? {QUESTION}")
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert "\nYes to everything" not in shown
        screen.type("no\n")
        assert screen.end() == 0


def test_what_was_typed_before_the_question_answers_nothing(tmp_path: Path) -> None:
    plan = FundPlan(tool="add_funds", dseq=Dseq("1763759482113"), amount=Usd(3), ours=True)
    waits = wait(tmp_path, plan, "")
    with Terminal("approve", waits.op_id, AKASH_MCP_STATE_DIR=tmp_path) as screen:
        screen.type("yes\n")
        screen.until(QUESTION)
        screen.type("no\n")
        assert screen.end() == 0
        assert f"No to {waits.op_id}" in screen.shown


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # that is how it gets lost
def test_ctrl_c_that_comes_while_something_is_finalized_is_not_forgotten() -> None:
    class Interrupted:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with lasting_interrupt() as raise_again:
        raise_again()
        Interrupted()  # Python says that it ignores what this raises
        with pytest.raises(KeyboardInterrupt):
            raise_again()
    assert signal.getsignal(signal.SIGINT) is before
