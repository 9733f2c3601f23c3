"""The ledger: every dollar that could still be spent, reserved before the request that could spend it.

A reservation is the exposure of one operation. It is held until the operation was definitely refused, or its
deployment is proven closed and we know what it cost. An operation whose outcome is unknown stays held: it counts
as spent. Every check and its reservation are one transaction, so any number of processes share one budget.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from akash_mcp.errors import OverBudget
from akash_mcp.guard.policy import Policy
from akash_mcp.guard.store import Store
from akash_mcp.ids import Dseq, OpId
from akash_mcp.money import Usd, told_apart

DAY_SECONDS = 24 * 3600

_COUNTED = "CASE state WHEN 'held' THEN amount_uact WHEN 'settled' THEN spent_uact ELSE 0 END"


@dataclass(frozen=True, slots=True)
class BudgetStatus:
    """Where the budget stands. `today` is the last 24 hours, held and spent together."""

    held: Usd
    today: Usd
    left_today: Usd
    live_deployments: int


class Ledger:
    """Reservations against a policy. `now` gives seconds since the epoch."""

    def __init__(self, store: Store, policy: Policy, now: Callable[[], float]) -> None:
        self._store = store
        self._policy = policy
        self._now = now

    def reserve(self, op_id: OpId, amount: Usd, *, dseq: Dseq | None) -> None:
        """Hold `amount` for one operation. `dseq` is None for a new deployment, else the one that it adds to.

        Raises `OverBudget` when a limit would be passed, `LedgerUnusable` when that cannot be known.
        """
        with self._store.transaction() as db:
            self._check(amount, dseq)
            db.execute(
                "INSERT INTO reservations VALUES (?, ?, ?, ?, NULL, 'held', ?)",
                (op_id, dseq, dseq is None, amount.uact_at_most, self._now()),
            )

    def check(self, amount: Usd, *, dseq: Dseq | None) -> None:
        """Raise what `reserve` would raise now, and reserve nothing: asked before a person is asked."""
        with self._store.reading():
            self._check(amount, dseq)

    def attach(self, op_id: OpId, dseq: Dseq) -> None:
        """Name the deployment that a reservation turned into."""
        with self._store.transaction() as db:
            db.execute("UPDATE reservations SET dseq = ? WHERE op_id = ?", (dseq, op_id))

    def hold_at_least(self, op_id: OpId, amount: Usd) -> None:
        """Let an operation hold more than was reserved for it, over any limit: that much has come about."""
        with self._store.transaction() as db:
            db.execute(
                "UPDATE reservations SET amount_uact = MAX(amount_uact, ?) WHERE op_id = ?",
                (amount.uact_at_most, op_id),
            )

    def release(self, op_id: OpId) -> None:
        """Give back a reservation whose request was definitely refused."""
        with self._store.transaction() as db:
            db.execute(
                "UPDATE reservations SET state = 'refused' WHERE op_id = ? AND state = 'held'", (op_id,)
            )

    def settle(self, dseq: Dseq, spent: Usd) -> None:
        """Turn what a deployment held into what it cost, once it is proven closed."""
        with self._store.transaction() as db:
            held = db.execute(
                "SELECT op_id, amount_uact, opens FROM reservations WHERE dseq = ? AND state = 'held' ORDER BY at",
                (dseq,),
            ).fetchall()
            ours = any(row["opens"] for row in held)
            rest = spent.uact_at_most
            for index, row in enumerate(held):
                # What was spent beyond all reservations still counts: it goes with the last. Of what we did not
                # create only the money counts that we put in.
                share = rest if ours and index == len(held) - 1 else min(rest, row["amount_uact"])
                rest -= share
                db.execute(
                    "UPDATE reservations SET state = 'settled', spent_uact = ? WHERE op_id = ?",
                    (share, row["op_id"]),
                )

    def held(self, dseq: Dseq) -> Usd:
        """What is held for one deployment, all its deposits together."""
        with self._store.reading() as db:
            (total,) = db.execute(
                "SELECT COALESCE(SUM(amount_uact), 0) FROM reservations WHERE dseq = ? AND state = 'held'",
                (dseq,),
            ).fetchone()
        return Usd.from_uact(total)

    def held_by(self, op_id: OpId) -> Usd:
        """What is held for one operation."""
        with self._store.reading() as db:
            (total,) = db.execute(
                "SELECT COALESCE(SUM(amount_uact), 0) FROM reservations WHERE op_id = ? AND state = 'held'",
                (op_id,),
            ).fetchone()
        return Usd.from_uact(total)

    def status(self) -> BudgetStatus:
        """Where the budget stands now."""
        with self._store.reading() as db:
            (held,) = db.execute(
                "SELECT COALESCE(SUM(amount_uact), 0) FROM reservations WHERE state = 'held'"
            ).fetchone()
            (today,) = db.execute(
                f"SELECT COALESCE(SUM({_COUNTED}), 0) FROM reservations WHERE at > ?",
                (self._now() - DAY_SECONDS,),
            ).fetchone()
            (live,) = db.execute(
                "SELECT COUNT(*) FROM reservations WHERE state = 'held' AND opens = 1"
            ).fetchone()
        limit = self._policy.max_usd_per_day
        spent = Usd.from_uact(today)
        return BudgetStatus(
            held=Usd.from_uact(held),
            today=spent,
            left_today=limit - spent if spent < limit else Usd(0),
            live_deployments=live,
        )

    def _check(self, amount: Usd, dseq: Dseq | None) -> None:
        policy = self._policy
        total = amount + (self._held_by(dseq) if dseq else Usd(0))
        if total > policy.max_usd_per_deployment:
            cost, limit = told_apart(total, policy.max_usd_per_deployment)
            raise OverBudget(
                f"This would let one deployment cost {cost}, over the limit of {limit} per deployment.",
                next_step="Ask for less. Only the user can raise the limit (AKASH_MCP_MAX_USD_PER_DEPLOYMENT).",
            )
        budget = self.status()
        if amount > budget.left_today:
            left = budget.left_today.rounded_down()  # what is offered can be asked for
            raise OverBudget(
                f"This needs {amount}, and {left} is left of the {policy.max_usd_per_day} allowed in 24 hours.",
                next_step="Close a deployment, whose reservation then shrinks to what it cost, or ask for less. Only "
                "the user can raise the limit (AKASH_MCP_MAX_USD_PER_DAY).",
            )
        if dseq is None and budget.live_deployments >= policy.max_deployments:
            raise OverBudget(
                f"{budget.live_deployments} deployments are open, which is the limit.",
                next_step="Close one with close_deployment. Only the user can raise the limit "
                "(AKASH_MCP_MAX_DEPLOYMENTS).",
            )

    def _held_by(self, dseq: Dseq) -> Usd:
        with self._store.reading() as db:
            (total,) = db.execute(
                f"SELECT COALESCE(SUM({_COUNTED}), 0) FROM reservations WHERE dseq = ?", (dseq,)
            ).fetchone()
        return Usd.from_uact(total)
