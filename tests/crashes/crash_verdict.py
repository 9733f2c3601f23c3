"""What a crash left behind, judged by the network's own books, what the Console got, and the ledger's file.

The three are values here, so that the judge can be tried on what no server ever did. The ledger is read
with plain SQL: the columns that are asked for are in every version of the file, and those of later ones are optional.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from stopping_proxy import Passed

_BLOCK_SECONDS = Decimal("6.098")
_ENDS = frozenset({"ready", "done", "refused", "closed"})
"""States in which nothing more is to be done for an operation."""


class Kind(StrEnum):
    """What can be wrong."""

    DOUBLE = "double send"
    ORPHAN = "orphan"
    ENDLESS = "no end"
    """It runs, and nothing but the escrow ends it. Only files that have a place for an end are held to it."""
    SLOT = "slot lost"
    MONEY = "money"
    UNFINISHED = "unfinished"
    """An operation that began, and that nobody ends."""
    STUCK = "does not end"
    """A server that goes on after it was told to end."""
    BLIND = "no look"
    """The next server does not show what there is."""
    UNTRIED = "not tried"
    """The scenario itself did not come about, so nothing is known."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong, in words."""

    kind: Kind
    words: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.words}"


@dataclass(frozen=True, slots=True)
class Book:
    """One deployment in the network's books. Amounts in uact.

    `hours`: its runtime limit where the Console funds by itself, None where its deposits bound it. `rate` is that of
    its leases, in uact per block; `leases` how many there ever were, one a group.
    """

    dseq: str
    is_open: bool
    deposits: tuple[Decimal, ...]
    paid_out: Decimal
    rate: Decimal = Decimal(0)
    leases: int = 0
    groups: int = 1
    hours: int | None = None

    @property
    def may_cost(self) -> Decimal:
        """The most that it can still come to, with what it came to already."""
        if self.hours is None:
            return sum(self.deposits, Decimal(0))
        return self.rate * self.hours * 3600 / _BLOCK_SECONDS

    @property
    def words(self) -> str:
        """How it stands."""
        if not self.is_open:
            return "closed"
        return "runs" if self.leases else "waits for a lease"

    @property
    def cost(self) -> int:
        """What was paid out, in whole uact, rounded up."""
        return int(self.paid_out.to_integral_value(ROUND_CEILING))


def books_of(state: Mapping[str, Any]) -> list[Book]:
    """What `EmbeddedNetwork.state` tells, without what has not been settled."""
    return [
        Book(
            dseq=row["dseq"],
            is_open=row["state"] == "active",
            deposits=tuple(Decimal(deposit["uact"]) for deposit in row["escrow"]["deposits"]),
            paid_out=Decimal(row["escrow"]["transferred_uact"]),
            rate=sum((Decimal(lease["price_uact_per_block"]) for lease in row["leases"]), Decimal(0)),
            leases=len(row["leases"]),
            groups=len(row["groups"]),
            hours=state["runtime_limits"].get(row["dseq"], {}).get("hours"),
        )
        for row in state["deployments"]
    ]


@dataclass(frozen=True, slots=True)
class Reservation:
    """A row of the ledger. Amounts in uact."""

    op_id: str
    dseq: str | None
    opens: bool
    amount: int
    spent: int
    state: str


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of the journal. `has_end`: whether it is written down when its run ends; None in files that lack that.

    `is_in_hand`: a worker has it, dead or alive. `is_waiting`: it is to be tried again at its time.
    `is_let_go`: its worker wrote down that it is done with it; False in files that lack that.
    """

    op_id: str
    kind: str
    state: str
    dseq: str | None
    has_end: bool | None = None
    is_in_hand: bool = False
    is_waiting: bool = False
    is_let_go: bool = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more is to be done for it. A lease whose service does not come up waits for a person, and
        is over where the file says that it was let go and when it ends."""
        return self.state in _ENDS or (self.state == "leased" and self.is_let_go and self.has_end is True)


@dataclass(frozen=True, slots=True)
class LedgerRows:
    """The ledger's file as it stands."""

    reservations: tuple[Reservation, ...] = ()
    operations: tuple[Operation, ...] = ()

    @property
    def is_in_hand(self) -> bool:
        """Whether something that is not over is in some worker's hand."""
        return any(operation.is_in_hand and not operation.is_over for operation in self.operations)

    @property
    def is_worked_on(self) -> bool:
        """Whether something that is not over is in hand, or waits for its time."""
        waits = any(operation.is_waiting and not operation.is_over for operation in self.operations)
        return waits or self.is_in_hand


