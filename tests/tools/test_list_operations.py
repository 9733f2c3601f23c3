"""A model that was cut off finds its own operation, and is told before it pays a second time. In both eras."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from agents import ERAS, YES, Agent, Connect
from mcp.types import ElicitResult

from akash_mcp import config
from akash_mcp.guard import statement
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.journal import Kind, State
from akash_mcp.guard.books.ledger import Ledger
from akash_mcp.guard.books.store import Db, Store
from akash_mcp.guard.policy.policy import ApprovalMode, Policy
from akash_mcp.ids import OpId
from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio

NO = ElicitResult(action="decline")
OTHER = OpId("op_00000000000000ff")

Write = Callable[[Callable[[Db], None]], None]


@pytest.fixture
def another_server(settings: config.Settings) -> Write:
    """A transaction of another process, on the account that the ledger knows."""

    def write(work: Callable[[Db], None]) -> None:
        store = Store(settings.state_dir)
        known = store.read_now(lambda db: db.one("SELECT account FROM operations"))
        store.account = known["account"] if known else ""
        store.run_now(work)
        store.close()

    return write


async def listed(agent: Agent) -> dict[str, dict[str, Any]]:
    answer = await agent.call("list_operations")
    assert answer["total"] == len(answer["operations"])
    return {row["op_id"]: row for row in answer["operations"]}


@pytest.mark.parametrize("era", ERAS)
async def test_what_was_begun_is_found_again(era: str, connect: Connect, sdl: str) -> None:
    async with connect(era, answer=YES) as agent:
        assert (await agent.call("list_operations"))["next_step"].startswith("Nothing is under way")
        created = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        row = (await listed(agent))[created["op_id"]]
        assert (row["kind"], row["state"], row["dseq"]) == ("launch", "created", created["dseq"])
        assert row["what"].startswith("At most $1.00. Create a deployment of ")
        assert float(row["held_usd"]) == 1
        await agent.call("close_deployment", dseq=created["dseq"])
        row = (await listed(agent))[created["op_id"]]
        assert (row["state"], row["carried_out_by"]) == ("closed", "nobody")
        assert row["next_step"] == "Nothing needs doing."


async def test_what_was_leased_in_a_step_of_its_own_is_not_said_to_have_no_lease(
    connect: Connect, sdl: str, settings: config.Settings
) -> None:
    async with connect(answer=YES) as agent:
        created = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        dseq = created["dseq"]
        offers = (await agent.call("list_bids", dseq=dseq))["offers"]
        leased = await agent.call(
            "create_lease", dseq=dseq, providers=[offers[0]["provider"]], max_usd_per_hour=1
        )
        assert leased["status"] == "ready"
        row = (await listed(agent))[created["op_id"]]
        assert (row["state"], row["next_step"]) == (
            "ready",
            f"get_deployment(id={dseq}) shows how it stands now.",
        )
        store = Store(settings.state_dir)
        [account] = store.read_now(statement.accounts)
        store.account = account
        [line] = store.read_now(statement.statement, Ledger(Policy())).running
        store.close()
        assert (line.operation.dseq, line.operation.state) == (dseq, State.READY)


async def test_a_plan_for_the_same_says_that_it_would_be_a_second_one(connect: Connect, sdl: str) -> None:
    async with connect(answer=YES) as agent:
        created = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
    async with connect() as agent:
        again = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        assert again["status"] == "confirmation_required"
        assert f"operation {created['op_id']} (deployment {created['dseq']})" in again["summary"]
        other = await agent.call("create_deployment", sdl=sdl, deposit_usd=2)
        assert "equal" not in other["summary"]


@pytest.mark.parametrize("era", ERAS)
async def test_a_launch_that_another_server_has_in_hand_is_pointed_out_wherever_the_user_is_asked(
    era: str, connect: Connect, network: EmbeddedNetwork, sdl: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("akash_mcp.tools.carry_out.wait_seconds", lambda *_: 0.01)
    await network.inject("no-bids")
    async with (
        connect(era, answer=YES) as first,
        connect(era, answer=NO) as asked,
        connect(era) as shown,
    ):
        pending = await first.call("deploy", sdl=sdl, deposit_usd=1)
        call = f'get_deployment(id="{pending["op_id"]}", wait_for="ready") follows the first'
        await asked.refused("deploy", sdl=sdl, deposit_usd=1)
        [question] = asked.asked
        assert "An equal deployment is under way" in question
        assert call in question
        plan = await shown.call("deploy", sdl=sdl, deposit_usd=1)
        assert plan["status"] == "confirmation_required"
        assert call in plan["summary"]
        followed = await shown.call("get_deployment", id=pending["op_id"])
        assert followed["op_id"] == pending["op_id"]
        assert followed["progress"]


async def test_who_has_an_operation_in_hand_is_told(
    connect: Connect, another_server: Write, sdl: str
) -> None:
    def open_one(db: Db) -> None:
        journal.open_operation(db, OTHER, Kind.FUND, "At most $1.00 more.")
        journal.advance(db, OTHER, State.RESERVED)

    def lose_it(db: Db) -> None:
        journal.advance(db, OTHER, State.UNKNOWN, "no answer came")
        db.run("UPDATE operations SET lease_until = NULL WHERE op_id = :op_id", op_id=OTHER)

    async with connect(answer=YES) as agent:
        await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        another_server(open_one)
        row = (await listed(agent))[OTHER]
        assert row["carried_out_by"] == "another server"
        assert row["next_step"].startswith("Wait for it")
        another_server(lose_it)
        row = (await listed(agent))[OTHER]
        assert (row["carried_out_by"], row["state"], row["note"]) == ("nobody", "unknown", "no answer came")
        assert "akash-mcp ledger" in row["next_step"]


async def test_a_plan_that_waits_for_the_user_is_listed(connect: Connect, sdl: str) -> None:
    async with connect(approval=ApprovalMode.TERMINAL) as agent:
        asked = await agent.call("create_deployment", sdl=sdl, deposit_usd=1)
        row = (await listed(agent))[asked["op_id"]]
    assert row["state"] == "waiting_for_person"
    assert f"akash-mcp approve {asked['op_id']}" in row["next_step"]


async def test_a_read_only_server_lists_operations_too(connect: Connect) -> None:
    async with connect(read_only=True) as agent:
        assert await listed(agent) == {}
