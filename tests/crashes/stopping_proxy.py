"""A proxy before a Console that lets something happen at one request: before it is handed on, or before its answer is.

What happens is the caller's: a server that is killed, frozen or told to end. The request waits meanwhile, and goes its
way afterwards, or is lost.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

import httpx2
from tcp_server import TcpServer

_HOP = frozenset({"host", "content-length", "connection", "accept-encoding", "transfer-encoding"})
_NAMES = (
    (re.compile(r"/\d{6,}"), "/{dseq}"),
    (re.compile(r"/[0-9a-f]{8}-[0-9a-f-]{27}"), "/{id}"),
    (re.compile(r"/akash1[0-9a-z]+"), "/{address}"),
)


class Fate(StrEnum):
    """What becomes of the request at which something happens."""

    LOST = "lost"
    """It never reaches the Console."""
    LANDED = "landed"
    """It reaches the Console right afterwards."""
    LATE = "late"
    """It reaches the Console a while afterwards, when whoever looks for it has begun to look."""
    ANSWERED = "answered"
    """The Console has done it by then, and the answer goes on its way."""
    UNHEARD = "unheard"
    """The Console has done it by then, and the answer is lost."""

    @property
    def is_before(self) -> bool:
        """Whether it happens before the request reaches the Console."""
        return self in (Fate.LOST, Fate.LANDED, Fate.LATE)


ANY = "any request"
"""In place of a route: all of them are counted together."""


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """The `nth` request of a route since the proxy was armed. A route is `METHOD /path` with `{dseq}` for numbers."""

    route: str
    nth: int = 1

    def __str__(self) -> str:
        return self.route if self.nth == 1 else f"{self.route} #{self.nth}"


@dataclass(slots=True)
class Passed:
    """A request that was handed on, with the status of its answer: None while there is none."""

    route: str
    body: Any
    status: int | None = None


@dataclass
class StoppingProxy:
    """`arrived` are the routes of all requests since it was armed; `passed` what the Console got, from the first on.

    `repeated`: routes whose requests are handed on twice, as by a proxy that tries again.
    """

    upstream: str
    late_seconds: float
    url: str = ""
    arrived: list[str] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    repeated: set[str] = field(default_factory=set)
    last_at: float = 0.0
    _point: Point | None = None
    _fate: Fate = Fate.ANSWERED
    _strike: Callable[[], Awaitable[None]] | None = None
    _counts: Counter[str] = field(default_factory=Counter)
    struck: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def arm(
        self,
        point: Point | None = None,
        fate: Fate = Fate.ANSWERED,
        strike: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Count from here on, and `strike` once, at that point. `struck` is set then, and `done` when it went on."""
        self._point, self._fate, self._strike = point, fate, strike
        self.struck, self.done = asyncio.Event(), asyncio.Event()
        self._counts.clear()
        self.arrived.clear()

    def quiet_for(self) -> float:
        """Seconds since the last request came or was answered."""
        return asyncio.get_running_loop().time() - self.last_at

    async def _answer(
        self, client: httpx2.AsyncClient, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> bytes | None:
        route = named(method, target)
        self._touch()
        self._counts[route] += 1
        self.arrived.append(route)
        here = (Point(route, self._counts[route]), Point(ANY, len(self.arrived)))
        if self._point not in here or self.struck.is_set():
            told = await self._hand_on(client, route, method, target, headers, body)
            self._touch()
            return _reply(told)
        fate, done = self._fate, self.done  # it may be armed again before this request went its way
        try:
            if fate.is_before:
                await self._struck()
                if fate is Fate.LOST:
                    return None
                if fate is Fate.LATE:
                    await asyncio.sleep(self.late_seconds)
            told = await self._hand_on(client, route, method, target, headers, body)
            if not fate.is_before:
                await self._struck()
            return None if fate is Fate.UNHEARD else _reply(told)
        finally:
            self._touch()
            done.set()

    async def _struck(self) -> None:
        assert self._strike is not None
        self.struck.set()
        await self._strike()

    async def _hand_on(
        self,
        client: httpx2.AsyncClient,
        route: str,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes,
    ) -> httpx2.Response:
        kept = {name: value for name, value in headers.items() if name not in _HOP}
        for _ in range(2 if route in self.repeated else 1):
            entry = Passed(route, _json(body))
            self.passed.append(entry)
            told = await client.request(method, f"{self.upstream}{target}", headers=kept, content=body)
            entry.status = told.status_code
        return told

    def _touch(self) -> None:
        self.last_at = asyncio.get_running_loop().time()

    async def _serve(
        self, client: httpx2.AsyncClient, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                method, target, _ = head[0].split(" ")
                pairs = (line.partition(":") for line in head[1:-2])
                headers = {name.lower(): value.strip() for name, _, value in pairs}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                raw = await self._answer(client, method, target, headers, body)
                if raw is None:
                    return
                writer.write(raw)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, httpx2.TransportError):
            pass  # one of the two ends hung up: the other one is told so by the same


def named(method: str, target: str) -> str:
    """`METHOD /path` without the query, and with the kinds of names in place of names."""
    path = target.partition("?")[0]
    for pattern, kind in _NAMES:
        path = pattern.sub(kind, path)
    return f"{method} {path}"


def _json(body: bytes) -> Any:
    return json.loads(body) if body else None


def _reply(told: httpx2.Response) -> bytes:
    lines = [f"HTTP/1.1 {told.status_code} Whatever"]
    lines += [
        f"{name}: {value}"
        for name, value in told.headers.items()
        if name.lower() not in _HOP | {"content-encoding"}
    ]
    lines.append(f"content-length: {len(told.content)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + told.content


@asynccontextmanager
async def stopping_proxy(upstream: str, *, late_seconds: float = 0.5) -> AsyncIterator[StoppingProxy]:
    """A proxy before the Console at `upstream`. `late_seconds`: how long a request waits whose fate is to be late."""
    proxy = StoppingProxy(upstream, late_seconds)
    async with (
        httpx2.AsyncClient(timeout=700, trust_env=False) as client,
        TcpServer(partial(proxy._serve, client), limit=1 << 24) as server,
    ):
        proxy.url = f"http://127.0.0.1:{server.port}"
        proxy._touch()
        yield proxy
