"""What became of what we did at Akua: its own operation there, and the thing that it made or changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from akash_mcp.guard.books.journal import Kind
from akash_mcp.guard.books.store import Db
from akash_mcp.ids import OpId

Outcome = Literal["succeeded", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class AkuaResult:
    """`operation_id` is Akua's, `resource_id` the install, cluster or package, `version_id` a package's version, and
    `render_id` the render that brings an install to another one.

    None is what is not known, or not there. `outcome` None: it goes on there, or nobody knows.
    """

    operation_id: str | None = None
    resource_id: str | None = None
    version_id: str | None = None
    render_id: str | None = None
    outcome: Outcome | None = None


def note(db: Db, op_id: OpId, result: AkuaResult) -> None:
    """Write down what is known by now; what is None leaves what was known."""
    db.run(
        "INSERT INTO akua_results (op_id, account, operation_id, resource_id, version_id, render_id, outcome)"
        " VALUES (:op_id, :account, :operation_id, :resource_id, :version_id, :render_id, :outcome)"
        " ON CONFLICT (op_id) DO UPDATE SET"
        " operation_id = COALESCE(excluded.operation_id, akua_results.operation_id),"
        " resource_id = COALESCE(excluded.resource_id, akua_results.resource_id),"
        " version_id = COALESCE(excluded.version_id, akua_results.version_id),"
        " render_id = COALESCE(excluded.render_id, akua_results.render_id),"
        " outcome = COALESCE(excluded.outcome, akua_results.outcome)",
        op_id=op_id,
        account=db.account,
        operation_id=result.operation_id,
        resource_id=result.resource_id,
        version_id=result.version_id,
        render_id=result.render_id,
        outcome=result.outcome,
    )


def find(db: Db, op_id: OpId) -> AkuaResult:
    """What is known of an operation of ours; all None where nothing is."""
    row = db.one(
        "SELECT operation_id, resource_id, version_id, render_id, outcome FROM akua_results"
        " WHERE op_id = :op_id AND account = :account",
        op_id=op_id,
        account=db.account,
    )
    return AkuaResult(*row) if row else AkuaResult()


def operation_behind(db: Db, operation_id: str) -> OpId | None:
    """Our operation that Akua carries out under this id."""
    row = db.one(
        "SELECT op_id FROM akua_results WHERE operation_id = :operation_id AND account = :account",
        operation_id=operation_id,
        account=db.account,
    )
    return OpId(row["op_id"]) if row else None


def made_here(db: Db, resource_id: str) -> bool:
    """Whether an operation of ours made this install or cluster."""
    row = db.one(
        "SELECT 1 FROM akua_results JOIN operations ON operations.op_id = akua_results.op_id"
        " WHERE akua_results.account = :account AND akua_results.resource_id = :resource_id"
        " AND operations.kind IN (:install, :cluster, :package)",
        account=db.account,
        resource_id=resource_id,
        install=Kind.AKUA_INSTALL,
        cluster=Kind.AKUA_CLUSTER,
        package=Kind.AKUA_PACKAGE,
    )
    return row is not None
