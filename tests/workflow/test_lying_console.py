"""A Console that lies, loses and refuses: what was approved is the most that it costs, and every word of it is true.

Each lie was measured on a server that believed it, and cost what stands in its test.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import ROUND_DOWN, Decimal
from typing import Any

import pytest
from agents import ERAS, SPEED, Agent, Connect, text_of
from lying_proxy import LyingProxy, lying_proxy

from akash_mcp.data import examples_dir
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.workflow.runtime import Intervals

pytestmark = pytest.mark.anyio

NEW = pytest.mark.parametrize("generation", ["2026-11"])
NO_ROUTE = "404 Not Found"
HUNDRED_HOURS = 100 * 3600.0

FUNDING = "GET /v1/deployment-funding-config"
BIDS = "GET /v1/bids"
LEASES = "POST /v1/leases"
CREATE = "POST /v1/deployments"
DETAIL = r"GET /v1/deployments/\d+"
CLOSE = r"DELETE /v1/deployments/\d+"
SETTINGS = r"GET /v2/deployment-settings/\d{5,}"
SET = r"PATCH /v2/deployment-settings/\d+"


def usd_spent(network: EmbeddedNetwork) -> str:
    """What was spent, by the network's own books, to the cent."""
    dollars = Decimal(str(network.state()["spent_uact"])) / 10**6
    return str(dollars.quantize(Decimal("0.01"), ROUND_DOWN))


def usd_of_the_limit(network: EmbeddedNetwork, dseq: str) -> Decimal:
    """What a deployment can cost until its runtime limit, by the network's own books."""
    hours = network.state()["runtime_limits"][dseq]["hours"]  # type: ignore[index]  # JSON
    [lease] = network.chain.deployments[network.owner, dseq].leases
    return Decimal(hours) * lease.price * 600 / 10**6


def states(network: EmbeddedNetwork) -> list[str]:
    return [deployment.state for deployment in network.chain.deployments.values()]


def skip(network: EmbeddedNetwork, seconds: float) -> None:
    """Let time pass, with what happens in it."""
    network.clock.skip(seconds)
    network.chain.schedule.catch_up()


def divided(by: int) -> Any:
    """The bid list with every price divided."""

    def change(told: Any) -> Any:
        for entry in told["data"]:
            price = entry["bid"]["price"]
            price["amount"] = str(Decimal(price["amount"]) / by)
        return told

    return change


def without(field: str) -> Any:
    """The answer without one field of what stands below `data`."""

    def change(told: Any) -> Any:
        told.get("data", {}).pop(field, None)
        return told

    return change


def in_escrow(amount: str | None) -> Any:
    """A deployment with so many uact in escrow; None leaves it out."""

    def change(told: Any) -> Any:
        state = told["data"]["escrow_account"]["state"]
        state["funds"] = [] if amount is None else [{"denom": "uact", "amount": amount}]
        return told

    return change


PATIENT = dataclasses.replace(Intervals().times(SPEED), bid_give_up=15.0)
"""A machine that is busy takes longer to ask than providers take to bid."""


@asynccontextmanager
async def lied_to(
    connect: Connect, network: EmbeddedNetwork, era: str = ERAS[0]
) -> AsyncIterator[tuple[Agent, LyingProxy]]:
    async with (
        lying_proxy(network.console_url) as proxy,
        connect(era, approval="auto", console_url=proxy.url, intervals=PATIENT) as agent,
    ):
        yield agent, proxy


async def told_by(agent: Agent, tool: str, **arguments: Any) -> str:
    """The words of an answer, whether it is an error or not: the books are looked at in any case."""
    result = await agent.ask(tool, **arguments)
    pending = (result.structured_content or {}).get("op_id")
    if not result.is_error and pending:
        result = await agent.ask("get_deployment", id=pending, wait_for="ready")
    return text_of(result)


async def deployed(agent: Agent, sdl: str, **arguments: Any) -> dict[str, Any]:
    return await agent.finished(await agent.call("deploy", sdl=sdl, **arguments))


@pytest.fixture
def sdl() -> str:
    """A server with a GPU: what it costs in a hundred hours is to be seen."""
    return (examples_dir() / "gpu-model-server.yaml").read_text(encoding="utf-8")


