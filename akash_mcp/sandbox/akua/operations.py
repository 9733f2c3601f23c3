"""Operations that take time: their stages run one after another on the clock, and each can be watched and waited for.

What is done is done: a terminal operation never changes. A cancelled one ends a few seconds later, since its worker
finishes what it is at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import anyio

from akash_mcp.sandbox.akua.errors import Refused
from akash_mcp.sandbox.akua.world import World
from akash_mcp.sandbox.faults import Faults

CANCEL_SECONDS = 3
"""How long a cancelled operation goes on, in simulated seconds."""

HTML = "https://akua.example"
"""Where the dashboard would be. The name is reserved, so that nobody is led anywhere."""

State: TypeAlias = Literal["RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"]


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Stage:
    """A step of an operation: how long it takes, in simulated seconds, and what happens when it begins."""

    name: str
    seconds: float
    begin: Callable[[], None] = _nothing


@dataclass
class _Step:
    name: str
    status: str = "pending"
    started_at: int | None = None
    completed_at: int | None = None
    error: str | None = None


@dataclass
class Operation:
    """One operation. `ends`: when it will be done, in simulated seconds; None where it never will."""

    id: str
    workspace_id: str
    number: int
    owner_type: str
    owner_id: str
    metadata: dict[str, Any]
    started_at: int
    steps: list[_Step]
    ends: float | None
    parent_id: str | None = None
    state: State = "RUNNING"
    response: dict[str, Any] | None = None
    error: str | None = None
    completed_at: int | None = None
    is_cancelling: bool = False
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def done(self) -> bool:
        """Whether it is terminal."""
        return self.state != "RUNNING"

    def tell(self) -> dict[str, Any]:
        """As `GET /operations/{id}` has it."""
        return {**self.tell_briefly(), "steps": [self._tell_step(step) for step in self.steps]}

    def tell_briefly(self) -> dict[str, Any]:
        """As a list has it, without steps."""
        failed = next((step for step in self.steps if step.status == "failed"), None)
        return {
            "id": self.id,
            "workspace_id": self.workspace_id,
            "organization_id": None,
            "owner_type": self.owner_type,
            "owner_id": self.owner_id,
            "parent_operation_id": self.parent_id,
            "state": self.state,
            "done": self.done,
            "html_url": f"{HTML}/operations/{self.id}",
            "metadata": self.metadata,
            "response": self.response,
            "error": None if self.error is None else {"message": self.error},
            "last_error": None
            if failed is None or failed.error is None
            else {"message": failed.error, "step_name": failed.name},
            "started_at": self.started_at,
            "completed_at": self.completed_at,
        }

    def _tell_step(self, step: _Step) -> dict[str, Any]:
        return {
            "name": step.name,
            "status": step.status,
            "execution_type": "system",
            "started_at": self.started_at if step.started_at is None else step.started_at,
            "completed_at": step.completed_at,
            "error_message": step.error,
            "retryable": step.status == "failed",
            "skippable": False,
        }


@dataclass(frozen=True)
class Work:
    """What an operation does. `finish` does the deed and gives the response; `fail` ends what was begun.

    `fault`: the name of a fault of its own that ends it in its last stage, beside `operation-fails`.
    """

    type: str
    owner_type: str
    stages: Sequence[Stage]
    finish: Callable[[], dict[str, Any]]
    fail: Callable[[], None] = _nothing
    metadata: Mapping[str, Any] = field(default_factory=dict)
    fault: str | None = None


class Operations:
    """All operations, and the running of them."""

    def __init__(self, world: World, faults: Faults) -> None:
        self._world = world
        self._faults = faults
        self._works: dict[str, Work] = {}
        self.of: dict[str, Operation] = {}

    def start(
        self, work: Work, workspace_id: str, owner_id: str, *, line: str, parent_id: str | None = None
    ) -> Operation:
        """Begin an operation that the request `line` asked for."""
        world = self._world
        outcome = self._outcome(work, line)
        now = world.schedule.now()
        seconds = sum(stage.seconds for stage in work.stages)
        operation = Operation(
            id=world.new_id("op"),
            workspace_id=workspace_id,
            number=world.next_number(),
            owner_type=work.owner_type,
            owner_id=owner_id,
            metadata={"type": work.type, **work.metadata},
            started_at=world.now(),
            steps=[_Step(stage.name) for stage in work.stages],
            ends=None if outcome == "operation-stuck" else now + seconds,
            parent_id=parent_id,
        )
        self.of[operation.id] = operation
        self._works[operation.id] = work
        self._begin(operation, 0, outcome)
        return operation

    def cancel(self, operation: Operation) -> None:
        """Have it end soon. Raises `Refused` (422) where it is terminal."""
        if operation.done:
            raise Refused(422, "The operation has already reached a terminal state.")
        if not operation.is_cancelling:
            operation.is_cancelling = True
            operation.ends = self._world.schedule.now() + CANCEL_SECONDS
            self._world.schedule.after(
                CANCEL_SECONDS,
                lambda: self._fail(operation, "The operation was cancelled.", "CANCELLED"),
            )

    async def wait(self, operation: Operation, seconds: float) -> None:
        """Until it is done, or so many real seconds have passed."""
        world = self._world
        if world.clock.automine and operation.ends is not None and not operation.done:
            left = max(0.0, operation.ends - world.clock.elapsed())
            world.clock.skip(min(left, seconds * world.clock.speed))
            world.schedule.catch_up()
        until = anyio.current_time() + seconds
        while not operation.done and (left := until - anyio.current_time()) > 0:
            if operation.ends is not None:
                due = (operation.ends - world.clock.elapsed()) / world.clock.speed
                left = min(left, max(due, 0.005))
            with anyio.move_on_after(left):
                await operation.ended.wait()
            world.schedule.catch_up()

    def _outcome(self, work: Work, line: str) -> str | None:
        """Which fault meets it, if any. Its own is asked first."""
        if work.fault is not None and self._faults.take(work.fault, line):
            return "operation-fails"
        for name in ("operation-fails", "operation-stuck", "operation-lies"):
            if fault := self._faults.take(name, line):
                return f"{name} {fault.value}" if fault.value else name
        return None

    def _begin(self, operation: Operation, number: int, outcome: str | None) -> None:
        if operation.done:
            return
        work = self._works[operation.id]
        step, stage = operation.steps[number], work.stages[number]
        step.status, step.started_at = "running", self._world.now()
        stage.begin()
        is_last = number == len(work.stages) - 1
        if is_last and outcome == "operation-stuck":
            return
        self._world.schedule.after(stage.seconds, lambda: self._end(operation, number, outcome))

    def _end(self, operation: Operation, number: int, outcome: str | None) -> None:
        if operation.done:
            return
        step = operation.steps[number]
        is_last = number == len(operation.steps) - 1
        if is_last and outcome == "operation-fails":
            step.error = f"{step.name}: the workflow gave up after 3 attempts."
            self._fail(operation, step.error, "FAILED")
            return
        step.status, step.completed_at = "completed", self._world.now()
        if not is_last:
            self._begin(operation, number + 1, outcome)
            return
        work = self._works[operation.id]
        if outcome == "operation-lies nothing":
            work.fail()
        else:
            response = {"type": work.type, **work.finish()}
            operation.response = None if outcome == "operation-lies" else response
        self._settle(operation, "SUCCEEDED")

    def _fail(self, operation: Operation, message: str, state: State) -> None:
        if operation.done:
            return
        for step in operation.steps:
            if step.status == "running":
                step.status, step.completed_at = "failed", self._world.now()
            elif step.status == "pending":
                step.status = "skipped"
        operation.error = message
        self._works[operation.id].fail()
        self._settle(operation, state)

    def _settle(self, operation: Operation, state: State) -> None:
        operation.state, operation.completed_at = state, self._world.now()
        operation.ended.set()
