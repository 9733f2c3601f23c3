"""The three generations of the Console API as the embedded network plays them, spoken by one client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import pytest
from test_against_network import SDL

from akash_mcp.clients.console.client import ConsoleClient
from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.limits import MINIMUM_DEPOSIT
from akash_mcp.clients.console.market_reader import Spec
from akash_mcp.clients.console.models import Bid, Created
from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.clients.console.writer import ConsoleWriter
from akash_mcp.errors import ApiError, OutcomeUnknown
from akash_mcp.ids import Dseq, OpId
from akash_mcp.money import Usd
from akash_mcp.sandbox.network import EmbeddedNetwork, Options

pytestmark = pytest.mark.anyio
SPEED = 60.0


@dataclass
class Side:
    network: EmbeddedNetwork
    reader: ConsoleReader
    writer: ConsoleWriter

    async def created(self, name: str = "op_1") -> Created:
        least = MINIMUM_DEPOSIT[await self.reader.generation()]
        return await self.writer.create_deployment(SDL, least, name=name, runtime_limit_hours=24)

    async def bid(self, dseq: Dseq) -> Bid:
        """An open bid, once there is one."""
        while not (bids := [bid for bid in await self.reader.list_bids(dseq) if bid.is_open]):
            await self.network.clock.sleep(2)
        return bids[0]


@asynccontextmanager
async def playing(generation: Generation) -> AsyncIterator[Side]:
    async with EmbeddedNetwork(Options(speed=SPEED, providers=4, generation=generation.value)) as network:

        async def sleep(seconds: float) -> None:
            await anyio.sleep(seconds / SPEED)

        async with ConsoleClient(network.console_url, network.api_key, sleep=sleep) as console:
            yield Side(network, ConsoleReader(console), ConsoleWriter(console))


@pytest.mark.parametrize("generation", Generation)
async def test_a_deployment_from_creation_to_proven_close(generation: Generation) -> None:
    async with playing(generation) as now:
        assert await now.reader.generation() is generation
        before = (await now.reader.balances()).available
        assert Usd(1) < before < Usd(1000)
        created = await now.created()
        lease = (await now.bid(created.dseq)).id.lease_id
        leased = await now.writer.create_lease(created.manifest, [lease])
        assert leased.active_leases == [lease]
        changed = await now.writer.update_deployment(created.dseq, SDL.replace("nginx:1.27", "nginx:1.28"))
        assert changed.active_leases == [lease]
        assert [detail.dseq for detail in await now.reader.list_deployments()] == [created.dseq]
        await now.reader.balances(fresh=True)
        await now.writer.close_deployment(created.dseq)
        await now.writer.close_deployment(created.dseq)
        closed = await now.reader.get_deployment(created.dseq)
        assert (closed.state, closed.open_leases) == ("closed", [])
        if generation is Generation.V2026_11:
            listed = await now.reader.list_deployments(state="closed")
            assert [each.dseq for each in listed] == [created.dseq]


async def test_a_limit_is_set_and_raised_and_told() -> None:
    async with playing(Generation.V2026_11) as now:
        created = await now.created()
        assert (await now.writer.set_runtime_limit(created.dseq, 48)).runtime_limit_hours == 48
        assert (await now.writer.get_settings(created.dseq)).runtime_limit_hours == 48
        with pytest.raises(ApiError):
            await now.writer.set_runtime_limit(created.dseq, 24)


async def test_a_creation_whose_answer_was_lost_is_found_by_its_name() -> None:
    async with playing(Generation.V2026_11) as now:
        await now.network.inject("create-500-but-landed", count=1)
        with pytest.raises(OutcomeUnknown):
            await now.created("op_lost")
        [found] = await now.reader.find_deployments(OpId("op_lost"))
        await now.writer.close_deployment(found.dseq)
        [found] = await now.reader.find_deployments(OpId("op_lost"))
        assert found.state == "closed"


async def test_more_money_and_what_costs_now() -> None:
    async with playing(Generation.V2025) as now:
        created = await now.created()
        assert (await now.writer.deposit(created.dseq, Usd(1))).escrow_funds == 6_000_000
    async with playing(Generation.V2026_11) as now:
        created = await now.created()
        lease = (await now.bid(created.dseq)).id.lease_id
        leased = await now.writer.create_lease(created.manifest, [lease])
        [billing] = await now.reader.spend_rate()
        assert (billing.dseq, billing.price.amount) == (created.dseq, leased.rate_uact)


async def test_the_market_is_read() -> None:
    async with playing(Generation.V2026_11) as now:
        reader = now.reader
        assert await reader.list_providers()
        assert (await reader.placement_options()).regions
        assert await reader.auditors()
        assert (await reader.gpus()).total.allocatable >= 0
        assert await reader.gpu_models()
        await reader.gpu_prices()
        [price] = await reader.compare_prices([Spec(1000, 2**30, 2**30)])
        assert price.akash > 0
        category = (await reader.templates())[0]
        assert category is not None
        summary = category.templates[0]
        assert summary is not None
        assert (await reader.template(summary.id)).deploy
        assert await reader.latest_height() > 0
        assert await reader.alerts() == []
        user = await reader.current_user()
        [wallet] = await reader.wallets(user.id)
        assert await reader.usage_history(wallet.address)
