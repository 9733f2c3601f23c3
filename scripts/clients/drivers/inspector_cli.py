"""Inspector's command line: a process a call, which cannot be asked."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from orders import Person, Seen, Target, drive

_TOOL_FAILED = 5


class Inspector:
    """Its command line, as orders need it."""

    protocol = ""

    def __init__(self, target: Target) -> None:
        self._target = target

    async def tools(self) -> list[str]:
        _, listed = await self._run("--method", "tools/list")
        return [tool["name"] for tool in listed["tools"]]

    async def call(self, tool: str, arguments: dict[str, Any]) -> Seen:
        call = ("--method", "tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments))
        status, result = await self._run(*call)
        text = "".join(block["text"] for block in result["content"] if block["type"] == "text")
        return Seen(text, result.get("structuredContent"), status == _TOOL_FAILED)

    async def _run(self, *what: str) -> tuple[int, dict[str, Any]]:
        target = self._target
        chosen = ["-q", "--format", "json", "--protocol-era", target.era, *what]
        if target.transport == "stdio":
            pairs = [part for name, value in target.environment.items() for part in ("-e", f"{name}={value}")]
            chosen = [*pairs, *chosen, "--", target.command, *target.arguments]
        else:
            chosen = ["--server-url", target.url, "--transport", target.transport, *chosen]
        launched = await asyncio.create_subprocess_exec(
            *json.loads(os.environ["INSPECTOR"]),
            *chosen,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        told, said = await launched.communicate()
        if launched.returncode not in (0, _TOOL_FAILED):
            raise RuntimeError(f"exit {launched.returncode}: {said.decode()[-800:]}")
        return launched.returncode, json.loads(told)["result"]


@asynccontextmanager
async def connect(target: Target, person: Person) -> AsyncIterator[Inspector]:
    yield Inspector(target)


drive(connect)
