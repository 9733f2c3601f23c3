"""The shell of a lease: one command in one container, over binary frames whose first byte says what they carry.

Programs are those of `shell`, and what it does not play is not there. The end is a result (102) or a failure (103), and
then TCP drops without a Close frame. Without `stdin` the gateway never reads: no pong, no answer to a Close.

A pod that has completed or failed is never met here: every container is started again.
"""

from __future__ import annotations

import math
import re
from contextlib import aclosing
from dataclasses import dataclass, field

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from akash_mcp.sandbox.clock import Clock
from akash_mcp.sandbox.provider import go_json
from akash_mcp.sandbox.provider.http1 import Request
from akash_mcp.sandbox.provider.shell.budget import Exhausted
from akash_mcp.sandbox.provider.shell.machine import SHELLS, run
from akash_mcp.sandbox.provider.shell.process import NotPlayed
from akash_mcp.sandbox.provider.shell.streams import Source, ToCaller, Waiting
from akash_mcp.sandbox.provider.websocket import PONG_SECONDS, WebSocket
from akash_mcp.sandbox.provider.workload import Pod, Workload

STDOUT, STDERR, RESULT, FAILURE, STDIN, RESIZE = range(100, 106)

_CHUNK = 32 * 1024
_END_OF_TRANSMISSION = b"\x04"


class BadCommand(ValueError):
    """A query that is refused with 400 and no body."""


@dataclass(frozen=True)
class Command:
    argv: tuple[str, ...]
    service: str
    pod_index: int
    tty: bool
    stdin: bool


def command_from(request: Request) -> Command:
    """The query of a shell. Raises `BadCommand`. Only `1` means yes; arguments end at the first that is empty."""
    argv: list[str] = []
    while word := request.parameter(f"cmd{len(argv)}"):
        argv.append(word)
    tty, service, stdin = (request.parameter(name) for name in ("tty", "service", "stdin"))
    if not (argv and tty and service and stdin):
        raise BadCommand
    return Command(tuple(argv), service, _pod_index(request.parameter("podIndex")), tty == "1", stdin == "1")


async def shell(
    socket: WebSocket, workload: Workload | None, command: Command, *, ping_seconds: float
) -> None:
    """Serve `…/shell`. A lease that is gone is told like a success, an exit code of 0 and not a word more."""
    pods = workload.pods(command.service) if workload else []
    if workload is None or not workload.is_created:
        await socket.send_binary(_result(0))
        return
    refusal = _refusal(workload, command, pods)
    if refusal:
        await socket.send_binary(_result(0, refusal))
        return
    await _Session(socket, command, workload.clock, ping_seconds).run(pods[command.pod_index])


class _Typed(Source):
    """Standard input that comes while the command runs."""

    is_over = False

    def more(self) -> Waiting[bool]:
        """Wait for the next of it, unless it is over."""
        while not (self.held or self.is_over):
            yield None
        return bool(self.held)


