"""A ledger as one agent's process keeps it, and a clock that a test moves.

Imports little of ours: the tests that need many processes start it in each of them.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from akash_mcp.errors import LedgerBusy, OverBudget
from akash_mcp.guard.books.ledger import Ledger
from akash_mcp.guard.books.store import Store
from akash_mcp.guard.policy.limits import BudgetStatus
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.ids import Dseq, OpId
from akash_mcp.money import Usd


def a_new_op_id() -> OpId:
    return OpId(f"op_{secrets.token_hex(8)}")


class Clock:
    def __init__(self) -> None:
        self.now = 1_796_083_200.0  # 1 December 2026, midnight in UTC

    def __call__(self) -> float:
        return self.now


class Book:
    """A ledger in a folder, kept by one agent: each call is a transaction of its own."""

    def __init__(self, folder: Path, policy: Policy, clock: Clock, agent: str = "") -> None:
        self.store = Store(folder, clock, agent=agent)
        self.ledger = Ledger(policy)

    def reserve(self, op_id: OpId, amount: Usd, *, dseq: Dseq | None, rate: Usd | None = None) -> None:
        self.store.run_now(self.ledger.reserve, op_id, amount, dseq=dseq, rate=rate)

    def check(self, amount: Usd, *, dseq: Dseq | None, rate: Usd | None = None) -> None:
        self.store.read_now(self.ledger.check, amount, dseq=dseq, rate=rate)

    def attach(self, op_id: OpId, dseq: Dseq) -> None:
        self.store.run_now(self.ledger.attach, op_id, dseq)

    def hold_at_least(self, op_id: OpId, amount: Usd) -> None:
        self.store.run_now(self.ledger.hold_at_least, op_id, amount)

    def release(self, op_id: OpId) -> None:
        self.store.run_now(self.ledger.release, op_id)

    def settle(self, dseq: Dseq, spent: Usd) -> None:
        self.store.run_now(self.ledger.settle, dseq, spent)

    def held(self, dseq: Dseq) -> Usd:
        return self.store.read_now(self.ledger.held, dseq)

    def held_by(self, op_id: OpId) -> Usd:
        return self.store.read_now(self.ledger.held_by, op_id)

    def status(self) -> BudgetStatus:
        return self.store.read_now(self.ledger.status)

    def check_rate(self, dseq: Dseq, rate: Usd) -> None:
        self.store.read_now(self.ledger.check_rate, dseq, rate)

    def reserve_rate(self, dseq: Dseq, rate: Usd) -> None:
        self.store.run_now(self.ledger.reserve_rate, dseq, rate)

    def note_rate(self, dseq: Dseq, rate: Usd) -> None:
        self.store.run_now(self.ledger.note_rate, dseq, rate)

    def open(self, amount: Usd, dseq: Dseq, *, rate: Usd | None = None) -> OpId:
        """Reserve for a new deployment, and create it."""
        op_id = a_new_op_id()
        self.reserve(op_id, amount, dseq=None, rate=rate)
        self.attach(op_id, dseq)
        return op_id

    def fold(self) -> int:
        return self.store.run_now(self.ledger.fold)


def reserve_again_and_again(folder: Path, policy: Policy, times: int, amount: Usd) -> int:
    """What a process does that wants a lot: how many of its reservations were taken."""
    book, taken = Book(folder, policy, Clock(), policy.agent), 0
    for _ in range(times):
        while True:
            try:
                book.reserve(a_new_op_id(), amount, dseq=None)
                taken += 1
            except LedgerBusy:
                continue
            except OverBudget:
                pass
            break
    book.store.close()
    return taken
