from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import anyio
import httpx2
import pytest
from provider_world import World, a_world, expose, manifest, service, until_end

from akash_mcp.sandbox import transactions
from akash_mcp.sandbox.provider.manifest import decode

pytestmark = pytest.mark.anyio


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


async def test_a_web_service_answers_with_a_page_that_names_it(world: World) -> None:
    lease = await world.deploy(service(image="ghcr.io/acme/shop:2"))
    page = await world.client.get(await world.site(lease))
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "web on Akash" in page.text
    assert "ghcr.io/acme/shop:2" in page.text


async def test_the_page_escapes_what_the_tenant_wrote(world: World) -> None:
    lease = await world.deploy(service(image="<script>"))
    assert "<script>" not in (await world.client.get(await world.site(lease))).text


async def test_before_its_port_answers_the_ingress_says_502(world: World) -> None:
    port = expose(port=8000, externalPort=80)
    lease = await world.deploy(service(image="vllm/vllm-openai:v0.11.0", expose=[port]), settle=1)
    site = await world.site(lease)
    assert (await world.client.get(site)).status_code == 502
    world.chain.clock.skip(30)
    status = (await world.get(f"{lease}/status")).json()
    assert (
        status["services"]["web"]["ready_replicas"] == 1
    )  # running is all that Kubernetes was asked to check
    assert (await world.client.get(site)).status_code == 502
    world.chain.clock.skip(30)
    assert (await world.client.get(site)).status_code == 200


async def test_a_deaf_image_is_502_for_ever(world: World) -> None:
    lease = await world.deploy(service(image="acme/deaf:1"), settle=100_000)
    assert (await world.client.get(await world.site(lease))).status_code == 502


async def test_replicas_take_turns_and_log_their_own_visits(world: World) -> None:
    lease = await world.deploy(service(count=2))
    site = await world.site(lease)
    pages = {(await world.client.get(site)).text for _ in range(4)}
    assert len(pages) == 2
    async with world.socket(f"{lease}/logs?tail=2") as socket:
        lines = [json.loads(text) for text in (await until_end(socket)).messages]
    assert len({line["name"] for line in lines if '"GET / HTTP/1.1" 200' in line["message"]}) == 2
    assert len(lines) == 4


async def test_a_head_request_has_no_body(world: World) -> None:
    lease = await world.deploy(service())
    answer = await world.client.head(await world.site(lease))
    assert (answer.status_code, answer.content) == (200, b"")


async def test_each_web_service_has_an_address_of_its_own(world: World) -> None:
    lease = await world.deploy(service(), service("api"))
    assert await world.site(lease, "web") != await world.site(lease, "api")
    assert "api on Akash" in (await world.client.get(await world.site(lease, "api"))).text


async def test_a_closed_lease_answers_nothing_any_more(world: World) -> None:
    lease = await world.deploy(service())
    site = await world.site(lease)
    world.close(lease)
    await asyncio.sleep(0)
    with pytest.raises(httpx2.TransportError):
        await world.client.get(site)


async def test_an_update_that_hides_a_service_closes_its_port(world: World) -> None:
    lease = await world.deploy(service(), service("api"))
    site = await world.site(lease, "api")
    deployment = world.chain.deployments[world.account.address, lease.split("/")[2]]
    hidden = manifest(service(), service("api", expose=[expose(port=80, **{"global": False})]))
    transactions.update_deployment(
        world.chain, deployment.owner, deployment.dseq, version=decode(hidden).version
    )
    assert (await world.put(deployment, hidden)).status_code == 200
    await asyncio.sleep(0)
    with pytest.raises(httpx2.TransportError):
        await world.client.get(site)


async def test_a_forwarded_port_listens_and_hangs_up(world: World) -> None:
    lease = await world.deploy(service(image="postgres:17", expose=[expose(port=5432)]))
    (port,) = (await world.get(f"{lease}/status")).json()["forwarded_ports"]["web"]
    async with await anyio.connect_tcp("127.0.0.1", port["externalPort"]) as stream:
        with pytest.raises(anyio.EndOfStream):
            await stream.receive()


async def test_where_nothing_listens_the_ingress_says_502_and_a_port_refuses(world: World) -> None:
    ports = [expose(port=3000, externalPort=80), expose(port=5432)]
    lease = await world.deploy(service(expose=ports))
    assert (await world.client.get(await world.site(lease))).status_code == 502
    (port,) = (await world.get(f"{lease}/status")).json()["forwarded_ports"]["web"]
    async with await anyio.connect_tcp("127.0.0.1", port["externalPort"]) as stream:
        with pytest.raises(anyio.BrokenResourceError):
            await stream.receive()


async def test_nonsense_on_the_web_port_is_answered_with_400(world: World) -> None:
    lease = await world.deploy(service())
    port = int((await world.site(lease)).rpartition(":")[2])
    async with await anyio.connect_tcp("127.0.0.1", port) as stream:
        await stream.send(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
        assert (await stream.receive()).startswith(b"HTTP/1.1 400 ")
