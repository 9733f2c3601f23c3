"""Screening on a network of 500 providers: time, requests to the Console, and the answer's size.

    .venv/bin/python benchmarks/market.py [PROVIDERS]

The Console answers over a socket of its own; gateways are not started, since no screening asks one. The seconds are
this machine's, and the processor's time is the Console's too, which makes its list of providers in this process.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import bpe_openai
import yaml
from mcp import Client
from pydantic import SecretStr

from akash_mcp import config
from akash_mcp.data import examples_dir
from akash_mcp.sandbox.console import Generation
from akash_mcp.sandbox.network import EmbeddedNetwork, Options
from akash_mcp.server import build

PROVIDERS = 500
GENERATIONS: tuple[Generation, ...] = ("2025", "reference", "2026-11")


class Market(EmbeddedNetwork):
    """An embedded network without gateways, as nothing is leased."""

    async def _open_gateways(self, stack: AsyncExitStack) -> None:
        for number, provider in enumerate(self.chain.providers.values()):
            provider.host_uri = f"https://provider{number}.example:8443"


def cases() -> dict[str, str]:
    """What is screened: what many could serve, what nobody can for one reason, and for two."""
    sdls = {
        path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in examples_dir().glob("*.yaml")
    }
    gpu = sdls["gpu-model-server"]
    resources = gpu["profiles"]["compute"]["vllm"]["resources"]
    resources["gpu"]["attributes"]["vendor"]["nvidia"] = [{"model": "rtx5090"}]
    written = {"web": sdls["web"], "database": sdls["web-with-database"], "nobody has the GPU": gpu}
    texts = {name: yaml.safe_dump(sdl) for name, sdl in written.items()}
    gpu["profiles"]["placement"]["akash"]["attributes"] = {"region": "us-north", "tier": "gold"}
    resources["cpu"]["units"] = 200
    return {**texts, "four things nobody has": yaml.safe_dump(gpu)}


def asked(network: EmbeddedNetwork) -> Counter[str]:
    """The requests so far, by path."""
    requests: Any = network.state()["requests"]
    return Counter(requests)


async def measure(generation: Generation, providers: int) -> None:
    """Print a line a case."""
    encoding = bpe_openai.get_encoding("o200k_base")
    with tempfile.TemporaryDirectory() as folder:
        async with Market(Options(providers=providers, generation=generation)) as network:
            settings = config.Settings(
                api_key=SecretStr(network.api_key),
                console_url=network.console_url,
                chain_rest_url=network.chain_rest_url,
                state_dir=Path(folder) / "state",
                toolsets=("market",),
            )
            async with Client(build(settings)) as client:
                for name, sdl in cases().items():
                    before, start, busy = asked(network), time.perf_counter(), time.process_time()
                    answer = await client.call_tool("screen_bids", {"sdl": sdl})
                    seconds, busy = time.perf_counter() - start, time.process_time() - busy
                    found: dict[str, Any] = answer.structured_content or {}
                    text = json.dumps(found, separators=(",", ":"), ensure_ascii=False)
                    sent = asked(network) - before
                    group = found["groups"][0]
                    print(
                        f"{generation:9} {name:24} {seconds:6.2f} s  {busy:5.2f} s of processor  "
                        f"{sum(sent.values()):3} requests, {sent['POST /v1/bid-screening']:2} screenings  "
                        f"{len(text):5} bytes, "
                        f"{len(encoding.encode(text)):4} tokens  {group['able']} of {group['of']} able, "
                        f"{len(group.get('changes', ()))} changes"
                    )


async def main() -> None:
    """All generations, one after the other."""
    for generation in GENERATIONS:
        await measure(generation, int(sys.argv[1]) if len(sys.argv) > 1 else PROVIDERS)


if __name__ == "__main__":
    anyio.run(main)
