"""The ledger: every dollar that could still be spent, reserved before the request that could spend it.

A reservation is the exposure of one operation. It is held until the operation was definitely refused, or its
deployment is proven closed and we know what it cost. An operation whose outcome is unknown stays held: it counts
as spent. Every check and its reservation are one transaction, so any number of processes share one budget.

Its methods are plain functions over an open transaction, for `store.run` and `store.read`.
"""

from __future__ import annotations

from dataclasses import dataclass

from akash_mcp.errors import OverBudget
from akash_mcp.guard.policy import Policy
from akash_mcp.guard.store import Db
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
    """Reservations against a policy."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def reserve(self, db: Db, op_id: OpId, amount: Usd, *, dseq: Dseq | None) -> None:
        """Hold `amount` for one operation. `dseq` is None for a new deployment, else the one that it adds to.

        Raises `OverBudget` when a limit would be passed.
        """
        self.check(db, amount, dseq=dseq)
        db.run(
            "INSERT INTO reservations (op_id, account, agent, dseq, opens, amount_uact, rate_uact, state, at)"
            " VALUES (:op_id, :account, :agent, :dseq, :opens, :amount, 0, 'held', :now)",
            op_id=op_id,
            account=db.account,
            agent=db.agent,
            dseq=dseq,
            opens=int(dseq is None),
            amount=amount.uact_at_most,
            now=db.now,
        )

    def attach(self, db: Db, op_id: OpId, dseq: Dseq) -> None:
        """Name the deployment that a reservation turned into."""
        db.run("UPDATE reservations SET dseq = :dseq WHERE op_id = :op_id", dseq=dseq, op_id=op_id)

    def hold_at_least(self, db: Db, op_id: OpId, amount: Usd) -> None:
        """Let an operation hold more than was reserved for it, over any limit: that much has come about."""
        db.run(
            "UPDATE reservations SET amount_uact = :amount WHERE op_id = :op_id AND amount_uact < :amount",
            amount=amount.uact_at_most,
            op_id=op_id,
        )

    def release(self, db: Db, op_id: OpId) -> None:
        """Give back a reservation whose request was definitely refused."""
        db.run(
            "UPDATE reservations SET state = 'refused' WHERE op_id = :op_id AND state = 'held'", op_id=op_id
        )

    def settle(self, db: Db, dseq: Dseq, spent: Usd) -> None:
        """Turn what a deployment held into what it cost, once it is proven closed."""
        held = db.all(
            "SELECT op_id, amount_uact, opens FROM reservations"
            " WHERE account = :account AND dseq = :dseq AND state = 'held' ORDER BY at",
            account=db.account,
            dseq=dseq,
        )
        ours = any(row["opens"] for row in held)
        rest = spent.uact_at_most
        for index, row in enumerate(held):
            # What was spent beyond all reservations still counts: it goes with the last. Of what we did not
            # create only the money counts that we put in.
            share = rest if ours and index == len(held) - 1 else min(rest, row["amount_uact"])
            rest -= share
            db.run(
                "UPDATE reservations SET state = 'settled', spent_uact = :share WHERE op_id = :op_id",
                share=share,
                op_id=row["op_id"],
            )

    def held(self, db: Db, dseq: Dseq) -> Usd:
        """What is held for one deployment, all its deposits together."""
        return Usd.from_uact(
            db.value(
                "SELECT COALESCE(SUM(amount_uact), 0) FROM reservations"
                " WHERE account = :account AND dseq = :dseq AND state = 'held'",
                account=db.account,
                dseq=dseq,
            )
        )

    def held_by(self, db: Db, op_id: OpId) -> Usd:
        """What is held for one operation."""
        return Usd.from_uact(
            db.value(
                "SELECT COALESCE(SUM(amount_uact), 0) FROM reservations WHERE op_id = :op_id AND state = 'held'",
                op_id=op_id,
            )
        )

    def spent_by(self, db: Db, op_id: OpId) -> Usd | None:
        """What one operation's reservation came to; None while that is not settled."""
        row = db.one(
            "SELECT spent_uact FROM reservations WHERE op_id = :op_id AND state = 'settled'", op_id=op_id
        )
        return Usd.from_uact(row["spent_uact"]) if row else None

    def status(self, db: Db) -> BudgetStatus:
        """Where the budget stands now."""
        held, live = db.all(
            "SELECT COALESCE(SUM(amount_uact), 0) AS held, COALESCE(SUM(opens), 0) AS live FROM reservations"
            " WHERE account = :account AND state = 'held'",
            account=db.account,
        )[0]
        today = db.value(
            f"SELECT COALESCE(SUM({_COUNTED}), 0) FROM reservations WHERE account = :account AND at > :since",
            account=db.account,
            since=db.now - DAY_SECONDS,
        )
        limit = self._policy.max_usd_per_day
        spent = Usd.from_uact(today)
        return BudgetStatus(
            held=Usd.from_uact(held),
            today=spent,
            left_today=limit - spent if spent < limit else Usd(0),
            live_deployments=live,
        )

    def check(self, db: Db, amount: Usd, *, dseq: Dseq | None) -> None:
        """Raise what `reserve` would raise now, and reserve nothing: asked before a person is asked."""
        policy = self._policy
        total = amount + (self._committed(db, dseq) if dseq else Usd(0))
        if total > policy.max_usd_per_deployment:
            cost, limit = told_apart(total, policy.max_usd_per_deployment)
            raise OverBudget(
                f"This would let one deployment cost {cost}, over the limit of {limit} per deployment.",
                next_step="Ask for less. Only the user can raise the limit (AKASH_MCP_MAX_USD_PER_DEPLOYMENT).",
            )
        budget = self.status(db)
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

    def _committed(self, db: Db, dseq: Dseq) -> Usd:
        return Usd.from_uact(
            db.value(
                f"SELECT COALESCE(SUM({_COUNTED}), 0) FROM reservations WHERE account = :account AND dseq = :dseq",
                account=db.account,
                dseq=dseq,
            )
        )
