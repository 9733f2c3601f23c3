"""`akash-mcp doctor`: what would keep the server from working, and what to do about each thing.

Reads only: it creates no folder, and asks the Console and the chain nothing that changes or costs anything. With
`--fix` it then looks once as the watch does: what a stopped server left is brought to its end.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import asdict
from email.utils import parsedate_to_datetime
from pathlib import Path

import anyio
import httpx2

from akash_mcp.cli.check import Check
from akash_mcp.cli.key_reach import reach_checks
from akash_mcp.cli.output import wrapped
from akash_mcp.cli.progress import working
from akash_mcp.cli.terminal import ask_for_word, check_terminal
from akash_mcp.cli.to_person import to_person
from akash_mcp.cli.watch import look_once
from akash_mcp.clients.console.client import ConsoleClient
from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.config import Settings
from akash_mcp.errors import AkashError
from akash_mcp.guard.books.store import Store
from akash_mcp.guard.private_files import who_else_can_read, who_else_can_write
from akash_mcp.services import services
from akash_mcp.workflow.runtime import Intervals

MOST_SKEW_SECONDS = 30
"""Tokens for providers hold whole seconds of our clock or the Console's, and last for minutes."""

FIX_SECONDS = 120.0
"""How long what is brought to its end is waited for."""

_ANY_BLOCK = "/v1/blocks?limit=1"
_LATEST_BLOCK = "/cosmos/base/tendermint/v1beta1/blocks/latest"


def run(settings: Settings, *, fix: bool = False, speed: float = 1.0, as_json: bool = False) -> int:
    """Print a line for each check, and with `fix` for what was ended. Returns 0 where all are fine, else 1.

    With `as_json` one array of `{"subject", "ok", "message", "fix", "warns"}` is printed instead.
    """
    with working("Asking the Console and the chain", quiet=as_json):
        checks = anyio.run(examine, settings)
    if fix and settings.api_key is not None and not settings.read_only:
        checks += anyio.run(fix_once, settings, Intervals().times(speed), confirmed)
    if as_json:
        sys.stdout.write(json.dumps([asdict(check) for check in checks]) + "\n")
    else:
        sys.stdout.writelines(f"{wrapped(str(check), sys.stdout, check.indent)}\n" for check in checks)
    return 0 if all(check.ok for check in checks) else 1


async def fix_once(settings: Settings, intervals: Intervals, confirm: Callable[[str], bool]) -> list[Check]:
    """End what should be ended, and where the ledger lacks what the account spent, go on from here if the person at the
    terminal does `confirm` that.
    """
    lines = await look_once(settings, intervals, FIX_SECONDS)
    return [
        *(Check("fix", True, line) for line in lines.done),
        *(
            Check("fix", False, line, "Run this again in a minute. It may cost money until it is ended.")
            for line in lines.left
        ),
        *await _checked("history", lambda: _history(settings, intervals, confirm)),
    ]


async def _history(settings: Settings, intervals: Intervals, confirm: Callable[[str], bool]) -> list[Check]:
    store = Store(settings.state_dir, hold_seconds=intervals.hold)
    async with services(settings, store, intervals) as rt:
        why = await rt.accounts.missing_history()
        if why is None:
            return []
        question = (
            f"The ledger does not hold all that this account spent: {why}. Look at https://console.akash.network at "
            "what runs: it will not be counted, and not be closed by this server."
        )
        if not confirm(question):
            return [
                Check(
                    "history",
                    False,
                    f"The ledger does not hold all that this account spent: {why}, so nothing is spent.",
                    "Look at what runs at https://console.akash.network, then run akash-mcp doctor --fix in a terminal "
                    "and answer yes.",
                )
            ]
        account = await rt.accounts.acknowledge()
    return [Check("history", True, f"goes on from here for {account}")]


def confirmed(question: str) -> bool:
    """Whether a person at a terminal answers yes: no program can."""
    try:
        check_terminal("akash-mcp doctor --fix")
    except AkashError:
        return False
    sys.stdout.write(f"{wrapped(question, sys.stdout)}\n")
    return ask_for_word("Go on from here? Type yes or no: ", ("yes", "no")) == "yes"


async def examine(settings: Settings, wall: Callable[[], float] = time.time) -> list[Check]:
    """Check everything, one after the other. What depends on something that is broken says so itself."""
    checks = [_limits(settings), _state(settings.state_dir)]
    for subject, look in (
        ("console", lambda: _console(settings, wall)),
        ("key", lambda: _key(settings, wall)),
        ("chain", lambda: _chain(settings)),
    ):
        checks += await _checked(subject, look)
    return checks


async def _checked(subject: str, look: Callable[[], Awaitable[list[Check]]]) -> list[Check]:
    try:
        return await look()
    except AkashError as error:
        return [Check(subject, False, to_person(error.what), to_person(error.next_step))]


