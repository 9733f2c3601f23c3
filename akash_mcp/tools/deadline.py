"""How long a call may take: hosts give up at about a minute, so every call answers well before that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar

import anyio

from akash_mcp.errors import Interrupted

CALL_SECONDS = 45.0
"""No call works longer, whatever the network does: many hosts give up at 60 s."""

WAIT_SECONDS = 20.0
"""How long a tool waits for work that goes on without it."""

MAX_WAIT_SECONDS = 40
"""How long a model may ask a reading tool to wait."""

ANSWER_SECONDS = 2.0
"""What a call keeps for telling what it found."""

now: Callable[[], float] = anyio.current_time
"""Seconds of the clock that a call's work is counted by."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class _Work:
    """How many seconds a call has worked, and since when it works now. The time that a person takes is not work."""

    seconds: float = 0.0
    since: float | None = None


_work: ContextVar[_Work | None] = ContextVar("_work", default=None)


def start_call() -> None:
    """Begin a call: nothing of its time is used up."""
    _work.set(_Work())


def seconds_left() -> float:
    """Seconds that the call under way may still work."""
    work = _work.get() or _Work()
    under_way = 0.0 if work.since is None else now() - work.since
    return max(CALL_SECONDS - work.seconds - under_way, 0.0)


def wait_seconds(most: float = WAIT_SECONDS) -> float:
    """How long a tool may wait now for work that goes on without it, and still answer in time."""
    return min(most, max(seconds_left() - ANSWER_SECONDS, 0.0))


def bounded(function: Callable[P, Awaitable[T]], *, keep: float = 0.0) -> Callable[P, Awaitable[T]]:
    """A part of a call (its plan, its body), ended with `Interrupted` before a host would give up on the call.

    The parts share `CALL_SECONDS`, and each leaves `keep` seconds to those after it. A person who is asked between
    them may take their time. Work that spends runs apart from the call, so ending the call does not end it.
    """

    @wraps(function)
    async def part(*args: P.args, **kwargs: P.kwargs) -> T:
        work = _work.get() or _Work()
        try:
            with anyio.fail_after(max(seconds_left() - keep, 0.0)):
                work.since = now()
                return await function(*args, **kwargs)
        except TimeoutError as late:
            raise Interrupted(
                f"There was no answer within {max(CALL_SECONDS - keep, 0.0):g} seconds.",
                money="This call by itself moves no money after that.",
                next_step="Ask again in a moment; an operation that was started goes on and get_deployment shows it.",
            ) from late
        finally:
            if work.since is not None:
                work.seconds += now() - work.since
                work.since = None

    return part
