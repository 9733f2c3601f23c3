"""What the tools tell of end, rate and money on the API of autumn 2026 is what the network's own books hold.

The network answers in exactly the shape of the Console's document. Its clock stands still while the two are compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from agents import Agent, Connect
from failing_deployments import IMPATIENT, sdl_of, service

from akash_mcp.money import usd_per_hour
from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio

GPU = "gpu: {units: 1, attributes: {vendor: {nvidia: [{model: t4}]}}}"
DEAR = (
    sdl_of(web=service("nginx:1.28"))
    .replace("cpu:", f"{GPU}\n        cpu:")
    .replace("amount: 100", "amount: 1500")
)
"""Some twenty cents an hour: the Console has to fund it soon, and an hour is seen in what it costs."""


@contextmanager
def stopped(network: EmbeddedNetwork) -> Iterator[None]:
    """Simulated time stands still meanwhile, and what was due is done."""
    clock, now = network.clock, network.clock.monotonic()
    running, clock.monotonic = clock.monotonic, lambda: now
    network.chain.schedule.catch_up()
    yield
    clock.monotonic = running


def books(network: EmbeddedNetwork) -> dict[str, Any]:
    """What the network itself holds of its only deployment, in US dollars and hours."""
    state: Any = network.state()
    [deployment] = state["deployments"]
    escrow = {
        name: Decimal(value) / 10**6 for name, value in deployment["escrow"].items() if name.endswith("uact")
    }
    ends = state["runtime_limits"][deployment["dseq"]]["ends"]
    rate = sum((Decimal(lease["price_uact_per_block"]) for lease in deployment["leases"]), Decimal(0))
    return {
        "credit": Decimal(state["allowance_uact"]) / 10**6,
        "state": deployment["state"],
        "usd_per_hour": usd_per_hour(rate).precise(),
        "escrow_left": escrow["funds_uact"] - escrow["unsettled_uact"],
        "spent": escrow["transferred_uact"] + escrow["unsettled_uact"],
        "hours": Decimal(str(ends - state["elapsed_seconds"])) / 3600,
        "limit": state["runtime_limits"][deployment["dseq"]]["hours"],
    }


def same_hours(told: str, truth: Decimal) -> bool:
    """Whether hours are the true ones, rounded down; the latest block is some seconds old."""
    return Decimal("-0.01") < truth - Decimal(told) < Decimal("0.11")


async def compared(agent: Agent, network: EmbeddedNetwork, dseq: str) -> dict[str, Any]:
    """The books, after what both tools tell was found to be in them."""
    with stopped(network):
        # The Console gives its old answers once more before new ones.
        await agent.call("get_deployment", id=dseq)
        await agent.call("get_budget")
        budget = await agent.call("get_budget")
        shown = await agent.call("get_deployment", id=dseq)
        listed = await agent.call("list_deployments")
        truth = books(network)
    [row] = listed["deployments"]
    assert abs(Decimal(budget["account_credit_usd"]) - truth["credit"]) <= Decimal("0.01")
    assert listed["usd_per_hour"] == truth["usd_per_hour"]
    for told in (shown, row):
        assert (told["state"], told["usd_per_hour"]) == (truth["state"], truth["usd_per_hour"])
        assert abs(Decimal(told["escrow_left_usd"]) - truth["escrow_left"]) <= Decimal("0.01")
        assert same_hours(told["hours_left"], truth["hours"])
        assert "runtime limit" not in told.get("problem", "")
    assert abs(Decimal(shown["spent_usd"]) - truth["spent"]) <= Decimal("0.01")
    return truth


@pytest.mark.parametrize("generation", ["2026-11"])
async def test_end_rate_and_money_are_those_of_the_books(
    connect: Connect, network: EmbeddedNetwork, capfd: pytest.CaptureFixture[str]
) -> None:
    seen = []
    async with connect(approval="auto", intervals=IMPATIENT) as agent:
        dseq = (await agent.call("deploy", sdl=DEAR, deposit_usd=5, max_usd_per_hour="0.5"))["dseq"]
        network.clock.skip(60)
        seen.append(await compared(agent, network, dseq))
        network.clock.skip(5 * 3600)
        seen.append(await compared(agent, network, dseq))
        funded = await agent.call("add_funds", dseq=dseq, amount_usd=5)
        network.clock.skip(60)
        seen.append(await compared(agent, network, dseq))
        assert Decimal(funded["hours_left"]) - seen[-1]["hours"] < Decimal("0.3")
        changed = DEAR.replace("nginx:1.28", "nginx:1.29")
        updated = await agent.call("update_deployment", dseq=dseq, sdl=changed)
        assert updated["money"] == "No money moved, and the rate stays as it was."
        seen.append(await compared(agent, network, dseq))
        closed = await agent.call("close_deployment", dseq=dseq)
        truth = books(network)
        assert truth["state"] == "closed"
        assert abs(Decimal(closed["spent_usd"]) - truth["spent"]) <= Decimal("0.01")
        listed = await agent.call("list_deployments")
        assert (listed["deployments"], listed["usd_per_hour"]) == ([], "0.00")
        shown = await agent.call("get_deployment", id=dseq)
        assert (shown["state"], shown["usd_per_hour"], shown["escrow_left_usd"]) == ("closed", "0.00", "0.00")
    assert seen[0]["limit"] == seen[1]["limit"] == 9
    assert seen[1]["spent"] > Decimal("0.5")
    assert len({each["usd_per_hour"] for each in seen}) == 1
    with capfd.disabled():
        for each in seen:
            print("\n" + ", ".join(f"{name} {value}" for name, value in each.items()), end="")


@pytest.mark.parametrize("generation", ["2026-11"])
async def test_a_runtime_limit_that_the_money_does_not_reach_is_no_end(
    connect: Connect, network: EmbeddedNetwork
) -> None:
    async with connect(approval="auto", intervals=IMPATIENT) as agent:
        made = await agent.call(
            "create_deployment",
            sdl=DEAR,
            deposit_usd=5,
            max_usd_per_hour="0.5",
        )
        dseq = made["dseq"]
        network.chain.accounts[network.owner].allowance_uact = 200_000
        offers = (await agent.call("list_bids", dseq=dseq))["offers"]
        chosen = {"dseq": dseq, "providers": [offers[0]["provider"]], "max_usd_per_hour": "0.5"}
        await agent.call("create_lease", **chosen)
        network.clock.skip(120)
        with stopped(network):
            await agent.call("get_deployment", id=dseq)
            shown = await agent.call("get_deployment", id=dseq)
            [row] = (await agent.call("list_deployments"))["deployments"]
            truth = books(network)
    lasts = truth["escrow_left"] / Decimal(truth["usd_per_hour"])
    assert truth["hours"] > lasts + 3
    assert lasts - Decimal("0.3") < Decimal(shown["hours_left"]) <= lasts
    limit = re.search(r"end before its runtime limit in ([0-9.]+) h", shown["problem"])
    assert limit is not None
    assert same_hours(limit[1], truth["hours"])
    assert "hours_left" not in row
    assert "whether the account's credit lasts until its runtime limit" in row["problem"].lower()


@pytest.mark.parametrize("generation", ["2026-11"])
async def test_a_runtime_limit_that_is_near_is_told_before_it_closes_it(
    connect: Connect, network: EmbeddedNetwork
) -> None:
    async with connect(approval="auto", intervals=IMPATIENT) as agent:
        made = await agent.call("deploy", sdl=DEAR, deposit_usd=1, max_usd_per_hour="0.5")
        network.clock.skip(25 * 60)
        await agent.call("get_deployment", id=made["dseq"])
        found = await agent.call("diagnose_deployment", dseq=made["dseq"])
    [cause] = [cause for cause in found["causes"] if "paid for only" in cause["cause"]]
    assert re.search(r"only 3\d minutes more", cause["cause"])
    assert cause["evidence"] == ["its runtime limit, at which the Console closes it"]
