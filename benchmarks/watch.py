"""How many requests the watch sends for each deployment and hour, on each Console API: nothing but looking.

python benchmarks/watch.py [DEPLOYMENTS]
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import anyio
from pydantic import SecretStr

from akash_mcp import config
from akash_mcp.data import examples_dir
from akash_mcp.guard.approval.approval import Approval
from akash_mcp.guard.books.store import Store
from akash_mcp.guard.plans.plans import LaunchPlan
from akash_mcp.money import Usd
from akash_mcp.sandbox.console import Generation
from akash_mcp.sandbox.network import EmbeddedNetwork, Options
from akash_mcp.sdl import check
from akash_mcp.services import services
from akash_mcp.workflow.contents import contents_of
from akash_mcp.workflow.launch import launch
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.runtime import Intervals
from akash_mcp.workflow.watch import Watch

SPEED = 60.0
HOUR = 3600.0


async def measure(generation: Generation, many: int) -> Counter[str]:
    """The requests of an hour in which nothing happens to so many deployments that run."""
    sdl = (examples_dir() / "web.yaml").read_text(encoding="utf-8")
    report = check(sdl)
    hours = 40 if generation == "2026-11" else None
    plan = LaunchPlan(
        tool="deploy",
        sdl=sdl,
        manifest=report.manifest or "",
        contents=contents_of(report),
        deposit=Usd(5),
        max_usd_per_hour=Usd("0.06"),
        groups=1,
        hours=40,
        runtime_limit_hours=hours,
    )
    with tempfile.TemporaryDirectory() as folder:
        async with EmbeddedNetwork(Options(speed=SPEED, generation=generation)) as network:
            settings = config.Settings(
                api_key=SecretStr(network.api_key),
                console_url=network.console_url,
                chain_rest_url=network.chain_rest_url,
                state_dir=Path(folder) / "state",
                allow_private_providers=("127.0.0.0/8",),
                max_deployments=many,
                max_usd_per_day=Usd(1000),
            )
            late = [0.0]
            wall = network.clock.wall
            store = Store(settings.state_dir, lambda: wall() + late[0])
            quick = dataclasses.replace(Intervals().times(SPEED), hour=HOUR)
            told = store.clock
            async with services(settings, store, quick) as rt:
                store.clock = told  # and not the Console's
                await rt.accounts.bind()
                for _ in range(many):
                    permit = await rt.gate.launch(plan, Approval(plan.fingerprint, "auto"))
                    await launch(rt, permit, Running(permit.op_id))
                watched = dataclasses.replace(rt, now=store.now, intervals=Intervals())
                watch = Watch(watched)
                before = requests(network)
                for _ in range(int(HOUR / watched.intervals.watch)):
                    await watch.look()
                    late[0] += watched.intervals.watch
                return requests(network) - before


def requests(network: EmbeddedNetwork) -> Counter[str]:
    """What reached each route of the Console so far."""
    told: Any = network.state()["requests"]
    return Counter(told)


def main() -> None:
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    generations: tuple[Generation, ...] = ("2025", "reference", "2026-11")
    for generation in generations:
        sent = anyio.run(measure, generation, many)
        each = sent.total() / many
        print(f"{generation:<10} {many} deployments: {sent.total()} requests in an hour, {each:.1f} each")
        for route, count in sent.most_common():
            print(f"{'':<11}{count:>5} {route}")


if __name__ == "__main__":
    main()
