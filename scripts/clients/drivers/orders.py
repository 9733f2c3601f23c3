"""What every driver does: take one order a line on stdin, carry it out with its client, say on stdout what came of it.

A driver is run by its client's own interpreter, so this needs nothing but Python 3.11. First it is told its target:

    {"transport": "stdio" | "http" | "sse", "era": "legacy" | "auto" | "modern", "can_be_asked": true,
     "takes_tasks": false, "command": "…", "arguments": ["…"], "environment": {"…": "…"}, "url": "…"}

An order is `{"do": "list"}` or `{"do": "call", "tool": "…", "arguments": {…}, "answer": {"action": "…"}}`, where
`answer` is what a person says to a question, and `after` in it how many seconds they take. An answer is
`{"tools": […]}`, or what a model would see of a call: `{"text", "structured", "is_error", "asked"}`; `{"raised"}` is
what the client raised in place of either.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class Target:
    """The server, and how to reach it."""

    transport: str
    era: str
    can_be_asked: bool
    takes_tasks: bool
    command: str
    arguments: list[str]
    environment: dict[str, str]
    url: str


@dataclass
class Person:
    """Who is asked: what they were asked in the call under way, and what they say."""

    answer: dict[str, Any] = field(default_factory=lambda: {"action": "cancel"})
    asked: list[str] = field(default_factory=list)

    async def asks(self, message: str) -> dict[str, Any]:
        """Note a question; the answer to it."""
        self.asked.append(message)
        answer = dict(self.answer)
        await asyncio.sleep(answer.pop("after", 0))
        return answer


@dataclass(frozen=True)
class Seen:
    """What came of a call, as a model would see it."""

    text: str
    structured: dict[str, Any] | None
    is_error: bool


class Connected(Protocol):
    """A client that is connected."""

    protocol: str
    """The version that was negotiated, where the client tells it."""

    async def tools(self) -> list[str]: ...

    async def call(self, tool: str, arguments: dict[str, Any]) -> Seen: ...


Connect = Callable[[Target, Person], AbstractAsyncContextManager[Connected]]


def drive(connect: Connect) -> None:
    """Connect as the first line says, and carry out orders until stdin ends."""
    asyncio.run(_drive(connect, Target(**json.loads(sys.stdin.readline()))))


async def _drive(connect: Connect, target: Target) -> None:
    person = Person()
    async with connect(target, person) as client:
        _say({"connected": client.protocol})
        while line := await asyncio.to_thread(sys.stdin.readline):
            _say(await _carried_out(client, person, json.loads(line)))


async def _carried_out(client: Connected, person: Person, order: dict[str, Any]) -> dict[str, Any]:
    try:
        if order["do"] == "list":
            return {"tools": await client.tools()}
        person.asked, person.answer = [], order.get("answer") or {"action": "cancel"}
        seen = await client.call(order["tool"], order["arguments"])
    except Exception as raised:  # noqa: BLE001 - whatever a client raises is what is looked for
        return {"raised": f"{type(raised).__name__}: {raised}", "asked": person.asked}
    return {**asdict(seen), "asked": person.asked}


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
