"""`akash-mcp doctor`: what would keep the server from working, and what to do about each thing.

Reads only: it creates no folder, and asks the Console, the chain and Akua nothing that changes or costs anything. With
`--fix` it then looks once as the watch does: what a stopped server left is brought to its end.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import anyio

from akash_mcp.cli.akua_reach import AKUA_PLACE, token_checks
from akash_mcp.cli.check import Check
from akash_mcp.cli.hosts.machine import Machine
from akash_mcp.cli.hosts.table import HOSTS
from akash_mcp.cli.key_reach import key_checks
from akash_mcp.cli.output import wrapped
from akash_mcp.cli.plain_keys import PlainKey, plain_keys
from akash_mcp.cli.progress import working
from akash_mcp.cli.terminal import ask_for_word, check_terminal
from akash_mcp.cli.to_person import to_person
from akash_mcp.cli.watch import look_once
from akash_mcp.clients.authorities import trusting
from akash_mcp.clients.chain import chain_upstream
from akash_mcp.clients.http import Upstream
from akash_mcp.clients.proxies import proxy_for
from akash_mcp.clients.retries import Deadline, Sending
from akash_mcp.config import Settings
from akash_mcp.errors import (
    AkashError,
    Forbidden,
    MissingAkuaToken,
    MissingKey,
    Unauthorized,
    Unreachable,
)
from akash_mcp.guard.books.store import Store
from akash_mcp.guard.login_keys import CONSOLE
from akash_mcp.guard.private_files import who_else_can_read, who_else_can_write
from akash_mcp.key_sources import (
    akua_token_of,
    has_akua_token,
    has_key,
    key_of,
    where_akua_token_is,
    where_key_is,
)
from akash_mcp.services import services
from akash_mcp.tool_choice import is_of_akua, serves_akua
from akash_mcp.workflow.runtime import Intervals

MOST_SKEW_SECONDS = 30
"""Tokens for providers hold whole seconds of our clock or the Console's, and last for minutes."""

FIX_SECONDS = 120.0
"""How long what is brought to its end is waited for."""

_LATEST_BLOCK = "/cosmos/base/tendermint/v1beta1/blocks/latest"


def run(settings: Settings, *, fix: bool = False, speed: float = 1.0, as_json: bool = False) -> int:
    """Print a line for each check, and with `fix` for what was ended. Returns 0 where all are fine, else 1.

    With `as_json` one array of `{"subject", "ok", "message", "fix", "warns"}` is printed instead.
    """
    with working(f"Asking {', '.join(_asked(settings))}", quiet=as_json):
        checks = anyio.run(examine, settings)
    if fix and not settings.read_only and _may_have_key(settings):
        checks += anyio.run(fix_once, settings, Intervals().times(speed), confirmed)
    if as_json:
        sys.stdout.write(json.dumps([asdict(check) for check in checks]) + "\n")
    else:
        sys.stdout.writelines(f"{wrapped(str(check), sys.stdout, check.indent)}\n" for check in checks)
    return 0 if all(check.ok for check in checks) else 1


def _may_have_key(settings: Settings) -> bool:
    try:
        return has_key(settings)
    except MissingKey:  # what is wrong with it has been checked
        return False


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
    """Check everything that is used, one after the other. What depends on something that is broken says so itself."""
    checks = [_limits(settings), _state(settings.state_dir), *_plain_keys(_host_files())]
    for subject, look in (
        ("network", lambda: _network(settings)),
        *(_akash(settings, wall) if _asks_akash(settings) else ()),
        ("akua", lambda: _akua(settings)),
    ):
        checks += await _checked(subject, look)
    return checks


def _akash(
    settings: Settings, wall: Callable[[], float]
) -> Iterable[tuple[str, Callable[[], Awaitable[list[Check]]]]]:
    return (
        ("console", lambda: _console(settings, wall)),
        ("key", lambda: _key(settings, wall)),
        ("chain", lambda: _chain(settings)),
    )


def _host_files() -> Iterator[tuple[str, Path]]:
    machine = Machine.here()
    return ((host.title, host.file(machine)) for host in HOSTS.values())


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


