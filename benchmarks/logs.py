"""A long log read by bare `websockets`, by our client and by the tool `get_logs`, in turn, from one embedded provider.

    .venv/bin/python benchmarks/logs.py [LINES] [ROUNDS]

Loopback only. The network is a process of its own, and so is every reader, over TLS. `client` and the bare reader
take the same stream; `grep` is the tool over all of it, `tail` the tool's last 100 lines of it. Prints the lines that
each read, lines a second, microseconds of its processor time for each line, and how much its memory grew at the peak.
Read the ratios: the rest is this machine's.
"""

from __future__ import annotations

import asyncio
import json
import resource
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
from mcp import Client
from mcp.types import TextContent
from pydantic import SecretStr
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from akash_mcp import config
from akash_mcp.clients.chain import ChainReader, chain_upstream
from akash_mcp.clients.console.client import ConsoleClient
from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.clients.provider.access import ProviderAccess
from akash_mcp.clients.provider.client import ProviderClient
from akash_mcp.data import examples_dir
from akash_mcp.ids import Dseq, LeaseId, parse_provider
from akash_mcp.server import build

NETWORK = [sys.executable, "-m", "akash_mcp", "sandbox", "--speed", "60"]


class Round(NamedTuple):
    """What one reader took."""

    lines: int
    seconds: float
    cpu_seconds: float
    grown_mib: float


async def deploy(described: dict[str, Any], lines: int) -> dict[str, Any]:
    """A running deployment that wrote so many lines: its lease's id, and a token for its provider."""
    sdl = (examples_dir() / "web.yaml").read_text(encoding="utf-8")
    sdl = sdl.replace("image: nginx:1.28.0-alpine", f"image: acme/chatty:1\n    env: [LINES={lines}]")
    headers = {"x-api-key": described["api_key"]}
    async with httpx2.AsyncClient(
        base_url=described["console_url"], headers=headers, timeout=60, trust_env=False
    ) as http:

        async def ask(method: str, path: str, data: object = None) -> Any:
            response = await http.request(method, path, json={"data": data} if data else None)
            response.raise_for_status()
            return response.json()["data"]

        made = await ask("POST", "/v1/deployments", {"sdl": sdl, "deposit": 5})
        bids = await until(lambda: ask("GET", f"/v1/bids?dseq={made['dseq']}"))
        lease = {key: bids[0]["bid"]["id"][key] for key in ("dseq", "gseq", "oseq", "provider")}
        body = {"manifest": made["manifest"], "leases": [lease]}
        (await http.request("POST", "/v1/leases", json=body)).raise_for_status()

        async def is_up() -> bool:
            status = (await ask("GET", f"/v1/deployments/{made['dseq']}"))["leases"][0]["status"]
            return status is not None and status["services"]["web"]["available"] > 0

        await until(is_up)
        grant = {"provider": lease["provider"], "access": "scoped", "scope": ["logs"]}
        leases = {"access": "granular", "permissions": [grant]}
        token = (await ask("POST", "/v1/create-jwt-token", {"ttl": 900, "leases": leases}))["token"]
    host_uri = next(p["host_uri"] for p in described["providers"] if p["address"] == lease["provider"])
    return {**described, "lease": lease, "token": token, "host_uri": host_uri}


async def until(look: Callable[[], Awaitable[Any]]) -> Any:
    """What `look` finds, once it finds something."""
    for _ in range(600):
        if found := await look():
            return found
        await asyncio.sleep(0.1)
    raise TimeoutError("the deployment did not come up")


async def read_bare(scene: dict[str, Any]) -> int:
    """As plainly as it can be done: every frame, and nothing done with it."""
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    lease, lines = scene["lease"], 0
    url = f"wss{scene['host_uri'].removeprefix('https')}/lease/{lease['dseq']}/{lease['gseq']}/{lease['oseq']}/logs"
    headers = {"authorization": f"Bearer {scene['token']}"}
    # Without pings of its own, whose answers stand in line behind the backlog: with them it gives up on a long log.
    async with connect(
        url, ssl=tls, additional_headers=headers, compression=None, proxy=None, ping_interval=None
    ) as stream:
        try:
            while True:
                await stream.recv()
                lines += 1
        except ConnectionClosed:
            return lines


