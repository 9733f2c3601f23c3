"""The permit to update: the new SDL is what the deployment is known to run from then on."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from scripted_console import (
    DSEQ,
    LAUNCH,
    MANIFEST,
    READ,
    UPDATE,
    Answer,
    Guarded,
    Told,
    approved,
    deployment,
    guarded,
    refusal,
)

from akash_mcp.clients.console.generation import Generation
from akash_mcp.errors import AkashError, ApiError, BadRequest, HeldBack, Interrupted, RateLimited, Refused
from akash_mcp.guard.books.journal import Sources
from akash_mcp.guard.permits.update_permit import UpdatePermit
from akash_mcp.guard.plans.contents import App, Contents
from akash_mcp.guard.plans.plans import UpdatePlan

pytestmark = pytest.mark.anyio

PLAN = UpdatePlan(
    tool="update_deployment",
    dseq=DSEQ,
    sdl="new",
    manifest="[new]",
    contents=Contents((App("web", "nginx:1.30"),)),
    ours=True,
)


async def permit_of(guard: Guarded) -> UpdatePermit:
    return await guard.gate.update(PLAN, approved(PLAN))


async def created(guard: Guarded) -> None:
    await guard.created()


async def test_the_new_sdl_is_sent_and_kept(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await created(guard)
        permit = await permit_of(guard)
        assert await permit.update() is True
        assert [request.body for request in guard.console.sent(UPDATE)] == [{"data": {"sdl": "new"}}]
        assert guard.journal.sources(DSEQ) == Sources("new", "[new]", None)
        assert guard.written()[-1] == ("update", "done", "")
        assert guard.operation(permit.op_id).dseq == DSEQ


async def test_its_runtime_limit_stays_what_was_approved(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await created(guard)
        launched = guard.journal.launch_of(DSEQ)
        assert launched is not None
        guard.journal.keep_sources(launched.op_id, Sources(LAUNCH.sdl, MANIFEST, 7))
        await (await permit_of(guard)).update()
        assert guard.journal.sources(DSEQ) == Sources("new", "[new]", 7)


async def test_of_a_deployment_that_lost_its_sources_the_new_ones_are_kept(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await created(guard)
        guard.journal.mark_closed(DSEQ, "taken for closed")
        await (await permit_of(guard)).update()
        assert guard.journal.sources(DSEQ) == Sources("new", "[new]", None)


async def test_of_what_others_created_nothing_is_kept(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await (await permit_of(guard)).update()
        assert guard.journal.sources(DSEQ) is None
        assert guard.written() == [("update", "done", "")]


async def test_what_was_refused_leaves_everything_as_it_was(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await created(guard)
        guard.console.on(UPDATE, refusal(400, "Invalid SDL"))
        with pytest.raises(BadRequest):
            await (await permit_of(guard)).update()
        assert guard.journal.sources(DSEQ) == Sources(LAUNCH.sdl, MANIFEST, None)
        assert guard.written()[-1][1] == "refused"
        assert guard.ledger.held(DSEQ) == LAUNCH.deposit


async def test_a_lost_answer_is_unknown(tmp_path: Path) -> None:
    async with guarded(tmp_path, generation=Generation.REFERENCE) as guard:
        await created(guard)
        guard.console.on(UPDATE, refusal(500))
        with pytest.raises(Interrupted):
            await (await permit_of(guard)).update()
        assert guard.written()[-1][1] == "unknown"
        assert guard.journal.sources(DSEQ) == Sources(LAUNCH.sdl, MANIFEST, None)


async def test_an_update_that_cannot_be_written_down_is_told_as_done(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await created(guard)

        def updated() -> Told:
            guard.damage()
            return 200, deployment()

        guard.console.on(UPDATE, updated)
        with pytest.raises(AkashError, match="got the new SDL, and it could not be written down") as error:
            await (await permit_of(guard)).update()
        assert not isinstance(error.value, Refused)
        assert error.value.money == "This costs nothing by itself."
        assert "Do not repeat it." in error.value.next_step


PATCH = f"PATCH /v1/deployments/{DSEQ}"
DEFINE = f"POST /v1/deployments/{DSEQ}/definition"
NAMED = dataclasses.replace(PLAN, patch={"web": {"image": "nginx:1.30"}}, version="v1=")
PATCHED: Told = (200, {**deployment(), "manifestVersion": "v2="})
BEHIND = refusal(409, code="provider_manifest_version_stale")
CHANGED = refusal(409, code="deployment_definition_changed")


def reads_as(version: str | None) -> Told:
    kept = None if version is None else {"sdl": "services: {}", "manifestVersion": version}
    return 200, {**deployment(), "consoleSettings": kept}


@asynccontextmanager
async def patching(
    folder: Path, *answers: Answer, reads: Answer, plan: UpdatePlan = NAMED
) -> AsyncIterator[tuple[Guarded, UpdatePermit]]:
    """A permit to change by name, before a Console with these answers, of which the deployment then `reads`."""
    async with guarded(folder, generation=Generation.V2026_11) as guard:
        launch = dataclasses.replace(LAUNCH, runtime_limit_hours=3, generation=Generation.V2026_11)
        await guard.created(launch)
        guard.console.on(PATCH, *answers)
        guard.console.on(READ, reads)
        yield guard, await guard.gate.update(plan, approved(plan))


async def test_a_change_by_name_is_kept_with_the_version_that_it_made(tmp_path: Path) -> None:
    async with patching(tmp_path, PATCHED, reads=reads_as("v2=")) as (guard, permit):
        assert await permit.update() is True
        [sent] = guard.console.sent(PATCH)
        assert sent.body == {"data": {"services": NAMED.patch, "ifManifestVersion": "v1="}}
        assert guard.journal.sources(DSEQ) == Sources("new", "[new]", 3, "v2=")
        assert guard.written()[-1] == ("update", "done", "")


REFUSED = [
    CHANGED,
    refusal(422, code="deployment_resources_changed"),
    refusal(400),
    refusal(500),
    refusal(404),
]


@pytest.mark.parametrize("answer", REFUSED)
async def test_what_reads_as_before_was_refused_and_is_not_sent_again(answer: Told, tmp_path: Path) -> None:
    async with patching(tmp_path, answer, reads=reads_as("v1=")) as (guard, permit):
        with pytest.raises(ApiError) as error:
            await permit.update()
        assert error.value.money == "No money moved."
        assert len(guard.console.sent(PATCH)) == 1
        assert guard.written()[-1][1] == "refused"
        assert guard.journal.sources(DSEQ) == Sources(LAUNCH.sdl, MANIFEST, 3)


@pytest.mark.parametrize("reads", [reads_as("v2="), reads_as(None), refusal(500)])
@pytest.mark.parametrize("first", [None, refusal(400), refusal(500), refusal(503)])
async def test_what_may_have_been_recorded_is_sent_once_more_the_same(
    first: Answer, reads: Answer, tmp_path: Path
) -> None:
    async with patching(tmp_path, first, PATCHED, reads=reads) as (guard, permit):
        assert await permit.update() is True
        one, other = guard.console.sent(PATCH)
        assert one == other
        assert guard.pauses
        assert guard.journal.sources(DSEQ) == Sources("new", "[new]", 3, "v2=")


@pytest.mark.parametrize("again", [None, refusal(400), refusal(503), CHANGED])
async def test_what_failed_twice_and_reads_as_another_version_is_unknown(
    again: Answer, tmp_path: Path
) -> None:
    async with patching(tmp_path, refusal(400), again, reads=reads_as("v2=")) as (guard, permit):
        with pytest.raises(Interrupted, match="was changed is not known"):
            await permit.update()
        assert len(guard.console.sent(PATCH)) == 2
        assert guard.written()[-1][1] == "unknown"
        assert guard.journal.sources(DSEQ) == Sources(LAUNCH.sdl, MANIFEST, 3)


async def test_what_cannot_be_sent_again_is_unknown_and_not_refused(tmp_path: Path) -> None:
    async with patching(tmp_path, refusal(400), reads=reads_as("v2=")) as (guard, permit):

        def gone() -> Told:
            guard.console.hang_up()
            return refusal(400)

        guard.console.on(PATCH, gone)
        with pytest.raises(Interrupted, match="was changed is not known"):
            await permit.update()
        assert guard.written()[-1][1] == "unknown"


async def test_a_lost_answer_is_not_taken_for_a_no_because_nothing_reads_as_changed_yet(
    tmp_path: Path,
) -> None:
    async with patching(tmp_path, None, reads=reads_as("v1=")) as (guard, permit):
        with pytest.raises(Interrupted):
            await permit.update()
        assert guard.written()[-1][1] == "unknown"


@pytest.mark.parametrize("status", [408, 502, 503, 504, 524])
async def test_what_may_go_on_behind_a_proxy_is_not_taken_for_a_no(status: int, tmp_path: Path) -> None:
    async with patching(tmp_path, refusal(status), reads=reads_as("v1=")) as (guard, permit):
        with pytest.raises(Interrupted):
            await permit.update()
        assert (len(guard.console.sent(PATCH)), guard.written()[-1][1]) == (2, "unknown")


@pytest.mark.parametrize("first", [None, refusal(504)])
@pytest.mark.parametrize("status", [403, 404, 429, 500])
async def test_a_no_to_the_second_says_nothing_of_a_first_that_may_go_on(
    first: Answer, status: int, tmp_path: Path
) -> None:
    async with patching(tmp_path, first, refusal(status), reads=reads_as("v1=")) as (guard, permit):
        with pytest.raises(Interrupted, match="was changed is not known"):
            await permit.update()
        assert (len(guard.console.sent(PATCH)), guard.written()[-1][1]) == (2, "unknown")


async def test_what_the_console_does_not_take_at_all_is_refused(tmp_path: Path) -> None:
    busy = refusal(429, code="repeated_refusal")
    async with patching(tmp_path, busy, reads=reads_as("v2=")) as (guard, permit):
        with pytest.raises(RateLimited):
            await permit.update()
        assert (len(guard.console.sent(PATCH)), guard.written()[-1][1]) == (1, "refused")


async def test_what_is_held_back_here_is_told_as_what_was_sent_before(tmp_path: Path) -> None:
    async with patching(tmp_path, BEHIND, reads=reads_as("v2=")) as (guard, permit):
        assert await permit.update() is False
        assert await permit.update() is False
        another = await guard.gate.update(NAMED, approved(NAMED))
        with pytest.raises(HeldBack):
            await another.update()
        assert (len(guard.console.sent(PATCH)), guard.written()[-1][1]) == (2, "refused")
    async with patching(tmp_path / "b", refusal(409), reads=reads_as("v1=")) as (guard, permit):
        with pytest.raises(ApiError):
            await permit.update()
        guard.console.on(READ, reads_as("v2="))
        with pytest.raises(Interrupted):
            await (await guard.gate.update(NAMED, approved(NAMED))).update()
        assert (len(guard.console.sent(PATCH)), guard.written()[-1][1]) == (2, "unknown")


AGAIN = [BEHIND, refusal(429, code="repeated_refusal"), refusal(401), refusal(500)]


@pytest.mark.parametrize("again", AGAIN)
async def test_what_the_provider_has_not_taken_is_recorded_all_the_same(again: Told, tmp_path: Path) -> None:
    async with patching(tmp_path, BEHIND, again, reads=reads_as("v2=")) as (guard, permit):
        assert await permit.update() is False
        assert guard.journal.sources(DSEQ) == Sources("new", "[new]", 3, "v2=")
        assert guard.written()[-1][1] == "reserved"
        assert await permit.update() is False
        assert guard.written()[-1] == ("update", "done", "recorded; its provider has not taken it yet")


async def test_what_is_recorded_is_told_where_the_console_is_gone_when_it_is_sent_again(
    tmp_path: Path,
) -> None:
    async with patching(tmp_path, BEHIND, reads=reads_as("v2=")) as (guard, permit):
        await permit.update()
        guard.console.hang_up()
        assert await permit.update() is False
        assert guard.written()[-1] == ("update", "done", "recorded; its provider has not taken it yet")


@pytest.mark.parametrize("again", AGAIN[:2])
async def test_what_somebody_changed_while_the_provider_lagged_is_not_taken_for_ours(
    again: Told, tmp_path: Path
) -> None:
    async with patching(tmp_path, BEHIND, again, reads=reads_as("v2=")) as (guard, permit):
        await permit.update()
        guard.console.on(READ, reads_as("v3="))
        assert await permit.update() is False
        assert guard.journal.sources(DSEQ) == Sources("new", "[new]", 3, "v2=")


async def test_what_somebody_changed_after_it_was_recorded_is_not_told_as_never_done(tmp_path: Path) -> None:
    async with patching(tmp_path, BEHIND, CHANGED, reads=reads_as("v3=")) as (guard, permit):
        await permit.update()
        with pytest.raises(ApiError):
            await permit.update()
        assert guard.written()[-1][1] == "unknown"


async def test_what_is_not_kept_is_defined_first_and_else_replaced_whole(tmp_path: Path) -> None:
    plan = dataclasses.replace(NAMED, defines="old")
    async with patching(tmp_path, PATCHED, reads=reads_as("v2="), plan=plan) as (guard, permit):
        guard.console.on(DEFINE, (201, {"sdl": "old", "manifestVersion": "v1="}))
        await permit.update()
        assert [each.body for each in guard.console.sent(DEFINE)] == [{"data": {"sdl": "old"}}]
        assert len(guard.console.sent(PATCH)) == 1
    async with patching(tmp_path / "a", PATCHED, reads=reads_as("v2="), plan=plan) as (guard, permit):
        guard.console.on(DEFINE, refusal(400))
        with pytest.raises(BadRequest):
            await permit.update()
        assert (guard.console.sent(PATCH), guard.console.sent(UPDATE)) == ([], [])
    async with patching(tmp_path / "b", PATCHED, reads=reads_as("v2="), plan=plan) as (guard, permit):
        guard.console.on(DEFINE, refusal(422, code="deployment_definition_mismatch"))
        await permit.update()
        assert (len(guard.console.sent(PATCH)), len(guard.console.sent(UPDATE))) == (0, 1)
        assert guard.journal.sources(DSEQ) == Sources("new", "[new]", 3)
