"""The audit: every row in its place, and whatever was done to the file afterwards is found."""

from __future__ import annotations

import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from akash_mcp.errors import AkashError
from akash_mcp.guard.books import audit
from akash_mcp.guard.books.audit import AuditEntry, Event, Head
from akash_mcp.guard.books.audit_heads import Heads, verified
from akash_mcp.guard.books.store import Db, Store
from akash_mcp.guard.plans.contents import App, Contents
from akash_mcp.guard.plans.plans import ExecPlan, LaunchPlan
from akash_mcp.ids import Dseq, LeaseId, OpId, ProviderAddress
from akash_mcp.money import Usd

KEY = "ghp_0123456789abcdefghijABCDEFGHIJ012345"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store(tmp_path / "state", iter(range(1_000, 9_000)).__next__, agent="builder")) as store:
        yield store


def fill(store: Store, rows: int, account: str = "") -> None:
    store.account = account

    def work(db: Db) -> None:
        for number in range(rows):
            audit.append(db, AuditEntry(Event.ENDED, f"row {number}", exposure=Usd(number)))

    store.run_now(work)


def tamper(store: Store, sql: str, **values: Any) -> None:
    """Change the file as anybody can who may write it."""
    with closing(sqlite3.connect(store.path, isolation_level=None)) as file:
        file.execute(sql, values)


def test_a_row_tells_who_what_how_and_how_much(store: Store) -> None:
    entry = AuditEntry(
        Event.APPROVED,
        "At most 2.50 USD. Deploy nginx.",
        op_id=OpId("op_1"),
        client="claude-desktop 2.1",
        via="elicitation",
        exposure=Usd("2.5000001"),
    )
    store.account = "akash1owner"
    store.run_now(audit.append, entry)
    (row,) = store.read_now(audit.entries)
    assert (row.account, row.agent, row.client) == ("akash1owner", "builder", "claude-desktop 2.1")
    assert (row.event, row.via, row.text) == ("approved", "elicitation", "At most 2.50 USD. Deploy nginx.")
    assert (row.op_id, row.exposure_uact) == ("op_1", 2_500_001)  # what it can cost is rounded up
    assert row.hash == row.right_hash


def test_a_text_is_written_down_as_it_was_shown_but_for_what_is_secret(store: Store) -> None:
    shown = 'No cost by itself. Run a command in replica 0 of service "web".\n\nSecond line: ünï · 10 %'
    store.run_now(audit.append, AuditEntry(Event.APPROVED, shown))
    store.run_now(
        audit.append, AuditEntry(Event.ENDED, f"refused: DB_PASSWORD=hunter2 {KEY}", client=f"a\n{KEY}")
    )
    exact, masked = store.read_now(audit.entries)
    assert exact.text == shown
    assert KEY not in masked.text + masked.client
    assert "hunter2" not in masked.text
    assert "\n" not in masked.client


LEASE = LeaseId(Dseq("1763759482113"), 1, 1, ProviderAddress("akash1aaa"))


@given(name=st.text(max_size=40), image=st.text(min_size=1, max_size=80))
@example(name="![x](https://evil.example)", image="<|im_start|>system")
@example(name="", image="password=hunter2hunter2")
def test_a_question_is_kept_to_the_letter_whatever_is_named_in_it(name: str, image: str) -> None:
    plan = LaunchPlan(
        tool="deploy",
        sdl="",
        manifest="[]",
        contents=Contents((App("web", image),)),
        deposit=Usd(2),
        max_usd_per_hour=Usd("0.5"),
        groups=1,
        name=name,
    )
    with TemporaryDirectory() as folder, closing(Store(Path(folder) / "s", lambda: 1.0)) as store:
        store.run_now(audit.append, AuditEntry(Event.APPROVED, plan.record))
        (row,) = store.read_now(audit.entries)
        # What a label hides it writes in its own way, and is hidden once more.
        assert row.text == plan.summary.replace("?masked?", "<masked>")


def test_a_command_is_not_kept(store: Store) -> None:
    argv = ("mysql", "--password", "correct-horse")
    plan = ExecPlan(
        tool="run_command", lease=LEASE, service="web", pod_index=0, argv=argv, seconds=5, ours=True
    )
    store.run_now(audit.append, AuditEntry(Event.APPROVED, plan.record))
    (row,) = store.read_now(audit.entries)
    assert "Run a command in replica 0 of service" in row.text
    assert not any(word in row.text for word in argv)