async def read_client(scene: dict[str, Any]) -> int:
    """Our client: the provider proven, a token minted, every frame a line with its service."""
    lease, lines = scene["lease"], 0
    name = LeaseId(Dseq(lease["dseq"]), lease["gseq"], lease["oseq"], parse_provider(lease["provider"]))
    async with (
        ConsoleClient(scene["console_url"], scene["api_key"]) as console,
        chain_upstream(scene["chain_rest_url"]) as chain,
    ):
        access = ProviderAccess(
            ConsoleReader(console),
            ChainReader(chain),
            allow_private=[ip_network("127.0.0.0/8"), ip_network("::1/128")],
        )
        async for _ in ProviderClient(access).logs(name, services=["web"]):
            lines += 1
    return lines


async def read_tool(scene: dict[str, Any], **arguments: object) -> str:
    """The answer of `get_logs`, asked for by an MCP client."""
    with tempfile.TemporaryDirectory() as state:
        settings = config.Settings(
            api_key=SecretStr(scene["api_key"]),
            console_url=scene["console_url"],
            chain_rest_url=scene["chain_rest_url"],
            state_dir=Path(state),
            allow_private_providers=("127.0.0.0/8", "::1/128"),
        )
        async with Client(build(settings)) as client:
            answer = await client.call_tool("get_logs", {"dseq": scene["lease"]["dseq"], **arguments})
    assert not answer.is_error, answer.content
    return "".join(block.text for block in answer.content if isinstance(block, TextContent))


async def read_grep(scene: dict[str, Any]) -> int:
    """Look for a line that is not there."""
    answer = await read_tool(scene, grep="nowhere to be found")
    [counts] = [line for line in answer.split("\n") if line.endswith("lines hold the text.")]
    return int(counts.split(" of ")[1].split(" ")[0].replace(",", ""))


async def read_tail(scene: dict[str, Any]) -> int:
    """The last 100 lines."""
    answer = await read_tool(scene, tail=100)
    return sum(line.startswith("| ") for line in answer.split("\n"))


async def one_round(name: str, scene: dict[str, Any]) -> Round:
    """One reader, in this process."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, cpu = time.perf_counter(), time.process_time()
    lines = await READERS[name](scene)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return Round(lines, seconds, cpu_seconds, grown / 1024)


READERS = {"bare": read_bare, "client": read_client, "grep": read_grep, "tail": read_tail}


def run(name: str, scene: dict[str, Any]) -> Round:
    """One round in a process of its own."""
    command = [sys.executable, __file__, "--one-round", name]
    done = subprocess.run(command, input=json.dumps(scene), stdout=subprocess.PIPE, text=True, check=True)
    return Round(*json.loads(done.stdout))


def main(lines: int = 200_000, rounds: int = 3) -> None:
    with subprocess.Popen(NETWORK, stdout=subprocess.PIPE, text=True) as network:
        assert network.stdout is not None
        try:
            scene = asyncio.run(deploy(json.loads(network.stdout.readline()), lines))
            results = [{name: run(name, scene) for name in READERS} for _ in range(rounds)]
        finally:
            network.terminate()
    print(f"{'reader':10}{'lines':>12}{'lines/s':>12}{'cpu µs/line':>14}{'of bare':>10}{'peak, MiB':>12}")
    bare = statistics.median(each["bare"].cpu_seconds for each in results)
    for name in READERS:
        mine = [each[name] for each in results]
        count, cpu = mine[0].lines, statistics.median(each.cpu_seconds for each in mine)
        seconds = statistics.median(each.seconds for each in mine)
        peak = max(each.grown_mib for each in mine)
        ratio = f"{bare / cpu:10.2f}" if count == results[0]["bare"].lines else " " * 10
        print(f"{name:10}{count:12,}{count / seconds:12,.0f}{cpu / count * 1e6:14.2f}{ratio}{peak:12.1f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one-round"]:
        print(json.dumps(asyncio.run(one_round(sys.argv[2], json.load(sys.stdin)))))
    else:
        main(*(int(word) for word in sys.argv[1:3]))
