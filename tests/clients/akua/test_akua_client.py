"""How Akua is called: token, workspace, address, and what a missing context means."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable

import anyio
import pytest
from scripted_akua import SESSION, TOKEN, Act, OwnToken, ScriptedAkua, hang, page, refusal, reply

from akash_mcp.clients.akua.client import AkuaClient
from akash_mcp.clients.akua.models import Cluster, Workspace
from akash_mcp.errors import (
    AkashError,
    ApiError,
    BadSettings,
    Forbidden,
    Interrupted,
    MissingKey,
    NotFound,
    ServerError,
)

pytestmark = pytest.mark.anyio

CLUSTER = reply(200, {"id": "clu_1"})
ONE = {"id": "ws_1", "name": "Acme", "slug": "acme"}
TWO = {"id": "ws_2", "name": "Acme", "slug": "other"}
THREE = {"id": "ws_3", "name": "Third", "slug": "third"}


async def read(client: AkuaClient) -> Cluster:
    return await client.read("/clusters/clu_1", Cluster)


async def test_every_call_bears_the_token() -> None:
    async with ScriptedAkua(CLUSTER) as akua:
        assert (await read(akua.client())).id == "clu_1"
    assert akua.only.headers["authorization"] == f"Bearer {TOKEN}"
    assert "akua-context" not in akua.only.headers


async def test_without_a_token_nothing_is_sent() -> None:
    async with ScriptedAkua(CLUSTER) as akua:
        client = akua.client(token=None, workspace="acme")
        for call in (read(client), client.workspace(), client.read_all("/clusters", Cluster)):
            with pytest.raises(MissingKey, match="AKUA_API_TOKEN"):
                await call
    assert akua.requests == []


@pytest.mark.parametrize("token", ["two words", "sk_akua_\r\nx-evil: 1", "schlüssel", ""])
async def test_a_token_that_no_header_can_carry_is_refused_without_being_repeated(token: str) -> None:
    async with ScriptedAkua(CLUSTER) as akua:
        with pytest.raises(BadSettings, match="printable ASCII") as caught:
            await read(akua.client(token=token))
    assert akua.requests == []
    assert not token or token not in str(caught.value)


@pytest.mark.parametrize(("path", "asked"), [("", "/v1"), ("/", "/v1"), ("/v2", "/v2"), ("/a/v3/", "/a/v3")])
async def test_an_address_without_a_path_means_version_1(path: str, asked: str) -> None:
    async with ScriptedAkua(CLUSTER) as akua:
        await read(akua.client(path=path))
    assert akua.only.target == f"{asked}/clusters/clu_1"


@pytest.mark.parametrize(
    "url", ["ftp://x", "api.akua.dev", "https://u:p@x", "https://x?y=1", "https://x/v1#y", "http://["]
)
async def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(BadSettings, match="address of Akua"):
        AkuaClient(url, OwnToken())


async def test_a_workspace_id_goes_with_every_call_without_being_looked_up() -> None:
    async with ScriptedAkua(CLUSTER) as akua:
        await read(akua.client(workspace=" ws_1 "))
    assert akua.only.headers["akua-context"] == "ws_1"


@pytest.mark.parametrize("named", ["acme", "ws_1", "Third"])
async def test_a_workspace_is_looked_up_once_and_without_naming_one(named: str) -> None:
    async with ScriptedAkua(page(ONE, THREE), CLUSTER) as akua:
        client = akua.client(workspace=named)
        found = [await client.workspace(), await client.workspace()]
        await read(client)
        await read(client)
    assert found[0] is found[1]
    assert named in (found[0].id, found[0].slug, found[0].name)
    assert [sent.path for sent in akua.requests] == ["/v1/workspaces", *["/v1/clusters/clu_1"] * 2]
    assert "akua-context" not in akua.requests[0].headers
    assert [sent.headers["akua-context"] for sent in akua.requests[1:]] == [found[0].id] * 2


async def test_many_calls_at_once_look_the_workspace_up_once() -> None:
    async with ScriptedAkua(page(ONE, THREE), CLUSTER) as akua:
        client = akua.client(workspace="acme")
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(read, client)
    assert [sent.path for sent in akua.requests].count("/v1/workspaces") == 1
    assert {sent.headers.get("akua-context") for sent in akua.requests[1:]} == {"ws_1"}


async def test_a_lookup_that_was_cancelled_stands_in_nobodys_way() -> None:
    async with ScriptedAkua(hang, page(ONE), CLUSTER) as akua:
        client = akua.client(workspace="acme")
        with anyio.move_on_after(0.1):
            await read(client)
        assert (await read(client)).id == "clu_1"


async def test_a_named_workspace_is_looked_up_before_the_first_call() -> None:
    async with ScriptedAkua(page(ONE, more=True, cursor="c"), page(THREE), CLUSTER) as akua:
        await read(akua.client(workspace="third"))
    assert [sent.query for sent in akua.requests] == [{"limit": "100"}, {"limit": "100", "cursor": "c"}, {}]
    assert akua.requests[2].headers["akua-context"] == "ws_3"


async def test_the_only_workspace_of_a_token_is_the_one() -> None:
    async with ScriptedAkua(page(ONE), CLUSTER) as akua:
        client = akua.client()
        assert (await client.workspace()).id == "ws_1"
        await read(client)
    assert akua.requests[1].headers["akua-context"] == "ws_1"


@pytest.mark.parametrize(
    ("named", "records", "says"),
    [
        ("", [ONE, THREE], ["ws_1", "ws_3", "AKUA_WORKSPACE", "several"]),
        ("Acme", [ONE, TWO, THREE], ["ws_1", "ws_2", "names several"]),
        ("nobody", [ONE, TWO], ["nobody", "ws_1", "ws_2"]),
        ("ws_9", [ONE], ["ws_9", "ws_1"]),
        ("acme", [], ["reaches no workspace"]),
        ("", [], ["reaches no workspace"]),
        ("acme", [{**ONE, "id": "ws 1\r\nx: y"}], ["cannot be sent"]),
        ("nobody", [{"id": "ws_1", "name": "\x1b[31m![x](http://evil)" + TOKEN}], ["ws_1"]),
    ],
)
async def test_a_workspace_that_is_not_meant_for_certain_is_a_setting_to_mend(
    named: str, records: list[object], says: list[str]
) -> None:
    async with ScriptedAkua(page(*records)) as akua:
        with pytest.raises(BadSettings) as caught:
            await akua.client(workspace=named).workspace()
    told = str(caught.value)
    assert [words for words in says if words not in told] == []
    assert [part for part in ("\x1b", "![", TOKEN) if part in told] == []


@pytest.mark.parametrize("named", ["acme", ""])
async def test_a_list_of_workspaces_that_is_not_whole_does_not_tell_which_is_meant(named: str) -> None:
    async with ScriptedAkua(page(ONE, more=True)) as akua:
        with pytest.raises(Interrupted, match=r"not whole.*No money moved"):
            await akua.client(workspace=named).workspace()
    async with ScriptedAkua(page(ONE, {"name": "no id"})) as akua:
        with pytest.raises(Interrupted, match="could not be read"):
            await akua.client(workspace=named).workspace()
        assert (await akua.client(workspace="ws_1").workspace()).id == "ws_1"


@pytest.mark.parametrize("status", [403, 404])
async def test_a_token_that_may_not_list_workspaces_needs_the_id_of_its_own(status: int) -> None:
    async with ScriptedAkua(refusal(status), reply(200, ONE)) as akua:
        assert (await akua.client(workspace="ws_1").workspace()).name == ONE["name"]
    assert akua.requests[1].path == "/v1/workspaces/ws_1"
    async with ScriptedAkua(refusal(status)) as akua:
        with pytest.raises((Forbidden, NotFound), match=r"AKUA_WORKSPACE (to|has to be) the id"):
            await akua.client(workspace="acme").workspace()
    async with ScriptedAkua(refusal(status), reply(200, TWO)) as akua:
        with pytest.raises(BadSettings, match=r"ws_1.*only"):
            await akua.client(workspace="ws_1").workspace()


async def test_a_lookup_that_failed_is_tried_again() -> None:
    async with ScriptedAkua(refusal(500), page(ONE)) as akua:
        client = akua.client()
        with pytest.raises(ServerError):
            await client.workspace()
        assert await client.workspace() == Workspace(**ONE)


@pytest.mark.parametrize("status", [400, 403])
async def test_a_missing_context_names_the_setting(status: int) -> None:
    async with ScriptedAkua(refusal(status, "Akua-Context header is required", 7004)) as akua:
        with pytest.raises(ApiError, match="AKUA_WORKSPACE") as caught:
            await read(akua.client())
    assert caught.value.status == status


@pytest.mark.parametrize("token", [TOKEN, SESSION])
@pytest.mark.parametrize(
    "echo",
    [
        lambda token: refusal(401, f"the token {token} is revoked ({token.upper()})"),
        lambda token: reply(401, f"authorization: Bearer {token}"),
        lambda token: refusal(500, "x" * 270 + token),
        lambda token: reply(403, {"error": {"code": token, "message": "no", "suggestion": token}}),
        lambda token: reply(200, {"id": {"token": token}, token: token}),
        lambda token: reply(200, f"<html>{token}"),
    ],
)
async def test_no_error_and_no_log_repeats_the_token(
    echo: Callable[[str], Act], token: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with ScriptedAkua(echo(token)) as akua:
        with pytest.raises(AkashError) as caught:
            await read(akua.client(token=token))
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caplog.text
    assert token[10:26].lower() not in shown.lower()
    assert token[10:26] not in str(vars(caught.value))


async def test_an_address_with_a_port_is_called_by_its_host() -> None:
    async with ScriptedAkua(CLUSTER) as akua:
        assert akua.client().host == "127.0.0.1"
