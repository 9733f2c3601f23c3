"""Questions that travel: what is sealed into them, and who can open it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from mcp.server.request_state import InvalidRequestState

from akash_mcp.guard.approval import Question
from akash_mcp.guard.journal import op_id_of
from akash_mcp.guard.keys import KEY_BYTES, shared_key
from akash_mcp.guard.store import Store
from akash_mcp.tools import questions
from akash_mcp.tools.questions import SealedQuestions, note_question

SHOWN = "f" * 64


def process(folder: Path) -> SealedQuestions:
    """The questions of one process."""
    return SealedQuestions(partial(shared_key, Store(folder), "questions"))


def test_what_one_process_asks_another_can_take_the_answer_to(tmp_path: Path) -> None:
    note_question(SHOWN)
    sealed = process(tmp_path).seal(b"the SDK's part")
    assert process(tmp_path).unseal(sealed) == b"the SDK's part"
    assert questions._answered.get() == Question(op_id_of(sealed), SHOWN)


def test_each_question_opens_an_operation_of_its_own(tmp_path: Path) -> None:
    one = process(tmp_path)
    assert op_id_of(one.seal(b"the same")) != op_id_of(one.seal(b"the same"))


def test_another_state_folder_is_another_s(tmp_path: Path) -> None:
    sealed = process(tmp_path / "a").seal(b"x")
    with pytest.raises(InvalidRequestState):
        process(tmp_path / "b").unseal(sealed)


def test_nothing_touches_the_disk_before_the_first_question(tmp_path: Path) -> None:
    one = process(tmp_path / "state")
    assert not (tmp_path / "state").exists()
    one.seal(b"x")
    assert (tmp_path / "state" / "akash-mcp.sqlite3").stat().st_mode & 0o777 == 0o600


def test_without_the_store_a_process_knows_its_own_questions_also_once_the_store_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "akash-mcp.sqlite3"
    file.write_bytes(b"rubbish" * 1000)
    one = process(tmp_path)
    sealed = one.seal(b"x")
    assert one.unseal(sealed) == b"x"
    assert "only this process can take the answers" in caplog.text
    file.unlink()
    assert one.unseal(sealed) == b"x"
    assert process(tmp_path).unseal(one.seal(b"y")) == b"y"


def test_a_key_is_made_once_and_has_256_bits(tmp_path: Path) -> None:
    one, other = Store(tmp_path), Store(tmp_path)
    assert shared_key(one, "questions") == shared_key(other, "questions") == shared_key(one, "questions")
    assert len(shared_key(one, "questions")) == KEY_BYTES == 32
    assert shared_key(one, "another") != shared_key(one, "questions")
