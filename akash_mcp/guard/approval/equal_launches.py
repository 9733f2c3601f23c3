"""Whether what is about to be launched was launched a moment ago: a model that lost an answer may ask for it again.

It is a warning in the question and no refusal, since two of the same can be what a person wants.
"""

from __future__ import annotations

from sqlite3 import Row

from akash_mcp.guard.books.journal import Kind, State
from akash_mcp.guard.books.store import Db
from akash_mcp.guard.plans.plan_record import plan_of
from akash_mcp.guard.plans.plans import LaunchPlan

EQUAL_SECONDS = 900.0
"""What was begun longer ago is not taken for the same."""


def warning(db: Db, plan: LaunchPlan) -> str:
    """That this agent launched the same manifest for the same amount lately, in whichever process, what became of that,
    and which call follows it. Empty where it did not, or where that did nothing or is closed again.
    """
    rows = db.all(
        "SELECT operations.op_id, operations.state, operations.dseq, operations.manifest, operations.plan,"
        " operations.created_at FROM operations JOIN reservations ON reservations.op_id = operations.op_id"
        " WHERE operations.account = :account AND operations.agent = :agent AND operations.kind = :launch"
        " AND operations.state NOT IN (:refused, :closed) AND operations.created_at > :since"
        " AND reservations.amount_uact = :amount ORDER BY operations.number DESC",
        account=db.account,
        agent=db.agent,
        launch=Kind.LAUNCH,
        refused=State.REFUSED,
        closed=State.CLOSED,
        since=db.now - EQUAL_SECONDS,
        amount=plan.exposure.uact_at_most,
    )
    row = next((row for row in rows if _manifest(row) == plan.manifest), None)
    if row is None:
        return ""
    minutes = int((db.now - row["created_at"]) / 60)
    begun = f"begun {minutes} minute{'' if minutes == 1 else 's'} ago" if minutes else "begun a moment ago"
    operation = f"operation {row['op_id']}{_deployment(row)}"
    if row["state"] == State.UNKNOWN:
        return (
            f"What became of an equal deployment is not known: {operation}, {begun}. This could be a second one. "
            f'get_deployment(id="{row["op_id"]}") says what is known of it.'
        )
    is_up = row["state"] in (State.LEASED, State.READY)
    verb, shows = ("runs already", "shows") if is_up else ("is under way", "follows")
    call = f'get_deployment(id="{row["op_id"]}", wait_for="ready")'
    return f"An equal deployment {verb}: {operation}, {begun}. This would be a second one; {call} {shows} the first."


def _manifest(row: Row) -> str:
    """What a launch sends: as it stands in the plan, before the manifest itself was written down."""
    if row["manifest"] is not None or row["plan"] is None:
        return row["manifest"] or ""
    return plan_of(LaunchPlan, row["plan"]).manifest


def _deployment(row: Row) -> str:
    return f" (deployment {row['dseq']})" if row["dseq"] else ""
