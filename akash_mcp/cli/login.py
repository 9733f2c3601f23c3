"""`akash-mcp login` and `logout`: the Console API key is stored once, and no host application needs it in a file.

A key is checked by reads alone before it is stored, and belongs to the Console that it was checked with.
"""

from __future__ import annotations

import re
import sys
import time

import anyio

from akash_mcp.cli.check import Check
from akash_mcp.cli.hidden_input import hidden_input
from akash_mcp.cli.key_reach import key_checks
from akash_mcp.cli.output import say, wrapped
from akash_mcp.cli.to_person import to_person
from akash_mcp.clients.console.key import ConsoleKey
from akash_mcp.config import Settings
from akash_mcp.errors import (
    ApiError,
    BadArgument,
    BadSettings,
    Interrupted,
    RateLimited,
    ServerError,
    Unreachable,
)
from akash_mcp.key_sources import login_keys, stored_in, where_key_is

LONGEST = 4096
"""Characters of a key: many times what the Console makes."""


def login(settings: Settings, *, unchecked: bool) -> int:
    """Ask for a key, check it with the Console, store it, and say what it reaches. Returns 0.

    Raises `BadSettings` for a key that the Console refuses, and unless `unchecked` where it cannot be asked; nothing is
    stored then.
    """
    console = settings.console_url
    key = _typed(f"API key for {console} (it is not shown): ")
    checks: list[Check] = []
    try:
        checks = anyio.run(key_checks, settings, ConsoleKey(key), time.time())
    except (Unreachable, Interrupted, ServerError, RateLimited) as unasked:
        if not unchecked:
            raise BadSettings(
                f"The key was not stored, since it could not be checked. {unasked.what}",
                next_step=f"{to_person(unasked.next_step)} Or store it all the same with akash-mcp login --unchecked.",
                money="",
            ) from unasked
        say(f"It could not be checked, and is stored all the same. {unasked.what}")
    except ApiError as refused:
        raise BadSettings(
            f"{refused.what} The key was not stored.",
            next_step="Create one at https://console.akash.network (Settings, API Keys), or name the Console that it "
            "is for with --console-url.",
            money="",
        ) from refused
    place = login_keys().keep(console, key)
    stored = login_keys().stored(console)
    assert stored is not None
    for check in checks:
        sys.stdout.write(f"{wrapped(str(check), sys.stdout, check.indent)}\n")
    say(f"The key for {console} is in {stored_in(login_keys(), stored)}.")
    if place == "file":
        say("This system has no keyring that could keep it, so it is not encrypted there.")
    if settings.api_key is not None:
        say(
            f"{settings.place_of('api_key')} holds a key too, which wins over this one: take it out to use this one."
        )
    say(
        "Host applications need no key in their files. A server that had another key takes this one once restarted."
    )
    return 0


def show(settings: Settings) -> int:
    """Say where the key in force comes from, without reading it. Returns 0 where there is one, else 1."""
    where = where_key_is(settings)
    if where:
        sys.stdout.write(f"The key for {settings.console_url} comes from {where}.\n")
    else:
        sys.stdout.write(f"There is no key for {settings.console_url}. akash-mcp login stores one.\n")
    for stored in login_keys().all():
        if stored.url != settings.console_url or settings.api_key is not None:
            sys.stdout.write(f"Not in use: the key for {stored.url} in {stored_in(login_keys(), stored)}.\n")
    return 0 if where else 1


def logout(settings: Settings) -> int:
    """Forget the stored key of a Console. Returns 0. Raises `BadArgument` where none is stored."""
    if not login_keys().forget(settings.console_url):
        raise BadArgument(
            f"No key is stored for {settings.console_url}.",
            next_step="akash-mcp login --status shows which are.",
            money="",
        )
    say(
        f"The key for {settings.console_url} is gone from here. Servers that run have it until they are restarted, and "
        "Akash Console still takes it: delete it at https://console.akash.network (Settings, API Keys) if nobody "
        "should use it any more."
    )
    if settings.api_key is not None:
        say(f"{settings.place_of('api_key')} still holds a key.")
    return 0


def _typed(prompt: str) -> str:
    key = hidden_input(prompt).strip()
    if not re.fullmatch(rf"[!-~]{{1,{LONGEST}}}", key) or key.startswith("$"):
        raise BadArgument(
            "That is not an API key: it is printable ASCII without spaces, as https://console.akash.network (Settings, "
            "API Keys) shows it once.",
            money="",
        )
    return key
