"""One crash from its beginning to what is left of it: a server is struck at a point, another one looks, and the judge.

deploy (where the tool needs one) → the tool, struck at one request → restart → quiet → the verdict
    → everything of ours is closed by the tools → the ledger against the books, to the micro-unit
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import anyio
from crash_verdict import Allowed, Book, Finding, Kind, LedgerRows, books_of, judge, ledger_of
from mcp import MCPError
from server_processes import Blow, Process, Server, Starter, ToolRefused, serving
from stopping_proxy import ANY, Fate, Point, StoppingProxy, stopping_proxy

from akash_mcp.data import examples_dir
from akash_mcp.sandbox.console import Generation
from akash_mcp.sandbox.network import EmbeddedNetwork, Options

GENERATIONS: tuple[Generation, ...] = ("2025", "reference", "2026-11")
ERAS = ("2026-07-28", "legacy")

_CONTINUE = signal.SIGCONT
SPEED = 60.0
LATE_SECONDS = 24.0
"""Simulated: how long a late request waits. Console gives up on a transaction after 36."""
ENDING_SECONDS = 15.0
"""How long a server may take to end once it is told to."""
CALL_SECONDS = 60.0
QUIET_SECONDS = 0.3
"""So long nothing may be asked of the Console before what looks well is taken for it."""

DEPOSIT_USD = 5
"""The least that the API of 2025 takes."""
ADDED_USD = 1
RATE_USD = 0.5
"""An hour: more than any bid on what is deployed."""
SDL = (examples_dir() / "web.yaml").read_text(encoding="utf-8")
CHANGED = SDL.replace("nginx:1.28.0-alpine", "nginx:1.29.0-alpine")


class Tool(StrEnum):
    """What is struck."""

    DEPLOY = "deploy"
    CREATE = "create_deployment"
    LEASE = "create_lease"
    FUND = "add_funds"
    UPDATE = "update_deployment"
    CLOSE = "close_deployment"

    async def prepare(self, server: Server) -> dict[str, Any]:
        """Have a server do what it needs first, and say what it is called with. Raises `Untried`."""
        match self:
            case Tool.DEPLOY | Tool.CREATE:
                return {"sdl": SDL, "deposit_usd": DEPOSIT_USD}
            case Tool.LEASE:
                created = await server.call("create_deployment", sdl=SDL, deposit_usd=DEPOSIT_USD)
                dseq = (await server.finished(created))["dseq"]
                offers = (await server.call("list_bids", dseq=dseq))["offers"]
                if not offers:
                    raise Untried("nobody bid")
                return {"dseq": dseq, "providers": [offers[0]["provider"]], "max_usd_per_hour": RATE_USD}
            case Tool.FUND:
                return {"dseq": await deployed(server), "amount_usd": ADDED_USD}
            case Tool.UPDATE:
                return {"dseq": await deployed(server), "sdl": CHANGED}
            case Tool.CLOSE:
                return {"dseq": await deployed(server)}

    def allowed(self, generation: Generation) -> Allowed:
        """What of it may reach the Console: one yes for the deployment, and one for what is struck."""
        funds_itself = generation == "2026-11"
        is_fund = self is Tool.FUND
        return Allowed(
            deposits=int(is_fund and not funds_itself),
            limits=int(is_fund and funds_itself),
            created_is_told=self in (Tool.CREATE, Tool.LEASE),
        )


class Restart(StrEnum):
    """Who comes after a server that is gone."""

    SERVE = "serve"
    WATCH = "watch --once"
    DOCTOR = "doctor --fix"

    @property
    def argv(self) -> list[str]:
        return self.value.split()


@dataclass(frozen=True, slots=True, order=True)
class Scenario:
    """What happens. `point` None: nothing at all. `again`: at which of its requests the next server is killed too, 0
    for none."""

    tool: Tool
    generation: Generation
    point: Point | None = None
    fate: Fate = Fate.ANSWERED
    blow: Blow = Blow.KILL
    restart: Restart = Restart.SERVE
    era: str = ERAS[0]
    again: int = 0

    def __str__(self) -> str:
        if self.point is None:
            return f"{self.tool} · {self.generation} · undisturbed"
        again = f" · killed again at request {self.again}" if self.again else ""
        return (
            f"{self.tool} · {self.generation} · {self.point} {self.fate} · {self.blow} · {self.restart}{again}"
            f" · {self.era}"
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a scenario. `looks`: how often a command looked until it was well. `points`: what was asked.

    `became`: how the deployment stood by the books once it was quiet.
    """

    scenario: Scenario
    findings: tuple[Finding, ...]
    seconds: float
    looks: int = 1
    points: tuple[Point, ...] = ()
    became: str = ""

    @property
    def is_clean(self) -> bool:
        return not self.findings

    @property
    def is_untried(self) -> bool:
        return any(finding.kind is Kind.UNTRIED for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast time in the network runs, and how long one waits for what does not get well, in real seconds.

    `silence`: without any request for so long, and nothing in hand by the ledger's word, nothing more comes.
    `patience`: after that nobody waits, whatever goes on.
    """

    speed: float = SPEED
    silence: float = 2.5
    patience: float = 30.0


class Untried(Exception):
    """The scenario did not come about."""


@dataclass
class World:
    """One network, the proxy before its Console, a state folder, and whoever acts there."""

    network: EmbeddedNetwork
    proxy: StoppingProxy
    folder: Path
    starter: Starter
    pace: Pace
    allowed: Allowed
    era: str = ERAS[0]
    _started: int = 0
    logs: list[Path] = field(default_factory=list)

    @property
    def state_dir(self) -> Path:
        return self.folder / "state"

    @property
    def env(self) -> dict[str, str]:
        """All that a command knows of its surroundings."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "AKASH_API_KEY": self.network.api_key,
            "AKASH_CONSOLE_URL": self.proxy.url,
            "AKASH_CHAIN_REST_URL": self.network.chain_rest_url,
            "AKASH_MCP_STATE_DIR": str(self.state_dir),
            "AKASH_MCP_APPROVAL": "auto",
            "AKASH_MCP_ALLOW_PRIVATE_PROVIDERS": "127.0.0.0/8,::1/128",
        }

    @property
    def ledger(self) -> LedgerRows:
        return ledger_of(self.state_dir, time.time())

    def judged(self) -> list[Finding]:
        """What is wrong now."""
        return judge(books_of(self.network.state()), self.proxy.passed, self.ledger, self.allowed)

    def ours(self) -> list[Book]:
        """The deployments in the books that our servers made."""
        return [book for book in books_of(self.network.state()) if book.dseq not in self.allowed.others]

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[Server]:
        """A server of its own process, with a client."""
        argv = ["--speed", f"{self.pace.speed:g}"]
        async with serving(self.starter, argv, self.env, self._log(), self.era) as server:
            yield server

    async def run(self, argv: Sequence[str]) -> None:
        """Run another command to its end."""
        process = Process.start(self.starter, argv, self.env, self._log())
        process.hang_up()
        try:
            if not await process.ended(self.pace.patience):
                raise Untried(f"akash-mcp {' '.join(argv)} did not end: {process.stderr[-300:]}")
        finally:
            process.close()

    async def settled(self) -> list[Finding]:
        """What is wrong once it does not get any better."""
        until = time.monotonic() + self.pace.patience
        while True:
            await asyncio.sleep(0.05)
            quiet, found = self.proxy.quiet_for(), self.judged()
            if not found and quiet > QUIET_SECONDS:
                return []
            is_over = quiet > self.pace.silence and not self.ledger.is_worked_on
            if found and (is_over or time.monotonic() > until):
                return found

    def _log(self) -> Path:
        self._started += 1
        log = self.folder / f"stderr-{self._started}.txt"
        self.logs.append(log)
        return log


