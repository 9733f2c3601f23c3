"""The Console API keys that `akash-mcp login` stored: one a Console, and none is ever shown to another.

They are of a person and not of a state folder: whichever server of theirs asks that Console uses its key.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from akash_mcp.errors import MissingKey
from akash_mcp.guard.value_store import Entry, Place, ValueStore


@dataclass(frozen=True, slots=True)
class StoredKey:
    """Where the key of a Console is, and since when (seconds since the epoch)."""

    console: str
    place: Place
    set_at: float


class LoginKeys:
    """The keys whose list stands in `folder`. Each method but `stored` may wait for a person whom the keyring asks."""

    def __init__(self, folder: Path, now: Callable[[], float] = time.time) -> None:
        self.path = folder / "login.json"
        self._kept = ValueStore(self.path, service="akash-mcp login", what="keys", fault=MissingKey, now=now)

    def keep(self, console_url: str, key: str) -> Place:
        """Store a key in place of an earlier one, and say where. Raises `MissingKey` where it can be stored nowhere."""
        return self._kept.keep(_console(console_url), key)

    def forget(self, console_url: str) -> bool:
        """Forget the key of a Console: whether there was one."""
        if self.stored(console_url) is None:
            return False
        self._kept.remove(_console(console_url))
        return True

    def stored(self, console_url: str) -> StoredKey | None:
        """Where the key of a Console is; None where there is none. Raises `MissingKey` for a file that is not used."""
        return next((each for each in self.all() if each.console == _console(console_url)), None)

    def all(self) -> list[StoredKey]:
        """Where each key is. Raises `MissingKey` for a file that is not used."""
        return [
            StoredKey(console, entry.place, entry.set_at)
            for console, entry in sorted(self._kept.entries().items())
        ]

    def read(self, console_url: str) -> str:
        """The key of a Console. Raises `MissingKey`, which says what the user can do."""
        console = _console(console_url)
        entries = self._kept.entries()
        entry = entries.get(console)
        if entry is None and entries:
            raise MissingKey(
                f"There is no API key for the Console at {console}: akash-mcp login stored one for "
                f"{', '.join(sorted(entries))} alone.",
                next_step=f"Ask the user to run akash-mcp login --console-url {console}, then call again.",
            )
        if entry is None:
            raise MissingKey
        key = self._value(console, entry)
        if not key:
            raise MissingKey(
                f"The API key for {console} is not where akash-mcp login stored it: somebody took it out of the "
                "keyring.",
                next_step="Ask the user to run akash-mcp login again, then call again.",
            )
        return key

    def _value(self, console: str, entry: Entry) -> str | None:
        return entry.value if entry.place == "file" else self._kept.from_keyring(console)


def _console(url: str) -> str:
    """A Console's address in the one way in which it is written here."""
    parts = urlsplit(url)
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path.rstrip('/')}"
