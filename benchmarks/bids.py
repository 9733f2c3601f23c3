"""How long bids are waited for, what is seen by then and what is paid: `deploy` and `list_bids`, by each `prefer`.

    .venv/bin/python benchmarks/bids.py [MARKETS] [CHECKOUT]

Each market is an embedded network of its own whose time jumps over every pause, so that the seconds are simulated ones:
a block takes 6.1 of them, a bid comes 4 to 25 after the order. What all providers would bid is known from the same
market with an order that nobody leases. CHECKOUT is another version's folder, whose `deploy` has the same markets in
the same run; read the ratios. `list_bids` is asked once, right after the order, with all the time that it takes.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any, get_args

import anyio
import anyio.lowlevel
from pydantic import SecretStr

from akash_mcp import config
from akash_mcp.data import examples_dir
from akash_mcp.guard.approval.approval import Approval
from akash_mcp.guard.books.store import Store
from akash_mcp.market.ranking import Prefer
from akash_mcp.money import Usd
from akash_mcp.sandbox.chain import Deployment
from akash_mcp.sandbox.network import EmbeddedNetwork, Options
from akash_mcp.services import services
from akash_mcp.workflow.change import create
from akash_mcp.workflow.launch import launch
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.planning import launch_plan
from akash_mcp.workflow.runtime import Intervals, Runtime

MARKETS = 6
KINDS = (("web", 10), ("web", 40), ("gpu-model-server", 40))
"""An SDL, and how many providers there are."""

PREFERENCES: tuple[Prefer, ...] = get_args(Prefer)
ALL_COME_SECONDS = 60.0
STEP_SECONDS = 0.1
LIST_WAIT_SECONDS = 40.0
DEPOSIT = Usd(5)

Row = dict[str, Any]
Came = dict[int, list[tuple[float, float]]]
"""By a market's seed: the bids that come, as seconds after the order and uact per block."""


@dataclass(frozen=True)
class Market:
    """What is deployed among how many providers, and their seed."""

    sdl: str
    providers: int
    seed: int

    @property
    def text(self) -> str:
        """The SDL."""
        return (examples_dir() / f"{self.sdl}.yaml").read_text(encoding="utf-8")


@asynccontextmanager
async def beside(market: Market) -> AsyncIterator[tuple[EmbeddedNetwork, Runtime]]:
    """A network, and what every workflow works with, whose pauses are jumps of the network's time."""
    options = Options(seed=market.seed, providers=market.providers, automine=True)
    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedNetwork(options) as network:
            settings = config.Settings(
                api_key=SecretStr(network.api_key),
                console_url=network.console_url,
                chain_rest_url=network.chain_rest_url,
                state_dir=Path(folder) / "state",
                allow_private_providers=("127.0.0.0/8", "::1/128"),
            )

            async def sleep(seconds: float) -> None:
                network.clock.skip(seconds)
                network.chain.schedule.catch_up()
                await anyio.lowlevel.checkpoint()

            async with services(settings, Store(settings.state_dir), Intervals()) as rt:
                await rt.accounts.bind()
                yield network, dataclasses.replace(rt, sleep=sleep, now=network.clock.now)


class Watched(Running[Any]):
    """A launch that says when it chose, and is cut off once it is leased."""

    def __init__(self, network: EmbeddedNetwork, permit: Any, scope: anyio.CancelScope) -> None:
        super().__init__(permit.op_id)
        self.network, self.scope = network, scope
        self.seen = 0

    def progress(self, stage: str) -> None:
        """Take note of the two stages that matter."""
        if stage.startswith("leasing from"):
            self.seen = len(order(self.network).bids)
        elif "is leased" in stage:
            self.scope.cancel()
        super().progress(stage)


def order(network: EmbeddedNetwork) -> Deployment:
    """The only deployment of a network."""
    [deployment] = network.chain.deployments.values()
    return deployment


async def approved(rt: Runtime, market: Market, tool: str, prefer: Prefer = "balanced") -> Any:
    """The permit for a launch."""
    plan = await launch_plan(
        rt, tool=tool, sdl=market.text, deposit=DEPOSIT, max_usd_per_hour=None, prefer=prefer
    )
    return await rt.gate.launch(plan, Approval(plan.fingerprint, "auto"))


async def arrivals(market: Market) -> list[tuple[float, float]]:
    """All bids that come on an order: seconds after it, and uact per block."""
    async with beside(market) as (network, rt):
        permit = await approved(rt, market, "create_deployment")
        await create(rt, permit, Running(permit.op_id))
        began = network.clock.elapsed_at(order(network).created_height)
        came: list[tuple[float, float]] = []
        while (passed := network.clock.elapsed() - began) < ALL_COME_SECONDS:
            new = order(network).bids[len(came) :]
            came += [(passed, float(bid.price)) for bid in new]
            await rt.sleep(STEP_SECONDS)
        return came


async def deployed(market: Market, prefer: Prefer) -> Row:
    """When `deploy` has its lease, what it had seen by then and what it took."""
    async with beside(market) as (network, rt):
        began = network.clock.elapsed()
        permit = await approved(rt, market, "deploy", prefer)
        with anyio.CancelScope() as scope:
            watched = Watched(network, permit, scope)
            await launch(rt, permit, watched)
        [lease] = order(network).leases
        seconds = network.clock.elapsed_at(lease.created_height) - began
        return {"seconds": seconds, "seen": watched.seen, "price": float(lease.price)}


