"""What a model reads and writes to deploy once, in tokens: what a session costs before it has done anything else."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import bpe_openai
from agents import Agent, text_of
from mcp.types import Tool

from akash_mcp.server import INSTRUCTIONS

_ENCODING = bpe_openai.get_encoding("o200k_base")


def tokens(text: str) -> int:
    """How many tokens of o200k a text is."""
    return len(_ENCODING.encode(text))


def tokens_of_tools(tools: list[Tool]) -> dict[str, int]:
    """What a model pays to know each tool: its name, description and input schema."""
    return {
        tool.name: tokens(
            _json(
                {"name": tool.name, "description": tool.description, "input_schema": tool.input_schema},
            )
        )
        for tool in tools
    }


@dataclass
class Conversation:
    """The calls of one session: each tool with the tokens of its arguments and of its answer."""

    agent: Agent
    known: int = 0
    """The tool list and the instructions."""
    calls: list[tuple[str, int, int]] = field(default_factory=list)

    async def begin(self) -> None:
        """Read what every session reads."""
        listed = (await self.agent.client.list_tools()).tools
        self.known = sum(tokens_of_tools(listed).values()) + tokens(INSTRUCTIONS)

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """One call that succeeds, and its structured answer: empty where it is text."""
        result = await self.agent.ask(tool, **arguments)
        assert not result.is_error, text_of(result)
        asks = tokens(_json({"name": tool, "arguments": arguments}))
        self.calls.append((tool, asks, tokens(text_of(result))))
        return dict(result.structured_content or {})

    @property
    def total(self) -> int:
        """All of it."""
        return self.known + sum(asks + answers for _, asks, answers in self.calls)

    async def deploy_once(self, sdl: str, deposit_usd: int = 2) -> None:
        """Check, deploy, agree, read the log, close: by a client that cannot ask its user."""
        await self.begin()
        checked = await self.call("validate_sdl", sdl=sdl)
        shown = await self.call("deploy", sdl=checked["sdl_id"], deposit_usd=deposit_usd)
        done = await self.call("confirm", approval_token=shown["approval_token"])
        while done["status"] == "pending":
            done = await self.call("get_deployment", id=done["op_id"], wait_for="ready")
            done.setdefault("status", "ready" if done.get("ready") else "pending")
        await self.call("get_logs", dseq=done["dseq"], tail=10)
        await self.call("close_deployment", dseq=done["dseq"])


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def long_sdl(lines: int = 150) -> str:
    """An SDL of so many lines, as people write them: services with variables, ports and disks, and their prices."""
    services, profiles, placement, deployment = [], [], [], []
    for number, (name, image, port) in enumerate(
        (
            ("web", "nginx:1.29-alpine", 80),
            ("api", "traefik/whoami:v1.11", 8080),
            ("cache", "redis:8-alpine", 6379),
            ("database", "postgres:17-alpine", 5432),
        )
    ):
        services += [
            f"  {name}:",
            f"    image: {image}",
            "    env:",
            f"      - LOG_LEVEL={'info' if number else 'debug'}",
            f"      - SERVICE_NAME={name}",
            f"      - REQUEST_TIMEOUT_SECONDS={30 + number}",
            "    expose:",
            f"      - port: {port}",
            f"        as: {port}",
            "        to:",
            *(["          - global: true"] if name == "web" else ["          - service: web"]),
        ]
        profiles += [
            f"    {name}:",
            "      resources:",
            "        cpu:",
            "          units: 0.25",
            "        memory:",
            "          size: 256Mi",
            "        storage:",
            "          - size: 512Mi",
        ]
        placement += [f"        {name}:", "          denom: uact", "          amount: 500"]
        deployment += [f"  {name}:", "    anywhere:", f"      profile: {name}", "      count: 1"]
    body = [
        'version: "2.0"',
        "services:",
        *services,
        "profiles:",
        "  compute:",
        *profiles,
        "  placement:",
        "    anywhere:",
        "      pricing:",
        *placement,
        "deployment:",
        *deployment,
    ]
    at = body.index("      - SERVICE_NAME=web")
    more = [f"      - FEATURE_{number:02}=enabled" for number in range(lines - len(body))]
    return "\n".join([*body[:at], *more, *body[at:]]) + "\n"