async def _network(settings: Settings) -> list[Check]:
    """Which proxy and which authorities are in force; nothing where none is set. Raises `Unreachable`."""
    proxies = {name: proxy_for(url, name=name) for name, url in _asked(settings).items()}
    trusting(settings.ca_file)
    said = [f"{name} is asked through {proxy}" for name, proxy in proxies.items() if proxy is not None]
    in_place = next((name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)), None)
    if in_place is not None:
        said.append(f"authorities are those of {in_place} ({os.environ[in_place]})")
    if settings.ca_file is not None:
        said.append(f"{settings.ca_file} is trusted too")
    return [Check("network", True, "; ".join(said))] if said else []


def _plain_keys(files: Iterable[tuple[str, Path]]) -> list[Check]:
    return [
        Check(
            "hosts",
            True,
            f"{found.title} has {_a_key(found)} in plain text, which every program that you run can read: {found.path}",
            f"Run {found.service.login}, take {found.variable} out of that file, and restart {found.title}.",
            warns=True,
        )
        for found in plain_keys(files)
    ]


def _a_key(found: PlainKey) -> str:
    return "a key" if found.service is CONSOLE else f"a {found.service.noun} of {found.service.title}"


async def _console(settings: Settings, wall: Callable[[], float]) -> list[Check]:
    async with Upstream(settings.console_url, name="Akash Console", ca_file=settings.ca_file) as console:
        try:
            await _ask(console, "/v1/blocks", {"limit": "1"})
            reached = Check("console", True, settings.console_url)
        except AkashError as error:
            reached = _not_reached("console", error, "AKASH_CONSOLE_URL")
    return [reached, *([_clock(console.date, wall())] if console.date is not None else [])]


def _clock(date: float, now: float) -> Check:
    """This machine's clock against the Console's, as its last answer had it: to the second."""
    skew = now - date
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
    where = where_key_is(settings)
    accepted, *reach = await key_checks(settings, key_of(settings), wall())
    return [replace(accepted, message=f"{accepted.message}; from {where}"), *reach]


async def _chain(settings: Settings) -> list[Check]:
    async with chain_upstream(settings.chain_rest_url, ca_file=settings.ca_file) as chain:
        try:
            await _ask(chain, _LATEST_BLOCK)
        except AkashError as error:
            return [_not_reached("chain", error, "AKASH_CHAIN_REST_URL")]
    return [Check("chain", True, settings.chain_rest_url)]


async def _akua(settings: Settings) -> list[Check]:
    """Whether Akua can be used; nothing where nobody uses it. Raises what keeps its token from being read."""
    if not _asks_akua(settings):
        return []
    where = where_akua_token_is(settings)
    try:
        accepted, *reach = await token_checks(settings, akua_token_of(settings))
    except Unreachable as error:
        return [_not_reached("akua", error, "AKUA_API_URL")]
    except Unauthorized as refused:
        fix = f"Make another token at {AKUA_PLACE} and store it with akash-mcp login --akua. This one is from {where}."
        return [Check("akua", False, refused.what, fix)]
    except Forbidden as refused:
        fix = "Use a token that may read its workspace, and look whether AKUA_WORKSPACE names the right one."
        return [Check("akua", False, refused.what, f"{fix} This one is from {where}.")]
    return [replace(accepted, message=f"{accepted.message} from {where}"), *reach]


def _asked(settings: Settings) -> dict[str, str]:
    """Whom all this is asked of, with their addresses."""
    akash = {"the Console": settings.console_url, "the chain": settings.chain_rest_url}
    return (akash if _asks_akash(settings) else {}) | (
        {"Akua": settings.akua_url} if _asks_akua(settings) else {}
    )


def _asks_akash(settings: Settings) -> bool:
    """Whether a server would offer anything of Akash, or has a key for it. Without both it needs nothing of Akash."""
    try:
        return not all(map(is_of_akua, settings.toolsets)) or has_key(settings)
    except MissingKey:  # there is a list of keys: what is wrong with it is told
        return True


def _asks_akua(settings: Settings) -> bool:
    """Whether a server would offer Akua's tools, or has a token for them."""
    try:
        return serves_akua(settings.toolsets) or has_akua_token(settings)
    except MissingAkuaToken:  # there is a list of tokens: what is wrong with it is told
        return True


async def _ask(upstream: Upstream, path: str, params: Mapping[str, str] | None = None) -> None:
    await upstream.send(
        "GET", path, params=params, sending=Sending.READ, deadline=Deadline(read=10, total=20)
    )


def _not_reached(subject: str, error: AkashError, variable: str) -> Check:
    fix = to_person(error.next_step) or "Try again in a minute."
    return Check(subject, False, to_person(error.what), f"{fix} {variable} names another address.")
