"""`akash-mcp login` and `logout`: a key is stored once, and no host application needs it in a file.

A key is checked by reads alone before it is stored, and belongs to the address that it was checked with.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import anyio

from akash_mcp.cli.akua_reach import token_checks
from akash_mcp.cli.check import Check
from akash_mcp.cli.hidden_input import hidden_input
from akash_mcp.cli.key_reach import key_checks
from akash_mcp.cli.output import say, wrapped
from akash_mcp.cli.to_person import to_person
from akash_mcp.clients.akua.token import AkuaToken
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
from akash_mcp.guard.login_keys import LoginKeys, Service, owner_of
from akash_mcp.key_sources import akua_tokens, login_keys, stored_in

LONGEST = 4096
"""Characters of a key: many times what any service makes."""


@dataclass(frozen=True, slots=True)
class Account:
    """The service at one address that a key is for."""

    keys: LoginKeys
    url: str
    given: str
    """Where a setting holds a key, which wins over a stored one; "" where none does."""
    check: Callable[[str], Awaitable[list[Check]]]
    """Whether the service takes a key, and how far it reaches. Raises what it says of one that it refuses."""
    title: str
    source: str
    """Where its keys are made, and taken back."""
    then: str
    """What changes once one is stored."""

    @property
    def service(self) -> Service:
        """Whose keys these are."""
        return self.keys.service

    @property
    def noun(self) -> str:
        """What a key of it is called."""
        return self.service.noun

    @property
    def where(self) -> str:
        """Where the key in force comes from, as a sentence goes on; "" where there is none."""
        stored = None if self.given else self.keys.stored(self.url)
        return stored_in(self.keys, stored) if stored is not None else self.given


def at_console(settings: Settings) -> Account:
    """The account at the Console of these settings."""
    return Account(
        keys=login_keys(),
        url=settings.console_url,
        given=settings.place_of("api_key") if settings.api_key is not None else "",
        check=lambda key: key_checks(settings, ConsoleKey(key), time.time()),
        title="Akash Console",
        source="https://console.akash.network (Settings, API Keys)",
        then="A server that had another key takes this one once restarted.",
    )


def at_akua(settings: Settings) -> Account:
    """The account at Akua, which is another service than Akash."""
    return Account(
        keys=akua_tokens(),
        url=settings.akua_url,
        given=settings.place_of("akua_token") if settings.akua_token is not None else "",
        check=lambda token: token_checks(settings, AkuaToken(token)),
        title="Akua",
        source="https://akua.dev (the API tokens of your workspace)",
        then=f"Servers {_asking_there(settings)}whose toolsets nobody names offer Akua's tools from their next "
        "start on.",
    )


def _asking_there(settings: Settings) -> str:
    """Which servers take a token from here, where the address of this command is not what they have without it."""
    told_here = settings.place_of("akua_url").startswith("-")
    return f"that have AKUA_API_URL={settings.akua_url} and " if told_here else ""


def login(account: Account, *, unchecked: bool) -> int:
    """Ask for a key, check it with its service, store it, and say what it reaches. Returns 0.

    Raises `BadSettings` for a key that the service refuses, and unless `unchecked` where it cannot be asked; nothing is
    stored then.
    """
    noun, url, service = account.noun, account.url, account.service
    key = _typed(account)
    checks: list[Check] = []
    try:
        checks = anyio.run(account.check, key)
    except (Unreachable, Interrupted, ServerError, RateLimited) as unasked:
        if not unchecked:
            raise BadSettings(
                f"The {noun} was not stored, since it could not be checked. {unasked.what}",
                next_step=f"{to_person(unasked.next_step)} Or store it all the same with {service.login} --unchecked.",
                money="",
            ) from unasked
        say(f"It could not be checked, and is stored all the same. {unasked.what}")
    except ApiError as refused:
        raise BadSettings(
            f"{refused.what} The {noun} was not stored.",
            next_step=f"Create one at {account.source}, or name the address that it is for with {service.address}.",
            money="",
        ) from refused
    place = account.keys.keep(url, key)
    stored = account.keys.stored(url)
    assert stored is not None
    for check in checks:
        sys.stdout.write(f"{wrapped(str(check), sys.stdout, check.indent)}\n")
    say(f"The {noun} for {url} is in {stored_in(account.keys, stored)}.")
    if place == "file":
        say("This system has no keyring that could keep it, so it is not encrypted there.")
    if account.given:
        say(f"{account.given} holds a {noun} too, which wins over this one: take it out to use this one.")
    say(f"Host applications need no {noun} in their files. {account.then}")
    return 0


def show(account: Account) -> int:
    """Say where the key in force comes from, without reading it. Returns 0 where there is one, else 1."""
    noun, url, where = account.noun, account.url, account.where
    if where:
        sys.stdout.write(f"The {noun} for {url} comes from {where}.\n")
    else:
        sys.stdout.write(f"There is no {noun} for {url}. {account.service.login} stores one.\n")
    for stored in account.keys.all():
        if stored.url != url or account.given:
            sys.stdout.write(
                f"Not in use: the {noun} for {stored.url} in {stored_in(account.keys, stored)}.\n"
            )
    return 0 if where else 1


def logout(account: Account) -> int:
    """Forget the stored key for an address. Returns 0. Raises `BadArgument` where none is stored."""
    noun, url = account.noun, account.url
    if not account.keys.forget(url):
        raise BadArgument(
            f"No {noun} is stored for {url}.",
            next_step=f"{account.service.login} --status shows which are.",
            money="",
        )
    say(
        f"The {noun} for {url} is gone from here. Servers that run have it until they are restarted, and "
        f"{account.title} still takes it: delete it at {account.source} if nobody should use it any more."
    )
    if account.given:
        say(f"{account.given} still holds a {noun}.")
    return 0


def _typed(account: Account) -> str:
    """The key as a person gives it. Raises `BadArgument` for what is none of this service, which then never sees it."""
    noun = account.noun
    key = hidden_input(f"API {noun} for {account.url} (it is not shown): ").strip()
    if not re.fullmatch(rf"[!-~]{{1,{LONGEST}}}", key) or key.startswith("$"):
        raise BadArgument(
            f"That is not an API {noun}: it is printable ASCII without spaces, as {account.source} shows it once.",
            money="",
        )
    owner = owner_of(key)
    if owner is not None and owner is not account.service:
        raise BadArgument(
            f"That is an API {owner.noun} for {owner.title}, so {account.title} was not shown it.",
            next_step=f"{owner.login} stores it.",
            money="",
        )
    return key
