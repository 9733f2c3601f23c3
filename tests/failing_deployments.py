"""Deployments that fare badly, leased at once and looked at when it suits."""

from __future__ import annotations

import dataclasses
from typing import Any

import httpx2
import yaml
from agents import SPEED, Agent

from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.workflow.runtime import Intervals

IMPATIENT = dataclasses.replace(Intervals().times(SPEED), ready_give_up=0.0)
"""Leases, probes once, and leaves the rest to the test."""

SETTLED = 220.0
"""Seconds after the lease at which whatever crashes soon after its start waits for its next one."""


def service(image: str, *, count: int = 1, accept: str = "", **more: Any) -> dict[str, Any]:
    """A web service for `sdl_of`, with so many replicas."""
    expose: dict[str, Any] = {"port": 80, "as": 80, "to": [{"global": True}]}
    return {
        "image": image,
        "expose": [expose | ({"accept": [accept]} if accept else {})],
        "count": count,
        **more,
    }


def script(text: str, **more: Any) -> dict[str, Any]:
    """A web service that runs a shell script."""
    return service("ghcr.io/acme/app:1", command=["sh", "-c"], args=[text], **more)


def sdl_of(**services: dict[str, Any]) -> str:
    """An SDL of small services. An underscore in a name stands for a dash."""
    named = {name.replace("_", "-"): dict(service) for name, service in services.items()}
    counts = {name: service.pop("count") for name, service in named.items()}
    size = {"cpu": {"units": 0.1}, "memory": {"size": "128Mi"}, "storage": {"size": "128Mi"}}
    return yaml.safe_dump(
        {
            "version": "2.0",
            "services": named,
            "profiles": {
                "compute": {name: {"resources": size} for name in named},
                "placement": {
                    "akash": {"pricing": {name: {"denom": "uact", "amount": 100} for name in named}}
                },
            },
            "deployment": {
                name: {"akash": {"profile": name, "count": count}} for name, count in counts.items()
            },
        }
    )


def freeze(network: EmbeddedNetwork) -> None:
    """From now on simulated time passes only by `clock.skip`."""
    moment = network.clock.monotonic()
    network.clock.monotonic = lambda: moment


async def leased(agent: Agent, network: EmbeddedNetwork, sdl: str) -> str:
    """The dseq of a deployment that is leased at a moment at which time stands still."""
    dseq = str((await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"])
    offers = (await agent.call("list_bids", dseq=dseq))["offers"]
    freeze(network)
    await agent.call("create_lease", dseq=dseq, providers=[offers[0]["provider"]], max_usd_per_hour=1)
    return dseq


async def diagnosed(
    agent: Agent, network: EmbeddedNetwork, sdl: str, after: float = SETTLED
) -> dict[str, Any]:
    """What is said of a deployment so many simulated seconds after its lease."""
    dseq = await leased(agent, network, sdl)
    return await diagnosed_after(agent, network, dseq, after)


async def diagnosed_after(
    agent: Agent, network: EmbeddedNetwork, dseq: str, seconds: float
) -> dict[str, Any]:
    """What is said of a deployment so many simulated seconds later."""
    network.clock.skip(seconds)
    await _notice(network)
    return await agent.call("diagnose_deployment", dseq=dseq)


async def _notice(network: EmbeddedNetwork) -> None:
    """Let the Console notice the latest block: it gives its old answer once more before a new one."""
    async with httpx2.AsyncClient(trust_env=False) as client:
        for _ in range(2):
            await client.get(f"{network.console_url}/v1/blocks", params={"limit": "1"})


def causes(found: dict[str, Any]) -> list[str]:
    return [cause["cause"] for cause in found["causes"]]


def cause_of(found: dict[str, Any], words: str) -> dict[str, Any]:
    """The one cause that says so."""
    matching = [cause for cause in found["causes"] if words in cause["cause"]]
    assert len(matching) == 1, found
    assert matching[0]["evidence"], found
    assert matching[0]["fix"], found
    return dict(matching[0])
