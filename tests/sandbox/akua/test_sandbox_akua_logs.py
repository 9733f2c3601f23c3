"""Logs as server-sent events: what was logged, cut as it was asked, and followed unless it was not to be."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from sandbox_akua import AkuaWorld, new_akua

pytestmark = pytest.mark.anyio

SSE = {"Accept": "text/event-stream"}


def events(text: str) -> list[tuple[str, str]]:
    """Name and data of each event."""
    frames = [frame.split("\n") for frame in text.split("\n\n") if frame]
    return [(name.removeprefix("event: "), data.removeprefix("data: ")) for name, data in frames]


async def _lines(world: AkuaWorld, **params: Any) -> list[dict[str, Any]]:
    """What a stream that ends held, without its end."""
    install = await world.first("/installs")
    response = await world.call(
        "GET", f"/installs/{install['id']}/logs", params={"follow": "false", **params}, headers=SSE
    )
    assert response.headers["content-type"].startswith("text/event-stream")
    *messages, last = events(response.text)
    assert last == ("end", "{}")
    assert {name for name, _ in messages} <= {"message"}
    return [json.loads(data) for _, data in messages]


async def test_what_was_logged_comes_in_order_and_ends() -> None:
    async with new_akua(installs=1) as world:
        world.later(50)
        told = await _lines(world)
        assert len(told) == 2 * 2 * 11  # pods, containers, lines
        assert set(told[0]) == {"content", "podName", "containerName", "timestamp", "last"}
        assert [line["timestamp"] for line in told] == sorted(line["timestamp"] for line in told)
        assert [line["last"] for line in told] == [False] * 43 + [True]


async def test_logs_can_be_cut() -> None:
    async with new_akua(installs=1) as world:
        world.later(50)
        assert len(await _lines(world, tail=7)) == 7
        assert await _lines(world, tail=0) == []
        assert len(await _lines(world, since_seconds=10)) == 2 * 2 * 2
        pod = (await _lines(world))[0]["podName"]
        chosen = await _lines(world, pod=pod, container="metrics")
        assert {(line["podName"], line["containerName"]) for line in chosen} == {(pod, "metrics")}
        install = await world.first("/installs")
        for query in ("pod=nobody", "container=nobody"):
            path = f"/installs/{install['id']}/logs?follow=false&{query}"
            assert (await world.call("GET", path)).status_code == 404


async def test_a_new_render_starts_new_pods() -> None:
    async with new_akua(installs=1) as world:
        world.later(500)
        install = await world.first("/installs")
        body = {"package_version_id": (await world.versions())["1.0.0"]}
        headers = {"If-Match": install["etag"], "Idempotency-Key": "k"}
        await world.ok("POST", f"/installs/{install['id']}:update", json=body, headers=headers)
        world.later(25)  # when it arrives
        assert len(await _lines(world)) == 2 * 2 * 1


async def test_old_lines_are_gone() -> None:
    async with new_akua(installs=1) as world:
        world.later(30 * 86_400)
        assert len(await _lines(world)) == 2 * 2 * 2_000


async def test_logs_are_followed_unless_they_are_not_to_be() -> None:
    async with new_akua(installs=1, speed=100, monotonic=time.monotonic) as world:
        install = await world.first("/installs")
        seen: list[str] = []
        async with world.http.stream(
            "GET", f"/installs/{install['id']}/logs?tail=0", headers=SSE
        ) as response:
            async for line in response.aiter_lines():
                seen.append(line)
                if len(seen) > 12:
                    break
        assert "event: end" not in seen
        assert sum(line == "event: message" for line in seen) >= 4


async def test_whoever_takes_something_else_gets_no_logs() -> None:
    async with new_akua(installs=1) as world:
        install = await world.first("/installs")
        response = await world.call(
            "GET", f"/installs/{install['id']}/logs", headers={"Accept": "application/json"}
        )
        assert response.status_code == 406


async def test_what_does_not_run_yet_has_no_lines() -> None:
    async with new_akua() as world:
        await world.begin()
        assert await _lines(world) == []


async def test_a_follow_ends_with_its_install() -> None:
    async with new_akua(installs=1, speed=500, monotonic=time.monotonic) as world:
        install = await world.first("/installs")
        path = f"/installs/{install['id']}"
        async with world.http.stream("GET", f"{path}/logs", headers=SSE) as response:
            await world.ok("DELETE", path, headers={"If-Match": install["etag"]})
            text = (await response.aread()).decode()
        assert events(text)[-1] == ("end", "{}")
