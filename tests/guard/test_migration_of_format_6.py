"""A ledger of format 6, which knew nothing of Akua, goes on, and takes up what is done there."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from akash_mcp.guard.books import akua_results, journal
from akash_mcp.guard.books.akua_results import AkuaResult
from akash_mcp.guard.books.journal import Kind, State
from akash_mcp.guard.books.schema import VERSIONS
from akash_mcp.guard.books.store import Store
from akash_mcp.ids import OpId

NOW = 1_764_400_000.0
AKASH, AKUA = "akash:akash1owner", "akua:api.akua.dev:ws_1"
OLD, NEW = OpId("op_" + "1" * 16), OpId("op_" + "2" * 16)

_ROW = """
INSERT INTO operations (op_id, number, account, agent, kind, state, dseq, name, summary, created_at, updated_at, epoch,
    tries) VALUES (?, 1, ?, '', 'launch', 'ready', '17', '', 'Deploy it.', ?, ?, 1, 0)
"""


def store_of_format_6(folder: Path) -> Store:
    path = folder / "akash-mcp.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        for statement in ";\n".join(VERSIONS[:6]).split(";\n"):
            db.execute(statement)
        db.execute(_ROW, (OLD, AKASH, NOW, NOW))
        db.execute("PRAGMA user_version=6")
    path.chmod(0o600)
    return Store(folder, lambda: NOW)


def test_what_is_done_at_akua_is_kept_beside_what_was_there(tmp_path: Path) -> None:
    store = store_of_format_6(tmp_path)
    with closing(store):
        store.account = AKUA
        store.run_now(journal.open_operation, NEW, Kind.AKUA_INSTALL, "Install it.", plan="{}")
        store.run_now(akua_results.note, NEW, AkuaResult("op_theirs", "inst_1"))
        store.run_now(akua_results.note, NEW, AkuaResult(outcome="succeeded"))
        store.run_now(journal.advance, NEW, State.DONE)
        assert store.read_now(akua_results.find, NEW) == AkuaResult(
            "op_theirs", "inst_1", outcome="succeeded"
        )
        assert store.read_now(akua_results.made_here, "inst_1")
        assert store.read_now(akua_results.operation_behind, "op_theirs") == NEW
        assert store.read_now(journal.find, OLD) is None
        store.account = AKASH
        assert store.read_now(journal.find, NEW) is None
        assert not store.read_now(akua_results.made_here, "inst_1")
        old = store.read_now(journal.find, OLD)
        assert old is not None
        assert old.state is State.READY