async def listed(market: Market, prefer: Prefer) -> Row:
    """When `list_bids` answers, what it has and what it asked."""
    from akash_mcp.workflow.listed_bids import list_bids  # other versions may have it elsewhere

    async def on_progress(message: str) -> None:
        await anyio.lowlevel.checkpoint()

    async with beside(market) as (network, rt):
        permit = await approved(rt, market, "create_deployment")
        dseq = await create(rt, permit, Running(permit.op_id))
        before = requests(network)
        found = await list_bids(
            rt, dseq, prefer=prefer, wait_seconds=LIST_WAIT_SECONDS, on_progress=on_progress
        )
        answered = network.clock.elapsed() - network.clock.elapsed_at(order(network).created_height)
        sent = requests(network) - before
        seen = len(found.ranking.ranked) + len(found.ranking.rejected)
        return {"seconds": answered, "seen": seen, "requests": dict(sent)}


def requests(network: EmbeddedNetwork) -> Counter[str]:
    """What reached each route of the Console so far."""
    told: Any = network.state()["requests"]
    return Counter(told)


async def measure(what: str, sdl: str, providers: int, markets: int) -> list[Row]:
    """One row a market and preference."""
    rows: list[Row] = []
    for seed in range(1, markets + 1):
        market = Market(sdl, providers, seed)
        came = await arrivals(market) if what == "list_bids" else []
        if what == "list_bids":
            rows.append({"prefer": None, "seed": seed, "came": came})
        for prefer in PREFERENCES:
            row = await (listed if what == "list_bids" else deployed)(market, prefer)
            rows.append({"prefer": prefer, "seed": seed, **row})
    return rows


def measured(what: str, sdl: str, providers: int, markets: int, checkout: Path | None = None) -> list[Row]:
    """The rows of a process of its own, with the code of this version or another."""
    command = [sys.executable, __file__, what, sdl, str(providers), str(markets)]
    env = {**os.environ, **({"PYTHONPATH": str(checkout)} if checkout else {})}
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    rows: list[Row] = json.loads(done.stdout)
    return rows


def tell_deploy(rows: list[Row], came: Came) -> tuple[float, float]:
    """Print the means of a preference; return seconds, and the price beside the cheapest."""
    seconds = mean(row["seconds"] for row in rows)
    seen = mean(row["seen"] for row in rows)
    prices = [row["price"] / min(price for _, price in came[row["seed"]]) for row in rows]
    print(
        f"  {rows[0]['prefer']:9} leased after {seconds:5.1f} s, saw {seen:5.1f} of "
        f"{mean(len(bids) for bids in came.values()):5.1f} bids, took {mean(prices):5.2f} x the cheapest that came "
        f"({max(prices):.2f} x at most)"
    )
    return seconds, mean(prices)


def tell_list(rows: list[Row], came: Came) -> None:
    """Print the means of a preference, and what was asked."""
    waited = [row["seconds"] - max(at for at, _ in came[row["seed"]][: row["seen"]]) for row in rows]
    sent: Counter[str] = Counter()
    for row in rows:
        sent.update(row["requests"])
    routes = ", ".join(f"{count / len(rows):.1f} {route}" for route, count in sent.most_common())
    print(
        f"  {rows[0]['prefer']:9} answers after {mean(row['seconds'] for row in rows):5.1f} s, {mean(waited):4.1f} s "
        f"after the newest of the {mean(row['seen'] for row in rows):5.1f} bids it has; {routes}"
    )


def main(markets: int, checkout: Path | None) -> None:
    """Print all kinds of markets, each with this version, and with the other beside it."""
    for sdl, providers in KINDS:
        looked = measured("list_bids", sdl, providers, markets)
        came: Came = {row["seed"]: row["came"] for row in looked if row["prefer"] is None}
        last = mean(max(at for at, _ in bids) for bids in came.values())
        print(
            f"\n{sdl}.yaml among {providers} providers, means of {markets} markets: the last bid after {last:.1f} s"
        )
        print(" list_bids")
        for prefer in PREFERENCES:
            tell_list([row for row in looked if row["prefer"] == prefer], came)
        told: list[list[tuple[float, float]]] = []
        for version in (None, checkout) if checkout else (None,):
            rows = measured("deploy", sdl, providers, markets, version)
            print(f" deploy{' of ' + version.name if version else ''}")
            told.append(
                [tell_deploy([row for row in rows if row["prefer"] == each], came) for each in PREFERENCES]
            )
        for each, ours, theirs in zip(PREFERENCES, told[0], told[-1], strict=True):
            if checkout:
                print(f"  {each:9} ratio: time {ours[0] / theirs[0]:.2f}, price {ours[1] / theirs[1]:.2f}")


if __name__ == "__main__":
    words = sys.argv[1:]
    if words and words[0] in ("deploy", "list_bids"):
        print(json.dumps(anyio.run(measure, words[0], words[1], int(words[2]), int(words[3]))))
    else:
        main(int(words[0]) if words else MARKETS, Path(words[1]).resolve() if len(words) > 1 else None)
