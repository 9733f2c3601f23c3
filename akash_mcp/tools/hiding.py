"""The last wall before an answer leaves: no value of a stored secret is in it, whatever it was built from.

Most text was cleaned where it entered. But a log that a container wrote before this process began can hold a value that
nobody asked this process for yet. So the secrets of the deployment that a call names are read first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mcp.types import CallToolResult, TextContent
from pydantic import BaseModel

from akash_mcp.errors import LedgerUnusable
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.journal import op_id_of
from akash_mcp.ids import Dseq, OpId
from akash_mcp.sanitize import secrets
from akash_mcp.tools.new_notices import FIELD
from akash_mcp.tools.results import listed_fields
from akash_mcp.workflow.play_money import marked_answer
from akash_mcp.workflow.runtime import Runtime


async def learn_secrets(rt: Runtime, arguments: Mapping[str, Any]) -> str:
    """Know the secrets of the deployment that a call names, or whose plan it confirms, so that they are hidden. What to
    say of those that cannot be read; nothing where there are none."""
    try:
        dseq = await _deployment(rt, str(arguments.get("dseq") or arguments.get("id") or ""))
        if (token := arguments.get("approval_token")) is not None:
            dseq = await _confirmed(rt, str(token))
    except LedgerUnusable:  # nobody knows then which it is
        return ""
    unread = await rt.learn_secrets(dseq) if dseq else ()
    if not unread:
        return ""
    return (
        f"Not hidden in this answer: the value of {', '.join(unread)}, which this server could not read. If it stands "
        "here, do not repeat it; ask the user to unlock their keyring, or to run akash-mcp secret list."
    )


async def _deployment(rt: Runtime, named: str) -> Dseq | None:
    if not named.startswith("op_"):
        return Dseq(named) if named else None
    operation = await rt.store.read(journal.find, OpId(named))
    return operation.dseq if operation else None


async def _confirmed(rt: Runtime, token: str) -> Dseq | None:
    """The deployment of the plan that is to be carried out, or was."""
    op_id = token if token.startswith("op_") else op_id_of(token)
    dseq = await _deployment(rt, op_id)
    shown = None if dseq else await rt.approver.tokens.find(token)
    return shown.plan.deployment if shown and shown.plan else dseq


def hidden(value: Any) -> Any:
    """Text, or what JSON is made of, with every known value of a secret replaced by its name."""
    if isinstance(value, str):
        return secrets.known.mask(value)[0]
    if isinstance(value, dict):
        return {key: hidden(each) for key, each in value.items()}
    if isinstance(value, list):
        return [hidden(each) for each in value]
    return value


def as_json(model: BaseModel, *, play_money: bool = False) -> str:
    """A result as JSON text with nothing secret in it."""
    return _text(_shown(model, play_money))


def tool_result(
    model: BaseModel, note: str, notices: Sequence[str] = (), *, play_money: bool = False
) -> CallToolResult:
    """A result as a tool answers it: once as text and once structured, with what happened meanwhile in both, and a note
    behind the text where there is one."""
    shown = _shown(model, play_money)
    if notices:
        shown[FIELD] = hidden(list(notices))
    texts = [_text(shown), *([note] if note else [])]
    return CallToolResult(
        content=[TextContent(type="text", text=text) for text in texts],
        structured_content=shown,
    )


def _shown(model: BaseModel, play_money: bool) -> dict[str, Any]:
    """A result as plain values with nothing secret in them."""
    plain, listed = model.model_dump(mode="json", exclude_none=True), listed_fields(type(model))
    shown = {key: value if key in listed else hidden(value) for key, value in plain.items()}
    return marked_answer(shown) if play_money else shown


def _text(shown: dict[str, Any]) -> str:
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