def test_a_deed_that_is_undone_leaves_no_row(store: Store) -> None:
    def undone(db: Db) -> None:
        audit.append(db, AuditEntry(Event.APPROVED, "never"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.run_now(undone)
    fill(store, 1)
    assert [row.number for row in store.read_now(audit.entries)] == [1]
    assert store.read_now(audit.verify).broken is None


def test_each_account_has_a_chain_of_its_own(store: Store) -> None:
    for account in ("b", "a", "b"):
        fill(store, 2, account)
    verdict = store.read_now(audit.verify)
    assert [(head.account, head.number) for head in verdict.heads] == [("a", 2), ("b", 4)]
    assert (verdict.rows, verdict.broken) == (6, None)
    store.account = "a"
    assert [row.number for row in store.read_now(audit.entries)] == [1, 2]


def test_entries_are_the_newest_oldest_first(store: Store) -> None:
    fill(store, 5)
    store.run_now(audit.append, AuditEntry(Event.ENDED, "done", op_id=OpId("op_7")))
    assert [row.number for row in store.read_now(audit.entries, most=2)] == [5, 6]
    since = store.read_now(audit.entries)[-1].at
    assert [row.number for row in store.read_now(audit.entries, since=since)] == [6]
    assert [row.text for row in store.read_now(audit.entries, op_id=OpId("op_7"))] == ["done"]


def test_an_empty_audit_is_whole(store: Store) -> None:
    assert str(store.read_now(audit.verify)) == "The audit is whole: 0 rows."


def test_more_rows_than_are_read_at_once_are_one_chain(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "_PAGE", 3)
    for account in ("a", "b"):
        fill(store, 6, account)
    verdict = store.read_now(audit.verify)
    assert (verdict.rows, verdict.broken) == (12, None)
    tamper(store, "UPDATE audit SET text = 'x' WHERE account = 'b' AND number = 4")
    assert store.read_now(audit.verify).broken == 4


COLUMNS = {
    "at": 5.5,
    "agent": "somebody else",
    "client": "another",
    "op_id": "op_other",
    "event": "declined",
    "via": "auto",
    "text": "nothing",
    "exposure_uact": 7,
    "previous": "0" * 64,
    "hash": "0" * 64,
    "account": "another",
    "number": 99,
}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_value_that_was_changed_is_found(store: Store, column: str) -> None:
    fill(store, 4, "mine")
    tamper(store, f"UPDATE audit SET {column} = :value WHERE number = 2", value=COLUMNS[column])
    verdict = store.read_now(audit.verify)
    assert verdict.broken == (1 if column == "account" else 2)
    assert "broken at row" in str(verdict)


@pytest.mark.parametrize("value", [b"bytes", None, 1e400, "text"])
def test_a_value_of_another_kind_is_found_and_does_not_stop_the_check(store: Store, value: object) -> None:
    fill(store, 4)
    tamper(store, "UPDATE audit SET exposure_uact = :value WHERE number = 3", value=value)
    assert store.read_now(audit.verify).broken == 3


def _delete(store: Store, row: int, other: int) -> None:
    tamper(store, "DELETE FROM audit WHERE number = :row", row=row)


def _swap(store: Store, row: int, other: int) -> None:
    for old, new in ((row, -1), (other, row), (-1, other)):
        tamper(store, "UPDATE audit SET number = :new WHERE number = :old", old=old, new=new)


def _swap_what_they_tell(store: Store, row: int, other: int) -> None:
    (one,) = [each.text for each in store.read_now(audit.entries) if each.number == row]
    (two,) = [each.text for each in store.read_now(audit.entries) if each.number == other]
    tamper(store, "UPDATE audit SET text = :text WHERE number = :row", text=two, row=row)
    tamper(store, "UPDATE audit SET text = :text WHERE number = :row", text=one, row=other)


def _repeat(store: Store, row: int, other: int) -> None:
    tamper(store, "DELETE FROM audit WHERE number = :row", row=row)
    names = "account, {}, at, agent, client, op_id, event, via, text, exposure_uact, previous, hash"
    tamper(
        store,
        f"INSERT INTO audit SELECT {names.format(':row')} FROM audit WHERE number = :other",
        row=row,
        other=other,
    )


@given(
    rows=st.integers(2, 12),
    data=st.data(),
    tampering=st.sampled_from([_delete, _swap, _swap_what_they_tell, _repeat]),
)
def test_whatever_is_done_to_rows_inside_the_chain_is_found(
    rows: int, data: st.DataObject, tampering: Callable[[Store, int, int], None]
) -> None:
    # The last row may not be the one that is deleted: that is what the heads are for.
    row = data.draw(st.integers(1, rows - 1), label="row")
    other = data.draw(st.integers(row + 1, rows), label="other")
    with TemporaryDirectory() as folder, closing(Store(Path(folder) / "s", lambda: 1.0)) as store:
        fill(store, rows)
        assert store.read_now(audit.verify).broken is None
        tampering(store, row, other)
        assert store.read_now(audit.verify).broken == row


def test_one_row_too_many_is_found(store: Store) -> None:
    fill(store, 3)
    forged = "INSERT INTO audit SELECT account, :number, at, agent, client, op_id, event, via, text, exposure_uact, "
    tamper(store, forged + "previous, hash FROM audit WHERE number = 1", number=0)
    assert store.read_now(audit.verify).broken == 1


# ── the heads beside the ledger ──────────────────────────────────────────────────────────────────────────────────────


def keep(store: Store, heads: Heads) -> None:
    anyio.run(heads.keep, store)


def test_a_cut_end_is_found_by_the_heads_only(store: Store) -> None:
    heads = Heads(store.path.parent)
    fill(store, 5)
    keep(store, heads)
    tamper(store, "DELETE FROM audit WHERE number > 3")
    assert store.read_now(audit.verify).broken is None
    assert verified(store, store.path.parent).broken == 4


def test_a_chain_that_was_written_anew_is_found_by_the_heads_only(store: Store) -> None:
    heads = Heads(store.path.parent)
    fill(store, 5)
    keep(store, heads)
    tamper(store, "DELETE FROM audit WHERE number > 2")
    fill(store, 5)
    assert store.read_now(audit.verify).broken is None
    assert verified(store, store.path.parent).broken == 5


def test_an_account_that_vanished_is_found_by_the_heads(store: Store) -> None:
    heads = Heads(store.path.parent)
    fill(store, 2, "a")
    fill(store, 2, "b")
    keep(store, heads)
    tamper(store, "DELETE FROM audit WHERE account = 'b'")
    verdict = verified(store, store.path.parent)
    assert (verdict.account, verdict.broken) == ("b", 1)
    assert "of account b" in str(verdict)


def test_a_head_stays_good_while_the_chain_grows_and_is_written_once(store: Store) -> None:
    heads = Heads(store.path.parent)
    keep(store, heads)
    assert not heads.path.exists()
    for account in ("", "", "akash1 with a space"):
        fill(store, 2, account)
        keep(store, heads)
        keep(store, heads)
    kept = heads.read()
    assert [(head.account, head.number) for head in kept] == [("", 2), ("", 4), ("akash1 with a space", 2)]
    assert verified(store, store.path.parent).broken is None


def test_half_a_line_that_a_power_cut_left_takes_no_other_with_it(store: Store) -> None:
    heads = Heads(store.path.parent)
    fill(store, 1)
    keep(store, heads)
    with heads.path.open("a") as file:
        file.write("\n2 01234")
    fill(store, 1)
    keep(store, heads)
    assert [head.number for head in heads.read()] == [1, 2]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_the_heads_are_the_owners_only(store: Store) -> None:
    heads = Heads(store.path.parent)
    fill(store, 1)
    keep(store, heads)
    assert stat.S_IMODE(heads.path.stat().st_mode) == 0o600


def test_heads_that_cannot_be_written_are_said_and_undo_nothing(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    heads = Heads(store.path.parent)
    fill(store, 1)
    heads.path.mkdir()
    keep(store, heads)
    assert "audit.heads cannot be written" in caplog.text
    with pytest.raises(AkashError, match=r"audit\.heads cannot be read"):
        verified(store, store.path.parent)  # and are not taken for none
    assert store.read_now(audit.newest) is not None


def test_two_hashes_for_one_row_cannot_both_be_right(store: Store) -> None:
    fill(store, 3)
    right = store.read_now(audit.newest)
    assert right is not None
    wrong = Head(right.account, right.number, "0" * 64)
    assert store.read_now(audit.verify, [right]).broken is None
    assert store.read_now(audit.verify, [right, wrong]).broken == 3
