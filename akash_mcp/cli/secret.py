"""`akash-mcp secret`: a person's secrets by name. A value is typed or piped, never an argument, and never shown."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from akash_mcp.cli.hidden_input import hidden_input
from akash_mcp.cli.output import say
from akash_mcp.guard.secret_store import SecretStore, StoredSecret
from akash_mcp.sanitize.secrets import SHORTEST_NAMED
from akash_mcp.sdl.secret_reference import NAME, SCHEME


def store(folder: Path, name: str, *, variable: str | None) -> int:
    """Store a secret, or the name of the variable that holds it, and say where. Raises `BadArgument`."""
    secrets = _store(folder)
    if variable is not None:
        secrets.set_from_environment(name, variable)
        say(
            f"Secret {name} is variable {variable} of the environment that the server runs in. No value was stored: a "
            "host application passes on only the variables that its configuration names."
        )
    else:
        if not NAME.fullmatch(name):  # before anything is typed
            secrets.set(name, "")
        value = hidden_input(f"Value of {name} (it is not shown): ")
        place = secrets.set(name, value)
        where = "the system's keyring" if place == "keyring" else f"{secrets.path}, readable by you alone"
        say(f"Secret {name} is in {where}.")
        if place == "file":
            say("This system has no keyring that could keep it, so it is not encrypted there.")
        if len(value) < SHORTEST_NAMED:
            say(
                f"It has fewer than {SHORTEST_NAMED} characters, so it cannot be hidden in logs and answers: that "
                "would hide ordinary words. Use a longer one."
            )
    say(f"An SDL names it as the whole value of a variable: - NAME={SCHEME}{name}")
    return 0


def remove(folder: Path, name: str) -> int:
    """Forget a secret. Raises `BadArgument` for one that is not there."""
    _store(folder).remove(name)
    say(
        f"Secret {name} is gone from here. Deployments that have it keep it, and it is no longer hidden in their logs."
    )
    return 0


def show(folder: Path, *, as_json: bool) -> int:
    """Write what is stored to standard output."""
    stored = _store(folder).stored()
    if as_json:
        sys.stdout.write(json.dumps([_record(each) for each in stored]) + "\n")
        return 0
    if not stored:
        say("No secrets are stored. akash-mcp secret set NAME stores one.")
    width = max((len(each.name) for each in stored), default=0)
    for each in stored:
        since = datetime.fromtimestamp(each.set_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
        sys.stdout.write(f"{each.name:{width}}  {_where(each)}  {since}\n")
    return 0


def _record(stored: StoredSecret) -> dict[str, str | None]:
    """A secret as JSON, without its value: `set_at` is text in UTC, as every moment of `--json`."""
    set_at = datetime.fromtimestamp(stored.set_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"name": stored.name, "place": stored.place, "set_at": set_at, "variable": stored.variable}


def _store(folder: Path) -> SecretStore:
    return SecretStore(folder, time.time)


def _where(stored: StoredSecret) -> str:
    return f"environment variable {stored.variable}" if stored.place == "environment" else stored.place
