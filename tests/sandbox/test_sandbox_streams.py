from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from provider_world import World, a_world, expose, service, until_end
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus

from akash_mcp.sandbox.provider.streams import WATCH_SECONDS

pytestmark = pytest.mark.anyio

HIDDEN = [expose(port=5432, **{"global": False})]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


async def lines_of(world: World, path: str, **options: Any) -> list[tuple[str, str]]:
    """Pod and line of everything that a finite stream of logs says."""
    async with world.socket(path, **options) as socket:
        frames = [json.loads(text) for text in (await until_end(socket)).messages]
    return [(frame["name"], frame["message"]) for frame in frames]


async def end_of(world: World, path: str) -> tuple[int | None, str | None]:
    async with world.socket(path) as socket:
        ended = await until_end(socket)
    return ended.code, ended.reason


async def status_of(world: World, path: str, **options: Any) -> tuple[int, bytes]:
    with pytest.raises(InvalidStatus) as refused:
        await world.socket(path, **options)
    response = refused.value.response
    return response.status_code, bytes(response.body)


# The handshake.


async def test_the_upgrade_negotiates_nothing(world: World) -> None:
    lease = await world.deploy(service())
    async with world.socket(f"{lease}/logs", subprotocols=["x"]) as socket:
        assert socket.response is not None
        assert set(socket.response.headers) == {"upgrade", "connection", "sec-websocket-accept"}


async def test_a_refusal_before_the_upgrade_is_plain_http_with_a_body(world: World) -> None:
    leases = {"access": "scoped", "scope": ["status"]}
    assert await status_of(world, "/lease/1/1/1/logs", leases=leases) == (
        401,
        b'{"message":"unauthorized access"}',
    )


async def test_a_request_without_an_upgrade_is_400(world: World) -> None:
    response = await world.get("/lease/1/1/1/logs")
    assert (response.status_code, response.text) == (400, "Bad Request\n")


async def test_an_upgrade_to_something_else_is_426(world: World) -> None:
    headers = world.auth() | {"Connection": "Upgrade", "Upgrade": "h2c"}
    assert (await world.get("/lease/1/1/1/logs", headers=headers)).status_code == 426


async def test_repeated_headers_are_refused_and_not_stumbled_over(world: World) -> None:
    headers = [*world.auth().items(), ("Connection", "x"), ("Upgrade", "y")]
    assert await status_of(world, "/lease/1/1/1/logs", additional_headers=headers) == (
        426,
        b"Upgrade Required\n",
    )


async def test_a_foreign_origin_is_forbidden_and_its_own_is_not(world: World) -> None:
    lease = await world.deploy(service())
    assert await status_of(world, f"{lease}/logs", origin="https://evil.example") == (403, b"Forbidden\n")
    async with world.socket(f"{lease}/logs", origin=world.url):
        pass


async def test_events_is_not_the_name_of_a_route(world: World) -> None:
    assert (await status_of(world, "/lease/1/1/1/events"))[0] == 404


# Logs.


async def test_logs_name_the_pod_and_end_without_a_close_frame(world: World) -> None:
    lease = await world.deploy(service("my-web"))
    async with world.socket(f"{lease}/logs") as socket:
        ended = await until_end(socket)
    assert ended.code == 1006
    assert all(isinstance(text, str) and text.endswith("}\n") for text in ended.messages)
    first = json.loads(ended.messages[0])
    assert list(first) == ["name", "message"]
    assert first["name"].startswith("my-web-")
    assert len(first["name"].split("-")) == 4


async def test_tail_is_for_each_pod_and_0_means_no_backlog(world: World) -> None:
    lease = await world.deploy(service(count=2))
    lines = await lines_of(world, f"{lease}/logs?tail=1")
    assert len({pod for pod, _ in lines}) == len(lines) == 2
    assert await lines_of(world, f"{lease}/logs?tail=0") == []
    assert len(await lines_of(world, f"{lease}/logs")) == 12


async def test_service_filters_and_services_does_not(world: World) -> None:
    lease = await world.deploy(service(), service("db", "postgres:17", expose=HIDDEN))
    only = {pod for pod, _ in await lines_of(world, f"{lease}/logs?service=db")}
    assert all(pod.startswith("db-") for pod in only)
    assert len({pod for pod, _ in await lines_of(world, f"{lease}/logs?services=db")}) == 2
    assert len({pod for pod, _ in await lines_of(world, f"{lease}/logs?service=db,web")}) == 2


