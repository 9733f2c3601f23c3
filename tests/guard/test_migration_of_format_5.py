"""A ledger of format 5 goes on, and nothing that waited in it for a person stays on the disk once that is over."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from akash_mcp.guard.approval import waiting
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.journal import State
from akash_mcp.guard.books.schema import VERSIONS
from akash_mcp.guard.books.store import Db, Store
from akash_mcp.ids import OpId

ACCOUNT = "akash:akash1owner"
NOW = 1_764_400_000.0
COMMAND = "rm -rf /srv/private"
PLANNED, RUN = "DB_PASSWORD=planned", "DB_PASSWORD=run"
BEGUN = OpId("op_" + "1" * 16)

ROWS = """
INSERT INTO operations (op_id, number, account, agent, kind, state, dseq, name, summary, plan, sdl, manifest,
    created_at, updated_at, epoch, tries) VALUES (:begun, 1, :account, '', 'launch', 'ready', '17', '', 'Deploy it.',
    :planned, :run, :run, :now, :now, 1, 0);
INSERT INTO waiting (op_id, account, agent, client, call, fingerprint, tool, plan, summary, record, exposure_uact,
    made_at, expires_at, answer) VALUES (:begun, :account, '', '', 'first', 'f', 'deploy', :planned, '', '', 0, :now,
    :now + 1800, 'yes');
INSERT INTO waiting (op_id, account, agent, client, call, fingerprint, tool, plan, summary, record, exposure_uact,
    made_at, expires_at) VALUES ('op_asked', :account, '', '', 'second', 'f', 'run_command', :command, :command, '', 0,
    :now, :now + 1800)
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Beside a file of format 5 with a launch that runs, and a command that nobody has answered."""
    path = tmp_path / "akash-mcp.sqlite3"
    values = {
        "begun": BEGUN,
        "account": ACCOUNT,
        "now": NOW,
        "planned": PLANNED,
        "run": RUN,
        "command": COMMAND,
    }
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        for statement in ";\n".join(VERSIONS[:5]).split(";\n"):
            db.execute(statement)
        for statement in ROWS.split(";\n"):
            db.execute(statement, values)
        db.execute("PRAGMA user_version=5")
    path.chmod(0o600)
    store = Store(tmp_path, lambda: NOW)
    store.account = ACCOUNT
    return store


def on_disk(store: Store, text: str) -> list[str]:
    """The files in which a text stands."""
    return sorted(path.name for path in store.path.parent.iterdir() if text.encode() in path.read_bytes())


def test_a_plan_that_no_later_version_can_read_waits_no_longer(store: Store) -> None:
    assert store.read_now(waiting.unanswered) == []
    assert on_disk(store, COMMAND) == []


def test_a_yes_that_was_used_still_names_what_it_opened(store: Store) -> None:
    known = store.read_now(waiting.find, "first")
    assert known is not None
    assert (known.op_id, known.answer, known.plan) == (BEGUN, "yes", "")


def test_what_a_closed_deployment_ran_and_was_planned_as_is_gone_from_the_copy(store: Store) -> None:
    assert store.read_now(journal.find, BEGUN) is not None
    assert on_disk(store, RUN) == ["akash-mcp.sqlite3", "akash-mcp.sqlite3.format-5"]

    def close(db: Db) -> None:
        journal.advance(db, BEGUN, State.CLOSED)
        db.run("UPDATE operations SET sdl = NULL, manifest = NULL, plan = NULL")
        db.forget_deleted()

    store.run_now(close)
    assert on_disk(store, RUN) == []
    assert on_disk(store, PLANNED) == []