@NEW
@pytest.mark.parametrize("era", ERAS)
async def test_one_404_and_a_dropped_field_do_not_unbind_a_deployment(
    era: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    # It cost $59.88 in a hundred hours, on an approval of $1.00.
    async with lied_to(connect, network, era) as (agent, proxy):
        proxy.refuse(FUNDING, 404, NO_ROUTE)
        proxy.rewrite(SET, lambda _: {"data": {"dseq": "1"}}, status=200)
        proxy.rewrite(SETTINGS, without("autoTopUpEnabled"))
        said = await told_by(agent, "deploy", sdl=sdl, deposit_usd=1)
        skip(network, HUNDRED_HOURS)
        assert usd_spent(network) == "0.00"
        assert states(network) == ["closed"]
        assert "was planned for another" in said
        assert "was closed again, proven; it cost $0.00" in said
    assert proxy.sent(LEASES) == 0


@NEW
async def test_a_console_that_goes_on_denying_what_it_is_unbinds_nothing(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with lied_to(connect, network) as (agent, proxy):
        proxy.refuse(FUNDING, 404, NO_ROUTE, times=100)
        proxy.rewrite(SET, lambda _: {"data": {"dseq": "1"}}, status=200)
        proxy.rewrite(SETTINGS, without("autoTopUpEnabled"))
        said = await told_by(agent, "deploy", sdl=sdl, deposit_usd=1)
        skip(network, HUNDRED_HOURS)
        assert usd_spent(network) == "0.00"
        assert "is not known to be off, so nothing bounds its cost" in said
    assert states(network) == ["closed"]


@NEW
@pytest.mark.parametrize("tool", ["deploy", "create_lease"])
async def test_a_lease_dearer_than_its_bid_is_closed_at_once(
    tool: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    # It cost $28.73 in its 48 hours, on an approval of $1.00.
    async with lied_to(connect, network) as (agent, proxy):
        proxy.rewrite(BIDS, divided(50))
        arguments = {"sdl": sdl, "deposit_usd": 1, "max_usd_per_hour": "0.02", "prefer": "cheapest"}
        if tool == "deploy":
            said = await told_by(agent, "deploy", **arguments)
        else:
            del arguments["prefer"]
            dseq = (await agent.call("create_deployment", **arguments))["dseq"]
            network.clock.skip(60)  # all who bid have done so
            [first, *_] = (await agent.call("list_bids", dseq=dseq, prefer="cheapest"))["offers"]
            said = await told_by(
                agent, "create_lease", dseq=dseq, providers=[first["provider"]], max_usd_per_hour="0.02"
            )
        skip(network, HUNDRED_HOURS)
        assert usd_spent(network) == "0.00"
        assert states(network) == ["closed"]
        assert "at most $0.02 was approved" in said
        assert "was closed again, proven; it cost" in said
        assert "No money moved" not in said
        assert (await agent.call("get_budget"))["held_usd"] == "0.00"
    assert proxy.sent(LEASES) == 1


async def test_a_lease_found_after_a_lost_answer_is_judged_by_its_price_too(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with lied_to(connect, network) as (agent, proxy):
        proxy.rewrite(BIDS, divided(50))
        proxy.lose(LEASES)
        said = await told_by(
            agent, "deploy", sdl=sdl, deposit_usd=1, max_usd_per_hour="0.02", prefer="cheapest"
        )
        assert "at most $0.02 was approved" in said
        assert usd_spent(network) == "0.00"
    assert states(network) == ["closed"]
    assert proxy.sent(LEASES) == 1


@pytest.mark.parametrize(("amount", "words"), [("50000000", "$50.00 is in escrow"), (None, "is not known")])
async def test_another_amount_in_escrow_than_was_approved_is_noticed(
    amount: str | None, words: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    # It was leased, with $50.00 in escrow on an approval of $1.00.
    async with lied_to(connect, network) as (agent, proxy):
        proxy.rewrite(DETAIL, in_escrow(amount))
        said = await told_by(agent, "deploy", sdl=sdl, deposit_usd=1)
        assert words in said
    assert states(network) == ["closed"]
    assert proxy.sent(LEASES) == 0


async def test_less_in_escrow_than_was_approved_is_told(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with lied_to(connect, network) as (agent, proxy):
        proxy.rewrite(DETAIL, in_escrow("500000"))
        done = await deployed(agent, sdl, deposit_usd=1)
        assert "put only $0.50 into it, and not the $1.00 that was approved" in done["money"]


@pytest.mark.parametrize("status", [403, 404])
async def test_a_provider_that_cannot_be_leased_from_is_passed_over(
    status: int, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    # The launch was unwound.
    message = "Provider not authorized." if status == 403 else "Provider akash1aaa not found"
    async with lied_to(connect, network) as (agent, proxy):
        proxy.refuse(LEASES, status, {"message": message, "code": "not_found"})
        done = await deployed(agent, sdl, deposit_usd=1)
        assert done["status"] == "ready"
    chosen = [request.body["leases"][0]["provider"] for request in proxy.requests if request.route == LEASES]
    assert len(set(chosen)) == len(chosen) == 2


@NEW
async def test_a_raise_whose_answer_was_lost_is_read_back_and_not_repeated(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    # The repeat was refused, and what the raise had spent was released: $10.80 of a limit of $10.00.
    async with lied_to(connect, network) as (agent, proxy):
        dseq = (await deployed(agent, sdl, deposit_usd=5))["dseq"]
        proxy.lose(SET)
        proxy.refuse(SET, 400, {"message": "Runtime limit can only be increased", "code": "bad_request"})
        done = await agent.call("add_funds", dseq=dseq, amount_usd=4)
        assert done["status"] == "funded"
        held = Decimal((await agent.call("get_budget"))["held_usd"])
        assert usd_of_the_limit(network, dseq) <= held <= 9
        assert proxy.sent(SET) == 1
        assert "over the limit" in await agent.refused("add_funds", dseq=dseq, amount_usd=4)


@NEW
async def test_a_raise_that_a_proxy_sends_twice_is_not_told_as_refused(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with lied_to(connect, network) as (agent, proxy):
        dseq = (await deployed(agent, sdl, deposit_usd=5))["dseq"]
        proxy.repeat(SET)
        refused = {"message": "Runtime limit can only be increased", "code": "bad_request"}
        proxy.rewrite(SET, lambda _: refused, status=400)
        assert (await agent.call("add_funds", dseq=dseq, amount_usd=4))["status"] == "funded"
        held = Decimal((await agent.call("get_budget"))["held_usd"])
        assert usd_of_the_limit(network, dseq) <= held <= 9


async def test_a_deposit_that_a_proxy_sends_twice_is_noticed(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    # It was told as $1.00.
    async with lied_to(connect, network) as (agent, proxy):
        dseq = (await deployed(agent, sdl, deposit_usd=2))["dseq"]
        proxy.repeat("POST /v1/deposit-deployment")
        said = await agent.refused("add_funds", dseq=dseq, amount_usd=1)
        assert "$2.00 came into the escrow" in said
        assert "$1.00 was approved" in said
        assert "No money moved" not in said
        assert (await agent.call("get_budget"))["held_usd"] == "4.00"


async def test_a_close_that_is_refused_never_says_that_no_money_moved(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with lied_to(connect, network) as (agent, proxy):
        dseq = (await deployed(agent, sdl, deposit_usd=1))["dseq"]
        proxy.refuse(CLOSE, 400, {"message": "Deployment escrow cannot be settled yet"})
        said = await agent.refused("close_deployment", dseq=dseq)
        assert "is not proven closed and may still cost money" in said
        assert "cannot be settled yet" in said
        assert "No money moved" not in said


async def test_a_deployment_of_ours_that_is_not_found_is_not_taken_for_closed(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    # It ran on for ever.
    async with lied_to(connect, network) as (agent, proxy):
        dseq = (await deployed(agent, sdl, deposit_usd=1))["dseq"]
        missing = {"message": "Deployment not found", "code": "not_found"}
        proxy.refuse(CLOSE, 404, missing, times=9)
        proxy.refuse(DETAIL, 404, missing, times=9)
        said = await agent.refused("close_deployment", dseq=dseq)
        assert "is not proven closed and may still cost money" in said
        assert (await agent.call("get_budget"))["held_usd"] == "1.00"
        proxy.honest()
        assert (await agent.call("close_deployment", dseq=dseq))["status"] == "closed"
