"""One look of the watch, and looking for ever.

what a stopped process left     carried on by whoever claims it first
a run that is over              closed, proven                               the one that has the duty
the ledger and the account      compared every few minutes, and what is not as approved is told
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio

from akash_mcp.errors import AkashError, LedgerUnusable
from akash_mcp.guard.approval import tokens, waiting
from akash_mcp.guard.books import duties, journal, notices, old_operations, runs, sdls
from akash_mcp.guard.books.journal import Kind, Operation, State
from akash_mcp.guard.books.notices import Level
from akash_mcp.guard.books.store import Db
from akash_mcp.guard.permits.close_permit import Closed
from akash_mcp.ids import Dseq
from akash_mcp.workflow.changes import Change
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.recovery import recover
from akash_mcp.workflow.runtime import Runtime
from akash_mcp.workflow.watch.deadlines import end_due_runs
from akash_mcp.workflow.watch.findings import Finding
from akash_mcp.workflow.watch.survey import Survey, Surveyor

log = logging.getLogger(__name__)

DUTY = "watch"

_LOOKS_AT_MOST = 10
"""So many come in the time of one, where runs end one after the other."""
_LOOKS = 3
_SHORTEST_SECONDS = 30.0
"""How long whoever has the duty keeps it without a word: so many looks, and no shorter."""


@dataclass
class Looked:
    """What one look came to. `has_duty`: it looked at everything, and nobody else does. `survey` is None where it was
    not time for one.
    """

    taken: list[Running[Any]] = field(default_factory=list)
    ending: list[Running[Any]] = field(default_factory=list)
    has_duty: bool = False
    survey: Survey | None = None

    @property
    def under_way(self) -> list[Running[Any]]:
        """The work that this look began."""
        return [*self.taken, *self.ending]

    def add(self, later: Looked) -> None:
        """What a later look came to as well. Of what both took up only how it ended at last is kept."""
        again = {running.op_id for running in later.taken}
        self.taken = [*(running for running in self.taken if running.op_id not in again), *later.taken]
        self.ending += later.ending
        self.has_duty = later.has_duty
        self.survey = later.survey or self.survey


async def keep_watch(rt: Runtime) -> None:
    """Look, for ever. A process that nobody has used yet, of a person who never spent anything, touches no file.

    What is compared with the account is read beside the looks: a Console that is slow delays none of them.
    """
    watch = Watch(rt)
    try:
        async with anyio.create_task_group() as beside:
            await rt.sleep(rt.intervals.first_look)
            while True:
                pause = rt.intervals.watch
                if rt.store.path.exists():
                    await _unbroken(watch.see_to_ends)
                    if watch.is_time_to_compare:
                        beside.start_soon(_unbroken, watch.compare)
                    pause = await _pause(rt)
                await rt.sleep(pause)
    finally:
        with anyio.CancelScope(shield=True):
            await watch.hand_over()


async def _unbroken(look: Callable[[], Awaitable[object]]) -> None:
    """A look, of which one that is broken must not end the server, and the ones after it."""
    try:
        await look()
    except AkashError as failure:
        log.warning("the watch could not look: %s", failure)
    except Exception:  # a fault of ours in one look must not keep the next ones from ending what is due
        log.exception("a look of the watch broke")


async def _pause(rt: Runtime) -> float:
    """Seconds until the next look, which does not keep a run waiting that ends before."""
    most = rt.intervals.watch
    try:
        left = await rt.store.read(runs.seconds_left)
    except LedgerUnusable:
        return most  # the look has said so
    return most if left is None else min(most, max(left, most / _LOOKS_AT_MOST))


async def keep_telling(rt: Runtime) -> None:
    """Tell the person what was found, for ever, beside the looks: a webhook that hangs delays none of them.

    Clients that subscribed hear of it too, whichever process found it.
    """
    told: dict[str, int] = {}
    while True:
        await rt.sleep(rt.intervals.watch)
        if rt.store.path.exists():
            await _tell_clients(rt, told)
            await rt.tell_person()


async def _tell_clients(rt: Runtime, told: dict[str, int]) -> None:
    """Tell whoever listens of the notices since the last time; `told` is the number of the newest, by account."""
    account = rt.store.account
    try:
        if account not in told:  # what was noted before this process listened is not new
            told[account] = await rt.store.read(notices.newest_number)
            return
        for notice in await rt.store.read(notices.since, told[account]):
            told[account] = notice.number
            rt.changes.tell(Change(notice.dseq, is_notice=True))
    except LedgerUnusable as unusable:
        log.info("which notices are new is not known: %s", unusable.what)


class Watch:
    """Looks, and remembers between two looks what it took up and when it compared."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._surveyor = Surveyor(rt)
        self._compared_at: float | None = None
        self._is_comparing = False
        self._carried_on: list[Running[Any]] = []
        self._has_duty = False

    async def look(self, *, whole: bool = False) -> Looked:
        """Look once; `whole` compares with the account also where that was done a moment ago.

        What is begun goes on as work of this process. Raises `LedgerUnusable`.
        """
        looked = await self.see_to_ends()
        if looked.has_duty and (whole or self.is_time_to_compare):
            looked.survey = await self.compare()
        return looked

    async def see_to_ends(self) -> Looked:
        """The part of a look that brings to its end what should be ended. Raises `LedgerUnusable`."""
        rt, looked = self._rt, Looked()
        await rt.accounts.recall()
        await self.tell_of_what_was_carried_on()
        looked.taken = await recover(rt)
        self._carried_on += looked.taken
        seconds = max(rt.intervals.watch * _LOOKS, _SHORTEST_SECONDS)
        looked.has_duty = self._has_duty = await rt.store.run(duties.take, DUTY, seconds)
        if looked.has_duty:
            looked.ending = await end_due_runs(rt)
        return looked

    @property
    def is_time_to_compare(self) -> bool:
        """Whether this process has the duty to, is not at it, and did not a few minutes ago."""
        if not self._has_duty or self._is_comparing:
            return False
        return self._compared_at is None or self._rt.now() - self._compared_at >= self._rt.intervals.survey

    async def compare(self) -> Survey:
        """Hold the ledger against the account, and note what is other than approved. Raises `LedgerUnusable`."""
        self._compared_at, self._is_comparing = self._rt.now(), True
        try:
            # Whoever takes longer than its duty lasts looks beside the next one: it only reads.
            survey = await self._surveyor.survey()
            await self._rt.store.run(_note_all, survey.found)
            await self._fold()
            return survey
        finally:
            self._is_comparing = False

    async def tell_of_what_was_carried_on(self) -> None:
        """Note how that ended which a stopped process had left, as far as it has."""
        ended = [running for running in self._carried_on if running.is_done]
        self._carried_on = [running for running in self._carried_on if not running.is_done]
        for running in ended:
            operation = await self._rt.store.read(journal.find, running.op_id)
            if operation is not None:
                await self._rt.store.run(_note_all, [_carried_on(operation, running)])

    async def hand_over(self) -> None:
        """Let another process have the duty at once."""
        if not self._has_duty:
            return
        try:
            await self._rt.store.run(duties.give_up, DUTY)
        except LedgerUnusable:
            log.warning("the duty of the watch runs out by itself")

    async def _fold(self) -> None:
        """Let go of a few rows that nobody needs any more."""
        await self._rt.store.run(self._rt.ledger.fold)
        await self._rt.store.run(old_operations.fold)
        await self._rt.store.run(waiting.forget_old)
        await self._rt.store.run(tokens.forget_old)
        await self._rt.store.run(sdls.forget_old)


