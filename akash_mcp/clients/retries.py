"""Retries: how often a request may be sent, how long to wait in between, and what the loss of the last one means.

What a request does decides, not its method. Whether a lost request can have had an effect is not guessed from the kind
of failure: the transport tells when the first byte of a request leaves, and raises `Unreachable` before, `Interrupted`
after.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import NoReturn

from akash_mcp.errors import (
    AkashError,
    ApiError,
    Interrupted,
    OutcomeUnknown,
    RateLimited,
    ServerError,
    Unreachable,
)

MOST_ATTEMPTS = 4
LONGEST_BACKOFF_SECONDS = 8.0

# Cloudflare's 520 to 524 stand for the 502 to 504 of the origin behind it.
_PASSING = frozenset({502, 503, 504, 520, 521, 522, 523, 524})
# Answered by a proxy or a server that gave up waiting: the request may be under way behind it.
_GAVE_UP = frozenset({408, 499})
MAY_GO_ON = _PASSING | _GAVE_UP
"""Statuses after which a request may still be under way behind who answered."""


class Sending(Enum):
    """How often a request may be sent."""

    READ = "read"
    """Changes nothing. Repeated after lost connections, timeouts, 429, and 502 to 504."""
    REPEATABLE = "repeatable"
    """Changes something, and twice is the same as once. Repeated like a read."""
    ONCE = "once"
    """May spend. Never sent twice; a lost answer is `OutcomeUnknown`."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """How long a request may take, in seconds."""

    read: float
    """The longest silence within one attempt."""
    total: float
    """All attempts together, and the pauses between them."""


def pause_before_next(
    error: AkashError, sending: Sending, attempt: int, random: Callable[[], float]
) -> float | None:
    """Seconds to wait after the failed attempt of this number, counted from 1; None where there is no other one.

    `random` gives a number in [0, 1), so that clients which failed together do not come again together.
    """
    if sending is Sending.ONCE or attempt >= MOST_ATTEMPTS:
        return None
    if isinstance(error, Unreachable) and not error.retryable:
        return None
    asked = 0.0
    if isinstance(error, ApiError):
        if not (isinstance(error, RateLimited) or error.status in _PASSING):
            return None
        asked = error.retry_after or 0.0
    backoff = min(LONGEST_BACKOFF_SECONDS, 0.5 * 2.0 ** (attempt - 1))
    return max(asked, backoff * (0.5 + random() / 2))


def raise_last(error: AkashError, sending: Sending, maybe_done: bool) -> NoReturn:
    """Raise the error of the last attempt, as what it means: `maybe_done` if any attempt may have had an effect."""
    if sending is Sending.ONCE and maybe_done:
        raise OutcomeUnknown(
            f"{error.what} Whether the request took effect is not known.",
            next_step="Look up what happened before doing it again: it may have been done.",
        ) from error
    if (
        sending is Sending.REPEATABLE
        and maybe_done
        and (may_have_had_effect(error) or isinstance(error, Unreachable))
    ):
        raise Interrupted(
            f"{error.what} Whether the change took effect is not known.",
            next_step="Doing it again is harmless.",
        ) from error
    raise error


def may_have_had_effect(error: AkashError) -> bool:
    """Whether the request behind the error may have had an effect."""
    if isinstance(error, ApiError):
        return isinstance(error, ServerError) or error.status in _GAVE_UP
    return isinstance(error, Interrupted | OutcomeUnknown)
