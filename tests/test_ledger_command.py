"""`akash-mcp ledger`: what a person reads of the ledger, and what only they can settle."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from terminals import Terminal

from akash_mcp.cli import main
from akash_mcp.guard.books import audit, journal, notices
from akash_mcp.guard.books.journal import Kind, Sources, State
from akash_mcp.guard.books.ledger import Ledger
from akash_mcp.guard.books.store import Db, Store
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.ids import Dseq, OpId
from akash_mcp.money import Usd

RUNS, LOST, PAST = OpId("op_" + "a" * 16), OpId("op_" + "b" * 16), OpId("op_" + "c" * 16)
DSEQ, OTHER = Dseq("1763759482113"), Dseq("1763759482114")
ACCOUNT = "akash:akash1owner"
WORD = "Type settle or no: "


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(Policy())


@pytest.fixture
def store(tmp_path: Path, ledger: Ledger) -> Iterator[Store]:
    """One deployment that runs until tomorrow, one creation whose answer was lost, and one that was closed for
    40 cents."""
    store = Store(tmp_path, agent="builder")
    store.account = ACCOUNT

    def launch(db: Db, op_id: OpId, amount: Usd, dseq: Dseq | None) -> None:
        journal.open_operation(db, op_id, Kind.LAUNCH, f"At most {amount}. Deploy nginx.", name="blog")
        ledger.reserve(db, op_id, amount, dseq=None, rate=Usd("0.02"))
        if dseq is not None:
            assert journal.created(db, op_id, dseq, Sources("", f"[{op_id}]"))
            ledger.attach(db, op_id, dseq)

    def write(db: Db) -> None:
        launch(db, RUNS, Usd(2), DSEQ)
        db.run("UPDATE operations SET ends_at = :at WHERE op_id = :op_id", at=db.now + 86_400, op_id=RUNS)
        journal.advance(db, RUNS, State.READY)
        launch(db, LOST, Usd(3), None)
        journal.advance(db, LOST, State.UNKNOWN, "no answer came")
        db.run("UPDATE operations SET lease_until = NULL WHERE op_id = :op_id", op_id=LOST)
        launch(db, PAST, Usd(1), OTHER)
        ledger.settle(db, OTHER, Usd("0.40"))
        journal.mark_closed(db, OTHER, "it cost $0.40")
        notices.note(db, "Its escrow ends in an hour.")

    store.run_now(write)
    yield store
    store.close()


def run(*words: str, store: Store) -> int:
    return main.main(["ledger", "--state-dir", str(store.path.parent), *words])


def read(capsys: pytest.CaptureFixture[str], store: Store) -> list[dict[str, Any]]:
    assert run("--json", store=store) == 0
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def test_it_tells_what_runs_what_is_unknown_and_what_was_spent(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    (now,) = read(capsys, store)
    assert now["account"] == ACCOUNT
    (runs,) = now["running"]
    assert (runs["dseq"], runs["state"], runs["held_usd"], runs["agent"]) == (DSEQ, "ready", "2", "builder")
    assert runs["until"] > runs["since"]
    (lost,) = now["unsettled"]
    assert (lost["op_id"], lost["state"], lost["held_usd"]) == (LOST, "unknown", "3")
    assert lost["note"] == "no answer came"
    assert now["spent"] == [{"agent": "builder", "today_usd": "0.4", "month_usd": "0.4", "held_usd": "5"}]
    assert [notice["text"] for notice in now["notices"]] == ["Its escrow ends in an hour."]
    # Reading takes no notice away from the agent.
    assert read(capsys, store)[0]["notices"] == now["notices"]


def test_a_person_reads_the_same_as_text(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert run(store=store) == 0
    text = capsys.readouterr().out
    for told in (ACCOUNT, DSEQ, LOST, "no answer came", "$2.00", "$3.00", "$0.40", "Its escrow ends"):
        assert told in text


def test_each_account_is_told_by_itself(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store.account = "akash:akash1another"
    store.run_now(notices.note, "Something.")
    accounts = [each["account"] for each in read(capsys, store)]
    assert accounts == ["akash:akash1another", ACCOUNT]


def test_reading_makes_no_ledger(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "nothing"
    assert main.main(["ledger", "--state-dir", str(folder)]) == 0
    assert "Nothing is written down" in capsys.readouterr().out
    assert not folder.exists()


def test_the_audit_is_checked(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--verify", store=store) == 0
    assert "The audit is whole" in capsys.readouterr().out
    store.run_now(lambda db: db.run("UPDATE audit SET text = 'nothing' WHERE number = 1"))
    assert run("--verify", store=store) == 1
    assert "broken at row 1" in capsys.readouterr().out


def test_what_nobody_can_look_up_is_settled_by_a_person(store: Store, ledger: Ledger) -> None:
    folder = store.path.parent
    with Terminal("ledger", "settle", LOST, "--spent", "0.75", AKASH_MCP_STATE_DIR=folder) as screen:
        shown = screen.until(WORD)
        assert "  | At most $3.00. Deploy nginx." in shown
        assert "$2.25 may be spent again." in shown
        screen.type("settle\n")
        assert screen.end() == 0
    after = store.read_now(journal.find, LOST)
    assert after is not None
    assert (after.state, after.epoch) == (State.CLOSED, 2)
    assert store.read_now(ledger.held_by, LOST) == Usd(0)
    assert store.read_now(ledger.spent_by, LOST) == Usd("0.75")
    row = store.read_now(audit.entries, op_id=LOST)[-1]
    assert (row.event, row.via, row.exposure_uact) == ("settled", "terminal", 750_000)
    assert folder.joinpath("audit.heads").exists()


def test_what_a_launch_created_counts_as_closed_then(store: Store, ledger: Ledger) -> None:
    with Terminal(
        "ledger", "settle", RUNS, "--spent", "2.5", AKASH_MCP_STATE_DIR=store.path.parent
    ) as screen:
        assert "Nothing of it may be spent again." in screen.until(WORD)
        screen.type("settle\n")
        assert screen.end() == 0
    assert store.read_now(journal.open_launches)[0].op_id == LOST
    assert store.read_now(ledger.held, DSEQ) == Usd(0)
    assert store.read_now(ledger.spent_by, RUNS) == Usd("2.5")


def test_without_the_word_nothing_is_settled(store: Store, ledger: Ledger) -> None:
    with Terminal("ledger", "settle", LOST, "--spent", "0", AKASH_MCP_STATE_DIR=store.path.parent) as screen:
        screen.until(WORD)
        screen.type("no\n")
        assert screen.end() == 1
        assert "Nothing was changed." in screen.shown
    assert store.read_now(ledger.held_by, LOST) == Usd(3)


@pytest.mark.parametrize(
    ("op_id", "spent", "why"),
    [
        ("op_0", "1", "has no operation"),
        (PAST, "1", "nothing is held for it"),
    ],
)
def test_what_cannot_be_settled_is_said_before_anything_is_asked(
    store: Store, op_id: str, spent: str, why: str
) -> None:
    with Terminal(
        "ledger", "settle", op_id, f"--spent={spent}", AKASH_MCP_STATE_DIR=store.path.parent
    ) as screen:
        assert screen.end() == 1
        assert why in screen.shown
        assert WORD not in screen.shown


def test_what_is_carried_out_at_this_moment_is_not_settled(store: Store) -> None:
    store.run_now(
        lambda db: db.run(
            "UPDATE operations SET lease_until = :at WHERE op_id = :op_id", at=time.time() + 60, op_id=LOST
        )
    )
    with Terminal("ledger", "settle", LOST, "--spent", "0", AKASH_MCP_STATE_DIR=store.path.parent) as screen:
        assert screen.end() == 1
        assert "carried out at this moment" in screen.shown


def test_settling_takes_a_person(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("settle", LOST, "--spent", "0", store=store) == 1
    assert "runs in a terminal only" in capsys.readouterr().err
