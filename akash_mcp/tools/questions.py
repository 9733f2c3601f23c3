"""Questions that travel: from 2026-07-28 on a question is an answer of ours, and the answer to it a call of its own.

What has to survive in between is sealed into the `requestState` that the client carries. The SDK binds that to the
tool, its arguments and who calls, for ten minutes; this binds it to the plan that the person was shown, and gives it
the name of the operation that a yes opens, so that a yes which is sent again is known again.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver.context import Context
from mcp.server.request_state import AESGCMRequestStateCodec
from mcp.types import ElicitResult, InputResponseRequestParams
from pydantic import BaseModel, Field, ValidationError

from akash_mcp.errors import LedgerUnusable
from akash_mcp.guard.approval.approval import Question
from akash_mcp.guard.approval.tokens import token_of
from akash_mcp.guard.books.keys import KEY_BYTES

log = logging.getLogger(__name__)

_asked: ContextVar[str] = ContextVar("_asked", default="")
_answered: ContextVar[Question | None] = ContextVar("_answered", default=None)

_FINGERPRINT = 64
"""Characters of a plan's fingerprint. A question that was sealed without one fits no plan."""
_MOMENT = 16
"""Characters of the moment at which a question was asked."""


class Confirm(BaseModel):
    """What the person is asked to fill in. Required, so that a client that accepts with nothing has not said yes."""

    confirm: bool = Field(description="Yes, do this")


class SealedQuestions:
    """The SDK's codec of `requestState`, around what is ours.

    `shared_key` is asked before the first question: the key that all processes of one state folder have, so that what
    one of them asks can be answered to another. `known_key` is it where one of them has made it, read without waiting
    for anybody. Where they raise `LedgerUnusable`, questions are this process's own. `wall`: seconds since the epoch.
    """

    def __init__(
        self,
        shared_key: Callable[[], Awaitable[bytes]],
        known_key: Callable[[], bytes | None],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._shared_key = shared_key
        self._known_key = known_key
        self._wall = wall
        self._own_key = secrets.token_bytes(KEY_BYTES)
        self._shared: AESGCMRequestStateCodec | None = None

    async def prepare(self) -> None:
        """Have the shared key at hand, before a question is asked."""
        if self._shared is None:
            try:
                self._shared = self._codec_with(await self._shared_key())
            except LedgerUnusable:
                log.exception("only this process can take the answers to its questions")

    def seal(self, payload: bytes) -> str:
        """The text that the client carries. Called in the task of the call that asked."""
        about = _asked.get().ljust(_FINGERPRINT) + f"{self._wall():.3f}".ljust(_MOMENT)
        return self._codec().seal(about.encode() + payload)

    def unseal(self, token: str) -> bytes:
        """What was sealed, with the question that it belongs to noted for the call. Raises `InvalidRequestState`."""
        if self._shared is None:
            self._shared = self._made_by_others()
        sealed = self._codec().unseal(token)
        fingerprint, rest = sealed[:_FINGERPRINT], sealed[_FINGERPRINT:]
        asked_at = float(rest[:_MOMENT])
        _answered.set(Question(token_of(token), fingerprint.decode(), asked_at, self._wall()))
        return rest[_MOMENT:]

    def _made_by_others(self) -> AESGCMRequestStateCodec | None:
        # Not awaited: the SDK unseals before any call of ours.
        try:
            key = self._known_key()
        except LedgerUnusable:
            log.exception("only this process can take the answers to its questions")
            return None
        return None if key is None else self._codec_with(key)

    def _codec(self) -> AESGCMRequestStateCodec:
        return self._shared or AESGCMRequestStateCodec([self._own_key])

    def _codec_with(self, key: bytes) -> AESGCMRequestStateCodec:
        return AESGCMRequestStateCodec([key, self._own_key])


async def leave_out_unreadable(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware: what stands where an answer should be, and is none, counts as no answer.

    The SDK would refuse the whole call for it, and the model could not go on.
    """
    params = ctx.params or {}
    if params.get("inputResponses") is not None:
        answers = params["inputResponses"]
        readable = {
            key: answer
            for key, answer in (answers.items() if isinstance(answers, dict) else ())
            if _is(InputResponseRequestParams, {"inputResponses": {key: answer}})
        }
        ctx = replace(ctx, params={**params, "inputResponses": readable})
    return await call_next(ctx)


def note_question(fingerprint: str) -> None:
    """What is asked next in this call is about the plan with this fingerprint."""
    _asked.set(fingerprint)


def question_of(ctx: Context[Any, Any]) -> Question | None:
    """The question that a call brings back, answered or not."""
    return _answered.get() if ctx.request_state is not None else None


def answer_of(ctx: Context[Any, Any]) -> Confirm | None:
    """The answer that a call brings: a no, or the form as it was filled in. None where none can be read."""
    answers = list((ctx.input_responses or {}).values())
    if len(answers) != 1 or not isinstance(answers[0], ElicitResult):
        return None
    if answers[0].action != "accept":
        return Confirm(confirm=False)
    return Confirm.model_validate(answers[0].content) if _is(Confirm, answers[0].content) else None


def _is(model: type[BaseModel], content: object) -> bool:
    try:
        model.model_validate(content)
    except ValidationError:
        return False
    return True
