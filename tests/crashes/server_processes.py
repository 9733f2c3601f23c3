"""Real server processes over stdio, with a real MCP client, that can be killed, frozen, ended and hung up on."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import anyio
from mcp import Client
from mcp.client._transport import TransportStreams
from mcp.shared.message import SessionMessage
from mcp.types import CallToolResult, TextContent
from mcp_types import jsonrpc_message_adapter

_NURSERY = Path(__file__).with_name("server_nursery.py")
_LONGEST_LINE = 1 << 24
SIGNAL_SECONDS = 0.15
"""How long a server may take to notice that it is to end, before what it waits for goes on."""


class Blow(StrEnum):
    """What happens to a server."""

    KILL = "kill -9"
    TERM = "SIGTERM"
    EOF = "stdin EOF"
    STOP = "SIGSTOP"
    """Another server takes over, and this one goes on afterwards."""


class Starter(Protocol):
    """Starts processes of the command line."""

    def start(self, argv: Sequence[str], env: Mapping[str, str], stdin: int, stdout: int, stderr: int) -> int:
        """The process id of `akash-mcp ARGV`, whose environment is `env` and nothing else."""


@dataclass
class Cold:
    """Starts `python -m akash_mcp` each time, as a host does: two seconds of a processor."""

    _children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, argv: Sequence[str], env: Mapping[str, str], stdin: int, stdout: int, stderr: int) -> int:
        command = [sys.executable, "-m", "akash_mcp", *argv]
        child = subprocess.Popen(
            command, env=dict(env), cwd=env["HOME"], stdin=stdin, stdout=stdout, stderr=stderr
        )
        self._children = [each for each in self._children if each.poll() is None] + [child]
        return child.pid


@dataclass
class Nursery:
    """Has the same command line run by processes that imported it already, which costs hardly any time."""

    _orders: socket.socket

    def start(self, argv: Sequence[str], env: Mapping[str, str], stdin: int, stdout: int, stderr: int) -> int:
        message = json.dumps({"argv": list(argv), "env": dict(env)}).encode()
        socket.send_fds(self._orders, [message], [stdin, stdout, stderr])
        return int(self._orders.recv(64))


@contextmanager
def nursery() -> Iterator[Nursery]:
    """A nursery, whose process ends with the block."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours:
        with its:
            process = subprocess.Popen(
                [sys.executable, str(_NURSERY), str(its.fileno())], pass_fds=[its.fileno()]
            )
        try:
            yield Nursery(ours)
        finally:
            ours.close()
            process.wait(timeout=30)


