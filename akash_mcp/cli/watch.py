"""`akash-mcp watch`: see to it that all that was begun comes to its end, with no server running.

It does what each server does beside its own work: carries on what a stopped process left, closes what has run for as
long as it was approved to, and tells what is other than approved. It closes nothing that this server did not create.
What was begun at Akua is carried on too, where there is a token of Akua's.
"""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import anyio

from akash_mcp.cli.progress import working
from akash_mcp.cli.to_person import to_person
from akash_mcp.config import Settings
from akash_mcp.errors import AkashError, BadSettings, MissingKey
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.store import Store
from akash_mcp.key_sources import has_akua_token, has_key
from akash_mcp.services import services
from akash_mcp.workflow.akua.recovery import recover
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.runtime import Intervals, Runtime
from akash_mcp.workflow.watch import Looked, Watch, came_to, left_open

GOODBYE_SECONDS = 40.0
"""How long the answer to what was sent is waited for when it is stopped."""

_POLL_SECONDS = 1.0


def run(
    settings: Settings, *, once: bool, seconds: float, every: int | None = None, speed: float = 1.0
) -> int:
    """Watch until a signal comes, then 0. With `once` look one time, wait up to `seconds` until what should be ended
    is, and return 0 where nothing is left open, else 1.

    `every` is how many minutes lie between two looks, `speed` how fast time runs on the network. Raises `BadSettings`
    where there is nothing that it may do.
    """
    if not (_may_have(has_key, settings) or _may_have(has_akua_token, settings)):
        raise BadSettings(
            "There is no Akash Console API key, so the watch could close nothing.",
            next_step="Run akash-mcp login, or set AKASH_API_KEY.",
            money="",
        )
    if settings.read_only:
        raise BadSettings(
            "read_only is set, so the watch may close nothing.",
            next_step="Take it out of its settings.",
            money="",
        )
    intervals = Intervals().times(speed)
    if every is not None:
        pause = every * 60.0
        intervals = replace(intervals, watch=pause, survey=max(intervals.survey, pause))
    if once:
        with working("Looking at what should be ended, and waiting until it is"):
            lines = anyio.run(look_once, settings, intervals, seconds)
        sys.stdout.writelines(f"{line}\n" for line in lines.done + lines.left)
        return 1 if lines.left else 0
    logging.getLogger("akash_mcp.workflow").setLevel(logging.DEBUG if settings.debug else logging.INFO)
    anyio.run(_watch, settings, intervals)
    return 0


async def _watch(settings: Settings, intervals: Intervals) -> None:
    store = Store(settings.state_dir, hold_seconds=intervals.hold)
    # Before anything is begun: what is under way when a signal comes is handed over.
    with _signals() as stopped:
        async with services(settings, store, intervals, watches=True, patience=GOODBYE_SECONDS) as rt:
            await _need_any_key(rt)  # else it would wait for one, and seem to watch
            sys.stderr.write(f"akash-mcp: watching over {settings.state_dir}\n")
            await stopped()


async def _need_any_key(rt: Runtime) -> None:
    try:
        await rt.key.need()
    except MissingKey as missing:
        try:
            await rt.akua.desk.key.need()
        except MissingKey:
            raise missing from None


@contextmanager
def _signals() -> Iterator[Callable[[], Awaitable[None]]]:
    """What waits until this process is told to stop."""
    if sys.platform == "win32":
        yield anyio.sleep_forever  # there Ctrl-C ends it, and no signal can be waited for
        return
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:

        async def stopped() -> None:
            async for _ in signals:
                return

        yield stopped


