"""What our tools cost a model in tokens (o200k): a whole "deploy once", and each tool's schema and typical answer.

    PYTHONPATH=tests .venv/bin/python benchmarks/tokens.py

"Deploy once" is what a session reads and writes between its start and an empty account: the tool list, the
instructions, then validate_sdl, deploy, confirm, get_logs and close_deployment, each with its arguments and its answer,
by a client that cannot ask its user. A `get_deployment` in between waits where the launch is not done within the call.
An answer is counted once, as the compact JSON that hosts hand to their model. Embedded networks play the Console of
each generation; dseq, addresses and addresses of services differ from run to run, so that figures vary by a few tokens.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, get_args

import anyio
from agents import SPEED, Agent
from conversation import Conversation, long_sdl, tokens, tokens_of_tools
from mcp import Client
from pydantic import SecretStr

from akash_mcp import config
from akash_mcp.data import examples_dir
from akash_mcp.sandbox.console import Generation
from akash_mcp.sandbox.network import EmbeddedNetwork, Options
from akash_mcp.server import INSTRUCTIONS, build
from akash_mcp.tools import TOOLSETS
from akash_mcp.workflow.runtime import Intervals

GENERATIONS: tuple[Generation, ...] = get_args(Generation)
LEAST_DEPOSIT_USD = {"2025": 5}
DEPOSIT_USD = 2
COMPOSE = "services:\n  web:\n    image: nginx:1.29-alpine\n    ports: ['8080:80']\n    restart: always\n"


@asynccontextmanager
async def session(generation: Generation, **chosen: Any) -> AsyncIterator[Conversation]:
    """A client of a server beside a network of its own."""
    options = Options(speed=SPEED, generation=generation)
    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedNetwork(options) as network:
            settings = config.Settings(
                api_key=SecretStr(network.api_key),
                console_url=network.console_url,
                chain_rest_url=network.chain_rest_url,
                state_dir=Path(folder) / "state",
                allow_private_providers=("127.0.0.0/8", "::1/128"),
                **chosen,
            )
            async with Client(build(settings, intervals=Intervals().times(SPEED))) as client:
                yield Conversation(Agent(client))


async def deploy_once(generation: Generation, name: str, sdl: str) -> None:
    """Print what the whole of it costs, and each of its calls."""
    async with session(generation) as talk:
        await talk.deploy_once(sdl, LEAST_DEPOSIT_USD.get(generation, DEPOSIT_USD))
    calls = ", ".join(f"{tool} {asks}+{answers}" for tool, asks, answers in talk.calls)
    print(f"{generation:9} {name:22} {talk.total:5}  = {talk.known} known, {calls}")


async def agreed(talk: Conversation, tool: str, **arguments: Any) -> dict[str, Any]:
    """A call whose plan, where it has one, is agreed to."""
    answer: dict[str, Any] = await talk.call(tool, **arguments)
    if answer.get("status") == "confirmation_required":
        answer = await talk.call("confirm", approval_token=answer["approval_token"])
    return answer


async def everything(talk: Conversation, sdl: str) -> None:
    """Call each tool, in an order that makes sense."""
    sdl_id = (await talk.call("validate_sdl", sdl=sdl))["sdl_id"]
    await talk.call("screen_bids", sdl=sdl_id)
    await talk.call("estimate_cost", sdl=sdl_id)
    await talk.call("find_gpus", model="h100")
    providers = (await talk.call("list_providers"))["providers"]
    await talk.call("get_provider", address=providers[0]["provider"])
    templates = (await talk.call("list_templates"))["templates"]
    await talk.call("get_template", id=templates[0]["id"])
    await talk.call("draft_sdl", image="nginx:1.29-alpine", port=80)
    await talk.call("convert_compose", compose=COMPOSE)
    await talk.call("get_budget")
    done = await agreed(talk, "deploy", sdl=sdl_id, deposit_usd=DEPOSIT_USD)
    while done["status"] == "pending":
        shown = await talk.call("get_deployment", id=done["op_id"], wait_for="ready")
        done = {**shown, "status": "ready" if shown.get("ready") else "pending", "op_id": done["op_id"]}
    dseq = done["dseq"]
    await talk.call("get_deployment", id=dseq)
    await talk.call("list_deployments")
    await talk.call("list_operations")
    await talk.call("get_logs", dseq=dseq, tail=10)
    await talk.call("get_events", dseq=dseq)
    await talk.call("diagnose_deployment", dseq=dseq)
    await talk.call("get_usage")
    await talk.call("get_deployment_settings", dseq=dseq)
    await agreed(talk, "set_auto_top_up", dseq=dseq, enabled=True)
    await talk.call("list_alerts", dseq=dseq)
    await agreed(talk, "create_certificate")
    await agreed(talk, "run_command", dseq=dseq, command=["nginx", "-v"])
    await agreed(talk, "add_funds", dseq=dseq, amount_usd=1)
    changed = sdl.replace("version:", "# Changed.\nversion:", 1).replace("nginx:1.29", "nginx:1.28")
    await agreed(talk, "update_deployment", dseq=dseq, sdl=changed)
    await agreed(talk, "close_deployment", dseq=dseq)
    made = await agreed(talk, "create_deployment", sdl=sdl_id, deposit_usd=DEPOSIT_USD)
    bids = await talk.call("list_bids", dseq=made["dseq"])
    best = bids["offers"][0]
    rate = {"providers": [best["provider"]], "max_usd_per_hour": best["usd_per_hour"]}
    await agreed(talk, "create_lease", dseq=made["dseq"], **rate)
    await agreed(talk, "close_deployment", dseq=made["dseq"])


async def each_tool() -> None:
    """Print for each tool what it costs to know, to call and to read, in its first call of such a session."""
    async with session("reference", toolsets=tuple(TOOLSETS), allow_auto_top_up=True) as talk:
        known = tokens_of_tools((await talk.agent.client.list_tools()).tools)
        await everything(talk, (examples_dir() / "web.yaml").read_text(encoding="utf-8"))
    first: dict[str, tuple[int, int, int | None]] = {}
    for (tool, asks, answers), after in zip(talk.calls, [*talk.calls[1:], None], strict=True):
        done = after[2] if after and after[0] == "confirm" and tool != "confirm" else None
        first.setdefault(tool, (asks, answers, done))
    print(f"\n{tokens(INSTRUCTIONS)} instructions, and each tool:")
    for toolset, specs in TOOLSETS.items():
        print(f"{toolset:26} schema {sum(known[spec.name] for spec in specs):5}")
        for spec in specs:
            asks, answers, done = first[spec.name]
            agreed_to = "" if done is None else f", and {done} once agreed to"
            print(
                f"  {spec.name:24} schema {known[spec.name]:5}   call {asks:4}   answer {answers:5}{agreed_to}"
            )


async def main() -> None:
    """The whole, then the parts."""
    web = (examples_dir() / "web.yaml").read_text(encoding="utf-8")
    sdls = {"web.yaml": web, "an SDL of 150 lines": long_sdl(150)}
    print(f"deploy once; the SDLs alone: {', '.join(f'{name} {tokens(sdl)}' for name, sdl in sdls.items())}")
    for generation in GENERATIONS:
        for name, sdl in sdls.items():
            await deploy_once(generation, name, sdl)
    await each_tool()


if __name__ == "__main__":
    anyio.run(main)
