"""Log messages for clients that want them: what this server writes to its log, cleaned once more and bounded.

A client of the older era sets a level once (`logging/setLevel`), one of 2026-07-28 with each call (`_meta`), and hears
then what is written during that call, before its answer. Neither changes what is written: that is `--debug`'s. No
traceback is sent, nothing of other libraries, and at most so many messages in so many seconds.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, get_args

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp.types import (
    LOG_LEVEL_META_KEY,
    EmptyResult,
    LoggingLevel,
    LoggingMessageNotification,
    LoggingMessageNotificationParams,
    SetLevelRequestParams,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from akash_mcp.protocol.sessions import Session, Sessions
from akash_mcp.sanitize import secrets
from akash_mcp.sanitize.text import one_line

Context = ServerRequestContext[Any, Any]

MOST = 20
WITHIN_SECONDS = 10.0
"""So many messages a session is sent in so many seconds; how many more there were is told with the next one."""
LONGEST = 500
"""Bytes of a message."""

_OURS = "akash_mcp"
_LEVELS: tuple[LoggingLevel, ...] = get_args(LoggingLevel)
_NAMES: dict[int, LoggingLevel] = {
    logging.DEBUG: "debug",
    logging.INFO: "info",
    logging.WARNING: "warning",
    logging.ERROR: "error",
    logging.CRITICAL: "critical",
}


@dataclass
class _Sent:
    """When a session was sent its last messages, and how many were left out since."""

    moments: deque[float] = field(default_factory=lambda: deque(maxlen=MOST))
    left_out: int = 0


@dataclass
class _OfACall:
    """What is written during a call whose client wants to hear it."""

    level: LoggingLevel
    messages: list[LoggingMessageNotificationParams] = field(default_factory=list)


_call: ContextVar[_OfACall | None] = ContextVar("_call", default=None)


class LogMessages(logging.Handler):
    """A handler of our own log that sends its records to the clients that want them."""

    def __init__(self, sessions: Sessions, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._sessions = sessions
        self._now = now
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sent: dict[Session, _Sent] = {}

    def serve(self, server: MCPServer[Any]) -> None:
        """Have the server take `logging/setLevel`."""
        server._lowlevel_server.add_request_handler(
            "logging/setLevel", SetLevelRequestParams, self._set_level
        )

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Within the block, in the event loop that sends them, records are sent."""
        self._loop = asyncio.get_running_loop()
        logging.getLogger(_OURS).addHandler(self)
        try:
            yield
        finally:
            logging.getLogger(_OURS).removeHandler(self)
            self._loop = None

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record on its way, from whichever thread it was written in."""
        call, loop = _call.get(), self._loop
        if call is None and not self._sessions.all:
            return
        level = _NAMES.get(record.levelno, "info")
        text = one_line(secrets.known.mask(record.getMessage())[0], limit=LONGEST)
        message = LoggingMessageNotificationParams(level=level, logger=record.name, data=text)
        if call is not None and _counts(level, call.level) and len(call.messages) < MOST:
            call.messages.append(message)
        if loop is not None:
            with suppress(RuntimeError):  # the loop has just ended, and with it everybody who could be told
                loop.call_soon_threadsafe(self._tell, message)

    async def of_the_call(self, ctx: Context, call_next: CallNext) -> HandlerResult:
        """Middleware: before the answer of a call that wants them, the messages that were written during it."""
        level = (ctx.meta or {}).get(LOG_LEVEL_META_KEY)
        if (
            level not in _LEVELS
            or ctx.protocol_version not in MODERN_PROTOCOL_VERSIONS
            or ctx.request_id is None
        ):
            return await call_next(ctx)
        call = _OfACall(level)
        token = _call.set(call)
        try:
            answer = await call_next(ctx)
        finally:
            _call.reset(token)
        for message in call.messages:
            await ctx.session.send_notification(
                LoggingMessageNotification(params=message), related_request_id=ctx.request_id
            )
        return answer

    async def _set_level(self, ctx: Context, params: SetLevelRequestParams) -> EmptyResult:
        self._sessions.of(ctx).level = params.level
        return EmptyResult()

    def _tell(self, message: LoggingMessageNotificationParams) -> None:
        listening = [session for session in self._sessions.all if session.level is not None]
        self._sent = {session: self._sent.get(session, _Sent()) for session in listening}
        for session in listening:
            if session.level is not None and _counts(message.level, session.level):
                self._tell_session(session, message, self._sent[session])

    def _tell_session(self, session: Session, message: LoggingMessageNotificationParams, sent: _Sent) -> None:
        now = self._now()
        if len(sent.moments) == MOST and now - sent.moments[0] < WITHIN_SECONDS:
            sent.left_out += 1
            return
        told = message.model_dump(mode="json", by_alias=True, exclude_none=True)
        if sent.left_out:
            told["data"] = f"{told['data']} ({sent.left_out} messages before it were left out)"
        if self._sessions.tell(session, "notifications/message", told):
            sent.moments.append(now)
            sent.left_out = 0
        else:
            sent.left_out += 1


def _counts(level: LoggingLevel, from_level: LoggingLevel) -> bool:
    return _LEVELS.index(level) >= _LEVELS.index(from_level)