def ledger_of(folder: Path, now: float) -> LedgerRows:
    """What the ledger in a state folder holds; nothing where there is no file. `now`: seconds since the epoch."""
    path = folder / "akash-mcp.sqlite3"
    if not path.exists():
        return LedgerRows()
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as db:
        db.row_factory = sqlite3.Row
        columns = {row["name"] for row in db.execute("PRAGMA table_info(operations)")}
        if not columns:  # it was killed while it made the file
            return LedgerRows()
        reservations = [dict(row) for row in db.execute("SELECT * FROM reservations")]
        operations = [dict(row) for row in db.execute("SELECT * FROM operations ORDER BY created_at")]
    return LedgerRows(
        tuple(
            Reservation(
                op_id=row["op_id"],
                dseq=row["dseq"],
                opens=bool(row["opens"]),
                amount=row["amount_uact"],
                spent=row["spent_uact"] or 0,
                state=row["state"],
            )
            for row in reservations
        ),
        tuple(
            Operation(
                op_id=row["op_id"],
                kind=row["kind"],
                state=row["state"],
                dseq=row["dseq"],
                has_end=row["ends_at"] is not None if "ends_at" in columns else None,
                is_in_hand=(row.get("lease_until") or 0) > now,
                is_waiting=row.get("retry_at") is not None,
                is_let_go="lease_until" in columns and row["lease_until"] is None,
            )
            for row in operations
        ),
    )


@dataclass(frozen=True, slots=True)
class Allowed:
    """What people said yes to: so many of each may reach the Console and be done. `others`: not ours at all.

    `providers`: so many may be tried for one yes, each with a deployment of its own, one after the other.
    `leased_is_told`: whoever asked was told that it is leased and does not run, so its launch is over.
    `created_is_told`: somebody only created it, to choose among its bids; until its end it waits for that.
    """

    creates: int = 1
    deposits: int = 0
    limits: int = 0
    providers: int = 1
    others: frozenset[str] = frozenset()
    leased_is_told: bool = False
    created_is_told: bool = False

    def is_over(self, operation: Operation) -> bool:
        """Whether nothing more is to be done for an operation."""
        if self.created_is_told and operation.state == "created":
            return operation.is_let_go and operation.has_end is True
        return operation.is_over or (self.leased_is_told and operation.state == "leased")


def judge(
    books: Iterable[Book], passed: Sequence[Passed], ledger: LedgerRows, allowed: Allowed
) -> list[Finding]:
    """Everything that is wrong. What the books hold and nobody named as another's is what our servers made."""
    ours = [book for book in books if book.dseq not in allowed.others]
    found = [
        *_doubles(ours, passed, allowed),
        *_orphans(ours, ledger, allowed),
        *_slots(ours, ledger),
        *_money(ours, ledger),
        *(
            Finding(
                Kind.UNFINISHED, f"{operation.kind} {operation.op_id} of {operation.dseq} {operation.state}"
            )
            for operation in ledger.operations
            if not allowed.is_over(operation)
        ),
    ]
    return sorted(set(found))


def step_of(request: Passed) -> str | None:
    """Which step a request is that may spend; None for any other.

    A lease is none of them: the chain gives an order one lease, and the same request delivers its manifest again.
    """
    method, _, path = request.route.partition(" ")
    if method == "POST" and path == "/v1/deployments":
        return "create"
    if method == "POST" and "deposit" in path:
        return "deposit"
    if method == "PATCH" and path.startswith("/v2/deployment-settings/"):
        body = request.body if isinstance(request.body, dict) else {}
        return "limit" if "runtimeLimitHours" in body.get("data", {}) else None
    return None


