"""Plans that wait for a person at a terminal, out of the model's and the client's reach.

A call of a tool puts its plan here (`ask`) and ends. A person runs `akash-mcp approve`, sees the plan and answers it
(`answer`): that command is the only writer of an answer. A yes opens one operation, whose name stood here before
anybody was asked: under that name the plan is carried out, and the same call, with the same arguments and for the same
agent, finds the answer too. A no is told once. What is over is deleted with what it holds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from sqlite3 import Row
from typing import Literal

from akash_mcp.guard.books import audit
from akash_mcp.guard.books.audit import AuditEntry, Event
from akash_mcp.guard.books.journal import new_op_id
from akash_mcp.guard.books.store import Db
from akash_mcp.guard.plans.akua_plans import AkuaPlan
from akash_mcp.guard.plans.plan_record import any_plan_of, is_kept, kind_of, text_of
from akash_mcp.guard.plans.plans import Plan
from akash_mcp.ids import OpId
from akash_mcp.money import Usd

WAIT_SECONDS = 1_800
"""How long a plan waits for its answer, and how long a yes is good from then on."""

Answer = Literal["yes", "no"]

_WAS_REFUSED = (
    "EXISTS (SELECT 1 FROM operations WHERE operations.op_id = waiting.op_id"
    " AND operations.state = 'refused')"
)
"""A yes whose operation did nothing is over: the call that comes again is a new one."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A plan that waits, or was answered. Times are seconds since the epoch; `plan` is JSON (`plan_record`).

    `summary` is what the person is shown, and `record` what may be kept of it; `exposure` is the most it can cost
    beyond what is held, `client` the MCP client as it names itself.
    """

    op_id: OpId
    account: str
    agent: str
    client: str
    fingerprint: str
    tool: str
    kind: str
    plan: str
    summary: str
    record: str
    exposure: Usd
    made_at: float
    expires_at: float
    answer: Answer | None

    @property
    def sdl(self) -> str | None:
        """What would run; None where the plan is not about that, or is forgotten."""
        sdl = json.loads(self.plan or "{}").get("sdl")
        return sdl if isinstance(sdl, str) else None

    @property
    def values(self) -> str | None:
        """The values that would be sent to Akua, one a line, none cut and no secret among them; None where there are
        none, or the plan is forgotten. Raises `LedgerUnusable` for a plan that cannot be read."""
        plan = any_plan_of(self.kind, self.plan) if self.plan else None
        return (plan.whole_values or None) if isinstance(plan, AkuaPlan) else None


def ask(db: Db, plan: Plan, call: str, client: str = "") -> tuple[Waiting, bool]:
    """The plan as it waits or was answered, and whether it took the place of one that was another plan by now.

    `call` is a hash of the tool and its arguments. An answer was given to one plan: where that would do something else
    now, nobody answered. A no is forgotten as it is read.
    """
    forget_old(db)
    known = find(db, call)
    if known is not None and known.fingerprint == plan.fingerprint:
        if known.answer == "no":
            _delete(db, known.op_id)
        return known, False
    if known is not None:
        _delete(db, known.op_id)
    new = Waiting(
        op_id=new_op_id(),
        account=db.account,
        agent=db.agent,
        client=client,
        fingerprint=plan.fingerprint,
        tool=plan.tool,
        kind=kind_of(plan),
        plan=text_of(plan),
        summary=plan.summary,
        record=plan.record,
        exposure=plan.exposure,
        made_at=db.now,
        expires_at=db.now + WAIT_SECONDS,
        answer=None,
    )
    db.run(
        "INSERT INTO waiting (op_id, account, agent, client, call, fingerprint, tool, kind, plan, summary, record,"
        " exposure_uact, made_at, expires_at) VALUES (:op_id, :account, :agent, :client, :call, :fingerprint, :tool,"
        " :kind, :plan, :summary, :record, :exposure, :made_at, :expires_at)",
        op_id=new.op_id,
        account=new.account,
        agent=new.agent,
        client=new.client,
        call=call,
        fingerprint=new.fingerprint,
        tool=new.tool,
        kind=new.kind,
        plan=new.plan,
        summary=new.summary,
        record=new.record,
        exposure=new.exposure.uact_at_most,
        made_at=new.made_at,
        expires_at=new.expires_at,
    )
    audit.append(db, AuditEntry(Event.SHOWN, new.record, new.op_id, client, "terminal", plan.exposure))
    return new, known is not None


def find(db: Db, call: str) -> Waiting | None:
    """What this account's and agent's call waits for, or was answered, while that is good."""
    row = db.one(
        "SELECT * FROM waiting WHERE account = :account AND agent = :agent AND call = :call"
        f" AND expires_at > :now AND NOT ({_WAS_REFUSED})",
        account=db.account,
        agent=db.agent,
        call=call,
        now=db.now,
    )
    return _waiting(row) if row else None


def named(db: Db, op_id: OpId) -> Waiting | None:
    """What waits, or was answered, under this name for this account and agent, while that is good. A no is forgotten as
    it is read."""
    row = db.one(
        "SELECT * FROM waiting WHERE op_id = :op_id AND account = :account AND agent = :agent AND expires_at > :now",
        op_id=op_id,
        account=db.account,
        agent=db.agent,
        now=db.now,
    )
    if row is not None and row["answer"] == "no":
        _delete(db, op_id)
    return _waiting(row) if row else None


def unanswered(db: Db, *, of_all: bool = False) -> list[Waiting]:
    """What waits for an answer, the oldest first: this account's, or `of_all` accounts in the file."""
    rows = db.all(
        "SELECT * FROM waiting WHERE answer IS NULL AND expires_at > :now AND (:of_all = 1 OR account = :account)"
        " ORDER BY made_at, op_id",
        now=db.now,
        of_all=int(of_all),
        account=db.account,
    )
    return [_waiting(row) for row in rows]


