"""Real servers, struck at one request over stdio: what the next server makes of what they left.

The rest of the points, blows and ways to come back is `make crashes`.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from crash_scenarios import (
    DEPOSIT_USD,
    ERAS,
    SDL,
    Pace,
    Restart,
    Scenario,
    Tool,
    Untried,
    deployed,
    help_of,
    play,
    world,
)
from crash_verdict import Allowed, Kind
from fault_matrix import FaultCase, play_fault
from quick_scenarios import QUICK
from server_processes import Starter, nursery
from stopping_proxy import Point

# Ten servers at a time take as long as the machine needs; only what hangs is to be ended.
pytestmark = [pytest.mark.anyio, pytest.mark.timeout(240)]

PACE = Pace()


@pytest.fixture(scope="module")
def here() -> Iterator[Starter]:
    with nursery() as running:
        yield running


async def test_nothing_is_left_of_ten_crashes(here: Starter) -> None:
    # Together, since each of them waits for most of its time.
    verdicts = await asyncio.gather(*(play(scenario, here, PACE) for scenario in QUICK))
    assert {str(each.scenario): each.findings for each in verdicts if each.findings} == {}


@pytest.mark.parametrize("era", ERAS)
async def test_an_undisturbed_deployment_is_clean_and_has_twelve_points_to_be_struck_at(
    era: str, here: Starter
) -> None:
    verdict = await play(Scenario(Tool.DEPLOY, "reference", era=era), here, PACE)
    assert verdict.findings == ()
    assert len(verdict.points) >= 12
    assert Point("POST /v1/deployments") in verdict.points


async def test_a_point_that_is_never_reached_is_no_pass(here: Starter) -> None:
    never = Scenario(Tool.CLOSE, "reference", Point("POST /v1/no-such-route"))
    verdict = await play(never, here, PACE)
    assert verdict.is_untried


async def test_a_creation_that_a_proxy_sends_twice_is_caught(here: Starter, tmp_path: Path) -> None:
    async with (
        world(here, "reference", PACE, Allowed(), ERAS[0], tmp_path) as twice,
        twice.serve() as server,
    ):
        twice.proxy.repeated.add("POST /v1/deployments")
        await server.call("create_deployment", sdl=SDL, deposit_usd=DEPOSIT_USD)
        told = {finding.words for finding in twice.judged() if finding.kind is Kind.DOUBLE}
    assert told == {
        "2 times create reached the Console, for 1 yes",
        "2 deployments are open at a time, for 1 yes",
        "2 deployments in the books, for 1 yes",
    }


async def test_what_the_ledger_forgot_is_an_orphan_and_what_is_another_s_is_not(
    here: Starter, tmp_path: Path
) -> None:
    async with (
        world(here, "reference", PACE, Allowed(), ERAS[0], tmp_path) as one,
        one.serve() as server,
    ):
        dseq = await deployed(server)
        assert one.judged() == []
        with closing(sqlite3.connect(one.state_dir / "akash-mcp.sqlite3", isolation_level=None)) as db:
            db.execute("DELETE FROM operations")
        assert [finding.words for finding in one.judged() if finding.kind is Kind.ORPHAN] == [
            f"{dseq} is open, and the ledger does not know that it is ours"
        ]
        with closing(sqlite3.connect(one.state_dir / "akash-mcp.sqlite3", isolation_level=None)) as db:
            db.execute("DELETE FROM reservations")
        one.proxy.passed.clear()
        one.allowed = Allowed(others=frozenset({dseq}))
        assert one.judged() == []


async def test_a_command_runs_to_its_end_beside_the_same_ledger(here: Starter, tmp_path: Path) -> None:
    async with world(here, "reference", PACE, Allowed(), ERAS[0], tmp_path) as one:
        await one.run(["secret", "list"])
        one.pace = Pace(patience=0.0)
        with pytest.raises(Untried, match="did not end"):
            await one.run(["sandbox"])


def test_a_restart_that_this_version_lacks_is_known_by_its_help() -> None:
    assert "--speed" in help_of(Restart.SERVE)
    for restart in (Restart.WATCH, Restart.DOCTOR):
        told = help_of(restart)
        assert told == "" or restart.argv[1] in told


@pytest.mark.parametrize("fault", ["create-500-but-landed", "insufficient-balance"])
async def test_a_fault_is_met_and_lifted_again(fault: str, here: Starter) -> None:
    outcome = await play_fault(FaultCase(Tool.DEPLOY, "reference", fault), here, PACE)
    assert outcome.findings == ()
