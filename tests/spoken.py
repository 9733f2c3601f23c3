"""A server of ours on pipes of this process, spoken to line by line: what a client on stdio sees, to the byte."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

import anyio
from mcp.server.stdio import stdio_server

from akash_mcp import config
from akash_mcp.fast_start.early_answers import FirstAnswers
from akash_mcp.fast_start.record import load
from akash_mcp.server import build
from akash_mcp.stdio_wire import StdioWire
from akash_mcp.tool_choice import Serving
from akash_mcp.transports import run_on_wire

ENVELOPE: dict[str, Any] = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
HANDSHAKES = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
DEFAULT = Serving(("deploy", "observe"), read_only=False, sandbox=False)


def request(method: str, number: object = 1, **params: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n"


def greeting(version: str, number: object = 1) -> bytes:
    client = {"name": "test", "version": "1"}
    return request("initialize", number, protocolVersion=version, capabilities={}, clientInfo=client)


class Spoken:
    """The client's end. `start` starts the server; before it, only a fast start answers."""

    def __init__(self, state_dir: Path, serving: Serving, *, fast: bool) -> None:
        self._settings = config.Settings(
            state_dir=state_dir,
            toolsets=serving.toolsets,
            read_only=serving.read_only,
            sandbox=serving.sandbox,
        )
        self._client_in, to_server = os.pipe()
        from_server, self._client_out = os.pipe()
        self.stdin: IO[bytes] = os.fdopen(to_server, "wb", buffering=0)
        self.stdout: IO[bytes] = os.fdopen(from_server, "rb")
        record = load()
        early = FirstAnswers(record.versions, record.results(serving)) if fast else None
        self.wire = StdioWire(self._client_in, self._client_out, early, serving)
        self._server = threading.Thread(target=anyio.run, args=(self._serve,), daemon=True)

    def start(self) -> None:
        self._server.start()

    async def _serve(self) -> None:
        await anyio.to_thread.run_sync(self.wire.hand_over)
        with os.fdopen(self.wire.server_in, "rb") as stdin, os.fdopen(self._client_out, "wb") as stdout:
            # Decoded and encoded as the SDK does it with the stdin and stdout of a process.
            reader = anyio.wrap_file(TextIOWrapper(stdin, "utf-8", errors="replace"))
            writer = anyio.wrap_file(TextIOWrapper(stdout, "utf-8"))
            async with stdio_server(reader, writer) as (incoming, outgoing):
                server = build(self._settings, play_money=self._settings.sandbox)
                await run_on_wire(server, self.wire, incoming, outgoing)

    def send(self, text: bytes) -> None:
        while text:
            text = text[self.stdin.write(text) :]

    def answers(self) -> list[bytes]:
        """The answers to all that was sent, in the order in which they came."""
        lines = []
        for last in (
            "the last",
            "the very last",
        ):  # while the second is answered, any other that was begun ends
            self.send(request("ping", last))
            while json.loads(line := self.stdout.readline()).get("id") != last:
                lines.append(line)
        return lines

    def close(self) -> None:
        self.stdin.close()
        if self._server.ident is not None:
            self._server.join()
        self.wire.release()
        self.stdout.close()
        os.close(self._client_in)


@contextmanager
def spoken(state_dir: Path, serving: Serving = DEFAULT, *, fast: bool) -> Iterator[Spoken]:
    client = Spoken(state_dir, serving, fast=fast)
    try:
        yield client
    finally:
        client.close()


def answers(state_dir: Path, lines: Iterable[bytes], serving: Serving = DEFAULT) -> list[bytes]:
    """What the SDK itself answers."""
    with spoken(state_dir, serving, fast=False) as client:
        client.start()
        for line in lines:
            client.send(line)
        return client.answers()
