"""Two-step tokens: each stands for one plan that was shown, and for the one operation that a yes to it opens.

They are in the store, so that a token given by one process is good in another, and once. What uses a token up is the
operation itself, which the gate opens under the name that is made of the token. Where the store cannot be used, tokens
are this process's own: closing has to go on then, and the gate lets nothing else through.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, replace

from akash_mcp.errors import LedgerUnusable
from akash_mcp.guard.books import audit
from akash_mcp.guard.books.audit import AuditEntry
from akash_mcp.guard.books.journal import op_id_of
from akash_mcp.guard.books.store import Db, Store
from akash_mcp.ids import OpId

log = logging.getLogger(__name__)

TOKEN_SECONDS = 300
_REMEMBERED_SECONDS = 24 * 3600
"""How long a token that is over is still known, so that whoever sends it again learns what became of it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a token was given for: a plan, and the call that it was shown in. `expires_at`: seconds since the epoch."""

    fingerprint: str
    call: str
    expires_at: float


class Tokens:
    """The tokens of this user on this machine."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._own: dict[OpId, Shown] = {}

    def now(self) -> float:
        """Seconds since the epoch, by the store's clock."""
        return self.store.now()

    async def are_shared(self) -> bool:
        """Whether the store can be used."""
        try:
            await self.store.read(lambda db: db.one("SELECT 1 FROM tokens LIMIT 1"))
        except LedgerUnusable:
            return False
        return True

    async def issue(self, fingerprint: str, call: str, shown_as: AuditEntry) -> str:
        """A new token for a plan. `call`: a hash of the tool and its arguments. `shown_as` is written down with it."""
        token = f"approve_{secrets.token_urlsafe(12)}"
        now, op_id = self.now(), op_id_of(token)
        shown = Shown(fingerprint, call, now + TOKEN_SECONDS)

        def write(db: Db) -> None:
            db.run("DELETE FROM tokens WHERE expires_at <= :before", before=now - _REMEMBERED_SECONDS)
            db.run(
                "INSERT INTO tokens (op_id, fingerprint, arguments, expires_at)"
                " VALUES (:op_id, :fingerprint, :call, :expires_at)",
                op_id=op_id,
                fingerprint=fingerprint,
                call=call,
                expires_at=shown.expires_at,
            )
            audit.append(db, replace(shown_as, op_id=op_id))

        try:
            await self.store.run(write)
        except LedgerUnusable:
            log.exception("an approval token is known to this process only")
            self._own[op_id] = shown
        return token

    async def find(self, token: str) -> Shown | None:
        """What a token was given for, if it is known. Raises `LedgerUnusable`."""
        op_id = op_id_of(token)
        if op_id in self._own:
            return self._own[op_id]
        row = await self.store.read(
            lambda db: db.one(
                "SELECT fingerprint, arguments, expires_at FROM tokens WHERE op_id = :op_id", op_id=op_id
            )
        )
        return Shown(*row) if row else None

    async def use_up(self, token: str) -> None:
        """End a token that was brought for something else. One that opened its operation stays known."""
        op_id = op_id_of(token)
        if self._own.pop(op_id, None) is None:
            await self.store.run(
                lambda db: db.run(
                    "DELETE FROM tokens WHERE op_id = :op_id AND op_id NOT IN (SELECT op_id FROM operations)",
                    op_id=op_id,
                )
            )
