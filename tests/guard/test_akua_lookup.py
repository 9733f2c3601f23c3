"""What became of a deed at Akua whose answer was lost: what Akua leaves out or does not find is no "no"."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from akua_deeds import cluster_id, install_id
from akua_world import things
from lying_proxy import LyingProxy

from akash_mcp.clients.akua.client import AkuaClient
from akash_mcp.clients.akua.reader import AkuaReader
from akash_mcp.clients.akua.token import AkuaToken
from akash_mcp.clients.akua.writer import AkuaWriter
from akash_mcp.errors import OutcomeUnknown
from akash_mcp.guard.books.akua_results import AkuaResult
from akash_mcp.guard.permits.akua_lookup import find
from akash_mcp.guard.plans.akua_plans import ClusterPowerPlan, DeleteInstallPlan, UpdateInstallPlan
from akash_mcp.sandbox.akua import AkuaOptions, EmbeddedAkua

pytestmark = pytest.mark.anyio

LIST = "GET /v1/operations"
INSTALL = "GET /v1/installs/[^/]+"
RENDERS = "GET /v1/installs/[^/]+/renders"
LONG_AFTER = 10.0**10
"""Nothing that was done was done since then, in seconds since the epoch."""


@pytest.fixture
def akua_options() -> AkuaOptions:
    """Time stands still: what was begun has not ended."""
    return AkuaOptions(automine=False, plan="pro", installs=1)


def power(akua: EmbeddedAkua) -> ClusterPowerPlan:
    return ClusterPowerPlan(
        tool="t", workspace="ws_1", cluster_id=cluster_id(akua), on=False, ours=True, etag="e"
    )


def deletion(akua: EmbeddedAkua) -> DeleteInstallPlan:
    return DeleteInstallPlan(tool="t", workspace="ws_1", install_id=install_id(akua), ours=True, etag="e")


def without(*names: str) -> Callable[[Any], Any]:
    """A page whose records do not have these fields."""

    def change(told: Any) -> Any:
        records = [{name: each[name] for name in each if name not in names} for each in told["data"]]
        return {**told, "data": records}

    return change


@pytest.fixture
async def writer(akua: EmbeddedAkua) -> AsyncIterator[AkuaWriter]:
    async with AkuaClient(akua.url, AkuaToken(akua.token)) as client:
        yield AkuaWriter(client)


async def suspend(akua: EmbeddedAkua, writer: AkuaWriter, reader: AkuaReader) -> str:
    cluster = await reader.cluster(cluster_id(akua))
    assert cluster.etag is not None
    return (await writer.suspend_cluster(cluster.id, etag=cluster.etag, key="a-key")).id


@pytest.mark.parametrize("left_out", ["metadata", "started_at"])
async def test_an_operation_that_does_not_say_what_it_is_may_be_ours(
    left_out: str, akua: EmbeddedAkua, akua_proxy: LyingProxy, writer: AkuaWriter, akua_reader: AkuaReader
) -> None:
    begun = await suspend(akua, writer, akua_reader)
    assert await find(akua_reader, power(akua), since=0.0) == AkuaResult(
        operation_id=begun, resource_id=cluster_id(akua)
    )
    akua_proxy.rewrite(LIST, without(left_out))
    with pytest.raises(OutcomeUnknown):
        await find(akua_reader, power(akua), since=0.0)


async def test_an_operation_of_another_kind_or_time_is_not_ours(
    akua: EmbeddedAkua, writer: AkuaWriter, akua_reader: AkuaReader
) -> None:
    await suspend(akua, writer, akua_reader)
    assert await find(akua_reader, power(akua), since=LONG_AFTER) is None
    assert await find(akua_reader, deletion(akua), since=0.0) is None


async def test_a_deletion_that_shows_nowhere_by_name_is_not_denied(
    akua: EmbeddedAkua, akua_proxy: LyingProxy, writer: AkuaWriter, akua_reader: AkuaReader
) -> None:
    etag = (await akua_reader.install(install_id(akua))).etag
    assert etag is not None
    await writer.delete_install(install_id(akua), etag=etag, key="a-key")
    akua_proxy.rewrite(LIST, without("metadata"))
    with pytest.raises(OutcomeUnknown):
        await find(akua_reader, deletion(akua), since=0.0)


async def test_an_install_without_a_state_is_not_known_to_stand(
    akua: EmbeddedAkua, akua_proxy: LyingProxy, akua_reader: AkuaReader
) -> None:
    assert await find(akua_reader, deletion(akua), since=LONG_AFTER) is None
    akua_proxy.rewrite(INSTALL, lambda told: {**told, "state": None})
    with pytest.raises(OutcomeUnknown):
        await find(akua_reader, deletion(akua), since=LONG_AFTER)


async def test_a_404_alone_does_not_prove_that_an_install_is_gone(
    akua: EmbeddedAkua, akua_proxy: LyingProxy, akua_reader: AkuaReader
) -> None:
    akua_proxy.refuse(INSTALL, 404, "<html>nginx</html>", times=99)
    assert await find(akua_reader, deletion(akua), since=LONG_AFTER) is None


async def test_a_404_and_a_list_without_it_prove_it(
    akua: EmbeddedAkua, akua_proxy: LyingProxy, akua_reader: AkuaReader
) -> None:
    plan = deletion(akua)
    akua_proxy.refuse(INSTALL, 404, {}, times=99)
    akua_proxy.rewrite("GET /v1/installs", lambda told: {**told, "data": []})
    assert await find(akua_reader, plan, since=0.0) == AkuaResult(resource_id=plan.install_id)


async def test_a_404_and_a_list_that_is_not_whole_prove_nothing(
    akua: EmbeddedAkua, akua_proxy: LyingProxy, akua_reader: AkuaReader
) -> None:
    akua_proxy.refuse(INSTALL, 404, {}, times=99)
    akua_proxy.rewrite("GET /v1/installs", lambda told: {"data": []})
    with pytest.raises(OutcomeUnknown):
        await find(akua_reader, deletion(akua), since=0.0)


@pytest.mark.parametrize("left_out", ["restored_from_render_id", "created_at"])
async def test_a_render_that_does_not_say_what_it_restored_may_be_ours(
    left_out: str, akua: EmbeddedAkua, akua_proxy: LyingProxy, writer: AkuaWriter, akua_reader: AkuaReader
) -> None:
    install = await akua_reader.install(install_id(akua))
    first = str(things(akua, "installs")[0]["renders"][0]["id"])
    assert install.etag is not None
    await writer.restore_install(install.id, first, etag=install.etag, key="a-key")
    plan = UpdateInstallPlan(
        tool="t",
        workspace="ws_1",
        install_id=install.id,
        ours=True,
        before="v",
        render_id=first,
        etag="e",
    )
    assert await find(akua_reader, plan, since=0.0) is not None
    akua_proxy.rewrite(RENDERS, without(left_out))
    with pytest.raises(OutcomeUnknown):
        await find(akua_reader, plan, since=0.0)
