"""The API keys that are good, and what each is called."""

from __future__ import annotations

import hmac
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

from akash_mcp.sandbox.clock import Clock
from akash_mcp.sandbox.console.moments import iso, seconds

_FORMAT = "ac.sk.test"


@dataclass(eq=False)
class Key:
    """One key. `text` is what a client sends; times are ISO 8601. `project`: all that it reaches, None for everything.

    `role` is that of its owner in the team.
    """

    id: str
    name: str
    text: str = field(repr=False)
    created: str
    updated: str
    expires: str | None = None
    last_used: str | None = None
    project: str | None = None
    role: Literal["owner", "viewer"] = "owner"

    def record(self) -> dict[str, Any]:
        """All of it that is told more than once."""
        return {
            "id": self.id,
            "name": self.name,
            "expiresAt": self.expires,
            "createdAt": self.created,
            "updatedAt": self.updated,
            "lastUsedAt": self.last_used,
            "keyFormat": _masked(self.text),
        }


class Keyring:
    """All keys of the one user; the first is the network's own."""

    def __init__(self, clock: Clock, text: str) -> None:
        self._clock = clock
        self.keys: list[Key] = []
        self._add(Key(str(uuid.uuid4()), "sandbox", text, *self._twice()))

    def make(
        self,
        name: str,
        *,
        expires: str | None = None,
        project: str | None = None,
        role: Literal["owner", "viewer"] = "owner",
    ) -> Key:
        """A new key."""
        text = f"{_FORMAT}.{secrets.token_hex(32)}"
        return self._add(
            Key(str(uuid.uuid4()), name, text, *self._twice(), expires=expires, project=project, role=role)
        )

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

    def _add(self, key: Key) -> Key:
        self.keys.append(key)
        return key

    def _twice(self) -> tuple[str, str]:
        """When a new key was made, and last changed."""
        return self._now(), self._now()

    def _now(self) -> str:
        return iso(self._clock.wall())


def _masked(text: str) -> str:
    """A key as it is told ever after: six characters of either end of its random part."""
    kind, random = text.rsplit(".", 1)
    return f"{kind}.{random[:6]}***{random[-6:]}"