@dataclass
class Process:
    """A running command. `stderr` is what it said there."""

    pid: int
    log: Path
    _pidfd: int | None
    _stdin: int | None
    stdout: int | None

    @classmethod
    def start(cls, starter: Starter, argv: Sequence[str], env: Mapping[str, str], log: Path) -> Process:
        """Start `akash-mcp ARGV` with pipes at stdin and stdout, and `log` at stderr."""
        its_stdin, stdin = os.pipe()
        stdout, its_stdout = os.pipe()
        try:
            with log.open("ab") as stderr:
                pid = starter.start(argv, env, its_stdin, its_stdout, stderr.fileno())
        finally:
            os.close(its_stdin)
            os.close(its_stdout)
        pidfd = None
        with suppress(ProcessLookupError):  # it has ended already
            pidfd = os.pidfd_open(pid)
        return cls(pid, log, pidfd, stdin, stdout)

    @property
    def stderr(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def has_ended(self) -> bool:
        if self._pidfd is None:
            return True
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return bool(poll.poll(0))

    async def ended(self, seconds: float) -> bool:
        """Wait until it has ended, so long at most: whether it has."""
        with anyio.move_on_after(seconds):
            while not self.has_ended:  # noqa: ASYNC110  # the kernel tells no event of this
                await asyncio.sleep(0.01)
        return self.has_ended

    async def strike(self, blow: Blow) -> None:
        """Do that to it. Killed it has ended, and frozen it stands still, before this returns."""
        match blow:
            case Blow.KILL:
                self.send(signal.SIGKILL)
                await self.ended(10)
            case Blow.STOP:
                self.send(signal.SIGSTOP)
                while self._state() not in "TtZ":  # noqa: ASYNC110  # the kernel tells no event of this
                    await asyncio.sleep(0.005)
            case Blow.TERM:
                self.send(signal.SIGTERM)
                await asyncio.sleep(SIGNAL_SECONDS)
            case Blow.EOF:
                self.hang_up()
                await asyncio.sleep(SIGNAL_SECONDS)

    def send(self, number: signal.Signals) -> None:
        """Send a signal, to this very process or to nobody."""
        if self._pidfd is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def write(self, line: bytes) -> None:
        """One line to its stdin. Raises `OSError` where nobody reads there any more."""
        if self._stdin is None:
            raise BrokenPipeError("its stdin is closed")
        os.write(self._stdin, line)

    def hang_up(self) -> None:
        """Close its stdin."""
        if self._stdin is not None:
            os.close(self._stdin)
            self._stdin = None

    def close(self) -> None:
        """End it, whatever it does, and let go of it."""
        self.hang_up()
        self.send(signal.SIGKILL)
        if self._pidfd is not None:
            os.close(self._pidfd)
            self._pidfd = None

    def _state(self) -> str:
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text(encoding="latin-1")
        except OSError:
            return "Z"
        return stat.rpartition(")")[2].split()[0]


@dataclass
class Server:
    """`akash-mcp serve` and the client that talks to it."""

    process: Process
    client: Client
    said: list[str] = field(default_factory=list)

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The structured answer of a tool. Raises `ToolRefused` with its words where it refuses."""
        result = await self.client.call_tool(tool, arguments)
        if result.is_error:
            raise ToolRefused(text_of(result))
        return dict(result.structured_content or {})

    async def finished(self, answer: dict[str, Any]) -> dict[str, Any]:
        """An answer, waited for where it is pending."""
        while answer.get("status") == "pending" and "op_id" in answer:
            shown = await self.call("get_deployment", id=answer["op_id"], wait_for="ready")
            if shown.get("ready") or shown.get("state") == "closed":
                return {**answer, **shown, "status": "ready" if shown.get("ready") else "closed"}
            await asyncio.sleep(0.05)
        return answer


class ToolRefused(Exception):
    """A tool answered with an error, in these words."""


def text_of(result: CallToolResult) -> str:
    return "".join(block.text for block in result.content if isinstance(block, TextContent))


@asynccontextmanager
async def serving(
    starter: Starter, argv: Sequence[str], env: Mapping[str, str], log: Path, era: str
) -> AsyncIterator[Server]:
    """`akash-mcp serve` with `argv`, and a client of that era connected to it. Killed at the end, if it still runs."""
    process = Process.start(starter, ["serve", *argv], env, log)
    try:
        async with Client(_over_pipes(process), mode=era, cache=None) as client:
            yield Server(process, client)
    finally:
        process.close()


@asynccontextmanager
async def _over_pipes(process: Process) -> AsyncIterator[TransportStreams]:
    """MCP over the pipes of a process, a line a message. Unlike the SDK's own it leaves the process alone."""
    incoming, received = anyio.create_memory_object_stream[SessionMessage | Exception](64)
    outgoing, to_send = anyio.create_memory_object_stream[SessionMessage](64)
    assert process.stdout is not None
    reader = asyncio.StreamReader(limit=_LONGEST_LINE)
    pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(process.stdout, "rb", buffering=0)
    )
    process.stdout = None

    async def receive() -> None:
        async with incoming:
            while line := await reader.readline():
                await incoming.send(
                    SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
                )

    async def send() -> None:
        async with to_send:
            async for message in to_send:
                text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                with suppress(OSError):  # it has ended, which `receive` tells
                    process.write(text.encode() + b"\n")

    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(receive)
            tasks.start_soon(send)
            yield received, outgoing
            tasks.cancel_scope.cancel()
    finally:
        pipe.close()
        received.close()
        outgoing.close()
