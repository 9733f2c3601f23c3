"""The permit to update: the new SDL is what the deployment is known to run from then on."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripted_console import (
    DSEQ,
    LAUNCH,
    MANIFEST,
    UPDATE,
    Guarded,
    Told,
    approved,
    deployment,
    guarded,
    refusal,
)

from akash_mcp.clients.console.generation import Generation
from akash_mcp.errors import AkashError, BadRequest, Interrupted, Refused
from akash_mcp.guard.contents import App, Contents
from akash_mcp.guard.journal import Sources
from akash_mcp.guard.plans import UpdatePlan
from akash_mcp.guard.update_permit import UpdatePermit

pytestmark = pytest.mark.anyio

PLAN = UpdatePlan(
    tool="update_deployment",
    dseq=DSEQ,
    sdl="new",
    manifest="[new]",
    contents=Contents((App("web", "nginx:1.30"),)),
    ours=True,
)


def permit_of(guard: Guarded) -> UpdatePermit:
    return guard.gate.update(PLAN, approved(PLAN))


async def created(guard: Guarded) -> None:
    await guard.created()


async def test_the_new_sdl_is_sent_and_kept(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await created(guard)
        permit = permit_of(guard)
        assert (await permit.update()).dseq == DSEQ
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
        await permit_of(guard).update()
        assert guard.journal.sources(DSEQ) == Sources("new", "[new]", 7)


async def test_of_a_deployment_that_lost_its_sources_the_new_ones_are_kept(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await created(guard)
        guard.journal.mark_closed(DSEQ, "taken for closed")
        await permit_of(guard).update()
        assert guard.journal.sources(DSEQ) == Sources("new", "[new]", None)


async def test_of_what_others_created_nothing_is_kept(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await permit_of(guard).update()
        assert guard.journal.sources(DSEQ) is None
        assert guard.written() == [("update", "done", "")]


async def test_what_was_refused_leaves_everything_as_it_was(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        await created(guard)
        guard.console.on(UPDATE, refusal(400, "Invalid SDL"))
        with pytest.raises(BadRequest):
            await permit_of(guard).update()
        assert guard.journal.sources(DSEQ) == Sources(LAUNCH.sdl, MANIFEST, None)
        assert guard.written()[-1][1] == "refused"
        assert guard.ledger.held(DSEQ) == LAUNCH.deposit


async def test_a_lost_answer_is_unknown(tmp_path: Path) -> None:
    async with guarded(tmp_path, generation=Generation.REFERENCE) as guard:
        await created(guard)
        guard.console.on(UPDATE, refusal(500))
        with pytest.raises(Interrupted):
            await permit_of(guard).update()
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
            await permit_of(guard).update()
        assert not isinstance(error.value, Refused)
        assert error.value.money == "This costs nothing by itself."
        assert "Do not repeat it." in error.value.next_step
