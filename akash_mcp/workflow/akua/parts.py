"""Several reads at once, any of which may fail without the others: what could not be read is told, and is not nothing.

Nobody should have to go without an install's state because its pods cannot be listed.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import anyio
from anyio.abc import TaskGroup

from akash_mcp.errors import AkashError, ApiError, Interrupted, Unauthorized, Unreachable

T = TypeVar("T")

SECONDS = 15.0
"""How long parts are waited for: less than a call has, so that what came is told."""


@dataclass
class Part(Generic[T]):
    """One read: its `value`, and None where it could not be read. `problem` says why, as a sentence."""

    what: str
    value: T | None = None
    problem: str = ""


@dataclass
class Parts:
    """The reads of one answer, which go on at the same time, `at_once` of them."""

    tasks: TaskGroup
    turns: anyio.CapacityLimiter
    parts: list[Part[object]] = field(default_factory=list)
    failures: list[AkashError] = field(default_factory=list)

    def read(self, what: str, function: Callable[[], Awaitable[T]]) -> Part[T]:
        """Begin a read. `what` begins a sentence: `Its pods`."""
        part: Part[T] = Part(what, problem=f"{what} could not be read in time.")
        self.parts.append(part)  # type: ignore[arg-type]  # only its problem is read there
        self.tasks.start_soon(self._read, part, function)
        return part

    async def _read(self, part: Part[T], function: Callable[[], Awaitable[T]]) -> None:
        try:
            async with self.turns:
                part.value = await function()
            part.problem = ""
        except Unauthorized as refused:
            self.failures.append(refused)  # it stands in the way of all
        except (ApiError, Interrupted, Unreachable) as failed:
            part.problem = f"{part.what} could not be read: {failed.what}"
        except AkashError as failure:
            self.failures.append(failure)

    @property
    def problems(self) -> list[str]:
        """What could not be read, a sentence each, in the order in which the reads were begun."""
        return [part.problem for part in self.parts if part.problem]


@asynccontextmanager
async def reading(*, at_once: float = math.inf) -> AsyncIterator[Parts]:
    """The block begins reads; after it each has its value or its problem.

    Raises what stands in the way of all of them: a token that is refused or missing, an argument that is wrong.
    """
    with anyio.move_on_after(SECONDS):
        async with anyio.create_task_group() as tasks:
            parts = Parts(tasks, anyio.CapacityLimiter(at_once))
            yield parts
    if parts.failures:
        raise parts.failures[0]