@asynccontextmanager
async def world(
    starter: Starter,
    generation: Generation,
    pace: Pace,
    allowed: Allowed,
    era: str,
    folder: Path,
) -> AsyncIterator[World]:
    """A network that nothing has happened on yet."""
    options = Options(
        speed=pace.speed,
        generation=generation,
        strict=generation == "2026-11",
        providers=3,
        public_certificates=1,
    )
    async with (
        EmbeddedNetwork(options) as network,
        stopping_proxy(network.console_url, late_seconds=LATE_SECONDS / pace.speed) as proxy,
    ):
        yield World(network, proxy, folder, starter, pace, allowed, era)


@dataclass
class _Record:
    """What is written down while a scenario happens."""

    findings: list[Finding] = field(default_factory=list)
    points: tuple[Point, ...] = ()
    looks: int = 1
    became: str = ""


async def play(scenario: Scenario, starter: Starter, pace: Pace) -> Verdict:
    """Let a scenario happen, and judge what it left."""
    began, record = time.monotonic(), _Record()
    with tempfile.TemporaryDirectory(prefix="akash-crash-") as folder:
        allowed = scenario.tool.allowed(scenario.generation)
        async with world(starter, scenario.generation, pace, allowed, scenario.era, Path(folder)) as here:
            try:
                await _play(here, scenario, record)
            # A client's task group wraps what its body raises.
            except* (Untried, ToolRefused, TimeoutError, MCPError) as failed:
                said = here.logs[-1].read_text(encoding="utf-8", errors="replace") if here.logs else ""
                record.findings.extend(
                    Finding(Kind.UNTRIED, f"{each} {' '.join(said[-300:].split())}") for each in words(failed)
                )
    found, took = tuple(sorted(set(record.findings))), time.monotonic() - began
    return Verdict(scenario, found, took, record.looks, record.points, record.became)