def _limits(settings: Settings) -> Check:
    policy = settings.policy
    limits = (
        f"{policy.max_usd_per_deployment} a deployment, {policy.max_usd_per_day} a day, "
        f"{policy.max_deployments} deployments, approval {policy.approval}"
    )
    return Check("limits", True, "read only: nothing can be spent" if settings.read_only else limits)


def _state(folder: Path) -> Check:
    """Whether the ledger can be kept: a folder that we can write, and others can neither write nor read."""
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        return Check(
            "state",
            False,
            f"{nearest} is not a folder that can be written, so no ledger can be kept and nothing is spent.",
            "Make it writable, or set AKASH_MCP_STATE_DIR to a folder that is.",
        )
    if nearest != folder:
        return Check("state", True, f"{folder}, which is made at the first start")
    file = Store(folder).path
    exposed = who_else_can_write(folder) or who_else_can_write(file)
    if exposed is not None:
        return Check(
            "state", False, f"{exposed}, so the ledger there is not used and nothing is spent.", exposed.fix
        )
    exposed = who_else_can_read(folder)
    if exposed is not None:
        return Check("state", False, f"{exposed}.", exposed.fix)
    return _ledger(file) if file.exists() else Check("state", True, str(folder))


def _ledger(file: Path) -> Check:
    """Whether a ledger that is there can be read, which changes nothing in it."""
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        found = str(error)
    if found == "ok":
        return Check("state", True, str(file.parent))
    return Check(
        "state",
        False,
        f"The ledger {file} cannot be used ({found}), so nothing is spent.",
        "Check the disk. If the file is damaged, moving it away starts a new ledger that knows nothing of earlier "
        "spending.",
    )


async def _console(settings: Settings, wall: Callable[[], float]) -> list[Check]:
    try:
        answer = await _get(settings.console_url + _ANY_BLOCK)
    except httpx2.HTTPError as error:
        return [_unreachable("console", settings.console_url, error, "AKASH_CONSOLE_URL")]
    reached = Check("console", True, settings.console_url)
    if answer.is_error:
        reached = Check(
            "console",
            False,
            f"{settings.console_url} answered {answer.status_code} instead of the latest block.",
            "Check AKASH_CONSOLE_URL. If it is right, try again in a minute.",
        )
    date = answer.headers.get("date")
    return [reached, *([_clock(date, wall())] if date else [])]


def _clock(date: str, now: float) -> Check:
    """This machine's clock against the Date header of an answer, whose resolution is a second."""
    try:
        skew = now - parsedate_to_datetime(date).timestamp()
    except ValueError:
        return Check("clock", False, "The Console's answer has a Date that cannot be read.", "Try again.")
    if abs(skew) <= MOST_SKEW_SECONDS:
        return Check("clock", True, "agrees with the Console's")
    way = "ahead of" if skew > 0 else "behind"
    return Check(
        "clock",
        False,
        f"This machine is {abs(skew):.0f} s {way} the Console, so providers will refuse our tokens.",
        "Set the clock, or switch on time synchronisation.",
    )


async def _key(settings: Settings, wall: Callable[[], float]) -> list[Check]:
    if settings.api_key is None:
        return [
            Check(
                "key",
                False,
                "There is no Akash Console API key.",
                "Create one at https://console.akash.network (Settings, API Keys) and set AKASH_API_KEY. To try "
                "everything without an account, run akash-mcp serve --sandbox.",
            )
        ]
    key = settings.api_key.get_secret_value()
    async with ConsoleClient(settings.console_url, key, generation=settings.console_generation) as client:
        reader = ConsoleReader(client)
        user = await reader.current_user()
        credit = (await reader.balances()).available
        reach = await reach_checks(settings, reader, key, credit, wall())
    kind = "trial account" if user.trial else "account"
    accepted = Check("key", True, f"accepted; {kind} with {credit} to spend")
    if credit:
        return [accepted, *reach]
    return [
        accepted,
        Check(
            "credit",
            False,
            "The account has nothing to spend.",
            "Add credits at https://console.akash.network.",
        ),
        *reach,
    ]


async def _chain(settings: Settings) -> list[Check]:
    try:
        answer = await _get(settings.chain_rest_url + _LATEST_BLOCK)
    except httpx2.HTTPError as error:
        return [_unreachable("chain", settings.chain_rest_url, error, "AKASH_CHAIN_REST_URL")]
    if answer.is_error:
        return [
            Check(
                "chain",
                False,
                f"{settings.chain_rest_url} answered {answer.status_code} instead of the latest block.",
                "Set AKASH_CHAIN_REST_URL to another public REST endpoint of Akash.",
            )
        ]
    return [Check("chain", True, settings.chain_rest_url)]


async def _get(url: str) -> httpx2.Response:
    async with httpx2.AsyncClient(timeout=10, trust_env=False) as client:
        return await client.get(url)


def _unreachable(subject: str, url: str, error: httpx2.HTTPError, variable: str) -> Check:
    return Check(
        subject,
        False,
        f"{url} cannot be reached ({type(error).__name__}).",
        f"Check the network, and {variable}.",
    )
