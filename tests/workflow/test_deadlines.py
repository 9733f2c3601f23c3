"""Deadlines: fifty deployments whose servers died at random, and the watch alone, on a clock that a test moves."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from pydantic import SecretStr
from scripted_console import approved

from akash_mcp import config
from akash_mcp.guard.books import holds, runs
from akash_mcp.guard.books.store import Store
from akash_mcp.guard.permits.launch_permit import LaunchPermit
from akash_mcp.guard.plans.plans import LaunchPlan
from akash_mcp.ids import Dseq
from akash_mcp.money import Usd
from akash_mcp.sandbox.network import EmbeddedNetwork, Options
from akash_mcp.sdl import check
from akash_mcp.services import services
from akash_mcp.workflow.contents import contents_of
from akash_mcp.workflow.reconcile import create_once
from akash_mcp.workflow.runtime import Intervals, Runtime
from akash_mcp.workflow.watch import Watch, left_open

pytestmark = pytest.mark.anyio

MANY = 50
TICK = 300.0
HOUR = 3600.0


@asynccontextmanager
async def process(settings: config.Settings, clock: list[float]) -> AsyncIterator[Runtime]:
    """The services of a process of its own, on a clock that is told how late it is."""

    async def sleep(seconds: float) -> None:
        clock[0] += seconds

    store = Store(settings.state_dir, lambda: clock[0])
    async with services(settings, store, Intervals().times(60)) as rt:
        store.clock = None  # the Console's time stands still meanwhile
        await rt.accounts.bind()
        yield dataclasses.replace(
            rt, now=lambda: clock[0], sleep=sleep, intervals=dataclasses.replace(rt.intervals, hour=HOUR)
        )


def plan_of(sdl: str, tool: str, hours: int) -> LaunchPlan:
    report = check(sdl)
    return LaunchPlan(
        tool=tool,
        sdl=sdl,
        manifest=report.manifest or "",
        contents=contents_of(report),
        deposit=Usd("0.5"),
        max_usd_per_hour=Usd("0.1"),
        groups=1,
        hours=hours,
    )


async def test_each_of_fifty_is_closed_within_one_tick_whatever_became_of_its_server(
    sdl: str, tmp_path: Path
) -> None:
    random = Random(7)
    async with EmbeddedNetwork(Options(automine=True)) as network:
        settings = config.Settings(
            api_key=SecretStr(network.api_key),
            console_url=network.console_url,
            chain_rest_url=network.chain_rest_url,
            state_dir=tmp_path / "state",
            allow_private_providers=("127.0.0.0/8",),
            max_deployments=MANY,
            max_usd_per_day=Usd(100),
        )
        clock = [network.clock.wall()]
        for _ in range(5):
            async with process(settings, clock) as server:  # that stops, with what it created
                for _ in range(MANY // 5):
                    tool = random.choice(["deploy", "create_deployment"])
                    plan = plan_of(sdl, tool, random.randint(1, 5))
                    permit: LaunchPermit = await server.gate.launch(plan, approved(plan))
                    await create_once(server, permit, lambda _: None)
                    if tool == "create_deployment" and random.random() < 0.5:
                        await server.store.run(
                            holds.let_go, permit.op_id
                        )  # it had answered; else it was killed
        ends: dict[Dseq, float] = {}
        closed: dict[Dseq, float] = {}
        chain = network.chain.deployments
        async with process(settings, clock) as rt:
            for dseq in [Dseq(dseq) for _, dseq in chain]:
                run = await rt.store.read(runs.find, dseq)
                assert run is not None
                ends[dseq] = run.ends_at
            assert len(ends) == MANY
            watch = Watch(rt)
            while len(closed) < MANY:
                assert clock[0] < max(ends.values()) + TICK, "one was not closed"
                clock[0] += TICK
                looked = await watch.look()
                for running in looked.under_way:
                    await running.ended()
                    assert running.error is None, running.error
                for (_, number), deployment in chain.items():
                    if deployment.state == "closed":
                        closed.setdefault(Dseq(number), clock[0])
                late = [dseq for dseq, end in ends.items() if dseq not in closed and clock[0] >= end + TICK]
                assert late == []
            assert await left_open(rt) == []
            budget = await rt.store.read(rt.ledger.status)
            assert (budget.live_deployments, budget.held) == (0, Usd(0))