@dataclass
class _Session:
    socket: WebSocket
    command: Command
    clock: Clock
    ping_seconds: float
    _written: list[tuple[int, str]] = field(default_factory=list)

    async def run(self, pod: Pod) -> None:
        """Play the command and say how it ended."""
        last = bytes([FAILURE])
        send, receive = anyio.create_memory_object_stream[bytes]()
        try:
            async with send, receive, anyio.create_task_group() as group:
                group.start_soon(self.socket.ping, self.ping_seconds)
                group.start_soon(self._read, send)
                last = await self._play(pod, receive)
                group.cancel_scope.cancel()
        except* TimeoutError:
            last = bytes([FAILURE])  # pongs that stopped coming cancel the command
        await self.socket.send_binary(last)

    async def _play(self, pod: Pod, received: MemoryObjectReceiveStream[bytes]) -> bytes:
        assert pod.container is not None
        stdin = _Typed() if self.command.stdin else Source()
        host = pod.container.host(self.clock.elapsed, session=True)
        # A terminal has one stream, so under a tty nothing is told as an error.
        stdout = ToCaller(lambda text: self._written.append((STDOUT, text)))
        stderr = stdout if self.command.tty else ToCaller(lambda text: self._written.append((STDERR, text)))
        work = run(self.command.argv, host, stdin=stdin, stdout=stdout, stderr=stderr)
        try:
            if self.command.argv[0] in SHELLS and "distroless" in pod.service.image:
                raise NotPlayed(self.command.argv)
            while True:
                wait = next(work)
                await self._flush()
                if wait is None:
                    assert isinstance(stdin, _Typed)
                    await self._type(stdin, received)
                elif wait:
                    await self._wait(wait)
        except StopIteration as end:
            await self._flush()
            return _result(end.value)
        except NotPlayed:
            message = "remote command execute error: command could not be executed because it does not exist"
            return _result(0, message)
        except Exhausted as much:
            stderr.write(f"the sandbox plays no more of this command: {much}; it acts as if it ran on\n")
            await self._flush()
            await anyio.sleep_forever()
            raise AssertionError from much

    async def _flush(self) -> None:
        """Send what was written."""
        for code, text in self._written:
            await self._write(code, text.encode("utf-8", "surrogateescape"))
        self._written.clear()

    async def _type(self, stdin: _Typed, received: MemoryObjectReceiveStream[bytes]) -> None:
        """Hand the next input on. Without a tty there is no way to say that it is over, so it never is."""
        data = await received.receive()
        if self.command.tty:
            data, ended, _ = data.partition(_END_OF_TRANSMISSION)
            stdin.is_over = bool(ended)
            await self._write(STDOUT, data)  # the terminal's echo
        stdin.held += data.decode("utf-8", "surrogateescape")

    async def _read(self, stdin: MemoryObjectSendStream[bytes]) -> None:
        """Frames of the client. One that cannot be read ends the reading and nothing else."""
        if not self.command.stdin:
            return
        async with aclosing(self.socket.messages(pong_within=PONG_SECONDS)) as messages:
            async for message in messages:
                if message.is_text or not message.data:
                    continue
                code, payload = message.data[0], message.data[1:]
                if code == STDIN:
                    await stdin.send(payload)
                elif code != RESIZE or len(payload) < 4:
                    return

    async def _write(self, code: int, data: bytes) -> None:
        for start in range(0, len(data), _CHUNK):
            await self.socket.send_binary(bytes([code]) + data[start : start + _CHUNK])

    async def _wait(self, simulated_seconds: float) -> None:
        if math.isinf(simulated_seconds):
            await anyio.sleep_forever()
        await self.clock.sleep(simulated_seconds)


def _refusal(workload: Workload, command: Command, pods: list[Pod]) -> str:
    """Why the command cannot run, in the gateway's words, or nothing."""
    if command.service not in workload.services:
        return "kube: no service for that lease"
    if not any(pod.is_ready for pod in pods):
        return "no active replicase for service"
    if command.pod_index >= len(pods):
        return f"remote command execute error: pod index out of range: valid range is [0, {len(pods) - 1}]"
    if not pods[command.pod_index].is_ready:
        return "remote command execute error: service with that name is not running: the service is not ready"
    return ""


def _pod_index(text: str) -> int:
    """An unsigned number as Go reads it with base 0, below 2^31."""
    if not re.fullmatch(r"0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*", text):
        raise BadCommand
    is_old_octal = len(text) > 1 and text[0] == "0" and text[1].isdigit()
    value = int(text, 8) if is_old_octal else int(text, 0)
    if value >= 2**31:
        raise BadCommand
    return value


def _result(exit_code: int, message: str = "") -> bytes:
    body: dict[str, object] = {"exit_code": exit_code}
    if message:
        body["message"] = message
    return bytes([RESULT]) + go_json.encode(body).encode() + b"\n"
