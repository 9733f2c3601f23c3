"""Load on one embedded network: many reads at once, and many deployments at once from create to close.

    .venv/bin/python benchmarks/network.py [READERS] [LIFECYCLES]

Loopback only, at most two minutes. The network is a process of its own, every reader a connection of its own. Prints
times, errors and the network's peak memory; the seconds are this machine's. Ends with 1 where anything failed, or
money did not add up.
"""

from __future__ import annotations

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from decimal import Decimal
from itertools import count
from typing import Any

import httpx2

from akash_mcp.data import examples_dir

NETWORK = [sys.executable, "-m", "akash_mcp", "sandbox", "--speed", "60"]
PATHS = (
    "/v1/providers",
    "/v1/deployments",
    "/v1/balances",
    "/v1/gpu-prices",
    "/v1/bids?dseq=1",
    "/v1/auditors",
)
ROUNDS = 5
LIMIT_SECONDS = 110
BIDS_SECONDS = 20
DEPOSIT_USD = 1
BALANCE_UACT = 100_000_000


class Load:
    """Clients of one network, what they measured and what went wrong."""

    def __init__(self, described: dict[str, Any]) -> None:
        self.described = described
        self.errors: Counter[str] = Counter()
        self._turn = count()

    async def at_once(
        self, title: str, jobs: Iterable[Callable[[httpx2.AsyncClient], Awaitable[list[float]]]]
    ) -> None:
        """Run each job with a client of its own, and print how long they took."""
        headers = {"x-api-key": self.described["api_key"]}
        async with AsyncExitStack() as stack:
            work = []
            for job in jobs:
                client = httpx2.AsyncClient(
                    base_url=self.described["console_url"],
                    headers=headers,
                    timeout=60,
                    verify=False,
                    trust_env=False,
                )
                work.append(job(await stack.enter_async_context(client)))
            started = time.perf_counter()
            seconds = [taken for each in await asyncio.gather(*work) for taken in each]
            total = time.perf_counter() - started
        print(
            f"{title:32} {total:6.2f} s   {len(seconds) / total:7.1f} a second   "
            f"median {statistics.median(seconds) * 1000:6.0f} ms   max {max(seconds) * 1000:6.0f} ms"
        )

    async def call(self, http: httpx2.AsyncClient, method: str, path: str, body: object = None) -> Any:
        """The parsed answer, or None for an error, which is counted."""
        kind = f"{method} {path.rstrip('0123456789')}"
        try:
            response = await http.request(method, path, json=body)
        except httpx2.TransportError as error:
            self.errors[f"{kind}: {type(error).__name__}"] += 1
            return None
        if response.status_code >= 400:
            self.errors[f"{kind}: {response.status_code} {response.text[:80]}"] += 1
            return None
        return response.json()

    async def read(self, http: httpx2.AsyncClient) -> list[float]:
        """One reader: every path a few times."""
        taken = []
        for path in PATHS * ROUNDS:
            started = time.perf_counter()
            await self.call(http, "GET", path)
            taken.append(time.perf_counter() - started)
        return taken

    async def live(self, http: httpx2.AsyncClient) -> list[float]:
        """One deployment from create to close; nothing, where a step failed."""
        # The dseq is the millisecond of the create, so one of two in the same one is refused, here as there.
        await asyncio.sleep(0.01 * next(self._turn))
        sdl = (examples_dir() / "web.yaml").read_text(encoding="utf-8")
        started = time.perf_counter()
        body = {"data": {"sdl": sdl, "deposit": DEPOSIT_USD}}
        made = await self.call(http, "POST", "/v1/deployments", body)
        if made is None:
            return []
        dseq = made["data"]["dseq"]
        await self.call(
            http, "PATCH", f"/v2/deployment-settings/{dseq}", {"data": {"autoTopUpEnabled": False}}
        )
        bid = await self.first_bid(http, dseq)
        if bid is not None:
            leases = [{key: bid["id"][key] for key in ("dseq", "gseq", "oseq", "provider")}]
            await self.call(
                http, "POST", "/v1/leases", {"manifest": made["data"]["manifest"], "leases": leases}
            )
            await self.call(http, "GET", f"/v1/deployments/{dseq}")
        await self.call(http, "DELETE", f"/v1/deployments/{dseq}")
        return [time.perf_counter() - started]

    async def first_bid(self, http: httpx2.AsyncClient, dseq: str) -> Any:
        """The first open bid, or None after a while, which is an error."""
        for _ in range(BIDS_SECONDS * 10):
            listed = await self.call(http, "GET", f"/v1/bids/{dseq}")
            for each in listed["data"] if listed else ():
                if each["bid"]["state"] == "open":
                    return each["bid"]
            await asyncio.sleep(0.1)
        self.errors["no bid came"] += 1
        return None

    async def audit(self) -> None:
        """Nothing may still be open, and no money may be missing."""
        async with httpx2.AsyncClient(verify=False, trust_env=False) as http:
            state = (await http.get(f"{self.described['control_url']}/_sandbox/state")).json()
        paid = sum((Decimal(d["escrow"]["transferred_uact"]) for d in state["deployments"]), Decimal(0))
        missing = BALANCE_UACT - state["allowance_uact"] - paid
        still_open = sum(1 for deployment in state["deployments"] if deployment["state"] != "closed")
        print(
            f"{len(state['deployments'])} deployments, {still_open} still open, ${paid / 10**6:.6f} of rent"
        )
        # The chain refunds whole uact.
        if still_open or not 0 <= missing <= len(state["deployments"]):
            self.errors[f"{still_open} still open, {missing} uact missing"] += 1


async def measure(described: dict[str, Any], readers: int, lifecycles: int) -> Counter[str]:
    load = Load(described)
    async with asyncio.timeout(LIMIT_SECONDS):
        await load.at_once(f"{readers} readers at once", [load.read] * readers)
        await load.at_once(f"{lifecycles} lifecycles at once", [load.live] * lifecycles)
        await load.at_once("both at once", [load.read] * readers + [load.live] * lifecycles)
        await load.audit()
    return load.errors


def main(readers: int = 200, lifecycles: int = 20) -> int:
    with subprocess.Popen(NETWORK, stdout=subprocess.PIPE, text=True) as network:
        assert network.stdout is not None
        try:
            errors = asyncio.run(measure(json.loads(network.stdout.readline()), readers, lifecycles))
        finally:
            network.terminate()
    print(f"errors: {dict(errors) or 'none'}")
    print(
        f"peak memory of the network: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MiB"
    )
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(*(int(word) for word in sys.argv[1:3])))
