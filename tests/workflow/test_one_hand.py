"""Two servers of one user, and a person in the Console, at one deployment: nobody undoes what another just did."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx2
import pytest
from agents import ERAS, YES, Agent, Connect, text_of
from conftest import INTERVALS
from lying_proxy import lying_proxy

from akash_mcp.sandbox.chain import Deployment
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.sdl import check

pytestmark = pytest.mark.anyio

PATIENT = dataclasses.replace(INTERVALS, bid_give_up=3.0)
TOO_CHEAP = "0.0001"
"""Dollars an hour at which no provider offers."""


@dataclass
class Waiting:
    """A `deploy` that waits for offers it can take, in another server than `agent`'s."""

    network: EmbeddedNetwork
    agent: Agent
    said: list[str] = field(default_factory=list)

    @property
    def deployment(self) -> Deployment:
        [deployment] = self.network.chain.deployments.values()
        return deployment

    @property
    def dseq(self) -> str:
        return str(self.deployment.dseq)

    async def bids(self) -> list[dict[str, Any]]:
        """The offers, as soon as there are some."""
        while True:
            with anyio.fail_after(10):
                await anyio.sleep(0.05)
                if self.network.chain.deployments:
                    listed = await self.agent.call("list_bids", dseq=self.dseq, wait_s=1)
                    if listed["offers"]:
                        return list(listed["offers"])

    async def lease_in_the_console(self, sdl: str) -> str:
        """A person takes the cheapest offer in the Console, and not through us. The provider's address."""
        offers = await self.bids()
        provider = min(offers, key=lambda offer: float(offer["usd_per_hour"]))["provider"]
        lease = {"dseq": self.dseq, "gseq": 1, "oseq": 1, "provider": provider}
        async with httpx2.AsyncClient(headers={"x-api-key": self.network.api_key}, verify=False) as console:
            body = {"manifest": check(sdl).manifest, "leases": [lease]}
            answer = await console.post(f"{self.network.console_url}/v1/leases", json=body)
        assert answer.status_code == 200, answer.text
        return str(provider)

    def leases(self) -> list[str]:
        return [lease.state for lease in self.deployment.leases]


@asynccontextmanager
async def waiting(
    connect: Connect, network: EmbeddedNetwork, sdl: str, *, era: str = ERAS[0], **arguments: Any
) -> AsyncIterator[Waiting]:
    """The other server's deploy has answered when this ends."""
    async with (
        connect(era, approval="auto", intervals=PATIENT, **arguments.pop("settings", {})) as first,
        connect(era, approval="auto") as second,
    ):
        it = Waiting(network, second)

        async def deploy() -> None:
            it.said.append(text_of(await first.ask("deploy", sdl=sdl, deposit_usd=1, **arguments)))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(deploy)
            yield it


