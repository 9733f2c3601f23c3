"""What an upstream echoes of a secret is masked before it is written down, not only before it is shown."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path

import httpx2
import pytest
from agents import YES, Connect

from akash_mcp.config import Settings
from akash_mcp.sanitize.secrets import MASK

pytestmark = pytest.mark.anyio

SECRETS = ("hunter2secret", "ghp_" + "aB3" * 12)
ECHO = f"the env DB_PASSWORD={SECRETS[0]} and the token {SECRETS[1]} are not accepted"


@asynccontextmanager
async def refusing(console_url: str, method: str, path: str) -> AsyncIterator[str]:
    """The URL of a proxy before the Console that answers one request itself: with a 400 that echoes secrets."""
    body = json.dumps({"error": "BadRequestError", "message": ECHO, "code": "bad_request"}).encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        verb, target, _ = head[0].split(" ")
        headers: dict[str, str] = dict(line.lower().split(": ", 1) for line in head[1:-2])
        sent = await reader.readexactly(int(headers.get("content-length", "0")))
        status, content = 400, body
        if not (verb == method and target.partition("?")[0].startswith(path)):
            kept = {name: text for name, text in headers.items() if name in ("x-api-key", "content-type")}
            answer = await client.request(verb, console_url + target, content=sent, headers=kept)
            status, content = answer.status_code, answer.content
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n".encode())
        writer.write(f"date: {formatdate(usegmt=True)}\r\n".encode())
        writer.write(f"content-length: {len(content)}\r\nconnection: close\r\n\r\n".encode() + content)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


REQUESTS = {
    "the creation": ("POST", "/v1/deployments"),
    "the lease": ("POST", "/v1/leases"),
}


@pytest.mark.parametrize(("method", "path"), REQUESTS.values(), ids=REQUESTS.keys())
async def test_a_secret_that_the_console_echoes_is_in_neither_journal_nor_answer_nor_log(
    method: str,
    path: str,
    settings: Settings,
    connect: Connect,
    sdl: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, logger="akash_mcp")
    async with (
        refusing(settings.console_url, method, path) as url,
        connect(answer=YES, console_url=url) as agent,
    ):
        said = await agent.refused("deploy", sdl=sdl, deposit_usd=1)
        listed = json.dumps(await agent.call("list_deployments"))
    kept = everything_in(settings.state_dir)
    assert MASK in said
    assert MASK.encode() in kept
    for secret in SECRETS:
        assert secret not in said + listed + caplog.text
        assert secret.encode() not in kept
