"""The API keys that are good, and what each is called."""

from __future__ import annotations

import hmac
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any

from akash_mcp.sandbox.clock import Clock
from akash_mcp.sandbox.console.moments import iso, seconds

_FORMAT = "ac.sk.test"


@dataclass(eq=False)
class Key:
    """One key. `text` is what a client sends; times are ISO 8601."""

    id: str
    name: str
    text: str = field(repr=False)
    created: str
    updated: str
    expires: str | None = None
    last_used: str | None = None

    def record(self) -> dict[str, Any]:
        """All of it that is told more than once."""
        return {
            "id": self.id,
            "name": self.name,
            "expiresAt": self.expires,
            "createdAt": self.created,
            "updatedAt": self.updated,
            "lastUsedAt": self.last_used,
            "keyFormat": f"{_FORMAT}.***{self.text[-6:]}",
        }


class Keyring:
    """All keys of the one user; the first is the network's own."""

    def __init__(self, clock: Clock, text: str) -> None:
        self._clock = clock
        self.keys: list[Key] = []
        self._add("sandbox", text, None)

    def make(self, name: str, *, expires: str | None = None) -> Key:
        """A new key."""
        return self._add(name, f"{_FORMAT}.{secrets.token_hex(32)}", expires)

    def rename(self, key: Key, name: str) -> None:
        """Call it something else."""
        key.name, key.updated = name, self._now()

    def find(self, text: str) -> Key | None:
        """The key with this text, unless it has expired. That it was used is noted."""
        for key in self.keys:
            if hmac.compare_digest(key.text.encode(), text.encode()):
                if key.expires is not None and seconds(key.expires) <= self._clock.wall():
                    return None
                key.last_used = self._now()
                return key
        return None

    def _add(self, name: str, text: str, expires: str | None) -> Key:
        now = self._now()
        key = Key(str(uuid.uuid4()), name, text, now, now, expires)
        self.keys.append(key)
        return key

    def _now(self) -> str:
        return iso(self._clock.wall())
