"""Questions that travel: what is sealed into them, and who can open it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.context import Context
from mcp.server.request_state import InvalidRequestState
from mcp.types import InputRequiredResult, ListRootsRequest, ListRootsResult, Root

from akash_mcp.guard.approval.approval import Question
from akash_mcp.guard.approval.tokens import token_of
from akash_mcp.guard.books.journal import op_id_of
from akash_mcp.guard.books.keys import known_key, shared_key
from akash_mcp.guard.books.store import Store
from akash_mcp.tools import questions
from akash_mcp.tools.questions import SealedQuestions, leave_out_unreadable, note_question

pytestmark = pytest.mark.anyio

SHOWN = "f" * 64
ASKED_AT = 1_795_996_133.722


def process(folder: Path) -> SealedQuestions:
    """The questions of one process."""
    store = Store(folder)
    return SealedQuestions(
        partial(store.run, shared_key, "questions"),
        partial(store.read_now, known_key, "questions"),
        lambda: ASKED_AT,
    )


async def asked(by: SealedQuestions, payload: bytes) -> str:
    """What a call seals, which prepares for it first."""
    await by.prepare()
    return by.seal(payload)


async def test_what_one_process_asks_another_can_take_the_answer_to(tmp_path: Path) -> None:
    note_question(SHOWN)
    sealed = await asked(process(tmp_path), b"the SDK's part")
    assert process(tmp_path).unseal(sealed) == b"the SDK's part"
    assert questions._answered.get() == Question(token_of(sealed), SHOWN, ASKED_AT, back_at=ASKED_AT)


async def test_each_question_opens_an_operation_of_its_own(tmp_path: Path) -> None:
    one = process(tmp_path)
    assert op_id_of(await asked(one, b"the same")) != op_id_of(await asked(one, b"the same"))


async def test_another_state_folder_is_another_s(tmp_path: Path) -> None:
    sealed = await asked(process(tmp_path / "a"), b"x")
    with pytest.raises(InvalidRequestState):
        process(tmp_path / "b").unseal(sealed)


async def test_nothing_touches_the_disk_before_the_first_question(tmp_path: Path) -> None:
    one = process(tmp_path / "state")
    assert not (tmp_path / "state").exists()
    await asked(one, b"x")
    assert (tmp_path / "state" / "akash-mcp.sqlite3").stat().st_mode & 0o777 == 0o600


async def test_without_the_store_a_process_knows_its_own_questions_also_once_the_store_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "akash-mcp.sqlite3"
    file.write_bytes(b"rubbish" * 1000)
    one = process(tmp_path)
    sealed = await asked(one, b"x")
    assert one.unseal(sealed) == b"x"
    assert "only this process can take the answers" in caplog.text
    file.unlink()
    assert one.unseal(sealed) == b"x"
    assert process(tmp_path).unseal(await asked(one, b"y")) == b"y"


async def test_every_kind_of_answer_reaches_who_asked() -> None:
    server: MCPServer[Any] = MCPServer("asks", middleware=[leave_out_unreadable])

    @server.tool()
    async def folders(ctx: Context[Any, Any]) -> str | InputRequiredResult:
        roots = (ctx.input_responses or {}).get("roots")
        if isinstance(roots, ListRootsResult):
            return str(roots.roots[0].uri)
        return InputRequiredResult(input_requests={"roots": ListRootsRequest()})

    async def answer(context: ClientRequestContext) -> ListRootsResult:
        return ListRootsResult(roots=[Root(uri="file:///here")])

    async with Client(server, mode="2026-07-28", list_roots_callback=answer) as client:
        assert (await client.call_tool("folders")).structured_content == {"result": "file:///here"}
