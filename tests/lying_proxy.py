"""A proxy before a Console that changes, loses and refuses answers, as a real network or a liar does."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import partial
from typing import Any

import httpx2
from scripted_console import Sent, read_request
from tcp_server import TcpServer

Rewrite = Callable[[Any], Any]
"""From what an answer says (the whole JSON) to what the client is told instead."""


@dataclass
class _Rule:
    route: re.Pattern[str]
    left: int
    act: str
    rewrite: Rewrite = lambda told: told
    status: int = 200

    def takes(self, line: str) -> bool:
        return self.left > 0 and self.route.fullmatch(line) is not None


@dataclass
class LyingProxy:
    """`requests` are what reached the proxy, `forwarded` what it handed on, each as `METHOD /path`.

    A `route` is a regular expression for a whole `METHOD /path`, without the query. Rules are tried in the order in
    which they were made, each for as many `times`; the first that fits is used, and rewrites add up.
    """

    upstream: str
    url: str = ""
    requests: list[Sent] = field(default_factory=list)
    forwarded: list[str] = field(default_factory=list)
    _rules: list[_Rule] = field(default_factory=list)
    _gatherings: list[tuple[re.Pattern[str], int, asyncio.Event]] = field(default_factory=list)

    def gather(self, route: str, count: int) -> None:
        """Do nothing with a request of the route before so many have come: they are under way at once."""
        self._gatherings.append((re.compile(route), count, asyncio.Event()))

    def rewrite(self, route: str, change: Rewrite, *, times: int = 10**9, status: int = 0) -> None:
        """Hand the request on, and tell what `change` makes of the answer; with another `status`, where given."""
        self._rules.append(_Rule(re.compile(route), times, "rewrite", change, status))

    def lose(self, route: str, *, times: int = 1) -> None:
        """Hand the request on, and hang up instead of answering."""
        self._rules.append(_Rule(re.compile(route), times, "lose"))

    def drop(self, route: str, *, times: int = 1) -> None:
        """Hang up, and hand nothing on."""
        self._rules.append(_Rule(re.compile(route), times, "drop"))

    def refuse(self, route: str, status: int, body: Any, *, times: int = 1) -> None:
        """Answer by itself, and hand nothing on."""
        self._rules.append(_Rule(re.compile(route), times, "refuse", lambda _: body, status))

    def repeat(self, route: str, *, times: int = 1) -> None:
        """Hand the request on twice, as a proxy does that tries again, and tell the second answer."""
        self._rules.append(_Rule(re.compile(route), times, "repeat"))

    def honest(self) -> None:
        """Forget all rules."""
        self._rules.clear()

    def sent(self, route: str) -> int:
        """How many requests of a route were handed on."""
        return sum(re.fullmatch(route, line) is not None for line in self.forwarded)

    async def _answer(
        self, client: httpx2.AsyncClient, headers: dict[str, str], request: Sent
    ) -> bytes | None:
        line = request.route
        for route, count, all_are_here in self._gatherings:
            if route.fullmatch(line):
                if sum(route.fullmatch(each.route) is not None for each in self.requests) >= count:
                    all_are_here.set()
                await all_are_here.wait()
        fitting = [rule for rule in self._rules if rule.takes(line)]
        first = next((rule for rule in fitting if rule.act != "rewrite"), None)
        if first is not None:
            first.left -= 1
        act = first.act if first else "forward"
        if act == "drop":
            return None
        if first is not None and act == "refuse":
            return _reply(first.status, first.rewrite(None))
        method, path = line.split(" ", 1)
        kept = {name: value for name, value in headers.items() if name not in _HOP}
        query = f"?{request.query}" if request.query else ""
        body = None if request.body is None else json.dumps(request.body).encode()
        for _ in range(2 if act == "repeat" else 1):
            self.forwarded.append(line)
            told = await client.request(method, f"{self.upstream}{path}{query}", headers=kept, content=body)
        if act == "lose":
            return None
        try:
            content, status = told.json(), told.status_code
        except ValueError:
            return _reply(told.status_code, told.text)
        for rule in fitting:
            if rule.act == "rewrite":
                rule.left -= 1
                content, status = rule.rewrite(content), rule.status or status
        return _reply(status, content)

    async def _serve(
        self, client: httpx2.AsyncClient, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while True:
                headers, request = await read_request(reader)
                self.requests.append(request)
                raw = await self._answer(client, headers, request)
                if raw is None:
                    return
                writer.write(raw)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client hung up


_HOP = ("host", "content-length", "connection", "accept-encoding")


def _reply(status: int, content: Any) -> bytes:
    kind = "text/plain" if isinstance(content, str) else "application/json"
    raw = content.encode() if isinstance(content, str) else json.dumps(content).encode()
    head = f"HTTP/1.1 {status} Whatever\r\ncontent-type: {kind}\r\ncontent-length: {len(raw)}"
    return f"{head}\r\ndate: {formatdate(usegmt=True)}\r\n\r\n".encode() + raw


@asynccontextmanager
async def lying_proxy(upstream: str) -> AsyncIterator[LyingProxy]:
    """A proxy before the Console at `upstream`, honest until told otherwise."""
    proxy = LyingProxy(upstream)
    async with (
        httpx2.AsyncClient(verify=False, timeout=200) as client,
        TcpServer(partial(proxy._serve, client)) as server,
    ):
        proxy.url = f"http://127.0.0.1:{server.port}"
        yield proxy
