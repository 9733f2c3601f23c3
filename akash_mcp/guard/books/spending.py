"""What was spent within 24 hours, as far as the ledger knows it: what is settled, and what is still open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from akash_mcp.guard.books.ledger import DAY_SECONDS
from akash_mcp.guard.books.store import Db
from akash_mcp.ids import Dseq
from akash_mcp.money import Usd


@dataclass(frozen=True, slots=True)
class OpenAccount:
    """What is held for one open deployment. `ours`: this server opened it, so that all its rent is our spending."""

    held: Usd
    ours: bool


@dataclass(frozen=True, slots=True)
class Spending:
    """`settled`: what ended or was reserved within 24 hours has cost, whole; `open`: what may cost money yet.

    `lost`: what is held by launches of which nobody knows whether they made a deployment, `lost_launches` of them.
    """

    settled: Usd
    open: Mapping[Dseq, OpenAccount]
    lost: Usd
    lost_launches: int


def within_a_day(db: Db, agent: str | None) -> Spending:
    """The spending of one agent, or of all where `agent` is None.

    A deployment that ran for days and ended within the 24 hours counts whole: more than it was, and never less.
    """
    owner = {"account": db.account, "anybody": int(agent is None), "agent": agent or ""}
    whose = "account = :account AND (:anybody = 1 OR agent = :agent)"
    settled = db.value(
        f"SELECT COALESCE(SUM(spent_uact), 0) FROM reservations WHERE {whose} AND state = 'settled' AND (at > :since"
        " OR op_id IN (SELECT op_id FROM operations WHERE account = :account AND updated_at > :since)"
        " OR dseq IN (SELECT dseq FROM operations WHERE account = :account AND kind = 'launch'"
        " AND updated_at > :since))",
        since=db.moment.earliest - DAY_SECONDS,
        **owner,
    )
    rows = db.all(
        "SELECT dseq, SUM(amount_uact) AS held, MAX(opens) AS ours FROM reservations"
        f" WHERE {whose} AND state = 'held' AND dseq IS NOT NULL GROUP BY dseq",
        **owner,
    )
    lost = db.all(
        f"SELECT amount_uact FROM reservations WHERE {whose} AND state = 'held' AND dseq IS NULL"
        " AND op_id IN (SELECT op_id FROM operations WHERE account = :account AND state = 'unknown')",
        **owner,
    )
    return Spending(
        settled=Usd.from_uact(settled),
        open={Dseq(row["dseq"]): OpenAccount(Usd.from_uact(row["held"]), bool(row["ours"])) for row in rows},
        lost=Usd.from_uact(sum(row["amount_uact"] for row in lost)),
        lost_launches=len(lost),
    )
