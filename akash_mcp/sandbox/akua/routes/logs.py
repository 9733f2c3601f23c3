"""Logs of an install as server-sent events. They are followed unless the caller says that they are not to be."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from anyio.lowlevel import checkpoint

from akash_mcp.sandbox.akua.backend import Backend
from akash_mcp.sandbox.akua.endpoint import Answer, Call, Endpoint
from akash_mcp.sandbox.akua.errors import Refused, not_found
from akash_mcp.sandbox.akua.pods import CONTAINERS, LINE_SECONDS, Line, lines, pods_of
from akash_mcp.sandbox.akua.records import Install
from akash_mcp.sandbox.akua.schemas import boolean, bounded, whole

_CHUNK = 1 << 20
_CAUSE = [{"_tag": "Fail", "error": {"message": "the log backend closed the stream"}}]


def endpoints(backend: Backend) -> list[Endpoint]:
    """Its route."""

    def get(call: Call) -> Answer:
        if not any(kind in call.accept for kind in ("text/event-stream", "*/*")):
            raise Refused(406, "Logs are only sent as text/event-stream.")
        install = backend.install(call)
        pods = _chosen("Pod", pods_of(install), call.query.get("pod"))
        containers = _chosen("Container", CONTAINERS, call.query.get("container"))
        stream = _Stream(backend, call, install, pods, containers)
        return Answer(lambda: None, stream=stream.frames())

    query = {
        "pod": bounded(253),
        "container": bounded(253),
        "follow": boolean,
        "tail": whole(0, 1_000_000),
        "since_seconds": whole(0, 10**9),
    }
    return [Endpoint("GET", "/installs/{id}/logs", get, query=query)]


def _chosen(kind: str, names: Sequence[str], wanted: str | None) -> Sequence[str]:
    if wanted is None:
        return names
    if wanted not in names:
        raise not_found(kind)
    return [wanted]


@dataclass
class _Stream:
    """One answer."""

    backend: Backend
    call: Call
    install: Install
    pods: Sequence[str]
    containers: Sequence[str]

    async def frames(self) -> AsyncIterator[bytes]:
        faults, line, world = self.backend.faults, self.call.line, self.backend.world
        is_plain = faults.take("log-plain", line) is not None
        is_endless = faults.take("log-endless", line) is not None
        follows = is_endless or self.call.query.get("follow", True)
        if giant := faults.take("log-giant", line):
            async for chunk in _giant(int(giant.seconds(16) * (1 << 20))):
                yield chunk
        seen = world.clock.elapsed()
        backlog = self._backlog(seen)
        for number, each in enumerate(backlog):
            is_last = not follows and number == len(backlog) - 1
            yield self._frame(each, is_last=is_last, is_plain=is_plain)
        if failure := faults.take("log-failure", line):
            name = f"effect/{failure.value or 'httpapi'}/stream/failure"
            yield _event(name, json.dumps(_CAUSE))
            return
        while follows and (is_endless or self.install.state != "deleted"):
            await world.clock.sleep(LINE_SECONDS)
            world.schedule.catch_up()
            now = world.clock.elapsed()
            for each in lines(self.install, self.pods, self.containers, seen, now):
                yield self._frame(each, is_last=False, is_plain=is_plain)
            seen = now
        yield _event("end", "{}")

    def _backlog(self, now: float) -> list[Line]:
        since = self.call.query.get("since_seconds", 0)
        after = now - since if since else -1.0
        found = lines(self.install, self.pods, self.containers, after, now)
        return list(deque(found, self.call.query.get("tail")))

    def _frame(self, line: Line, *, is_last: bool, is_plain: bool) -> bytes:
        clock = self.backend.world.clock
        told = {
            "content": line.content,
            "podName": line.pod,
            "containerName": line.container,
            "timestamp": line.timestamp(clock.now() - clock.elapsed()),
            "last": is_last,
        }
        return _event("message", line.content if is_plain else json.dumps(told))


async def _giant(size: int) -> AsyncIterator[bytes]:
    """One frame whose line is so many bytes."""
    yield b'event: message\ndata: {"content":"'
    for _ in range(max(1, size // _CHUNK)):
        yield b"x" * _CHUNK
        await checkpoint()
    yield b'","podName":"web-0","containerName":"web","timestamp":"","last":false}\n\n'


def _event(name: str, data: str) -> bytes:
    return f"event: {name}\ndata: {data}\n\n".encode()
