"""The two streams of a lease: logs and Kubernetes events.

Frames are text, one JSON object and a newline each. Logs end by dropping TCP without a Close frame, events with 1000.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from itertools import takewhile

import anyio

from akash_mcp.sandbox.provider import go_json
from akash_mcp.sandbox.provider.container import Container
from akash_mcp.sandbox.provider.http1 import Request
from akash_mcp.sandbox.provider.websocket import WebSocket
from akash_mcp.sandbox.provider.workload import Event, Pod, Workload

INTERNAL_ERROR = 4000
NORMAL = 1000

WATCH_SECONDS = 1800
"""How long Kubernetes lets a watch last, in simulated seconds."""

_LONGEST_LINE = 64 * 1024  # bufio.Scanner gives up at this many bytes
_LINES_AT_ONCE = 128
_POLL_SECONDS = 0.05
_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")


class BadParameter(ValueError):
    """A query parameter that the gateway refuses with 400. The text is its body."""


@dataclass(frozen=True)
class StreamParameters:
    """`tail`: so many lines of each pod, -1 for all. `services`: empty for all."""

    follow: bool
    tail: int
    services: tuple[str, ...]


def stream_parameters(request: Request) -> StreamParameters:
    """The query of a stream. Raises `BadParameter`. `services`, which some clients send, means nothing here."""
    follow = request.parameter("follow") or "false"
    if follow not in _TRUE + _FALSE:
        raise BadParameter(f'strconv.ParseBool: parsing "{follow}": invalid syntax')
    tail = request.parameter("tail") or "-1"
    if not re.fullmatch(r"[+-]?[0-9]+", tail):
        raise BadParameter(f'strconv.ParseInt: parsing "{tail}": invalid syntax')
    if not -(2**31) <= int(tail) < 2**31:
        raise BadParameter(f'strconv.ParseInt: parsing "{tail}": value out of range')
    if int(tail) < -1:
        raise BadParameter('parameter "tail" contains invalid value')
    service = request.parameter("service")
    if service.endswith(","):
        raise BadParameter('parameter "service" must not contain trailing comma')
    return StreamParameters(follow in _TRUE, int(tail), tuple(service.split(",")) if service else ())


async def logs(
    socket: WebSocket, workload: Workload, parameters: StreamParameters, *, ping_seconds: float
) -> None:
    """Serve `GET …/logs`: the pods as they are now. Pods that come later and restarts are not picked up."""
    if not all(_LABEL_VALUE.fullmatch(service) for service in parameters.services):
        await socket.close(INTERNAL_ERROR)
        return
    pods = [
        pod for pod in workload.pods() if not parameters.services or pod.service.name in parameters.services
    ]
    if not pods:
        await socket.close(INTERNAL_ERROR, "no running pods")
        return
    containers = [pod.container for pod in pods if pod.container is not None]
    if len(containers) < len(pods):  # one that has not started fails the whole request
        await socket.close(INTERNAL_ERROR)
        return

    async def pump_all() -> None:
        async with anyio.create_task_group() as group:
            for pod, container in zip(pods, containers, strict=True):
                group.start_soon(_pump, socket, workload, pod, container, parameters)

    await _attended(socket, pump_all, ping_seconds)


async def kubeevents(
    socket: WebSocket, workload: Workload, parameters: StreamParameters, *, ping_seconds: float
) -> None:
    """Serve `GET …/kubeevents`: what there is, and with `follow` what comes until the watch expires."""
    workload.advance()
    if not workload.is_created:
        await socket.close(INTERNAL_ERROR)
        return

    async def pump() -> None:
        sent = 0
        until = workload.clock.elapsed() + WATCH_SECONDS
        while True:
            ended = workload.closed or not parameters.follow or workload.clock.elapsed() >= until
            # `service` selects by a label that events do not carry.
            # Kubernetes keeps equal events as one, with a count that the gateway leaves out.
            events = workload.events[sent:] if sent else list(dict.fromkeys(workload.events))
            for event in () if parameters.services else events:
                await socket.send_text(_event(event, workload.key.namespace))
            sent = len(workload.events)
            if ended:
                break
            await asyncio.sleep(_POLL_SECONDS)
            workload.advance()
        await socket.close(NORMAL)

    await _attended(socket, pump, ping_seconds)


async def _pump(
    socket: WebSocket, workload: Workload, pod: Pod, container: Container, parameters: StreamParameters
) -> None:
    sent = 0 if parameters.tail < 0 else max(0, len(container.log) - parameters.tail)
    while True:
        ended = not parameters.follow or not container.running
        until = len(container.log)
        while sent < until:
            lines = container.log[sent : min(until, sent + _LINES_AT_ONCE)]
            sent += len(lines)
            readable = list(takewhile(_is_readable, lines))
            await socket.send_texts(
                go_json.encode({"name": pod.name, "message": line}) + "\n" for line in readable
            )
            if len(readable) < len(lines):
                return
        if ended:
            return
        await asyncio.sleep(_POLL_SECONDS)
        workload.advance()


def _is_readable(line: str) -> bool:
    return len(line) < _LONGEST_LINE and len(line.encode()) < _LONGEST_LINE


async def _attended(socket: WebSocket, work: Callable[[], Awaitable[None]], ping_seconds: float) -> None:
    """Do the work while pinging and reading, until it is done or the client leaves."""
    async with anyio.create_task_group() as group:

        async def read() -> None:
            async with aclosing(socket.messages()) as messages:
                async for _ in messages:
                    pass
            group.cancel_scope.cancel()

        group.start_soon(read)
        group.start_soon(socket.ping, ping_seconds)
        await work()
        group.cancel_scope.cancel()


def _event(event: Event, namespace: str) -> str:
    body = {
        "type": event.type,
        "reportingController": event.controller,
        "reportingInstance": event.instance,
        "reason": event.reason,
        "note": event.note,
        "object": {"kind": event.kind, "namespace": namespace, "name": event.name},
    }
    return go_json.encode(body) + "\n"