async def test_following_brings_lines_as_they_are_written(world: World) -> None:
    lease = await world.deploy(service())
    site = await world.site(lease)
    async with world.socket(f"{lease}/logs?follow=true&tail=0") as socket:
        await world.client.get(f"{site}/hello")
        assert '"GET /hello HTTP/1.1" 200' in json.loads(await socket.recv())["message"]


async def test_following_ends_with_the_lease(world: World) -> None:
    lease = await world.deploy(service())
    async with world.socket(f"{lease}/logs?follow=1&tail=1") as socket:
        await socket.recv()
        world.close(lease)
        assert (await until_end(socket)).code == 1006


async def test_following_ends_when_the_container_does(world: World) -> None:
    command = ["sh", "-c", "echo one; sleep 100; echo two; exit 1"]
    lease = await world.deploy(service(command=command))
    async with world.socket(f"{lease}/logs?follow=true") as socket:
        assert json.loads(await socket.recv())["message"] == "one"
        world.chain.clock.skip(60)
        ended = await until_end(socket)
    assert [json.loads(text)["message"] for text in ended.messages] == ["two"]
    assert ended.code == 1006


async def test_lines_are_escaped_as_go_does(world: World) -> None:
    lease = await world.deploy(service(command=["echo", "<b>&\u2028"]))
    async with world.socket(f"{lease}/logs") as socket:
        (text,) = (await until_end(socket)).messages
    assert r'"message":"\u003cb\u003e\u0026\u2028"' in text


@pytest.mark.parametrize("length", [1_000, 3_000, 60_000])
async def test_long_lines_arrive_whole(world: World, length: int) -> None:
    lease = await world.deploy(service(command=["echo", "x" * length]))
    assert [line for _, line in await lines_of(world, f"{lease}/logs")] == ["x" * length]


async def test_a_line_of_64_kib_ends_the_pods_stream_in_silence(world: World) -> None:
    script = f"echo before; echo {'x' * 65536}; echo after"
    lease = await world.deploy(service(command=["sh", "-c", script]))
    assert [line for _, line in await lines_of(world, f"{lease}/logs")] == ["before"]


async def test_a_long_log_is_served_from_its_end(world: World) -> None:
    lease = await world.deploy(service(image="acme/chatty:1", env=["LINES=1000000"]))
    lines = [line for _, line in await lines_of(world, f"{lease}/logs?tail=300")]
    assert len(lines) == 300
    assert "/items/999702 " in lines[0]


async def test_an_unknown_service_has_no_running_pods(world: World) -> None:
    lease = await world.deploy(service())
    assert await end_of(world, f"{lease}/logs?service=api") == (4000, "no running pods")


async def test_a_pod_that_has_not_started_fails_all_logs(world: World) -> None:
    lease = await world.deploy(service(), service("db", "db:does-not-exist", expose=HIDDEN))
    assert await end_of(world, f"{lease}/logs") == (4000, "")


async def test_a_service_name_that_is_not_a_label_is_an_internal_error(world: World) -> None:
    lease = await world.deploy(service())
    assert await end_of(world, f"{lease}/logs?service=a%20b") == (4000, "")


@pytest.mark.parametrize("stream", ["logs", "kubeevents"])
async def test_a_lease_that_is_gone_closes_with_4001(world: World, stream: str) -> None:
    lease = await world.deploy(service())
    world.close(lease)
    assert await end_of(world, f"{lease}/{stream}") == (4001, "")


async def test_just_after_the_manifest_there_is_nothing_to_show(world: World) -> None:
    lease = await world.deploy(service(), settle=0)
    assert await end_of(world, f"{lease}/logs") == (4000, "no running pods")
    assert await end_of(world, f"{lease}/kubeevents") == (4000, "")


# Liveness.


async def test_pings_are_empty_and_come_regularly() -> None:
    async with a_world(ping_seconds=0.05) as world:
        lease = await world.deploy(service())
        async with world.socket(f"{lease}/logs?follow=true&tail=0") as socket:
            pings = await _pings(socket, 3)
    assert pings == [b"", b"", b""]


