"""Who subscribed hears that a resource has changed, in both eras; and nobody else does."""

from __future__ import annotations

from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from agents import SPEED, Agent, Connect
from heard import PATIENCE, Heard
from mcp import Client
from mcp.client.subscriptions import ResourceUpdated, Subscription
from server_process import server_process

from akash_mcp.guard.books import notices
from akash_mcp.guard.books.store import Store
from akash_mcp.ids import Dseq
from akash_mcp.protocol.subscriptions import uris_of
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.workflow.changes import Change

pytestmark = [
    pytest.mark.anyio,
    # The older era's own requests, which clients of today still know.
    pytest.mark.filterwarnings("ignore:resources/(un)?subscribe is removed"),
]

DEPLOYMENTS, BUDGET = "akash://deployments", "akash://budget"


async def next_of(subscription: Subscription, uri: str) -> None:
    with anyio.fail_after(PATIENCE):
        async for event in subscription:
            if event == ResourceUpdated(uri):
                return


async def test_a_launch_and_its_end_are_heard_in_the_newer_era(connect: Connect, sdl: str) -> None:
    async with connect(approval="auto") as agent:
        created = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        uri = f"{DEPLOYMENTS}/{created['dseq']}"
        async with agent.client.listen(resource_subscriptions=[uri, BUDGET]) as subscription:
            await agent.call("close_deployment", dseq=created["dseq"])
            await next_of(subscription, uri)
            await next_of(subscription, BUDGET)


async def test_a_launch_and_its_end_are_heard_in_the_older_era(connect: Connect, sdl: str) -> None:
    heard = Heard()
    async with connect("legacy", approval="auto", hears=heard) as agent:
        assert agent.client.server_capabilities.resources is not None
        assert agent.client.server_capabilities.resources.subscribe
        await agent.client.subscribe_resource(DEPLOYMENTS)
        created = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        await heard.hear_of(DEPLOYMENTS)
        assert set(heard.uris) == {DEPLOYMENTS}
        await agent.client.unsubscribe_resource(DEPLOYMENTS)
        await agent.client.subscribe_resource(f"{DEPLOYMENTS}/{created['dseq']}")
        heard.uris.clear()
        await agent.call("close_deployment", dseq=created["dseq"])
        await heard.hear_of(f"{DEPLOYMENTS}/{created['dseq']}")
        assert DEPLOYMENTS not in heard.uris


async def test_what_another_process_noted_is_heard(connect: Connect, sdl: str, tmp_path: Path) -> None:
    heard = Heard()
    async with connect("legacy", approval="auto", hears=heard) as agent:
        created = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        uri = f"{DEPLOYMENTS}/{created['dseq']}"
        await agent.client.subscribe_resource("akash://notices")
        await agent.client.subscribe_resource(uri)
        other = Store(tmp_path / "state")
        with anyio.fail_after(PATIENCE):
            while "akash://notices" not in heard.uris:
                # Which account it is this process does not know; the first look only learns where the notices stand.
                other.account = other.read_now(lambda db: db.value("SELECT MAX(account) FROM operations"))
                text = f"its escrow ends ({len(heard.uris)})"
                other.run_now(notices.note, text, dseq=Dseq(created["dseq"]), about=str(anyio.current_time()))
                await anyio.sleep(0.1)
        assert uri in heard.uris
        other.close()


async def test_a_session_has_so_many_subscriptions(connect: Connect) -> None:
    async with connect("legacy") as agent:
        for number in range(200):
            await agent.client.subscribe_resource(f"akash://deployments/{number}")
        with pytest.raises(Exception, match="at most 200"):
            await agent.client.subscribe_resource("akash://deployments/200")
        await agent.client.unsubscribe_resource("akash://deployments/1")
        await agent.client.subscribe_resource("akash://deployments/200")


async def test_subscribers_over_http_hear_each_in_its_era(
    network: EmbeddedNetwork, tmp_path: Path, sdl: str
) -> None:
    heard, gone = Heard(), Heard()
    async with server_process(network, tmp_path, speed=SPEED) as server:
        async with Client(server.url, mode="legacy", message_handler=gone) as client:
            await client.subscribe_resource(DEPLOYMENTS)
        async with (
            Client(server.url, mode="legacy", message_handler=heard) as older,
            Client(server.url) as newer,
            newer.listen(resource_subscriptions=[DEPLOYMENTS]) as subscription,
        ):
            await older.subscribe_resource(DEPLOYMENTS)
            await Agent(newer).call("create_deployment", sdl=sdl, deposit_usd=1)
            await next_of(subscription, DEPLOYMENTS)
            await heard.hear_of(DEPLOYMENTS)
            server.process.terminate()
            with anyio.fail_after(PATIENCE):
                async for _ in subscription:  # it is told that this ends, and raises where it is cut off
                    pass
            assert await anyio.to_thread.run_sync(server.process.wait) == 0
            assert server.process.stderr is not None
            assert "Traceback" not in server.process.stderr.read()
    assert gone.uris == []


def test_an_address_tells_nothing_but_the_deployment() -> None:
    assert uris_of(Change(None)) == (DEPLOYMENTS, BUDGET)
    assert uris_of(Change(Dseq("7"), is_notice=True)) == (
        "akash://deployments/7",
        DEPLOYMENTS,
        BUDGET,
        "akash://notices",
    )
