"""No answer reads the same record twice: counted at the embedded Console and at a provider."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from agents import Connect
from scripted_provider import leased, running, scripted

from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio

DEPLOYMENT = "GET /v1/deployments/{dseq}"
HEIGHT = "GET /v1/blocks"
PROVIDERS = "GET /v1/providers"

READS: dict[str, tuple[str, dict[str, Any], set[str]]] = {
    "get_deployment": ("get_deployment", {}, {DEPLOYMENT, HEIGHT, PROVIDERS}),
    "get_deployment that waits": ("get_deployment", {"wait_for": "ready"}, {DEPLOYMENT, HEIGHT, PROVIDERS}),
    "diagnose_deployment": ("diagnose_deployment", {}, {DEPLOYMENT, HEIGHT}),
    "get_logs": ("get_logs", {}, {DEPLOYMENT}),
    "get_events": ("get_events", {}, {DEPLOYMENT}),
}
"""A tool, its arguments, and the records that it needs from the Console."""

AT_PROVIDER = {
    "get_deployment": (1, 0),
    "diagnose_deployment": (1, 1),
    "get_logs": (0, 1),
    "get_events": (0, 1),
}
"""How often each tool reads the status, and how many streams it opens."""


def console_reads(network: EmbeddedNetwork) -> Counter[str]:
    requests = network.state()["requests"]
    assert isinstance(requests, dict)
    return Counter({route: count for route, count in requests.items() if route.startswith("GET ")})


@pytest.mark.parametrize(("tool", "arguments", "records"), READS.values(), ids=READS.keys())
async def test_each_record_is_read_once_for_an_answer(
    tool: str,
    arguments: dict[str, Any],
    records: set[str],
    connect: Connect,
    network: EmbeddedNetwork,
    sdl: str,
    tmp_path: Path,
) -> None:
    provider = next(iter(network.chain.providers))
    dseq = leased(network, sdl, provider).dseq
    target = {"id": dseq} if tool == "get_deployment" else {"dseq": dseq}
    async with scripted(network, provider, tmp_path) as script, connect() as agent:
        script.status = running(web={})
        # The first call also fetches the provider's address and certificate, which are then kept.
        await agent.ask("get_deployment", id=dseq)
        before, script.status_reads, script.streams = console_reads(network), 0, 0
        result = await agent.ask(tool, **target, **arguments)
    assert not result.is_error
    assert console_reads(network) - before == Counter(dict.fromkeys(records, 1))
    # The Console asks the provider too whenever it reads a deployment.
    status_reads = script.status_reads - 1
    if "wait_for" in arguments:
        assert status_reads > 2, "ready is what was seen to go on running"
        status_reads = 1
    assert (status_reads, script.streams) == AT_PROVIDER[tool]
