"""The OpenAI Agents SDK: a whole run of an agent a call, with a model that says just what it is told to.

Schemas are converted to strict ones, as OpenAI's models want them: every argument is then required, and a model sends
null where it has nothing to say.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from agents import Agent, Model, ModelResponse, Runner, Usage, set_tracing_disabled
from agents.mcp import MCPServerSse, MCPServerStdio, MCPServerStreamableHttp
from openai.types.responses import (
    ResponseFunctionToolCall,
    ResponseOutputMessage,
    ResponseOutputText,
)
from orders import Person, Seen, Target, drive


class ScriptedModel(Model):
    """Calls one tool, then stops."""

    def __init__(self, tool: str, arguments: dict[str, Any]) -> None:
        self._call = ResponseFunctionToolCall(
            type="function_call", call_id="1", name=tool, arguments=json.dumps(arguments)
        )
        self.offered: list[str] = []
        self.saw: list[Any] = []

    async def get_response(
        self, system_instructions: Any, input: Any, model_settings: Any, tools: Any, *args: Any, **more: Any
    ) -> ModelResponse:
        self.offered = [tool.name for tool in tools]
        outputs = [
            item for item in input if isinstance(item, dict) and item.get("type") == "function_call_output"
        ]
        if not outputs:
            return ModelResponse(output=[self._call], usage=Usage(), response_id=None)
        self.saw = [item["output"] for item in outputs]
        said = ResponseOutputText(type="output_text", text="done", annotations=[])
        message = ResponseOutputMessage(
            id="1", type="message", role="assistant", status="completed", content=[said]
        )
        return ModelResponse(output=[message], usage=Usage(), response_id=None)

    def stream_response(self, *args: Any, **more: Any) -> Any:
        raise NotImplementedError("runs here are not streamed")


class Agents:
    """A server of the SDK's, as orders need it."""

    protocol = ""

    def __init__(self, server: Any) -> None:
        self._server = server

    async def tools(self) -> list[str]:
        return [tool.name for tool in await self._server.list_tools()]

    async def call(self, tool: str, arguments: dict[str, Any]) -> Seen:
        model = ScriptedModel(tool, arguments)
        agent = Agent(
            name="driven",
            model=model,
            mcp_servers=[self._server],
            mcp_config={"convert_schemas_to_strict": True},
        )
        await Runner.run(agent, "go")
        output = model.saw[-1]
        text = output if isinstance(output, str) else "".join(part.get("text", "") for part in output)
        # The SDK hands on no flag: a model tells a failure by its words.
        return Seen(text, None, False)


@asynccontextmanager
async def connect(target: Target, person: Person) -> AsyncIterator[Agents]:
    set_tracing_disabled(True)
    async with _server(target) as server:
        yield Agents(server)


def _server(target: Target) -> Any:
    # Unless somebody says otherwise its own default of 5 seconds is left as it is: that is what its users have.
    seconds = os.environ.get("CALL_SECONDS")
    patience: dict[str, Any] = {"client_session_timeout_seconds": float(seconds)} if seconds else {}
    if target.transport == "stdio":
        launched = {"command": target.command, "args": target.arguments, "env": target.environment}
        return MCPServerStdio(launched, **patience)
    if target.transport == "sse":
        return MCPServerSse({"url": target.url}, **patience)
    return MCPServerStreamableHttp({"url": target.url}, **patience)


drive(connect)
