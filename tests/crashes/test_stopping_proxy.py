"""The proxy that strikes at one request: what becomes of it, and that nothing else is touched."""

from __future__ import annotations

import anyio
import httpx2
import pytest
from scripted_console import CREATE, LIST, ScriptedConsole
from stopping_proxy import ANY, Fate, Point, StoppingProxy, named, stopping_proxy

pytestmark = pytest.mark.anyio

BODY = {"data": {"sdl": "x"}}


@pytest.mark.parametrize(
    ("target", "route"),
    [
        ("/v1/deployments/1763759482113", "GET /v1/deployments/{dseq}"),
        ("/v2/deployment-settings/0", "GET /v2/deployment-settings/0"),
        ("/v1/bids?dseq=1763759482113", "GET /v1/bids"),
        ("/v1/activities/3f0c9d4e-58f5-4b4e-9a63-0a6f8c1d2e3f", "GET /v1/activities/{id}"),
    ],
)
def test_routes_are_named_without_names(target: str, route: str) -> None:
    assert named("GET", target) == route


@pytest.mark.parametrize("fate", list(Fate))
async def test_what_becomes_of_the_request_is_as_told(fate: Fate) -> None:
    async with (
        ScriptedConsole() as console,
        stopping_proxy(console.url, late_seconds=0.01) as proxy,
        httpx2.AsyncClient(base_url=proxy.url) as client,
    ):
        got: list[int] = []

        async def strike() -> None:
            got.append(len(console.sent(CREATE)))

        proxy.arm(Point(CREATE, 2), fate, strike)
        assert (await client.post("/v1/deployments", json=BODY)).status_code == 201
        assert got == []
        if fate in (Fate.LOST, Fate.UNHEARD):
            with pytest.raises(httpx2.RemoteProtocolError):
                await client.post("/v1/deployments", json=BODY)
        else:
            assert (await client.post("/v1/deployments", json=BODY)).status_code == 201
        assert got == [1 if fate.is_before else 2]
        assert proxy.done.is_set()
        landed = len(console.sent(CREATE))
        assert landed == len(proxy.passed) == (1 if fate is Fate.LOST else 2)
        # It strikes once.
        assert (await client.post("/v1/deployments", json=BODY)).status_code == 201
        assert got == [1 if fate.is_before else 2]
        assert console.sent(CREATE)[-1].body == BODY


async def test_requests_of_all_routes_are_counted_together_from_when_it_was_armed_last() -> None:
    async with (
        ScriptedConsole() as console,
        stopping_proxy(console.url) as proxy,
        httpx2.AsyncClient(base_url=proxy.url) as client,
    ):
        struck: list[str] = []

        async def strike() -> None:
            struck.append(proxy.arrived[-1])

        for nth in (2, 1):
            proxy.arm(Point(ANY, nth), Fate.ANSWERED, strike)
            await client.post("/v1/deployments", json=BODY)
            await client.get("/v1/deployments")
        assert struck == [LIST, CREATE]


async def test_a_request_lands_although_whoever_sent_it_is_gone() -> None:
    async with ScriptedConsole() as console, stopping_proxy(console.url, late_seconds=0.01) as proxy:
        gone = anyio.Event()

        async def strike() -> None:
            gone.set()

        proxy.arm(Point(CREATE), Fate.LATE, strike)
        with anyio.move_on_after(30):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_post, proxy)
                await gone.wait()
                tasks.cancel_scope.cancel()
            await proxy.done.wait()
        assert len(console.sent(CREATE)) == 1
        assert proxy.passed[0].status == 201


async def _post(proxy: StoppingProxy) -> None:
    async with httpx2.AsyncClient(base_url=proxy.url) as client:
        await client.post("/v1/deployments", json=BODY)


async def test_a_repeated_request_is_handed_on_twice() -> None:
    async with (
        ScriptedConsole() as console,
        stopping_proxy(console.url) as proxy,
        httpx2.AsyncClient(base_url=proxy.url) as client,
    ):
        proxy.repeated.add(CREATE)
        assert (await client.post("/v1/deployments", json=BODY)).status_code == 201
        assert len(console.sent(CREATE)) == len(proxy.passed) == 2
