"""Each fault as a client meets it: what is answered, and what really happened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from sandbox_akua import AkuaWorld, errors, new_akua

from akash_mcp.sandbox.akua import AKUA
from akash_mcp.sandbox.faults import UnknownFault

pytestmark = pytest.mark.anyio


async def test_429_says_when_to_come_again() -> None:
    async with new_akua() as world:
        await world.akua.inject("429", count=1, value="3")
        response = await world.call("GET", "/installs")
        assert (response.status_code, response.headers["Retry-After"]) == (429, "3")
        assert (await world.call("GET", "/installs")).status_code == 200


@pytest.mark.parametrize("status", ["503", "504"])
@pytest.mark.parametrize(("value", "installs"), [("before", 0), ("after", 1)])
async def test_503_and_504_do_not_say_whether_it_happened(status: str, value: str, installs: int) -> None:
    async with new_akua() as world:
        await world.akua.inject(status, count=1, value=value, route="POST /installs")
        told, _ = errors(await world.call("POST", "/installs", json=await world.wish()))
        assert (told, len(world.truth("installs"))) == (int(status), installs)


async def test_both_may_come_at_any_route() -> None:
    async with new_akua() as world:
        await world.akua.inject("503", count=1)
        await world.akua.inject("504", count=1, route="GET /v1/clusters")
        assert [(await world.call("GET", "/clusters")).status_code for _ in range(3)] == [503, 504, 200]


async def test_501() -> None:
    async with new_akua() as world:
        await world.akua.inject("501")
        status, error = errors(await world.call("GET", "/installs"))
        assert (status, error["code"]) == (501, 9001)


async def test_a_web_page_comes_in_place_of_json() -> None:
    async with new_akua() as world:
        await world.akua.inject("html")
        response = await world.call("GET", "/installs")
        assert (response.status_code, response.text[:15]) == (502, "<!DOCTYPE html>")
        assert response.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(("name", "key"), [("message-shape", "message"), ("tag-shape", "_tag")])
async def test_errors_come_in_other_shapes(name: str, key: str) -> None:
    async with new_akua() as world:
        await world.akua.inject(name, count=1, value="409")
        response = await world.call("GET", "/installs")
        assert (response.status_code, next(iter(response.json()))) == (409, key)


async def test_an_answer_without_a_body_is_of_something_that_happened() -> None:
    async with new_akua() as world:
        await world.akua.inject("empty-body", route="POST /installs")
        response = await world.call("POST", "/installs", json=await world.wish())
        assert (response.status_code, response.content) == (202, b"")
        assert len(world.truth("installs")) == 1


@pytest.mark.parametrize(("value", "installs"), [("before", 0), ("after", 1)])
async def test_a_cut_connection_does_not_say_whether_it_happened(value: str, installs: int) -> None:
    async with new_akua() as world:
        body = await world.wish()
        await world.akua.inject("drop-connection", count=1, value=value)
        with pytest.raises(httpx2.TransportError):
            await world.call("POST", "/installs", json=body, headers={"Idempotency-Key": "k"})
        assert len(world.truth("installs")) == installs
        await world.ok("POST", "/installs", json=body, headers={"Idempotency-Key": "k"})
        assert len(world.truth("installs")) == 1
        assert world.truth("replays") == ({"k": 1} if value == "after" else {})


async def test_an_answer_may_be_slow() -> None:
    async with new_akua() as world:
        await world.akua.inject("slow", count=1, value="0.2")
        started = anyio.current_time()
        await world.ok("GET", "/installs")
        assert anyio.current_time() - started >= 0.2


async def test_a_revoked_token_is_401_everywhere() -> None:
    async with new_akua() as world:
        await world.akua.inject("key-revoked")
        for path in ("/workspaces", "/installs", "/machines"):
            assert (await world.call("GET", path)).status_code == 401


async def test_the_list_of_workspaces_may_be_empty() -> None:
    async with new_akua() as world:
        await world.akua.inject("lost-workspace")
        assert (await world.ok("GET", "/workspaces"))["data"] == []


async def test_a_page_has_more_and_no_cursor() -> None:
    async with new_akua(installs=2) as world:
        await world.akua.inject("page-no-cursor")
        page = await world.ok("GET", "/installs")
        assert (len(page["data"]), page["has_more"], page["next_cursor"]) == (2, True, None)


async def test_a_cursor_leads_to_itself_for_ever() -> None:
    async with new_akua(installs=3) as world:
        await world.akua.inject("page-same-cursor")
        first = await world.ok("GET", "/installs?limit=2")
        for _ in range(3):
            again = await world.ok("GET", f"/installs?limit=2&cursor={first['next_cursor']}")
            assert again == first


async def test_empty_pages_have_more_for_ever() -> None:
    async with new_akua(installs=1) as world:
        await world.akua.inject("page-empty-more")
        cursors: set[str] = set()
        query = ""
        for _ in range(5):
            page = await world.ok("GET", f"/installs{query}")
            assert (page["data"], page["has_more"]) == ([], True)
            cursors.add(page["next_cursor"])
            query = f"?cursor={page['next_cursor']}"
        assert len(cursors) == 5


async def test_a_page_may_be_far_too_long() -> None:
    async with new_akua(installs=1) as world:
        await world.akua.inject("page-huge", value="5000")
        page = await world.ok("GET", "/installs?limit=1")
        assert len(page["data"]) == 5_000
        assert page["data"][7]["state"] == "healthy"


async def test_an_install_fails() -> None:
    async with new_akua() as world:
        await world.akua.inject("install-fails", count=1)
        operation = await world.begin()
        world.later(60)
        failed = await world.operation(operation)
        assert (failed["state"], failed["done"], failed["response"]) == ("FAILED", True, None)
        assert failed["last_error"]["step_name"] == "Wait for health"
        install = await world.ok("GET", f"/installs/{operation['owner_id']}")
        assert (install["state"], install["urls"][0]["status"]) == ("failed", "failed")
        assert [m["removed"] for m in world.truth("machines")] == [None]  # which goes on costing money
        assert (await world.install())["state"] == "healthy"


async def test_an_install_is_degraded_and_says_why() -> None:
    async with new_akua() as world:
        await world.akua.inject("install-degraded", count=1)
        operation = await world.begin()
        world.later(60)
        assert (await world.operation(operation))["state"] == "SUCCEEDED"
        path = f"/installs/{operation['owner_id']}"
        assert (await world.ok("GET", path))["state"] == "degraded"
        status = await world.ok("GET", f"{path}/status")
        assert status["health"] == "Degraded"
        assert "Back-off" in status["resources"][0]["health"]["message"]
        assert "fatal" in (await world.call("GET", f"{path}/logs?follow=false")).text


async def test_an_operation_fails() -> None:
    async with new_akua() as world:
        await world.akua.inject("operation-fails", count=1)
        source = {"kind": "helm", "repo_url": "oci://r.example.com/x", "target_revision": "1.0.0"}
        operation = await world.ok("POST", "/packages", json={"name": "x", "sources": [source]})
        world.later(60)
        assert (await world.operation(operation))["state"] == "FAILED"
        assert len(world.truth("packages")) == 1


async def test_an_operation_never_ends_unless_it_is_cancelled() -> None:
    async with new_akua(automine=True) as world:
        await world.akua.inject("operation-stuck", count=1)
        operation = await world.begin()
        world.later(86_400)
        stuck = await world.ok("POST", f"/operations/{operation['id']}:wait?timeout=1")
        assert [step["status"] for step in stuck["steps"]] == ["completed"] * 3 + ["running"]
        await world.ok("POST", f"/operations/{operation['id']}:cancel")
        assert (await world.ok("POST", f"/operations/{operation['id']}:wait"))["state"] == "CANCELLED"


@pytest.mark.parametrize(("value", "is_there"), [(None, False), ("nothing", True)])
async def test_an_operation_succeeds_with_no_response(value: str | None, is_there: bool) -> None:
    async with new_akua(installs=1) as world:
        install = await world.first("/installs")
        path = f"/installs/{install['id']}"
        await world.akua.inject("operation-lies", count=1, value=value)
        operation = await world.ok("DELETE", path, headers={"If-Match": install["etag"]})
        world.later(60)
        told = await world.operation(operation)
        assert (told["state"], told["done"], told["response"]) == ("SUCCEEDED", True, None)
        assert (await world.call("GET", path)).status_code == (200 if is_there else 404)


async def test_each_resource_is_stale_once() -> None:
    async with new_akua(installs=1) as world:
        await world.akua.inject("stale-etag")
        install = await world.first("/installs")
        path = f"/installs/{install['id']}"
        status, error = errors(await world.call("DELETE", path, headers={"If-Match": install["etag"]}))
        assert (status, world.truth("operations")) == (409, [])
        settings = f"/clusters/{install['cluster_id']}/compute_settings"
        etag = (await world.ok("GET", settings))["etag"]
        patch: dict[str, Any] = {"json": {"max_machines": 1}}
        stale = await world.call("PATCH", settings, headers={"If-Match": etag}, **patch)
        assert stale.status_code == 409
        etag = stale.json()["errors"][0]["metadata"]["etag"]
        await world.ok("PATCH", settings, headers={"If-Match": etag}, **patch)
        await world.ok("DELETE", path, headers={"If-Match": error["metadata"]["etag"]})


async def _logs(world: AkuaWorld) -> str:
    install = await world.first("/installs")
    return (await world.call("GET", f"/installs/{install['id']}/logs?follow=false")).text


@pytest.mark.parametrize(("value", "spelt"), [(None, "httpapi"), ("http-api", "http-api")])
async def test_logs_break_off_with_a_failure(value: str | None, spelt: str) -> None:
    async with new_akua(installs=1) as world:
        await world.akua.inject("log-failure", value=value)
        *_, last = (await _logs(world)).strip().split("\n\n")
        name, data = last.split("\n")
        assert name == f"event: effect/{spelt}/stream/failure"
        assert json.loads(data.removeprefix("data: "))[0]["_tag"] == "Fail"


async def test_logs_may_be_plain_text() -> None:
    async with new_akua(installs=1) as world:
        await world.akua.inject("log-plain")
        assert "data: web: listening on port 8080\n" in await _logs(world)


async def test_logs_may_never_end() -> None:
    async with new_akua(installs=1, speed=1000) as world:
        await world.akua.inject("log-endless")
        with anyio.move_on_after(0.3) as waiting:
            await _logs(world)
        assert waiting.cancelled_caught


async def test_a_line_of_logs_may_be_giant() -> None:
    async with new_akua(installs=1) as world:
        await world.akua.inject("log-giant", value="3")
        text = await _logs(world)
        assert max(len(line) for line in text.split("\n")) > 3 << 20
        assert text.endswith("event: end\ndata: {}\n\n")


async def test_an_answer_may_be_giant() -> None:
    async with new_akua() as world:
        await world.akua.inject("huge-body", count=1, value="3")
        response = await world.call("GET", "/clusters")
        assert len(response.content) > 3 << 20
        assert len(response.json()["data"]) == 1


async def test_answers_may_have_other_types() -> None:
    async with new_akua(installs=1) as world:
        honest = await world.first("/installs")
        await world.akua.inject("wrong-types")
        page = await world.ok("GET", "/installs")
        assert page["has_more"] == "false"
        assert page["data"][0]["created_at"] == str(honest["created_at"])
        await world.akua.inject("wrong-types", value="null")
        nulled = await world.first("/installs")
        assert (nulled["id"], nulled["state"], nulled["etag"]) == (honest["id"], None, None)


async def test_timestamps_may_be_milliseconds() -> None:
    async with new_akua(installs=1) as world:
        honest = await world.first("/installs")
        await world.akua.inject("milliseconds")
        told = await world.first("/installs")
        assert told["created_at"] == honest["created_at"] * 1000
        assert told["etag"] == honest["etag"]


@pytest.mark.parametrize("text", ["gremlins", "no-bids", "503=later", "slow=soon", "log-failure=x"])
def test_what_is_no_fault_is_refused(text: str) -> None:
    with pytest.raises(UnknownFault):
        AKUA.parse(text)


def test_each_fault_is_tried_here() -> None:
    tests = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in AKUA.texts if f'"{name}"' not in tests] == []