def answer(db: Db, op_id: OpId, given: Answer) -> float | None:
    """Write down a person's answer, for the account of this transaction: until when it is good, in seconds since the
    epoch. What they were shown is forgotten, and the plan too unless it is to be carried out and may be kept.

    None, and nothing is written, where the plan waits no longer: it is too old, was answered, or is another one now.
    """
    plan = next((each for each in unanswered(db) if each.op_id == op_id), None)
    if plan is None:
        return None
    until = db.now + WAIT_SECONDS
    db.run(
        "UPDATE waiting SET answer = :answer, expires_at = :until, plan = :plan, summary = '' WHERE op_id = :op_id",
        answer=given,
        plan=plan.plan if given == "yes" and is_kept(plan.kind) else "",
        until=until,
        op_id=op_id,
    )
    db.forget_deleted()
    event = Event.ANSWERED if given == "yes" else Event.DECLINED
    audit.append(db, AuditEntry(event, plan.record, op_id, plan.client, "terminal", plan.exposure))
    return until


def forget_old(db: Db) -> int:
    """Delete what nobody answered in time, answers that are good no more, and plans that were begun: how many. Whoever
    watches calls it."""
    gone = db.run(f"DELETE FROM waiting WHERE expires_at <= :now OR {_WAS_REFUSED}", now=db.now)
    gone += db.run(
        "UPDATE waiting SET plan = '' WHERE plan <> ''"
        " AND EXISTS (SELECT 1 FROM operations WHERE operations.op_id = waiting.op_id)"
    )
    if gone:
        db.forget_deleted()
    return gone


def _delete(db: Db, op_id: OpId) -> None:
    db.run("DELETE FROM waiting WHERE op_id = :op_id", op_id=op_id)


def _waiting(row: Row) -> Waiting:
    return Waiting(
        op_id=OpId(row["op_id"]),
        account=row["account"],
        agent=row["agent"],
        client=row["client"],
        fingerprint=row["fingerprint"],
        tool=row["tool"],
        kind=row["kind"],
        plan=row["plan"],
        summary=row["summary"],
        record=row["record"],
        exposure=Usd.from_uact(row["exposure_uact"]),
        made_at=row["made_at"],
        expires_at=row["expires_at"],
        answer=row["answer"],
    )
