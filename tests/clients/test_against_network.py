"""The clients against the embedded network: the two ends of the wire, written apart, must understand each other."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network

import anyio
import pytest

from akash_mcp.clients.chain import ChainReader, chain_upstream
from akash_mcp.clients.console.client import ConsoleClient
from akash_mcp.clients.console.models import Bid, Created
from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.clients.console.writer import ConsoleWriter
from akash_mcp.clients.provider.access import ProviderAccess
from akash_mcp.clients.provider.client import ProviderClient
from akash_mcp.errors import (
    AkashError,
    BadRequest,
    Interrupted,
    LeaseGone,
    NotFound,
    NotRunningYet,
    OutcomeUnknown,
    PaymentRequired,
    Unauthorized,
    Unreachable,
    WalletProvisioning,
)
from akash_mcp.ids import Dseq, LeaseId, ProviderAddress
from akash_mcp.money import Usd
from akash_mcp.sandbox.network import EmbeddedNetwork, Options

pytestmark = pytest.mark.anyio

SDL = """
version: "2.0"
services:
  web:
    image: nginx:1.27
    expose:
      - port: 80
        as: 80
        to: [{global: true}]
profiles:
  compute:
    web:
      resources:
        cpu: {units: 0.5}
        memory: {size: 512Mi}
        storage: {size: 512Mi}
  placement:
    dcloud:
      pricing:
        web: {denom: uact, amount: 10000}
deployment:
  web:
    dcloud: {profile: web, count: 1}