@pytest.mark.parametrize("era", ERAS)
async def test_what_a_launch_waits_with_is_not_leased_by_another_and_closed_under_it(
    era: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with waiting(connect, network, sdl, era=era, max_usd_per_hour=TOO_CHEAP) as it:
        [*_, offer] = await it.bids()
        lease = {"dseq": it.dseq, "providers": [offer["provider"]], "max_usd_per_hour": "1"}
        said = await it.agent.refused("create_lease", **lease)
        assert f"Deployment {it.dseq} is in the hands of operation op_" in said
        assert "(launch: created)" in said
        assert "No money moved." in said
        assert "in the hands of" in await it.agent.refused("add_funds", dseq=it.dseq, amount_usd=1)
        shown = await it.agent.call("get_deployment", id=it.dseq)
        [row] = (await it.agent.call("list_deployments"))["deployments"]
        assert shown["op_id"] == row["op_id"]
        assert f"operation {shown['op_id']} (launch: created)" in shown["progress"]
        assert f"operation {shown['op_id']} (launch: created)" in row["progress"]
        assert shown["next_step"] == f'Call get_deployment(id="{shown["op_id"]}", wait_for="ready").'
        assert "in the hands of" in await it.agent.refused("update_deployment", dseq=it.dseq, sdl=sdl)
    assert "closed again, proven" in it.said[0]
    assert (it.deployment.state, it.leases()) == ("closed", [])


async def test_nobody_is_asked_for_a_yes_that_leads_nowhere(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with (
        waiting(connect, network, sdl, max_usd_per_hour=TOO_CHEAP) as it,
        connect(answer=YES) as person,
    ):
        [*_, offer] = await it.bids()
        lease = {"dseq": it.dseq, "providers": [offer["provider"]], "max_usd_per_hour": "1"}
        assert "in the hands of" in await person.refused("create_lease", **lease)
        assert person.asked == []


async def test_what_a_person_leased_for_more_than_was_approved_is_left_as_it_is_and_told(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with waiting(connect, network, sdl, max_usd_per_hour=TOO_CHEAP) as it:
        await it.lease_in_the_console(sdl)
    assert "Somebody else leased deployment" in it.said[0]
    assert "It costs money until it is closed, and this operation made none of its leases." in it.said[0]
    assert "closed again" not in it.said[0]
    assert (it.deployment.state, it.leases()) == ("active", ["active"])


async def test_what_a_person_leased_within_what_was_approved_is_gone_on_with(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with lying_proxy(network.console_url) as proxy:
        proxy.rewrite("GET /v1/bids", lambda told: {"data": []})
        async with waiting(connect, network, sdl, settings={"console_url": proxy.url}) as it:
            provider = await it.lease_in_the_console(sdl)
    answer = json.loads(it.said[0])
    assert (answer["status"], answer["dseq"]) == ("ready", it.dseq)
    assert len(answer["chosen"]) == 1
    assert it.deployment.leases[0].provider == provider
    assert proxy.sent("POST /v1/leases") == 0
    assert proxy.sent("PATCH /v2/deployment-settings/[0-9]+") == 1
    assert (it.deployment.state, it.leases()) == ("active", ["active"])


@pytest.mark.parametrize("only", ["regions", "exclude_providers"])
async def test_what_a_person_leased_where_the_approval_does_not_allow_it_is_left_as_it_is_and_told(
    only: str, connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    limits: dict[str, Any] = {"regions": ["Singapore"], "exclude_providers": list(network.market)}
    async with lying_proxy(network.console_url) as proxy:
        proxy.rewrite("GET /v1/bids", lambda told: {"data": []})
        asked: dict[str, Any] = {"settings": {"console_url": proxy.url}, only: limits[only]}
        async with waiting(connect, network, sdl, **asked) as it:
            await it.lease_in_the_console(sdl)
    assert "not within what was approved here, so it was left as it is" in it.said[0]
    assert (it.deployment.state, it.leases()) == ("active", ["active"])


async def test_what_a_person_leased_is_not_closed_for_another_provider_when_its_own_fails(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with lying_proxy(network.console_url) as proxy:
        proxy.rewrite("GET /v1/bids", lambda told: {"data": []})
        async with waiting(connect, network, sdl, settings={"console_url": proxy.url}) as it:
            provider = await it.lease_in_the_console(sdl)
            await network.inject("kube-down", value=provider)
    answer = json.loads(it.said[0])
    assert (answer["status"], answer["dseq"]) == ("leased", it.dseq)
    assert "cannot reach its own cluster" in answer["summary"]
    assert len(network.chain.deployments) == 1
    assert (it.deployment.state, it.leases()) == ("active", ["active"])


async def test_where_it_cannot_be_read_whether_somebody_leased_it_nothing_is_closed(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with lying_proxy(network.console_url) as proxy:
        proxy.rewrite("GET /v1/bids", lambda told: {"data": []})
        proxy.refuse("GET /v1/deployments/[0-9]+", 500, {"message": "no"}, times=10**9)
        async with waiting(connect, network, sdl, settings={"console_url": proxy.url}) as it:
            await it.lease_in_the_console(sdl)
    assert "cannot be read, so it was not closed" in it.said[0]
    assert "Whether money moved is not known yet." in it.said[0]
    assert proxy.sent("DELETE .*") == 0
    assert it.leases() == ["active"]


async def test_a_launch_that_is_closed_while_it_waits_ends_and_says_by_whom(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with waiting(connect, network, sdl, max_usd_per_hour=TOO_CHEAP) as it:
        await it.bids()
        closed = await it.agent.call("close_deployment", dseq=it.dseq)
        assert closed["status"] == "closed"
    assert f"was closed meanwhile, by operation {closed['op_id']}" in it.said[0]
    assert "This operation spends nothing more." in it.said[0]
    assert (it.deployment.state, it.leases()) == ("closed", [])
    assert network.state()["requests"]["DELETE /v1/deployments/{dseq}"] == 1  # type: ignore[index]  # a table