class Lines:
    """What a look did, and what it left, as lines for a person."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.left: list[str] = []


async def look_once(settings: Settings, intervals: Intervals, seconds: float) -> Lines:
    """Look one time, and wait up to `seconds` until what should be ended is."""
    lines = Lines()
    store = Store(settings.state_dir, hold_seconds=intervals.hold)
    if not store.path.exists():
        lines.done.append("There is no ledger yet: nothing was begun.")
        return lines
    async with services(settings, store, intervals, patience=GOODBYE_SECONDS) as rt:
        at_akua = await _carry_on_at_akua(rt, lines)
        if _may_have(has_key, settings) or not _may_have(has_akua_token, settings):
            await _look_at_akash(rt, lines, seconds)
        with anyio.move_on_after(seconds):
            for running in at_akua:
                await running.ended()
        await _tell_of_akua(rt, at_akua, lines)
    if not lines.left:
        lines.done.append("Nothing is left open that should be ended.")
    return lines


def _may_have(has: Callable[[Settings], bool], settings: Settings) -> bool:
    """Whether there is a key, or that cannot be told: whoever needs it says so."""
    try:
        return has(settings)
    except MissingKey:
        return True


async def _look_at_akash(rt: Runtime, lines: Lines, seconds: float) -> None:
    watch = Watch(rt)
    try:
        looked = await watch.look(whole=True)
        with anyio.move_on_after(seconds):
            await _wait(rt, watch, looked)
        await watch.tell_of_what_was_carried_on()
        await rt.tell_person()
        await _tell(rt, looked, lines)
        unseen = looked.survey.unknown if looked.survey is not None else []
        lines.left += [f"unknown: {each}" for each in unseen]
        under_way = [running for running in looked.under_way if not running.is_done]
        lines.left += [f"under way: operation {each.op_id}: {each.stage}" for each in under_way]
        lines.left += [f"left: {each}" for each in await left_open(rt, looked.under_way)]
    except AkashError as failure:
        lines.left.append(f"unknown: {to_person(str(failure))}")
    finally:
        await watch.hand_over()


async def _carry_on_at_akua(rt: Runtime, lines: Lines) -> list[Running[Any]]:
    """What was begun at Akua and has no worker any more, under way from now on: with the token that is known here."""
    desk = rt.akua.desk
    await desk.account.recall()
    try:
        return await recover(rt) if desk.store.account else []
    except AkashError as failure:
        lines.left.append(f"unknown at Akua: {to_person(str(failure))}")
        return []


async def _tell_of_akua(rt: Runtime, carried_on: list[Running[Any]], lines: Lines) -> None:
    try:
        operations = {
            each.op_id: await rt.akua.desk.store.read(journal.find, each.op_id) for each in carried_on
        }
        left = await rt.akua.desk.store.read(journal.under_way)
    except AkashError as failure:
        lines.left.append(f"unknown at Akua: {to_person(str(failure))}")
        return
    ended = [each for each in operations.values() if each is not None and each.is_over]
    lines.done += [
        f"carried on at Akua: operation {each.op_id}: {each.state} ({each.note})" for each in ended
    ]
    lines.left += [
        f"not ended at Akua: operation {each.op_id} ({each.kind}, {each.state}): {each.note}" for each in left
    ]


async def _wait(rt: Runtime, watch: Watch, looked: Looked) -> None:
    """Until what this look took up has ended. What another process has the duty to end is waited for as well, and
    looked at again: that one may stand still, and then lets go of it in its time.
    """
    await _ended(looked)
    while not looked.has_duty and await left_open(rt, looked.under_way):
        await rt.sleep(_POLL_SECONDS)
        looked.add(await watch.look(whole=True))
        await _ended(looked)


async def _ended(looked: Looked) -> None:
    for running in looked.under_way:
        await running.ended()


async def _tell(rt: Runtime, looked: Looked, lines: Lines) -> None:
    for what, began in (("carried on", looked.taken), ("closed at the end of its run", looked.ending)):
        for running in (each for each in began if each.is_done):
            about = f"deployment {running.dseq}, " if running.dseq else ""
            operation = await rt.store.read(journal.find, running.op_id)
            how = f": {came_to(operation, running)}" if operation is not None else ""
            lines.done.append(f"{what}: {about}operation {running.op_id}{how}")
    if not looked.has_duty:
        lines.done.append("Another process keeps watch, and compares the ledger with the account.")
    if looked.survey is not None:
        lines.done += [f"found: {finding.text}" for finding in looked.survey.found]