async def left_open(rt: Runtime, begun: Sequence[Running[Any]] = ()) -> list[str]:
    """What should have been ended and is not, and nobody works on at this moment, as far as the ledger knows.

    Of what was `begun` here also what failed a moment ago, and is not put down yet to be tried again.
    """
    failed = {running.op_id for running in begun if running.is_done and running.error is not None}

    def read(db: Db) -> tuple[list[Dseq], list[Operation]]:
        loose = {operation.op_id for operation in runs.loose_ends(db)} | failed
        return runs.due(db), [operation for operation in journal.under_way(db) if operation.op_id in loose]

    due, loose = await rt.store.read(read)
    return [
        *(f"deployment {dseq}: its run is over, and it is not closed" for dseq in due),
        *(
            f"operation {each.op_id} ({each.kind}, {each.state}): {each.note or 'not ended'}"
            for each in loose
        ),
    ]


def _note_all(db: Db, found: list[Finding]) -> None:
    for each in found:
        if notices.note(db, each.text, level=each.level, dseq=each.dseq, op_id=each.op_id, about=each.about):
            log.info("%s", each.text)


def came_to(operation: Operation, running: Running[Any]) -> str:
    """How the work on an operation ended, as the rest of a sentence."""
    if running.error is not None:
        return running.error.what
    if operation.state is State.READY:
        return "it runs, and costs money until it is closed"
    if operation.kind is Kind.CLOSE and operation.is_over:
        spent = running.result.spent if isinstance(running.result, Closed) else None
        return "it is proven closed" + ("" if spent is None else f", and cost {spent}")
    return operation.note or f"it is {operation.state}"


def _carried_on(operation: Operation, running: Running[Any]) -> Finding:
    of = f" of deployment {operation.dseq}" if operation.dseq else ""
    again = "" if operation.is_over or running.error is None else " It is tried again by itself."
    return Finding(
        f"carried on {operation.op_id}",
        f"Operation {operation.op_id} ({operation.kind}{of}), which a stopped process had left, was carried on: "
        f"{came_to(operation, running).rstrip('.')}.{again}",
        Level.INFO if running.error is None else Level.WARNING,
        operation.dseq,
        operation.op_id,
    )
