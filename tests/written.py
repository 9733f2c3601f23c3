"""What is written down, as a test reads and writes it: each call is a transaction of its own, in the test's thread."""

from __future__ import annotations

from functools import partial
from typing import Any

from akash_mcp.guard.books.store import Db, Store


class Written:
    """The functions of a module or an object that work on an open transaction, on one store."""

    def __init__(self, store: Store, functions: Any) -> None:
        self.store = store
        self._functions = functions

    def __getattr__(self, name: str) -> Any:
        return partial(self.store.run_now, getattr(self._functions, name))


def only_account(db: Db) -> str:
    """The account whose rows stand in a ledger of one; '' where it has none yet."""
    row = db.one("SELECT account FROM reservations LIMIT 1")
    return row["account"] if row else ""