def words(failed: BaseExceptionGroup[Exception]) -> list[str]:
    """What each of the errors in a group says."""
    return [
        word
        for error in failed.exceptions
        for word in (
            words(error) if isinstance(error, BaseExceptionGroup) else [f"{type(error).__name__} {error}"]
        )
    ]


async def _play(here: World, scenario: Scenario, record: _Record) -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(here.serve())
        arguments = await scenario.tool.prepare(first)
        if scenario.point is None:
            here.proxy.arm()
            async with asyncio.timeout(CALL_SECONDS):
                await first.finished(await first.call(scenario.tool, **arguments))
            record.points = _points(here.proxy.arrived)
            await _judge(here, first, record)
            return
        here.proxy.arm(scenario.point, scenario.fate, lambda: first.process.strike(scenario.blow))
        calling = asyncio.create_task(_try(first, scenario.tool, arguments))
        stack.push_async_callback(_give_up, calling)
        if not await _until(here.proxy.struck, calling):
            raise Untried(f"it never came to {scenario.point}")
        if scenario.blow is Blow.STOP:
            await _taken_over(here, scenario, first, calling, record)
            return
        if not await first.process.ended(ENDING_SECONDS):
            record.findings.append(
                Finding(Kind.STUCK, f"{ENDING_SECONDS:g} s after {scenario.blow} it still runs")
            )
            await first.process.strike(Blow.KILL)
        if scenario.again:
            await _killed_again(here, scenario.again)
        await _restarted(here, scenario.restart, record)


async def _killed_again(here: World, request: int) -> None:
    """Another server begins to look, and is killed before the answer to one of its requests; or has nothing to ask."""
    async with here.serve() as second:
        here.proxy.arm(Point(ANY, request), Fate.ANSWERED, lambda: second.process.strike(Blow.KILL))
        looking = asyncio.create_task(_try(second, "list_deployments", {}))
        waiting = asyncio.create_task(here.proxy.struck.wait())
        while not waiting.done() and here.proxy.quiet_for() < here.pace.silence:
            await asyncio.wait([waiting], timeout=0.1)
        await _give_up(waiting)
        await second.process.strike(Blow.KILL)
        await _give_up(looking)


async def _taken_over(
    here: World, scenario: Scenario, first: Server, calling: asyncio.Task[str], record: _Record
) -> None:
    """Another one works until it is quiet, then the frozen one wakes, and has what it waited for."""

    async def wake() -> None:
        await asyncio.wait_for(here.proxy.done.wait(), CALL_SECONDS)
        first.process.send(_CONTINUE)
        await asyncio.wait([calling], timeout=CALL_SECONDS)

    await _restarted(here, scenario.restart, record, then=wake)


