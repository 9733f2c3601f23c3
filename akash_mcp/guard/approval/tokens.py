"""Two-step tokens: each stands for one plan that was shown, and for the one operation that a yes to it opens.

They are in the store with their plans, so that a token given by one process is good in another, and once. What uses a
token up is the operation itself, which the gate opens under the name that is made of the token. A command is written
down nowhere, so its token is good in this process only; and where the store cannot be used all tokens are: closing has
to go on then, and the gate lets nothing else through.
"""

from __future__ import annotations

import logging
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Collection
from dataclasses import dataclass, replace
from hashlib import sha256

from akash_mcp.errors import LedgerUnusable
from akash_mcp.guard.books import audit
from akash_mcp.guard.books.audit import AuditEntry
from akash_mcp.guard.books.journal import op_id_of
from akash_mcp.guard.books.store import Db, Store
from akash_mcp.guard.plans.plan_record import any_plan_of, is_kept, kind_of, text_of
from akash_mcp.guard.plans.plans import Plan
from akash_mcp.ids import OpId

log = logging.getLogger(__name__)

TOKEN_SECONDS = 300
_REMEMBERED_SECONDS = 24 * 3600
"""How long a token that is over is still known, so that whoever sends it again learns what became of it."""

_MOST_PLANS = 64
"""Plans that are kept at once for one account and agent: whoever asks for ever more has the oldest forgotten."""

_IS_OVER = (
    "plan <> '' AND (expires_at <= :now OR EXISTS (SELECT 1 FROM operations WHERE op_id = tokens.op_id))"
)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a token was given for: a `tool` and its `plan`, None where that is not kept, or not here.

    `expires_at`: seconds since the epoch.
    """

    tool: str
    plan: Plan | None
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

    async def issue(self, plan: Plan, shown_as: AuditEntry, token: str = "") -> str:
        """A token for a plan: a new one, or the one that a question has. `shown_as` is written down with it."""
        token = token or f"approve_{secrets.token_urlsafe(12)}"
        op_id = op_id_of(token)
        shown = Shown(plan.tool, plan, self.now() + TOKEN_SECONDS)
        kind = kind_of(plan)
        in_store = is_kept(kind)

        def write(db: Db) -> None:
            forget_old(db)
            db.run(
                "INSERT INTO tokens (op_id, account, agent, tool, kind, plan, expires_at)"
                " VALUES (:op_id, :account, :agent, :tool, :kind, :plan, :expires_at)"
                " ON CONFLICT (op_id) DO UPDATE SET plan = excluded.plan, expires_at = excluded.expires_at"
                " WHERE tokens.account = excluded.account AND tokens.agent = excluded.agent",
                op_id=op_id,
                account=db.account,
                agent=db.agent,
                tool=plan.tool,
                kind=kind,
                plan=text_of(plan) if in_store else "",
                expires_at=shown.expires_at,
            )
            _forget_many(db)
            audit.append(db, replace(shown_as, op_id=op_id))

        self._own = {name: each for name, each in self._own.items() if each.expires_at > self.now()}
        try:
            await self.store.run(write)
        except LedgerUnusable:
            log.exception("an approval token is known to this process only")
            in_store = False
        if not in_store:
            self._own[op_id] = shown
        return token

    def is_own(self, op_id: OpId) -> bool:
        """Whether the token that opens this is known without the store."""
        return op_id in self._own

    async def find(self, token: str) -> Shown | None:
        """What a token was given for to this account and agent, if it is known. Raises `LedgerUnusable`."""
        op_id = op_id_of(token)
        if op_id in self._own:
            return self._own[op_id]
        return await self.store.read(_find, op_id)


def token_of(question: str) -> str:
    """The token for the plan of a question that nobody saw: always the same, so that whoever brings the question back
    again, answered or not, means the operation that the token opens."""
    return f"approve_{urlsafe_b64encode(sha256(question.encode()).digest()[:12]).decode()}"


def is_of(db: Db, op_id: OpId, kinds: Collection[str]) -> bool:
    """Whether what a yes of this name is about is of these kinds, as plans and operations name theirs: a plan that was
    shown, one that waits for a person, or the operation itself. Whose it is makes no difference.
    """
    told = ("tokens", "waiting", "operations")
    rows = [db.one(f"SELECT kind FROM {table} WHERE op_id = :op_id", op_id=op_id) for table in told]
    return any(row is not None and row["kind"] in kinds for row in rows)


def forget_old(db: Db) -> int:
    """Forget the plans of tokens that are over, and tokens that were over long ago: how many plans. Whoever watches
    calls it."""
    db.run("DELETE FROM tokens WHERE expires_at <= :before", before=db.now - _REMEMBERED_SECONDS)
    forgotten = db.run(f"UPDATE tokens SET plan = '' WHERE {_IS_OVER}", now=db.now)
    if forgotten:
        db.forget_deleted()
    return forgotten


def _forget_many(db: Db) -> None:
    mine = "FROM tokens WHERE account = :account AND agent = :agent AND plan <> ''"
    if db.run(
        f"UPDATE tokens SET plan = '' WHERE op_id IN (SELECT op_id {mine}) AND op_id NOT IN"
        f" (SELECT op_id {mine} ORDER BY expires_at DESC, op_id LIMIT :most)",
        account=db.account,
        agent=db.agent,
        most=_MOST_PLANS,
    ):
        db.forget_deleted()


def _find(db: Db, op_id: OpId) -> Shown | None:
    row = db.one(
        "SELECT tool, kind, plan, expires_at FROM tokens"
        " WHERE op_id = :op_id AND account = :account AND agent = :agent",
        op_id=op_id,
        account=db.account,
        agent=db.agent,
    )
    if row is None:
        return None
    plan = any_plan_of(row["kind"], row["plan"]) if row["plan"] else None
    return Shown(row["tool"], plan, row["expires_at"])