def _doubles(ours: Sequence[Book], passed: Sequence[Passed], allowed: Allowed) -> Iterable[Finding]:
    # A definite refusal did nothing, and the next try is the first one.
    sent = Counter(
        step_of(request)
        for request in passed
        if request.status is None or not 400 <= request.status < 500 or request.status == 408
    )
    tries = allowed.creates * allowed.providers
    most = {"create": tries, "deposit": allowed.deposits, "limit": allowed.limits}
    for step, yes in most.items():
        if sent[step] > yes:
            yield Finding(Kind.DOUBLE, f"{sent[step]} times {step} reached the Console, for {yes} yes")
    if len(ours) > tries:
        yield Finding(Kind.DOUBLE, f"{len(ours)} deployments in the books, for {tries} yes")
    if (leased := sum(book.leases > 0 for book in ours)) > tries:
        yield Finding(Kind.DOUBLE, f"{leased} deployments were leased, for {tries} yes")
    if (opened := sum(book.is_open for book in ours)) > allowed.creates:
        yield Finding(Kind.DOUBLE, f"{opened} deployments are open at a time, for {allowed.creates} yes")
    for book in ours:
        if book.leases > book.groups:
            yield Finding(Kind.DOUBLE, f"{book.dseq} has {book.leases} leases, for {book.groups} groups")
        added = len(book.deposits) - 1
        if book.hours is None and added > allowed.deposits:
            yield Finding(Kind.DOUBLE, f"{book.dseq} got {added} more deposits, for {allowed.deposits} yes")


def _orphans(ours: Sequence[Book], ledger: LedgerRows, allowed: Allowed) -> Iterable[Finding]:
    launches = {operation.dseq: operation for operation in ledger.operations if operation.kind == "launch"}
    for book in ours:
        launch = launches.get(book.dseq)
        if not book.is_open:
            continue
        if launch is None:
            yield Finding(Kind.ORPHAN, f"{book.dseq} is open, and the ledger does not know that it is ours")
        elif not allowed.is_over(launch):
            yield Finding(
                Kind.ORPHAN, f"{book.dseq} is open, {launch.state}, and nobody has it to the end in hand"
            )
        elif launch.state in ("closed", "refused"):
            yield Finding(Kind.ORPHAN, f"{book.dseq} is open, and the ledger takes it for {launch.state}")
        elif launch.has_end is False:
            yield Finding(Kind.ENDLESS, f"{book.dseq} runs, and no end of it is written down")


def _slots(ours: Sequence[Book], ledger: LedgerRows) -> Iterable[Finding]:
    by_dseq = {book.dseq: book for book in ours}
    known = {row.dseq for row in ledger.reservations}
    nobodys = [book for book in ours if book.is_open and book.dseq not in known]
    for row in ledger.reservations:
        if row.state != "held":
            continue
        what = "slot" if row.opens else "deposit"
        if row.dseq is None and not nobodys:
            yield Finding(Kind.SLOT, f"the {what} of {row.op_id} is held for what was never created")
        elif row.dseq is not None and not (row.dseq in by_dseq and by_dseq[row.dseq].is_open):
            yield Finding(Kind.SLOT, f"the {what} of {row.op_id} is held for {row.dseq}, which is closed")


def _money(ours: Sequence[Book], ledger: LedgerRows) -> Iterable[Finding]:
    for book in ours:
        rows = [row for row in ledger.reservations if row.dseq == book.dseq]
        held = sum(row.amount for row in rows if row.state == "held")
        spent = sum(row.spent for row in rows if row.state == "settled")
        # A deposit that was refused is given back; had it landed, less would be held than there is.
        if book.is_open and any(
            row.state == "settled" or (row.opens and row.state != "held") for row in rows
        ):
            yield Finding(Kind.MONEY, f"{book.dseq} is open, and something was given back for it")
        if book.is_open and rows and held < book.may_cost:
            yield Finding(Kind.MONEY, f"{book.dseq} can cost {book.may_cost} uact, and {held} is held")
        if not book.is_open and not any(row.state == "held" for row in rows) and spent != book.cost:
            yield Finding(
                Kind.MONEY, f"{book.dseq} cost {book.cost} uact, and the ledger says that {spent} was spent"
            )
    known = {row.dseq for row in ledger.reservations}
    unnamed = sum(row.amount for row in ledger.reservations if row.state == "held" and row.dseq is None)
    unknown = sum((book.may_cost for book in ours if book.is_open and book.dseq not in known), Decimal(0))
    if unnamed < unknown:
        yield Finding(
            Kind.MONEY, f"{unknown} uact may be spent by what the ledger cannot name, and {unnamed} is held"
        )
