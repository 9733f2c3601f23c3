"""A change by name, as it is sent, and what its answers mean."""

from __future__ import annotations

from typing import Any

import pytest
from console_requests import DSEQ, writer
from wire_servers import Server, reply

from akash_mcp.clients.console.generation import Generation, NotOffered
from akash_mcp.clients.console.writer import NOTHING_RECORDED, PROVIDER_BEHIND
from akash_mcp.errors import ApiError, BadRequest, Conflict, OutcomeUnknown

pytestmark = pytest.mark.anyio

DETAIL: dict[str, Any] = {"deployment": {"id": {"dseq": DSEQ}, "state": "active"}, "leases": []}
SERVICES = {"web": {"image": "nginx:1.28", "env": {"OLD": None}}}


async def patched(server: Server) -> str | None:
    return await writer(server, Generation.V2026_11).patch_deployment(DSEQ, SERVICES, "v1=")


def refusal(status: int, code: str) -> Any:
    return reply(status, {"error": "X", "message": "No.", "code": code})


@pytest.mark.parametrize(("told", "version"), [({"manifestVersion": "v2="}, "v2="), ({}, None)])
async def test_named_fields_go_with_the_version_they_were_named_from(
    told: dict[str, str], version: str | None
) -> None:
    async with Server(reply(200, {"data": {**DETAIL, **told}})) as server:
        assert await patched(server) == version
    [request] = server.requests
    assert request.method == "PATCH"
    assert request.json == {"data": {"services": SERVICES, "ifManifestVersion": "v1="}}


@pytest.mark.parametrize("code", sorted(NOTHING_RECORDED))
@pytest.mark.parametrize("status", [409, 500])
async def test_a_refusal_before_anything_is_recorded_is_told_as_one(status: int, code: str) -> None:
    async with Server(refusal(status, code)) as server:
        with pytest.raises(ApiError) as error:
            await patched(server)
    assert (error.value.upstream_code, len(server.requests)) == (code, 1)


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_any_other_failure_may_have_changed_it_and_is_not_sent_again_unseen(status: int) -> None:
    async with Server(refusal(status, "internal_error")) as server:
        with pytest.raises(OutcomeUnknown):
            await patched(server)
    assert len(server.requests) == 1


async def test_a_provider_that_lags_is_a_conflict_with_its_code() -> None:
    async with Server(refusal(409, PROVIDER_BEHIND)) as server:
        with pytest.raises(Conflict) as error:
            await patched(server)
    assert error.value.upstream_code == PROVIDER_BEHIND


async def test_a_definition_that_is_there_already_will_do_and_another_will_not() -> None:
    async with Server(refusal(409, "deployment_definition_exists")) as server:
        await writer(server, Generation.V2026_11).define_deployment(DSEQ, "version: '2.0'")
    [request] = server.requests
    assert (request.method, request.json) == ("POST", {"data": {"sdl": "version: '2.0'"}})
    for status, code, kind in (
        (422, "deployment_definition_mismatch", BadRequest),
        (409, "conflict", Conflict),
    ):
        async with Server(refusal(status, code)) as server:
            with pytest.raises(kind):
                await writer(server, Generation.V2026_11).define_deployment(DSEQ, "version: '2.0'")


@pytest.mark.parametrize("generation", [Generation.V2025, Generation.REFERENCE])
async def test_older_apis_have_no_changes_by_name(generation: Generation) -> None:
    async with Server(reply(200, {"data": DETAIL})) as server:
        with pytest.raises(NotOffered):
            await writer(server, generation).patch_deployment(DSEQ, SERVICES, "v1=")
        with pytest.raises(NotOffered):
            await writer(server, generation).define_deployment(DSEQ, "version: '2.0'")
    assert server.requests == []
