"""The shell of a lease: one command in one container, over binary frames whose first byte says what they carry.

Programs are those of a session of `command_interpreter`. The end is a result (102) or a failure (103), and then TCP
drops without a Close frame. Without `stdin` the gateway never reads: no pong, no answer to a Close.

A pod that has completed or failed is never met here: every container is started again.
"""

from __future__ import annotations

import math
import re
from contextlib import aclosing
from dataclasses import dataclass

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from akash_mcp.sandbox.clock import Clock
from akash_mcp.sandbox.provider import go_json
from akash_mcp.sandbox.provider.command_interpreter import SHELLS, NotPlayed, Outcome, run
from akash_mcp.sandbox.provider.http1 import Request
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
    pod = pods[command.pod_index]
    try:
        if command.argv[0] in SHELLS and "distroless" in pod.service.image:
            raise NotPlayed(command.argv[0])
        outcome = run(command.argv, pod.view, session=True)
    except NotPlayed:
        message = "remote command execute error: command could not be executed because it does not exist"
        await socket.send_binary(_result(0, message))
        return
    await _Session(socket, command, workload.clock, ping_seconds).run(outcome)


@dataclass
class _Session:
    socket: WebSocket
    command: Command
    clock: Clock
    ping_seconds: float

    async def run(self, outcome: Outcome) -> None:
        """Play an outcome and say how it ended."""
        last = bytes([FAILURE])
        send, receive = anyio.create_memory_object_stream[bytes]()
        try:
            async with send, receive, anyio.create_task_group() as group:
                group.start_soon(self.socket.ping, self.ping_seconds)
                group.start_soon(self._read, send)
                await self._play(outcome)
                if outcome.copies_stdin:
                    await self._cat(receive)
                last = _result(outcome.exit_code)
                group.cancel_scope.cancel()
        except* TimeoutError:
            last = bytes([FAILURE])  # pongs that stopped coming cancel the command
        await self.socket.send_binary(last)

    async def _play(self, outcome: Outcome) -> None:
        passed = 0.0
        for at, is_stderr, text in outcome.output:
            await self._wait(at - passed)
            passed = at
            # A terminal has one stream, so under a tty nothing is told as an error.
            await self._write(STDERR if is_stderr and not self.command.tty else STDOUT, text.encode())
        await self._wait(outcome.seconds - passed)
        while outcome.endless:
            await self._write(STDOUT, outcome.endless.encode() * (_CHUNK // len(outcome.endless)))

    async def _cat(self, stdin: MemoryObjectReceiveStream[bytes]) -> None:
        """Without a tty there is no way to say that the input is over, so it never is."""
        if not self.command.stdin:
            return
        async for data in stdin:
            if self.command.tty:
                text, ended, _ = data.partition(_END_OF_TRANSMISSION)
                await self._write(STDOUT, text + text)  # the terminal's echo, then cat's copy
                if ended:
                    return
            else:
                await self._write(STDOUT, data)

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
