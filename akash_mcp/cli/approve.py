"""`akash-mcp approve`: a person sees what an agent wants to do, whole, and answers it with a word.

This is the only thing that answers a plan which waits. It works on the ledger alone, and asks no network.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import anyio

from akash_mcp.cli.terminal import ask_for_word, check_terminal, framed, lasting_interrupt
from akash_mcp.errors import BadArgument
from akash_mcp.guard.approval import waiting
from akash_mcp.guard.approval.waiting import Answer, Waiting
from akash_mcp.guard.books.audit_heads import Heads
from akash_mcp.guard.books.store import Store
from akash_mcp.sanitize.text import clean, field, mask_env

_LOOK_SECONDS = 2.0
_LONGEST = 200_000
"""Bytes of a plan or an SDL: more than any has."""

_PREFIX = "op_"


def run(folder: Path, wanted: str | None, *, watch: bool, sleep: Callable[[float], None] = time.sleep) -> int:
    """Show what waits, or ask about one. With `watch` ask about each as it comes, until the person stops it.

    Raises `AkashError` without a terminal, and `BadArgument` for what does not wait.
    """
    check_terminal("akash-mcp approve")
    store = Store(folder)
    try:
        if watch:
            return _watch(store, sleep)
        waits = _waiting(store)
        if wanted is not None:
            return _answer(store, _named(waits, wanted))
        if not waits:
            sys.stdout.write(f"Nothing waits for an answer in {folder}.\n")
        for each in waits:
            sys.stdout.write(_line(each, store.now()))
        if waits:
            sys.stdout.write("akash-mcp approve ID shows one whole and asks you about it.\n")
    finally:
        store.close()
    return 0


def _watch(store: Store, sleep: Callable[[float], None]) -> int:
    sys.stdout.write("Plans are shown here as they come. Ctrl-C ends this.\n")
    left_alone: set[str] = set()
    with lasting_interrupt() as raise_again:
        while True:
            raise_again()
            for each in _waiting(store):
                if each.op_id not in left_alone and _answer(store, each):
                    left_alone.add(each.op_id)
            sleep(_LOOK_SECONDS)


def _waiting(store: Store) -> list[Waiting]:
    """What waits, for whichever account: nothing where nobody has made a ledger yet, and none is made then."""
    return store.read_now(waiting.unanswered, of_all=True) if store.path.exists() else []


def _named(waits: list[Waiting], wanted: str) -> Waiting:
    """The one that a person names, by its id or enough of it."""
    name = _PREFIX + wanted.removeprefix(_PREFIX)
    found = [each for each in waits if each.op_id.startswith(name)]
    if len(found) != 1 or name == _PREFIX:
        known = ", ".join(each.op_id for each in waits) or "nothing"
        raise BadArgument(
            f"{field(wanted, 40)} names none of the plans that wait, or several. What waits: {known}.",
            next_step="A plan waits for 30 minutes; an agent that calls again makes a new one.",
            money="",
        )
    return found[0]


def _answer(store: Store, plan: Waiting) -> int:
    """Show a plan, ask, and write the answer down: 0 where there is one."""
    sys.stdout.write(_whole(plan, store.now()))
    word = ask_for_word("Do this? Type yes or no: ", ("yes", "no"))
    if word is None:
        sys.stdout.write("It is not answered, and still waits.\n")
        return 1
    store.account, store.agent = plan.account, plan.agent
    given: Answer = "yes" if word == "yes" else "no"
    until = store.run_now(waiting.answer, plan.op_id, given)
    anyio.run(Heads(store.path.parent).keep, store)
    if until is None:
        sys.stdout.write(
            "It waits no longer: your answer came too late, or what would be done has changed.\n"
        )
        return 1
    sys.stdout.write(
        f"Yes to {plan.op_id}: the agent can do this once, until {_clock(until)}, when it calls again.\n"
        if given == "yes"
        else f"No to {plan.op_id}: nothing was done, and the agent is told.\n"
    )
    return 0


def _line(plan: Waiting, now: float) -> str:
    text = field(clean(plan.summary, limit=_LONGEST).text, 100)
    return f"{plan.op_id}  {plan.tool}  {_left(plan, now)}  {text}\n"


def _whole(plan: Waiting, now: float) -> str:
    """Everything that a yes is about. Nothing in it is cut, and no secret shown that the SDL does not need to name."""
    who = f"for agent {plan.agent}" if plan.agent else ""
    by = f"asked by {plan.client}" if plan.client else ""
    asks = " ".join(filter(None, (plan.tool, who, by)))
    text = f"\n{plan.op_id}: {field(asks)}, {_left(plan, now)}.\n{framed(plan.summary)}"
    if (values := plan.values) is not None:
        text += f"The values that would be sent:\n{framed(clean(values, limit=_LONGEST).text)}"
    if (sdl := plan.sdl) is not None:
        text += f"What it would run:\n{framed(mask_env(sdl).rstrip())}"
    return text


def _left(plan: Waiting, now: float) -> str:
    minutes = int((plan.expires_at - now) / 60)
    return f"{minutes} min left" if minutes else "less than a minute left"


def _clock(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M UTC")
