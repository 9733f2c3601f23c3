"""A driver as a process: orders go in, and what the client saw comes out."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from client_list import Installed, Way

_CONNECT_SECONDS = 300
_CALL_SECONDS = 300
_LONGEST_LINE = 1 << 22


class DriverFailed(Exception):
    """The driver said nothing more, or its client could not connect."""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """How a client reaches the server: over HTTP at `url`, or by starting `command` with only this environment."""

    command: Sequence[str]
    environment: dict[str, str]
    url: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a model saw of a call."""

    text: str = ""
    structured: dict[str, Any] | None = None
    is_error: bool = False
    asked: tuple[str, ...] = ()
    raised: str = ""

    @property
    def data(self) -> dict[str, Any]:
        """The answer as data: its structured content, or its text, which is the same as JSON. Empty if none."""
        if self.structured is not None:
            return self.structured
        try:
            read = json.loads(self.text)
        except ValueError:
            return {}
        return dict(read) if isinstance(read, dict) else {}

    @property
    def words(self) -> str:
        """What it came to, in one line."""
        return self.raised or " ".join(self.text.split())


@dataclass
class Driver:
    """A client that is connected."""

    process: Process
    protocol: str
    _lines: BufferedByteReceiveStream = field(repr=False)

    async def tools(self) -> list[str]:
        """The names of the tools that it lists."""
        answer = await self._order({"do": "list"})
        if "raised" in answer:
            raise DriverFailed(answer["raised"])
        return list(answer["tools"])

    async def call(self, tool: str, arguments: dict[str, Any], answer: dict[str, Any] | None = None) -> Seen:
        """Call a tool; `answer` is what its user says if they are asked."""
        told = await self._order({"do": "call", "tool": tool, "arguments": arguments, "answer": answer})
        return Seen(**{**told, "asked": tuple(told.get("asked", ()))})

    async def _order(self, order: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        try:
            await self.process.stdin.send(json.dumps(order).encode() + b"\n")
        except anyio.BrokenResourceError as gone:
            raise DriverFailed("the driver ended") from gone
        return await _line(self._lines, _CALL_SECONDS)


@asynccontextmanager
async def driving(
    client: Installed,
    way: Way,
    server: ServerAddress,
    home: Path,
    *,
    can_be_asked: bool = False,
    takes_tasks: bool = False,
) -> AsyncIterator[Driver]:
    """The client, connected. Raises `DriverFailed` with the last words of the driver."""
    command, transport = list(server.command), way.transport
    if client.bridge:
        command, transport = [*client.bridge, server.url], "stdio"
    target = {
        "transport": transport,
        "era": way.era,
        "can_be_asked": can_be_asked,
        "takes_tasks": takes_tasks,
        "command": command[0],
        "arguments": command[1:],
        "environment": server.environment,
        "url": server.url.removesuffix("/mcp") + "/sse" if transport == "sse" else server.url,
    }
    await anyio.Path(home).mkdir(parents=True, exist_ok=True)
    said = home / "driver.stderr"
    with said.open("wb") as stderr:
        process = await anyio.open_process(
            client.command,
            env={"PATH": os.environ["PATH"], "HOME": str(home), **client.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=home,
        )
        assert process.stdout is not None
        assert process.stdin is not None
        lines = BufferedByteReceiveStream(process.stdout)
        try:
            await process.stdin.send(json.dumps(target).encode() + b"\n")
            connected = await _line(lines, _CONNECT_SECONDS, said)
            yield Driver(process, connected["connected"], lines)
        finally:
            with anyio.CancelScope(shield=True):
                await process.stdin.aclose()
                with anyio.move_on_after(10):
                    await process.wait()
                if process.returncode is None:
                    process.kill()
                    await process.wait()
                await process.aclose()


async def _line(lines: BufferedByteReceiveStream, seconds: float, said: Path | None = None) -> dict[str, Any]:
    try:
        with anyio.fail_after(seconds):
            return dict(json.loads(await lines.receive_until(b"\n", _LONGEST_LINE)))
    except (anyio.IncompleteRead, anyio.EndOfStream) as ended:
        last = await anyio.Path(said).read_text(errors="replace") if said else ""
        words = last.strip().splitlines()
        raise DriverFailed(" ".join(words[-2:]) or "the driver ended") from ended
    except TimeoutError as late:
        raise DriverFailed(f"the driver said nothing for {seconds:g} seconds") from late