async def _restarted(
    here: World,
    restart: Restart,
    record: _Record,
    then: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Somebody else looks, until it is quiet; `then` is awaited, and it is judged."""
    if restart is not Restart.SERVE:
        record.looks = await _looked(here, restart)
        if then is not None:
            await then()
    async with here.serve() as second:
        if restart is Restart.SERVE:
            try:
                async with asyncio.timeout(CALL_SECONDS):
                    await second.call("list_deployments")
            except (ToolRefused, TimeoutError) as blind:
                record.findings.append(Finding(Kind.BLIND, str(blind) or "list_deployments does not answer"))
            await here.settled()
            if then is not None:
                await then()
        await _judge(here, second, record)


async def _judge(here: World, server: Server, record: _Record) -> None:
    record.findings += await here.settled()
    record.became = ", ".join(book.words for book in here.ours()) or "nothing"
    record.findings += await close_all(here, server)


async def _looked(here: World, restart: Restart) -> int:
    """Run a command until all is well, or nothing changes any more."""
    until = time.monotonic() + here.pace.patience
    # What a dead one has in hand is nobody else's yet. Only the file tells when that is over.
    while here.ledger.is_in_hand and time.monotonic() < until:  # noqa: ASYNC110  # it is in a file
        await asyncio.sleep(0.05)
    looks = 0
    while True:
        looks += 1
        await here.run([*restart.argv, *speed_flag(restart, here.pace.speed)])
        if not here.judged() or not here.ledger.is_worked_on or time.monotonic() > until:
            return looks
        await asyncio.sleep(0.2)


@functools.cache
def help_of(restart: Restart) -> str:
    """What a command says of itself; nothing where this version does not have it."""
    command = [sys.executable, "-m", "akash_mcp", restart.argv[0], "--help"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    return (
        told.stdout if told.returncode == 0 and all(flag in told.stdout for flag in restart.argv[1:]) else ""
    )


def speed_flag(restart: Restart, speed: float) -> list[str]:
    """Where a command can be told how fast time runs, it is."""
    return ["--speed", f"{speed:g}"] if "--speed" in help_of(restart) else []


async def close_all(here: World, server: Server) -> list[Finding]:
    """Close by the tools all that is known as ours: nothing may be held then, and no uact be missing."""
    found: list[Finding] = []
    named = {row.dseq for row in here.ledger.reservations}
    for book in here.ours():
        if book.is_open and book.dseq in named:
            try:
                async with asyncio.timeout(CALL_SECONDS):
                    await server.call("close_deployment", dseq=book.dseq)
            except (ToolRefused, TimeoutError) as refused:
                found.append(Finding(Kind.MONEY, f"{book.dseq} could not be closed: {refused}"))
    return found + [each for each in here.judged() if each.kind in (Kind.SLOT, Kind.MONEY)]


async def deployed(server: Server) -> str:
    """The dseq of a deployment that a server has just deployed. Raises `Untried` where it does not run."""
    async with asyncio.timeout(CALL_SECONDS):
        answer = await server.finished(await server.call("deploy", sdl=SDL, deposit_usd=DEPOSIT_USD))
    if answer.get("status") != "ready":
        raise Untried(f"what should run does not: {json.dumps(answer)[:300]}")
    return str(answer["dseq"])


async def _try(server: Server, tool: str, arguments: dict[str, Any]) -> str:
    """What a call comes to whose server may be gone before it answers."""
    try:
        return str((await server.finished(await server.call(tool, **arguments))).get("status"))
    except (ToolRefused, MCPError, anyio.ClosedResourceError, anyio.BrokenResourceError) as failed:
        return str(failed)


async def _until(event: asyncio.Event, otherwise: asyncio.Task[str]) -> bool:
    """Whether an event came before a task ended."""
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait([waiting, otherwise], timeout=CALL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        return event.is_set()
    finally:
        waiting.cancel()


async def _give_up(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _points(routes: Sequence[str], most: int = 2) -> tuple[Point, ...]:
    """The requests that were seen, each route as often as it came, `most` times at the most."""
    counts: dict[str, int] = {}
    points = []
    for route in routes:
        counts[route] = counts.get(route, 0) + 1
        if counts[route] <= most:
            points.append(Point(route, counts[route]))
    return tuple(points)
