"""A call whose answer may be a task: its client took the Tasks extension upon itself, and comes again for the rest.

Such a call hardly waits for long work, and notes which operation goes on without it. Notices are then left to the
answer that ends the task, or to the next call: a task has no place for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from akash_mcp.ids import OpId


@dataclass
class TaskCall:
    """A call that may be answered with a task. `op_id`: the operation that goes on without it."""

    op_id: OpId | None = None


_under_way: ContextVar[TaskCall | None] = ContextVar("_under_way", default=None)


@contextmanager
def task_call() -> Iterator[TaskCall]:
    """Within the block a call may be answered with a task."""
    call = TaskCall()
    token = _under_way.set(call)
    try:
        yield call
    finally:
        _under_way.reset(token)


def current() -> TaskCall | None:
    """The call under way, where it may be answered with a task."""
    return _under_way.get()
