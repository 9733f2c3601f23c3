"""The ledger: every dollar that could still be spent, reserved before the request that could spend it.

A reservation is the exposure of one operation. It is held until the operation was definitely refused, or its
deployment is proven closed and we know what it cost. An operation whose outcome is unknown stays held: it counts
as spent. Every check and its reservation are one transaction, so any number of processes share one budget.

What is settled is added up by the day of its reservation (`spent`) as it is settled. So a check reads what is held,
what was reserved within 24 hours, and a sum a day, however old the ledger is; and old rows can go (`fold`) without
any sum changing.

Its methods are plain functions over an open transaction, for `store.run` and `store.read`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace
from sqlite3 import Row

from akash_mcp.guard.books.clock import day_of, month_of
from akash_mcp.guard.books.store import Db
from akash_mcp.guard.policy import limits
from akash_mcp.guard.policy.limits import BudgetStatus, Committed, Standing
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.ids import Dseq, OpId
from akash_mcp.money import Usd

DAY_SECONDS = 24 * 3600

KEPT_DAYS = 40
"""So long a reservation that is over is kept as a row of its own."""

_BITE = 200
"""So many rows go in one transaction."""

_COUNTED = "CASE state WHEN 'held' THEN amount_uact WHEN 'settled' THEN spent_uact ELSE 0 END"
_SPENT = "CASE state WHEN 'settled' THEN spent_uact ELSE 0 END"


class Ledger:
    """Reservations against a policy."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def reserve(
        self, db: Db, op_id: OpId, amount: Usd, *, dseq: Dseq | None, rate: Usd | None = None
    ) -> None:
        """Hold `amount` for one operation. `dseq` is None for a new deployment, which may cost `rate` USD an hour; else
        the one that it adds to.

        Raises `OverBudget` when a limit would be passed.
        """
        self.check(db, amount, dseq=dseq, rate=rate)
        db.run(
            "INSERT INTO reservations (op_id, account, agent, dseq, opens, amount_uact, rate_uact, state, at)"
            " VALUES (:op_id, :account, :agent, :dseq, :opens, :amount, :rate, 'held', :now)",
            op_id=op_id,
            account=db.account,
            agent=db.agent,
            dseq=dseq,
            opens=int(dseq is None),
            amount=amount.uact_at_most,
            rate=rate.uact_at_most if rate is not None and dseq is None else 0,
            now=db.moment.latest,
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
            "SELECT op_id, agent, amount_uact, opens, at FROM reservations"
            " WHERE account = :account AND dseq = :dseq AND state = 'held' ORDER BY opens DESC, at, op_id",
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
            _settle(db, row, share)

    def settle_operation(self, db: Db, op_id: OpId, spent: Usd) -> None:
        """Turn what one operation held into what it cost: for what belongs to no deployment that can be looked up."""
        for row in db.all(
            "SELECT op_id, agent, at FROM reservations WHERE account = :account AND op_id = :op_id AND state = 'held'",
            account=db.account,
            op_id=op_id,
        ):
            _settle(db, row, spent.uact_at_most)

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
        return self._status(db)

    def by_agent(self, db: Db) -> dict[str, Committed]:
        """What each agent has committed, by its name: `""` is nobody in particular."""
        return _committed_by_agent(db, "")

    def check(self, db: Db, amount: Usd, *, dseq: Dseq | None, rate: Usd | None = None) -> None:
        """Raise what `reserve` would raise now, and reserve nothing: asked before a person is asked."""
        amount = _whole(amount)
        status = self._status(db)
        limits.check_deployment(amount + self._committed(db, dseq) if dseq else amount, status.own)
        limits.check_amount(amount, status)
        if dseq is None:
            limits.check_number(status)
            limits.check_rate(None if rate is None else _whole(rate), status)

    def check_rate(self, db: Db, dseq: Dseq, rate: Usd) -> None:
        """Raise `OverBudget` where a deployment that we opened may not cost `rate` USD an hour beside the others.

        What another agent opened counts in its budget: it may cost what was allowed then, and no more.
        """
        rate = _whole(rate)
        opened = db.one(
            "SELECT agent, rate_uact FROM reservations"
            " WHERE account = :account AND dseq = :dseq AND state = 'held' AND opens = 1",
            account=db.account,
            dseq=dseq,
        )
        if self._policy.roof is not None and opened is not None and opened["agent"] != db.agent:
            limits.check_rate_of_another(rate, Usd.from_uact(opened["rate_uact"]), opened["agent"])
        limits.check_rate(rate, self._status(db, besides=dseq))

    def reserve_rate(self, db: Db, dseq: Dseq, rate: Usd) -> None:
        """Let a deployment that we opened cost `rate` USD an hour, before it is leased. Raises as `check_rate` does."""
        self.check_rate(db, dseq, rate)
        db.run(
            "UPDATE reservations SET rate_uact = :rate"
            " WHERE account = :account AND dseq = :dseq AND state = 'held' AND opens = 1 AND rate_uact < :rate",
            rate=rate.uact_at_most,
            account=db.account,
            dseq=dseq,
        )

    def note_rate(self, db: Db, dseq: Dseq, rate: Usd) -> None:
        """Write down what the leases of a deployment that we opened cost together, in USD an hour, over any limit.

        Without a lease (`rate` is nothing) what it may cost stays what was allowed: it may be leased yet.
        """
        if rate:
            db.run(
                "UPDATE reservations SET rate_uact = :rate"
                " WHERE account = :account AND dseq = :dseq AND state = 'held' AND opens = 1",
                rate=rate.uact_at_most,
                account=db.account,
                dseq=dseq,
            )

    def unrated(self, db: Db) -> list[Dseq]:
        """The open deployments of which nobody wrote down what they may cost an hour: those of earlier versions."""
        rows = db.all(
            "SELECT dseq FROM reservations WHERE account = :account AND dseq IS NOT NULL AND state = 'held'"
            " AND opens = 1 AND rate_uact = 0",
            account=db.account,
        )
        return [Dseq(row["dseq"]) for row in rows]

    def fold(self, db: Db) -> int:
        """Let go of a few rows that were over `KEPT_DAYS` ago, and say how many. What was spent stands in sums already.

        Not all at once, so that nobody waits for it: whoever watches calls it every now and then, until nothing goes.
        """
        return db.run(
            "DELETE FROM reservations WHERE op_id IN (SELECT op_id FROM reservations"
            f" WHERE account = :account AND at < :old AND state <> 'held' ORDER BY at LIMIT {_BITE})",
            account=db.account,
            old=db.moment.earliest - KEPT_DAYS * DAY_SECONDS,
        )

    def _status(self, db: Db, *, besides: str = "") -> BudgetStatus:
        """`status`, with the rate of all deployments but one."""
        committed = _committed_by_agent(db, besides)
        together, policy = _sum(committed.values()), self._policy
        if policy.roof is None:
            standing = Standing(limits=policy, committed=together)
            return BudgetStatus(standing, standing)
        return BudgetStatus(
            own=Standing(
                limits=policy,
                committed=committed.get(db.agent, Committed()),
                agent=policy.agent,
                whose=f"agent {policy.agent}",
            ),
            roof=Standing(limits=policy.roof, committed=together, whose="all agents together"),
        )

    def _committed(self, db: Db, dseq: Dseq) -> Usd:
        return Usd.from_uact(
            db.value(
                f"SELECT COALESCE(SUM({_COUNTED}), 0) FROM reservations WHERE account = :account AND dseq = :dseq",
                account=db.account,
                dseq=dseq,
            )
        )


def _settle(db: Db, row: Row, share: int) -> None:
    """Turn one reservation into what it cost, in uact, and add that to the sum of its day."""
    db.run(
        "UPDATE reservations SET state = 'settled', spent_uact = :share WHERE op_id = :op_id",
        share=share,
        op_id=row["op_id"],
    )
    db.run(
        "INSERT INTO spent (account, agent, day, spent_uact) VALUES (:account, :agent, :day, :share)"
        " ON CONFLICT (account, agent, day) DO UPDATE SET spent_uact = spent.spent_uact + :share",
        account=db.account,
        agent=row["agent"],
        day=day_of(row["at"]),
        share=share,
    )


def bring_back(db: Db) -> int:
    """Date as of now what a clock that ran ahead wrote into the future. How many reservations that was.

    They were written before now, so none counts for less than its time.
    """
    latest = db.moment.latest
    today = day_of(latest)
    db.run(
        "INSERT INTO spent (account, agent, day, spent_uact) SELECT account, agent, :today, SUM(spent_uact) FROM spent"
        " WHERE account = :account AND day > :today GROUP BY account, agent"
        " ON CONFLICT (account, agent, day) DO UPDATE SET spent_uact = spent.spent_uact + excluded.spent_uact",
        account=db.account,
        today=today,
    )
    db.run("DELETE FROM spent WHERE account = :account AND day > :today", account=db.account, today=today)
    return db.run(
        "UPDATE reservations SET at = :now WHERE account = :account AND at > :now",
        account=db.account,
        now=latest,
    )


# What is proven closed at a cost that nobody knows goes on holding its money, and no slot.
_MAY_RUN = (
    "NOT EXISTS (SELECT 1 FROM operations WHERE operations.op_id = reservations.op_id"
    " AND operations.state = 'closed')"
)

HELD_SQL = (
    "SELECT agent, SUM(amount_uact) AS held, SUM(CASE WHEN at >= :month THEN amount_uact ELSE 0 END) AS month,"
    f" SUM(CASE WHEN opens = 1 AND {_MAY_RUN} THEN 1 ELSE 0 END) AS live,"
    f" SUM(CASE WHEN dseq = :besides OR NOT {_MAY_RUN} THEN 0 ELSE rate_uact END) AS rate,"
    " SUM(CASE WHEN opens = 1 AND rate_uact = 0 AND (dseq IS NULL OR dseq <> :besides)"
    f" AND {_MAY_RUN} THEN 1 ELSE 0 END) AS unrated"
    " FROM reservations WHERE account = :account AND state = 'held' GROUP BY agent"
)
TODAY_SQL = (
    f"SELECT agent, SUM({_COUNTED}) AS today, SUM({_SPENT}) AS spent FROM reservations"
    " WHERE account = :account AND at > :since GROUP BY agent"
)
SPENT_SQL = (
    "SELECT agent, SUM(spent_uact) AS total, SUM(CASE WHEN day >= :first THEN spent_uact ELSE 0 END) AS month"
    " FROM spent WHERE account = :account GROUP BY agent"
)


def _committed_by_agent(db: Db, besides: str) -> dict[str, Committed]:
    month = month_of(db.moment.earliest)
    agents: dict[str, Committed] = {}

    def of(agent: str) -> Committed:
        return agents.get(agent, Committed())

    for row in db.all(HELD_SQL, account=db.account, month=month.timestamp(), besides=besides):
        held = Usd.from_uact(row["held"])
        agents[row["agent"]] = Committed(
            held=held,
            total=held,
            month=Usd.from_uact(row["month"]),
            usd_per_hour=Usd.from_uact(row["rate"]),
            live_deployments=int(row["live"]),
            unrated=int(row["unrated"]),
        )
    for row in db.all(TODAY_SQL, account=db.account, since=db.moment.earliest - DAY_SECONDS):
        agents[row["agent"]] = replace(
            of(row["agent"]), today=Usd.from_uact(row["today"]), spent_today=Usd.from_uact(row["spent"])
        )
    for row in db.all(SPENT_SQL, account=db.account, first=day_of(month.timestamp())):
        known, month_spent = of(row["agent"]), Usd.from_uact(row["month"])
        agents[row["agent"]] = replace(
            known,
            total=known.total + Usd.from_uact(row["total"]),
            month=known.month + month_spent,
            spent_month=month_spent,
        )
    return agents


def _sum(parts: Iterable[Committed]) -> Committed:
    together = Committed()
    for part in parts:
        together = Committed(
            **{
                each.name: getattr(together, each.name) + getattr(part, each.name)
                for each in fields(Committed)
            }
        )
    return together


def _whole(amount: Usd) -> Usd:
    """An amount as it is written down: in whole uact, rounded up."""
    return Usd.from_uact(amount.uact_at_most)
