"""What is sent to change something, and that no failure of a change looks more certain than it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from scripted_akua import ETAG, KEY, Act, ScriptedAkua, drop, page, refusal, reply

from akash_mcp.clients.akua.errors import StaleEtag
from akash_mcp.clients.akua.writer import AkuaWriter
from akash_mcp.clients.http import before_sending
from akash_mcp.clients.retries import Sending
from akash_mcp.errors import (
    NOTHING_MOVED,
    AkashError,
    ApiError,
    BadArgument,
    BadRequest,
    Conflict,
    Forbidden,
    Interrupted,
    MissingKey,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Refused,
    Unauthorized,
    Unreachable,
)

pytestmark = pytest.mark.anyio

Write = Callable[[AkuaWriter], Awaitable[Any]]

INSTALL = {"package_id": "pkg_1", "package_version_pin": {"kind": "latest"}, "region_id": "reg_1"}
PACKAGE = {
    "name": "x",
    "sources": [{"kind": "helm", "repo_url": "oci://example.org/x", "target_revision": "1"}],
}
CLUSTER = {"name": "mine", "region_id": "reg_1"}

BEGINS: dict[str, tuple[Write, str, object, bool]] = {
    "create_package": (lambda writer: writer.create_package(PACKAGE, KEY), "POST /packages", PACKAGE, False),
    "create_install": (lambda writer: writer.create_install(INSTALL, KEY), "POST /installs", INSTALL, False),
    "create_cluster": (lambda writer: writer.create_cluster(CLUSTER, KEY), "POST /clusters", CLUSTER, False),
    "delete_install": (
        lambda writer: writer.delete_install("inst_1", etag=ETAG, key=KEY), "DELETE /installs/inst_1", None, True
    ),
    "suspend_cluster": (
        lambda writer: writer.suspend_cluster("clu_1", etag=ETAG, key=KEY), "POST /clusters/clu_1:suspend", None, True
    ),
    "resume_cluster": (
        lambda writer: writer.resume_cluster("clu_1", etag=ETAG, key=KEY), "POST /clusters/clu_1:resume", None, True
    ),
}  # fmt: skip
CHANGES: dict[str, tuple[Write, str, object, bool]] = {
    "update_install": (
        lambda writer: writer.update_install("inst_1", "ver_2", etag=ETAG, key=KEY),
        "POST /installs/inst_1:update", {"package_version_id": "ver_2"}, True,
    ),
    "restore_install": (
        lambda writer: writer.restore_install("inst_1", "rnd_1", etag=ETAG, key=KEY),
        "POST /installs/inst_1:restore", {"render_id": "rnd_1"}, True,
    ),
}  # fmt: skip
SETS: dict[str, tuple[Write, str, object, bool]] = {
    "set_compute": (
        lambda writer: writer.set_compute("clu_1", etag=ETAG, auto_scaling_enabled=False, max_machines=0),
        "PATCH /clusters/clu_1/compute_settings", {"auto_scaling_enabled": False, "max_machines": 0}, True,
    ),
}  # fmt: skip
REPEATABLE = {**BEGINS, **CHANGES, **SETS}
KEYED = {**BEGINS, **CHANGES}

STARTED = reply(202, {"id": "op_1", "state": "RUNNING", "done": False})
CHANGED = reply(202, {"install": {"id": "inst_1", "state": "rendering"}, "render": None})
SET = reply(200, {"auto_scaling": "paused", "machines": 1, "max_machines": 0, "etag": "e2"})


def success(name: str) -> Act:
    return STARTED if name in BEGINS else CHANGED if name in CHANGES else SET


async def write(name: str, *script: Act) -> tuple[Any, ScriptedAkua]:
    async with ScriptedAkua(*script) as akua:
        return await REPEATABLE[name][0](AkuaWriter(akua.client(workspace="ws_1"))), akua


async def failed(name: str, *script: Act) -> tuple[AkashError, ScriptedAkua]:
    akua = ScriptedAkua(*script)
    async with akua:
        with pytest.raises(AkashError) as caught:
            await REPEATABLE[name][0](AkuaWriter(akua.client(workspace="ws_1")))
    return caught.value, akua


@pytest.mark.parametrize("name", REPEATABLE)
async def test_a_change_is_sent_as_akua_takes_it(name: str) -> None:
    _, request, body, names_etag = REPEATABLE[name]
    told, akua = await write(name, success(name))
    assert f"{akua.only.method} {akua.only.target}" == request.replace(" ", " /v1")
    assert (akua.only.json if akua.only.body else None) == body
    assert akua.only.headers.get("idempotency-key") == (KEY if name in KEYED else None)
    assert akua.only.headers.get("if-match") == (ETAG if names_etag else None)
    assert akua.only.headers["akua-context"] == "ws_1"
    if name in BEGINS:
        assert (told.id, told.is_over) == ("op_1", False)
    elif name in CHANGES:
        assert (told.install.id, told.render) == ("inst_1", None)
    else:
        assert (told.auto_scaling, told.max_machines) == ("paused", 0)


@pytest.mark.parametrize("name", REPEATABLE)
@pytest.mark.parametrize("trouble", [drop, refusal(502), refusal(503), refusal(504), refusal(429)])
async def test_what_may_be_repeated_is_repeated_word_for_word(name: str, trouble: Act) -> None:
    _, akua = await write(name, trouble, trouble, success(name))
    assert len(akua.requests) == 3
    first = akua.requests[0]
    for request in akua.requests[1:]:
        assert (request.method, request.target, request.body) == (first.method, first.target, first.body)
        for header in ("idempotency-key", "if-match", "akua-context", "authorization"):
            assert request.headers.get(header) == first.headers.get(header)


async def test_it_waits_as_long_as_akua_wants() -> None:
    slow = reply(429, {"errors": [{"message": "slow down"}]}, retry_after="7")
    _, akua = await write("create_install", slow, STARTED)
    assert akua.slept == [7.0]


async def test_a_wait_beyond_its_time_is_told_and_nothing_was_done() -> None:
    error, akua = await failed("create_install", reply(429, {}, retry_after="900"))
    assert isinstance(error, RateLimited)
    assert error.money == NOTHING_MOVED
    assert "in 15 minutes" in error.next_step
    assert len(akua.requests) == 1


@pytest.mark.parametrize("name", REPEATABLE)
@pytest.mark.parametrize(
    "trouble", [drop, refusal(500), refusal(501), refusal(503), reply(302, "", location="/x")]
)
async def test_a_change_whose_last_answer_is_lost_may_have_been_made(name: str, trouble: Act) -> None:
    error, _ = await failed(name, trouble)
    assert isinstance(error, Interrupted)
    assert error.money == "Whether money moved is not known yet."
    assert not error.retryable
    assert "Look up what became of it" in error.next_step
    assert "harmless" not in str(error)


@pytest.mark.parametrize("name", REPEATABLE)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 422])
async def test_a_refusal_after_a_lost_answer_proves_nothing(name: str, status: int) -> None:
    # The attempt before may have made the very change that this one is refused for.
    for lost in (drop, refusal(503)):
        error, akua = await failed(name, lost, refusal(status, "not as it was", etag='"v2"'))
        assert isinstance(error, Interrupted)
        assert "An attempt before that got no answer." in error.what
        assert error.money == "Whether money moved is not known yet."
        assert len(akua.requests) == 2


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequest),
        (401, Unauthorized),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (422, BadRequest),
    ],
)
@pytest.mark.parametrize("name", REPEATABLE)
async def test_a_definite_refusal_did_nothing(name: str, status: int, kind: type[ApiError]) -> None:
    for script in ([refusal(status)], [refusal(429), refusal(status)]):
        error, akua = await failed(name, *script)
        assert isinstance(error, kind)
        assert error.money == NOTHING_MOVED
        assert len(akua.requests) == len(script)


async def test_a_conflict_of_what_named_an_etag_is_a_stale_one() -> None:
    told, _ = await failed("delete_install", refusal(409, "ABORTED", etag='"v2"'))
    assert isinstance(told, StaleEtag)
    assert told.etag == '"v2"'
    untold, _ = await failed("delete_install", refusal(409, "has snapshots"))
    assert isinstance(untold, StaleEtag)
    assert untold.etag is None
    assert "has snapshots" in str(untold)
    other, _ = await failed("create_install", refusal(409, "other intent"))
    assert type(other) is Conflict


UNREADABLE = [
    "",
    "<html>oops</html>",
    "[]",
    "{}",
    "null",
    '{"id": null}',
    '{"state": "SUCCEEDED"}',
    '{"render": {}}',
    "[" * 9999,
]


@pytest.mark.parametrize("name", REPEATABLE)
@pytest.mark.parametrize("body", UNREADABLE)
async def test_an_answer_that_cannot_be_read_is_no_success(name: str, body: str) -> None:
    error, akua = await failed(name, reply(202, body))
    assert isinstance(error, Interrupted)
    assert "It was probably done." in error.what
    assert error.money == "Whether money moved is not known yet."
    assert not error.retryable
    assert len(akua.requests) == 1


@pytest.mark.parametrize("name", CHANGES)
async def test_an_answer_about_another_install_is_no_success(name: str) -> None:
    error, _ = await failed(name, reply(202, {"install": {"id": "inst_2"}, "render": None}))
    assert isinstance(error, Interrupted)
    assert "It was probably done." in error.what


async def test_a_bare_envelope_of_an_operation_is_one() -> None:
    told, _ = await write("create_cluster", reply(202, {"operation_id": "op_7"}))
    assert (told.id, told.is_over) == ("op_7", False)


async def test_a_region_is_created_once() -> None:
    async with ScriptedAkua(reply(201, {"id": "reg_1", "name": "here"})) as akua:
        region = await AkuaWriter(akua.client()).create_region("here")
    assert (region.id, region.name) == ("reg_1", "here")
    assert (akua.only.method, akua.only.target, akua.only.json) == ("POST", "/v1/regions", {"name": "here"})
    assert "idempotency-key" not in akua.only.headers


@pytest.mark.parametrize(
    "trouble", [drop, refusal(500), refusal(503), reply(201, "{}"), reply(201, "<html>")]
)
async def test_a_region_whose_answer_is_lost_is_not_created_again(trouble: Act) -> None:
    async with ScriptedAkua(trouble) as akua:
        with pytest.raises(OutcomeUnknown, match=r"not known yet.*Look up"):
            await AkuaWriter(akua.client()).create_region("here")
    assert len(akua.requests) == 1


async def test_a_region_that_is_refused_was_not_created() -> None:
    async with ScriptedAkua(refusal(422, "name taken")) as akua:
        with pytest.raises(BadRequest, match=r"name taken.*No money moved"):
            await AkuaWriter(akua.client()).create_region("here")


@pytest.mark.parametrize(
    ("enabled", "most", "body"),
    [
        (True, None, {"auto_scaling_enabled": True}),
        (None, 100, {"max_machines": 100}),
        (None, 0, {"max_machines": 0}),
    ],
)
async def test_only_what_is_to_change_is_sent(enabled: bool | None, most: int | None, body: object) -> None:
    async with ScriptedAkua(SET) as akua:
        await AkuaWriter(akua.client()).set_compute(
            "clu_1", etag=ETAG, auto_scaling_enabled=enabled, max_machines=most
        )
    assert akua.only.json == body


async def test_what_cannot_be_meant_is_not_sent() -> None:
    async with ScriptedAkua(STARTED) as akua:
        writer = AkuaWriter(akua.client())
        for call in (
            writer.set_compute("clu_1", etag=ETAG, auto_scaling_enabled=None, max_machines=None),
            writer.set_compute("clu_1", etag=ETAG, auto_scaling_enabled=None, max_machines=101),
            writer.set_compute("clu_1", etag=ETAG, auto_scaling_enabled=True, max_machines=-1),
            writer.delete_install("inst_1", etag="", key=KEY),
            writer.delete_install("inst_1", etag="a\r\nx-evil: 1", key=KEY),
            writer.delete_install("inst_1", etag="é", key=KEY),
            writer.delete_install("..", etag=ETAG, key=KEY),
            writer.delete_install("inst_1", etag=ETAG, key=""),
            writer.delete_install("inst_1", etag=ETAG, key="x" * 65),
            writer.create_install({**INSTALL, "initial_values": {"x": float("nan")}}, KEY),
            writer.create_install({**INSTALL, "initial_values": {"x": object()}}, KEY),
        ):
            with pytest.raises(BadArgument):
                await call
    assert akua.requests == []


@pytest.mark.parametrize("name", REPEATABLE)
async def test_without_a_token_nothing_is_sent(name: str) -> None:
    async with ScriptedAkua(success(name)) as akua:
        with pytest.raises(MissingKey):
            await REPEATABLE[name][0](AkuaWriter(akua.client(token=None, workspace="acme")))
    assert akua.requests == []


async def test_a_lookup_of_the_workspace_that_fails_moved_nothing() -> None:
    async with ScriptedAkua(drop) as akua:
        with pytest.raises(Interrupted, match="No money moved"):
            await AkuaWriter(akua.client(workspace="acme")).create_install(INSTALL, KEY)
    assert {request.path for request in akua.requests} == {"/v1/workspaces"}
    async with ScriptedAkua(page({"id": "ws_7", "slug": "acme"}), STARTED) as akua:
        await AkuaWriter(akua.client(workspace="acme")).create_install(INSTALL, KEY)
    assert akua.requests[1].headers["akua-context"] == "ws_7"


async def test_nothing_listening_was_not_sent() -> None:
    async with ScriptedAkua(STARTED) as akua:
        writer = AkuaWriter(akua.client())
        akua.close_port()
        with pytest.raises(Unreachable, match="No money moved"):
            await writer.create_install(INSTALL, KEY)


async def test_whoever_keeps_the_books_is_asked_before_every_attempt() -> None:
    asked: list[Sending] = []

    async def note(sending: Sending) -> None:
        asked.append(sending)
        if len(asked) > 2:
            raise Refused("no more")

    async with ScriptedAkua(refusal(503)) as akua:
        writer = AkuaWriter(akua.client(workspace="ws_1"))
        with pytest.raises(Refused, match="no more") as caught, before_sending(note):
            await writer.create_install(INSTALL, KEY)
        assert asked == [Sending.REPEATABLE] * 3
        assert len(akua.requests) == 2
        assert caught.value.money == "Whether money moved is not known yet."
        with pytest.raises(Refused) as caught, before_sending(note):  # before anything was sent
            await writer.create_install(INSTALL, KEY)
        assert len(akua.requests) == 2
        assert caught.value.money == NOTHING_MOVED