async def test_the_gateway_answers_pings_on_a_stream(world: World) -> None:
    lease = await world.deploy(service())
    async with world.socket(f"{lease}/logs?follow=true&tail=0") as socket:
        await (await socket.ping(b"there?"))


async def test_an_open_stream_outlives_its_token() -> None:
    now = time.time()
    async with a_world(wall=lambda: now) as world:
        lease = await world.deploy(service())
        site = await world.site(lease)
        async with world.socket(f"{lease}/logs?follow=true&tail=0") as socket:
            now += 3600
            await world.client.get(site)
            assert await socket.recv()


async def test_a_client_that_closes_is_let_go(world: World) -> None:
    lease = await world.deploy(service())
    async with world.socket(f"{lease}/logs?follow=true&tail=0") as socket:
        await socket.close()
    assert socket.close_code == 1000


async def test_stopping_the_gateway_drops_its_streams(world: World) -> None:
    lease = await world.deploy(service())
    async with world.socket(f"{lease}/logs?follow=true&tail=0") as socket:
        await world.gateway.stop()
        assert (await until_end(socket)).code == 1006


# Kubernetes events.


async def test_events_tell_how_a_pod_came_to_run_and_close_with_1000(world: World) -> None:
    lease = await world.deploy(service())
    async with world.socket(f"{lease}/kubeevents") as socket:
        ended = await until_end(socket)
    events = [json.loads(text) for text in ended.messages]
    assert ended.code == 1000
    assert [event["reason"] for event in events] == ["Scheduled", "Pulling", "Pulled", "Created", "Started"]
    assert list(events[0]) == ["type", "reportingController", "reportingInstance", "reason", "note", "object"]
    assert events[0]["object"]["kind"] == "Pod"
    assert len(events[0]["object"]["namespace"]) == 45


async def test_equal_events_are_told_once_by_a_list_and_each_time_by_a_watch(world: World) -> None:
    lease = await world.deploy(service(command=["sleep", "30"]), settle=20)
    async with world.socket(f"{lease}/kubeevents?follow=true") as socket:
        watched = [json.loads(await socket.recv())["reason"] for _ in range(5)]
        world.chain.clock.skip(20)
        watched += [json.loads(await socket.recv())["reason"] for _ in range(3)]
        async with world.socket(f"{lease}/kubeevents") as other:
            listed = [json.loads(text)["reason"] for text in (await until_end(other)).messages]
    assert watched == ["Scheduled", "Pulling", "Pulled", "Created", "Started", "Pulled", "Created", "Started"]
    assert listed == ["Scheduled", "Pulling", "Pulled", "Created", "Started", "Pulled"]


async def test_a_service_filter_hides_all_events(world: World) -> None:
    lease = await world.deploy(service())
    async with world.socket(f"{lease}/kubeevents?service=web") as socket:
        assert (await until_end(socket)).messages == []


async def test_watched_events_come_as_they_happen_until_the_watch_expires(world: World) -> None:
    lease = await world.deploy(service(), settle=2)
    async with world.socket(f"{lease}/kubeevents?follow=true") as socket:
        assert json.loads(await socket.recv())["reason"] == "Scheduled"
        assert json.loads(await socket.recv())["reason"] == "Pulling"
        world.chain.clock.skip(30)
        assert json.loads(await socket.recv())["reason"] == "Pulled"
        world.chain.clock.skip(WATCH_SECONDS)
        assert (await until_end(socket)).code == 1000


async def test_a_watch_sees_the_end_of_the_lease(world: World) -> None:
    lease = await world.deploy(service())
    async with world.socket(f"{lease}/kubeevents?follow=true") as socket:
        for _ in range(5):
            await socket.recv()
        world.close(lease)
        ended = await until_end(socket)
    assert [json.loads(text)["reason"] for text in ended.messages] == ["Killing"]
    assert ended.code == 1000


async def _pings(socket: ClientConnection, count: int) -> list[bytes]:
    """The payloads of the next pings, as the client's own protocol saw them."""
    seen: list[bytes] = []
    enough = asyncio.Event()
    received = socket.process_event

    def process(event: Any) -> None:
        if event.opcode.name == "PING":
            seen.append(event.data)
            if len(seen) == count:
                enough.set()
        received(event)

    socket.process_event = process  # type: ignore[method-assign]  # the client shows its pings nowhere else
    await enough.wait()
    return seen
