"""Crash servers at every point of every tool that spends or changes, and write a table of what was left behind.

    python tests/crashes                      everything; `make crashes`
    python tests/crashes --quick              the ten that the suite runs
    python tests/crashes --every 20           one in twenty
    python tests/crashes --tool deploy --only SIGTERM --generation 2026-11
    python tests/crashes --twice              the server that comes next is killed as well
    python tests/crashes --faults             no crash: each fault of the network under each tool

The points are not written down anywhere: each tool runs undisturbed first, and every request that it makes is one. At
a request that changes something five things can become of it, at a read two. Ends with 1 where anything was found.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TypeVar, get_args

from crash_scenarios import ERAS, GENERATIONS, SPEED, Pace, Restart, Scenario, Tool, Verdict, help_of, play
from crash_table import crashes_table, faults_table, summary
from fault_matrix import FaultCase, play_fault
from quick_scenarios import QUICK
from server_processes import Blow, Cold, Starter, nursery
from stopping_proxy import Fate, Point

from akash_mcp.sandbox.console import Generation
from akash_mcp.sandbox.faults import CATALOGUE

T = TypeVar("T")
R = TypeVar("R")


def main() -> int:
    arguments = _parser().parse_args()
    pace = Pace(speed=arguments.speed, patience=arguments.patience)
    with nullcontext(Cold()) if arguments.cold else nursery() as here:
        work = _faults if arguments.faults else _crashes
        table, found = asyncio.run(work(arguments, here, pace))
    if arguments.output:
        arguments.output.write_text(table, encoding="utf-8")
    else:
        sys.stdout.write(table)
    return int(found)


async def _crashes(arguments: argparse.Namespace, here: Starter, pace: Pace) -> tuple[str, bool]:
    restarts = [Restart(name) for name in arguments.restart] or [r for r in Restart if _is_known(r)]
    missing = [restart for restart in Restart if not _is_known(restart)]
    began = time.monotonic()
    if arguments.quick:
        undisturbed: list[Verdict] = []
        scenarios = list(QUICK)
    else:
        whole = [
            Scenario(tool, generation) for generation in _generations(arguments) for tool in _tools(arguments)
        ]
        undisturbed = await _all(arguments.jobs, whole, _of(here, pace))
        scenarios = [
            scenario
            for verdict in undisturbed
            for scenario in (twice(verdict) if arguments.twice else scenarios_of(verdict, restarts))
            if _is_wanted(arguments, str(scenario))
        ]
        scenarios = _some(scenarios, arguments.every)
    verdicts = undisturbed + await _all(arguments.jobs, scenarios, _of(here, pace))
    took = time.monotonic() - began
    found = any(not verdict.is_clean for verdict in verdicts)
    notes = [f"Left out, since this version does not have it: restart by `{each}`." for each in missing]
    return "\n".join([crashes_table(verdicts), summary(verdicts, took), *notes, ""]), found


async def _faults(arguments: argparse.Namespace, here: Starter, pace: Pace) -> tuple[str, bool]:
    cases = [
        FaultCase(tool, generation, fault)
        for generation in _generations(arguments)
        for fault in CATALOGUE
        for tool in _tools(arguments)
    ]
    wanted = [case for case in cases if case.is_possible and _is_wanted(arguments, str(case))]
    cases = _some(wanted, arguments.every)
    outcomes = await _all(arguments.jobs, cases, lambda case: play_fault(case, here, pace))
    return faults_table(outcomes), any(outcome.findings for outcome in outcomes)


def scenarios_of(undisturbed: Verdict, restarts: Sequence[Restart]) -> Iterator[Scenario]:
    """Every crash of a tool, at the points at which it ran undisturbed; its clients are of both eras."""
    number = 0
    for point in undisturbed.points:
        for fate in _fates(point):
            for blow in Blow:
                if blow is Blow.KILL and fate is Fate.UNHEARD:
                    continue  # nobody is left to hear it, so it is the same as answered
                for restart in restarts:
                    number += 1
                    whole = undisturbed.scenario
                    era = ERAS[random.Random(number).randrange(2)]  # in turn would be in step with the blows
                    yield Scenario(whole.tool, whole.generation, point, fate, blow, restart, era)


def twice(undisturbed: Verdict) -> Iterator[Scenario]:
    """Two servers that die: one at what changes something, and the next one early, or in the midst of its work."""
    whole = undisturbed.scenario
    for point in undisturbed.points:
        if not point.route.startswith("GET "):
            for fate in Fate:
                for again in (2, 5, 9, 14):
                    yield Scenario(whole.tool, whole.generation, point, fate, again=again)


def _fates(point: Point) -> Sequence[Fate]:
    """What can become of a request: whether a read gets there late makes no difference."""
    return (Fate.LOST, Fate.ANSWERED) if point.route.startswith("GET ") else tuple(Fate)


def _is_known(restart: Restart) -> bool:
    return bool(help_of(restart))


def _is_wanted(arguments: argparse.Namespace, words: str) -> bool:
    return all(word in words for word in arguments.only)


def _some(everything: Sequence[T], every: int) -> list[T]:
    """One of so many, drawn the same each time: what is in turn could be in step with what repeats."""
    chosen = random.Random(0).sample(range(len(everything)), len(everything) // every)
    return [everything[number] for number in sorted(chosen)]


def _tools(arguments: argparse.Namespace) -> Sequence[Tool]:
    return [Tool(name) for name in arguments.tool] or list(Tool)


def _generations(arguments: argparse.Namespace) -> Sequence[Generation]:
    return arguments.generation or GENERATIONS


def _of(here: Starter, pace: Pace) -> Callable[[Scenario], Awaitable[Verdict]]:
    return lambda scenario: play(scenario, here, pace)


async def _all(jobs: int, work: Sequence[T], do: Callable[[T], Awaitable[R]]) -> list[R]:
    """What `do` makes of each, so many at once, in their order. Says on stderr how far it is.

    SIGINT and SIGTERM end it: what is done by then is what there is.
    """
    gate, results = asyncio.Semaphore(jobs), dict[int, R]()

    async def one(number: int, each: T) -> None:
        async with gate:
            results[number] = await do(each)
        if len(results) % 50 == 0:
            sys.stderr.write(f"{len(results)} of {len(work)}\n")

    together = asyncio.gather(*(one(number, each) for number, each in enumerate(work)))
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, together.cancel)
    try:
        await together
    except asyncio.CancelledError:
        sys.stderr.write(f"Ended early: {len(results)} of {len(work)} were tried.\n")
    return [results[number] for number in sorted(results)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python tests/crashes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="only the ten that the suite runs")
    parser.add_argument("--faults", action="store_true", help="faults of the network in place of crashes")
    parser.add_argument(
        "--twice", action="store_true", help="the next server is killed too, and a third one comes"
    )
    parser.add_argument("--only", action="append", default=[], metavar="TEXT", help="those that say so")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="one of so many")
    parser.add_argument("--tool", action="append", default=[], choices=list(Tool))
    parser.add_argument("--generation", action="append", choices=get_args(Generation))
    parser.add_argument("--restart", action="append", default=[], choices=list(Restart))
    parser.add_argument(
        "--cold", action="store_true", help="import anew for each server: slow, as a host does"
    )
    parser.add_argument("--jobs", type=int, default=4, metavar="N", help="so many at once (4)")
    parser.add_argument("--speed", type=float, default=SPEED, metavar="X", help=f"of time ({SPEED:g})")
    parser.add_argument(
        "--patience",
        type=float,
        default=Pace().patience,
        metavar="S",
        help="how long one is given to get well",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="where the table goes (stdout)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