"""
LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]


@dataclass
class Clients:
    network: EmbeddedNetwork
    client: ConsoleClient
    reader: ConsoleReader
    writer: ConsoleWriter
    chain: ChainReader
    provider: ProviderClient

    async def bids(self, dseq: Dseq) -> list[Bid]:
        """The open bids, once there are some."""
        while not (bids := [bid for bid in await self.reader.list_bids(dseq) if bid.is_open]):
            await self.network.clock.sleep(2)
        return bids

    async def leased(self) -> tuple[Created, LeaseId]:
        """A deployment with a lease of the first bid."""
        created = await self.writer.create_deployment(SDL, Usd(5))
        await self.writer.set_auto_top_up(created.dseq, False)
        lease = (await self.bids(created.dseq))[0].id.lease_id
        await self.writer.create_lease(created.manifest, [lease])
        return created, lease

    async def running(self) -> LeaseId:
        """A lease whose workload runs."""
        _, lease = await self.leased()
        while True:
            try:
                if (await self.provider.lease_status(lease)).is_ready:
                    return lease
            except NotRunningYet:
                pass  # it is being started
            await self.network.clock.sleep(2)


@asynccontextmanager
async def clients(*faults: str, key: str | None = None) -> AsyncIterator[Clients]:
    async with EmbeddedNetwork(Options(speed=50, providers=4, faults=faults)) as network:

        async def sleep(seconds: float) -> None:
            await anyio.sleep(seconds / 50)

        async with (
            ConsoleClient(network.console_url, key or network.api_key, sleep=sleep) as console,
            chain_upstream(network.chain_rest_url) as node,
        ):
            reader, chain = ConsoleReader(console), ChainReader(node)
            provider = ProviderClient(ProviderAccess(reader, chain, allow_private=LOOPBACK, sleep=sleep))
            yield Clients(network, console, reader, ConsoleWriter(console), chain, provider)


async def test_a_deployment_from_creation_to_proven_close() -> None:
    async with clients() as now:
        before = (await now.reader.balances()).available
        created = await now.writer.create_deployment(SDL, Usd(5))
        detail = await now.reader.get_deployment(created.dseq, just_created=True)
        digest = hashlib.sha256(created.manifest.encode()).digest()
        assert detail.manifest_hash == base64.b64encode(digest).decode()
        assert detail.escrow_funds == 5_000_000
        while (await now.reader.balances(fresh=True)).available != before - Usd(5):
            await now.network.clock.sleep(2)  # the API's memo

        assert not (await now.writer.set_auto_top_up(created.dseq, False)).auto_top_up_enabled
        lease = (await now.bids(created.dseq))[0].id.lease_id
        leased = await now.writer.create_lease(created.manifest, [lease])
        assert leased.active_leases == [lease]
        assert leased.rate_uact
        assert leased.rate_uact > 0
        assert [d.active_leases for d in await now.reader.list_deployments()] == [[lease]]

        await now.writer.close_deployment(created.dseq)
        closed = await now.reader.get_deployment(created.dseq)
        assert (closed.state, closed.open_leases) == ("closed", [])
        assert await now.reader.list_deployments() == []
        await now.writer.close_deployment(created.dseq)


async def test_a_running_lease_shows_its_status_logs_and_events() -> None:
    async with clients() as now:
        lease = await now.running()
        status = await now.provider.lease_status(lease)
        lines = [line async for line in now.provider.logs(lease, services=["web"], tail=3)]
        events = [event async for event in now.provider.events(lease)]
    assert status.services["web"].uris
    assert {line.service for line in lines} == {"web"}
    assert any(event.service == "web" for event in events)


async def test_a_lease_that_was_closed_is_gone_at_its_provider() -> None:
    async with clients() as now:
        lease = await now.running()
        await now.writer.close_deployment(lease.dseq)
        with pytest.raises(LeaseGone):
            await now.provider.lease_status(lease)


async def test_logs_of_a_service_that_does_not_exist_are_not_running() -> None:
    async with clients() as now:
        lease = await now.running()
        with pytest.raises(NotRunningYet):
            _ = [line async for line in now.provider.logs(lease, services=["typo"])]


async def test_records_of_providers_chain_and_user() -> None:
    async with clients() as now:
        addresses = [ProviderAddress(address) for address in now.network.chain.providers]
        records = await now.reader.list_providers(addresses)
        assert {record.owner for record in records} == set(addresses)
        on_chain = await now.chain.provider(addresses[0])
        assert on_chain.host_uri == (await now.reader.get_provider(addresses[0])).host_uri
        [certificate] = await now.chain.certificates(addresses[0])
        assert certificate.subject_cn == addresses[0]
        again = await now.chain.certificates(addresses[0], serial=certificate.serial)
        assert again == [certificate]
        assert abs(await now.chain.latest_height() - await now.reader.latest_height()) < 50
        assert (await now.reader.current_user()).id


@pytest.mark.parametrize("fault", ["create-500-but-landed", "drop-connection=after"])
async def test_a_creation_whose_answer_is_lost_is_unknown_and_not_repeated(fault: str) -> None:
    async with clients() as now:
        name, _, value = fault.partition("=")
        await now.network.inject(name, count=1, value=value or None, route="POST /v1/deployments")
        with pytest.raises(OutcomeUnknown):
            await now.writer.create_deployment(SDL, Usd(5))
        assert len(await now.reader.list_deployments()) == 1


@pytest.mark.parametrize("how", ["503", "400", "422", "495"])
async def test_a_lease_whose_manifest_is_not_delivered_is_found_and_delivered_again(how: str) -> None:
    async with clients() as now:
        created = await now.writer.create_deployment(SDL, Usd(5))
        lease = (await now.bids(created.dseq))[0].id.lease_id
        await now.network.inject("lease-manifest-fails", count=1, value=how)
        with pytest.raises(OutcomeUnknown):
            await now.writer.create_lease(created.manifest, [lease])
        assert (await now.reader.get_deployment(created.dseq)).active_leases == [lease]
        again = await now.writer.create_lease(created.manifest, [lease])
        assert again.active_leases == [lease]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("wallet-provisioning", WalletProvisioning), ("insufficient-balance", PaymentRequired)],
)
async def test_refused_creations_leave_nothing(fault: str, kind: type[AkashError]) -> None:
    async with clients(fault) as now:
        with pytest.raises(kind):
            await now.writer.create_deployment(SDL, Usd(5))
        assert await now.reader.list_deployments() == []


@pytest.mark.parametrize("fault", ["503-html*2", "429*2=0", "drop-connection*2=before"])
async def test_reads_survive_passing_trouble(fault: str) -> None:
    async with clients(fault) as now:
        assert await now.reader.list_deployments() == []


async def test_leases_attached_to_the_wrong_deployment_are_put_right() -> None:
    async with clients() as now:
        first, first_lease = await now.leased()
        second, second_lease = await now.leased()
        await now.network.inject("swapped-leases")
        found = {detail.dseq: detail.active_leases for detail in await now.reader.list_deployments()}
    assert found == {first.dseq: [first_lease], second.dseq: [second_lease]}


async def test_a_close_that_failed_but_landed_is_not_told_as_refused() -> None:
    async with clients() as now:
        created = await now.writer.create_deployment(SDL, Usd(5))
        await now.network.inject("close-fails", value="landed")
        with pytest.raises(Interrupted):
            await now.writer.close_deployment(created.dseq)
        assert (await now.reader.get_deployment(created.dseq)).state == "closed"


async def test_a_gateway_that_goes_down_is_unreachable() -> None:
    async with clients() as now:
        lease = await now.running()
        await now.network.inject("provider-unreachable")
        with pytest.raises(Unreachable):
            await now.provider.lease_status(lease)


async def test_an_sdl_that_is_wrong_is_refused_with_words() -> None:
    async with clients() as now:
        with pytest.raises(BadRequest, match="Invalid SDL"):
            await now.writer.create_deployment("version: '2.0'", Usd(5))


async def test_a_key_that_is_wrong_is_told() -> None:
    async with clients(key="ac.sk.test." + "00" * 32) as now:
        with pytest.raises(Unauthorized):
            await now.reader.list_deployments()


async def test_what_does_not_exist_is_not_found() -> None:
    async with clients() as now:
        with pytest.raises(NotFound):
            await now.reader.get_deployment(Dseq("1"))
        with pytest.raises(NotFound):
            await now.writer.close_deployment(Dseq("1"))
        assert await now.reader.list_bids(Dseq("1")) == []
