"""What is asked of Akua to read something, and what is made of its answers."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from scripted_akua import ScriptedAkua, drop, hang, page, refusal, reply

from akash_mcp.clients.akua.models import Install
from akash_mcp.clients.akua.paths import LONGEST_ID, path_of
from akash_mcp.clients.akua.reader import LONGEST_WAIT, AkuaReader, wait_deadline
from akash_mcp.clients.akua.schemas import DEEPEST_SCHEMA, LARGEST_SCHEMA
from akash_mcp.clients.retries import Deadline
from akash_mcp.errors import BadArgument, Interrupted, NotFound, ServerError

pytestmark = pytest.mark.anyio

Read = Callable[[AkuaReader], Awaitable[Any]]

ONE: dict[str, tuple[Read, str]] = {
    "clu_1": (lambda reader: reader.cluster("clu_1"), "/clusters/clu_1"),
    "pkg_1": (lambda reader: reader.package("pkg_1"), "/packages/pkg_1"),
    "ver_1": (lambda reader: reader.version("pkg_1", "ver_1"), "/packages/pkg_1/versions/ver_1"),
    "prod_1": (lambda reader: reader.product("prod_1"), "/products/prod_1"),
    "inst_1": (lambda reader: reader.install("inst_1"), "/installs/inst_1"),
    "op_1": (lambda reader: reader.operation("op_1"), "/operations/op_1"),
}

LISTS: list[tuple[Read, str, dict[str, str]]] = [
    (lambda reader: reader.regions(), "/regions", {}),
    (lambda reader: reader.clusters(), "/clusters", {}),
    (lambda reader: reader.packages(), "/packages", {}),
    (lambda reader: reader.versions("pkg_1"), "/packages/pkg_1/versions", {}),
    (lambda reader: reader.products(), "/products", {}),
    (lambda reader: reader.installs(), "/installs", {}),
    (lambda reader: reader.installs("prod_1"), "/installs", {"product_id": "prod_1"}),
    (lambda reader: reader.renders("inst_1"), "/installs/inst_1/renders", {"limit": "20"}),
    (lambda reader: reader.repositories(), "/repositories", {}),
    (lambda reader: reader.repositories("deploy"), "/repositories", {"purpose": "deploy"}),
    (
        lambda reader: reader.operations("install", "inst_1"),
        "/operations",
        {"owner_type": "install", "owner_id": "inst_1", "limit": "50"},
    ),
]

WITH_AN_ID: list[Callable[[AkuaReader, str], Awaitable[Any]]] = [
    lambda reader, id: reader.access_state(id),
    lambda reader, id: reader.cluster(id),
    lambda reader, id: reader.compute_settings(id),
    lambda reader, id: reader.package(id),
    lambda reader, id: reader.versions(id),
    lambda reader, id: reader.version(id, "x"),
    lambda reader, id: reader.version("x", id),
    lambda reader, id: reader.inputs("x", id),
    lambda reader, id: reader.product(id),
    lambda reader, id: reader.install(id),
    lambda reader, id: reader.install_status(id),
    lambda reader, id: reader.pods(id),
    lambda reader, id: reader.renders(id),
    lambda reader, id: reader.operation(id),
    lambda reader, id: reader.wait(id, 1),
    lambda reader, id: reader.logs(id),
]


@pytest.mark.parametrize("name", ONE)
async def test_one_thing_is_read(name: str) -> None:
    read, path = ONE[name]
    async with ScriptedAkua(
        reply(200, {"id": name, "new_field": [1]}), reply(200, {"id": "x_other"})
    ) as akua:
        reader = AkuaReader(akua.client(workspace="ws_1"))
        assert (await read(reader)).id == name
        with pytest.raises(ServerError, match="answered with"):
            await read(reader)
    assert (akua.requests[0].method, akua.requests[0].target) == ("GET", f"/v1{path}")
    assert akua.requests[0].headers["akua-context"] == "ws_1"


@pytest.mark.parametrize(("read", "path", "query"), LISTS)
async def test_a_list_is_read(read: Read, path: str, query: dict[str, str]) -> None:
    async with ScriptedAkua(page({"id": "a"}, {"id": "b"})) as akua:
        listing = await read(AkuaReader(akua.client(workspace="ws_1")))
    assert [record.id for record in listing.records] == ["a", "b"]
    assert listing.is_whole
    assert akua.only.path == f"/v1{path}"
    assert akua.only.query == {"limit": "100", **query}
    assert akua.only.headers["akua-context"] == "ws_1"


async def test_an_id_without_its_prefix_is_the_same() -> None:
    async with ScriptedAkua(reply(200, {"id": "op_abc"}), reply(200, {"id": "abc"})) as akua:
        reader = AkuaReader(akua.client())
        assert (await reader.operation("abc")).id == "op_abc"
        assert (await reader.operation("op_abc")).id == "abc"


@pytest.mark.parametrize("read", WITH_AN_ID)
@pytest.mark.parametrize(
    "id", ["", " ", ".", "..", "a\nb", "a\x00", "\ud800", "x" * (LONGEST_ID + 1), "\u202e"]
)
async def test_what_cannot_be_an_id_is_not_sent(
    read: Callable[[AkuaReader, str], Awaitable[Any]], id: str
) -> None:
    async with ScriptedAkua(reply(200, {})) as akua:
        with pytest.raises(BadArgument, match="not an id") as caught:
            await read(AkuaReader(akua.client()), id)
    assert akua.requests == []
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("id", "sent"),
    [
        ("compute/machines", "compute%2Fmachines"),
        ("../workspaces", "..%2Fworkspaces"),
        ("%2e%2e", "%252e%252e"),
        ("a?b=c#d", "a%3Fb%3Dc%23d"),
        ("x:delete", "x%3Adelete"),
        ("{}", "%7B%7D"),
        ("é x", "%C3%A9%20x"),
    ],
)
async def test_an_id_is_one_segment_on_the_wire(id: str, sent: str) -> None:
    async with ScriptedAkua(reply(200, {"id": id})) as akua:
        await AkuaReader(akua.client()).install(id)
        await AkuaReader(akua.client()).wait(id, 5)
    assert [request.target for request in akua.requests] == [
        f"/v1/installs/{sent}",
        f"/v1/operations/{sent}:wait?timeout=5",
    ]
    assert path_of("/a/{}/b/{}:do", id, id) == f"/a/{sent}/b/{sent}:do"


async def test_what_has_no_id_is_read() -> None:
    async with ScriptedAkua(
        reply(200, {"status": "active", "accessible": True}),
        reply(200, {"auto_scaling": "paused", "max_machines": 3, "etag": "e"}),
        reply(200, {"install_id": "inst_1", "health": "Healthy", "resources": [{"kind": "Pod"}]}),
        reply(200, {"install_id": "inst_2", "health": "Healthy"}),
        reply(200, {"data": [{"metric": "compute/machines", "limit": 3, "usage": 1}]}),
        reply(200, {"data": [{"name": "web-0", "containers": ["web"]}, 5]}),
        reply(200, {"data": []}),
    ) as akua:
        reader = AkuaReader(akua.client())
        assert (await reader.access_state("ws_1")).accessible is True
        assert (await reader.compute_settings("clu_1")).max_machines == 3
        assert (await reader.install_status("inst_1")).health == "Healthy"
        with pytest.raises(ServerError, match="inst_2"):
            await reader.install_status("inst_1")
        assert [str(quota.limit) for quota in await reader.quotas()] == ["3"]
        assert [pod.name for pod in await reader.pods("inst_1")] == ["web-0"]
        assert await reader.pods("inst_1") == []


@pytest.mark.parametrize("answer", [{}, [], {"data": None}, {"data": {}}, {"data": [5, {}]}, "no", None])
async def test_a_list_that_is_none_is_not_an_empty_one(answer: object) -> None:
    async with ScriptedAkua(reply(200, answer)) as akua:
        with pytest.raises(ServerError, match="cannot be read"):
            await AkuaReader(akua.client()).pods("inst_1")


async def test_an_input_schema_is_plain_json() -> None:
    schema = {"type": "object", "properties": {"x": {"minimum": 0.5, "x-ui": ["a", None, True, 5]}}}
    async with ScriptedAkua(reply(200, schema), reply(200, '{"maximum": 1e999999999}')) as akua:
        reader = AkuaReader(akua.client())
        assert json.loads(json.dumps(await reader.inputs("pkg_1", "ver_1"))) == schema
        assert await reader.inputs("pkg_1", "ver_1") == {"maximum": None}
    assert akua.requests[0].target == "/v1/packages/pkg_1/versions/ver_1/inputs"


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ("true", "not a JSON Schema"),
        ("nonsense", "not a JSON Schema"),
        ('{"a":' * (DEEPEST_SCHEMA + 1) + "1" + "}" * (DEEPEST_SCHEMA + 1), "nested more than"),
        ('{"a":' * 50_000, "not a JSON Schema"),
        (json.dumps({"a": "x" * LARGEST_SCHEMA}), "larger than"),
    ],
)
async def test_an_input_schema_is_bounded(schema: str, says: str) -> None:
    async with ScriptedAkua(reply(200, schema)) as akua:
        with pytest.raises(ServerError, match=says):
            await AkuaReader(akua.client()).inputs("pkg_1", "ver_1")


@pytest.mark.parametrize(("seconds", "sent"), [(0, "1"), (-5, "1"), (20, "20"), (29.6, "30"), (3600, "60")])
async def test_waiting_is_asked_for_within_its_bounds(seconds: float, sent: str) -> None:
    async with ScriptedAkua(reply(200, {"id": "op_1", "state": "RUNNING", "done": False})) as akua:
        operation = await AkuaReader(akua.client(workspace="ws_1")).wait("op_1", seconds)
    assert not operation.is_over
    assert (akua.only.method, akua.only.target) == ("POST", f"/v1/operations/op_1:wait?timeout={sent}")
    assert akua.only.body == b""
    assert "idempotency-key" not in akua.only.headers


@pytest.mark.parametrize("timeout", [1, 30, LONGEST_WAIT])
def test_we_wait_longer_than_akua_does(timeout: int) -> None:
    deadline = wait_deadline(timeout)
    assert deadline.read >= timeout + 5
    assert deadline.total >= deadline.read


async def test_waiting_is_a_read_and_asked_for_again_where_it_was_cut_off() -> None:
    done = reply(200, {"id": "op_1", "state": "SUCCEEDED", "done": True})
    async with ScriptedAkua(drop, refusal(504), done) as akua:
        assert (await AkuaReader(akua.client()).wait("op_1", 5)).succeeded
    assert len(akua.requests) == 3


async def test_a_failed_read_moved_nothing_and_says_what_to_do() -> None:
    for act, kind in (
        (refusal(404), NotFound),
        (refusal(500), ServerError),
        (drop, Interrupted),
        (reply(200, "<html>"), ServerError),
        (reply(200, {"id": "inst_2"}), ServerError),
    ):
        async with ScriptedAkua(act) as akua:
            with pytest.raises(kind, match="No money moved") as caught:
                await AkuaReader(akua.client()).install("inst_1")
        assert caught.value.next_step


async def test_a_read_that_hangs_is_given_up() -> None:
    async with ScriptedAkua(hang) as akua:
        with pytest.raises(Interrupted, match="took too long"):
            await akua.client().read("/installs/inst_1", Install, deadline=Deadline(0.1, 0.1))
