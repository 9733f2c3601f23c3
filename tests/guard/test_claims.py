"""What a worker left behind is claimed by another one, and from then on the old one writes and sends nothing more."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from written import Written

from akash_mcp.errors import TakenOver
from akash_mcp.guard.books import holds, journal, sends
from akash_mcp.guard.books.holds import Claimed
from akash_mcp.guard.books.journal import Kind, Sources, State
from akash_mcp.guard.books.store import HOLD_SECONDS, Store
from akash_mcp.ids import Dseq, OpId

DSEQ = Dseq("1763759482113")


def op(number: int) -> OpId:
    return OpId(f"op_{number:016x}")


class Worker:
    """One process with its own store on the common file, and the clock that all go by."""

    def __init__(self, folder: Path, clock: list[float], account: str = "") -> None:
        self.store = Store(folder, lambda: clock[0])
        self.store.account = account
        self.holds = Written(self.store, holds)
        self.journal = Written(self.store, journal)
        self.sends = Written(self.store, sends)

    def open(self, number: int, dseq: Dseq | None = None, kind: Kind = Kind.LAUNCH) -> OpId:
        self.journal.open_operation(op(number), kind, "a web page", dseq=dseq)
        return op(number)

    def claims(self) -> list[OpId]:
        """All that it can get, in the order in which it gets them."""
        return [each.op_id for each in iter(self.holds.claim, None)]


@pytest.fixture
def clock() -> list[float]:
    return [1_763_759_000.0]


@pytest.fixture
def old(tmp_path: Path, clock: list[float]) -> Worker:
    return Worker(tmp_path, clock)


@pytest.fixture
def new(tmp_path: Path, clock: list[float]) -> Worker:
    return Worker(tmp_path, clock)


def test_what_is_in_hand_is_claimed_when_its_hold_has_run_out_and_not_before(
    old: Worker, new: Worker, clock: list[float]
) -> None:
    old.open(1)
    clock[0] += HOLD_SECONDS - 0.001
    assert new.holds.claim() is None
    clock[0] += 0.001
    assert new.holds.claim() == Claimed(op(1), 2)
    assert new.holds.claim() is None
    assert old.holds.claim() is None


LEFT = """
import os, signal, sys
from pathlib import Path
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.journal import Kind
from akash_mcp.guard.books.store import Store

store = Store(Path(sys.argv[1]), lambda: float(sys.argv[2]))
store.run_now(journal.open_operation, sys.argv[3], Kind.LAUNCH, "a web page")
print("opened", flush=True)
sys.stdin.readline()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_what_a_process_of_this_machine_left_that_died_is_claimed_at_once(
    new: Worker, tmp_path: Path, clock: list[float]
) -> None:
    command = [sys.executable, "-c", LEFT, str(tmp_path), str(clock[0]), op(1)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "opened\n"
        assert new.holds.claim() is None
        process.communicate("die\n", timeout=30)
    assert new.holds.claim() == Claimed(op(1), 2)


def test_one_that_renews_is_not_claimed(old: Worker, new: Worker, clock: list[float]) -> None:
    old.open(1)
    for _ in range(5):
        clock[0] += HOLD_SECONDS * 0.9
        old.holds.keep(op(1), 1)
        assert new.holds.claim() is None


def test_the_one_that_was_left_first_is_claimed_first(old: Worker, new: Worker, clock: list[float]) -> None:
    for number in (3, 1, 2):
        old.open(number)
        clock[0] += 1
    old.holds.keep(op(3), 1)
    clock[0] += HOLD_SECONDS
    assert new.claims() == [op(1), op(2), op(3)]


def test_of_those_left_at_once_the_one_that_began_first_is_claimed_first(
    old: Worker, new: Worker, clock: list[float]
) -> None:
    for number in (2, 3, 1):
        old.open(number)
    clock[0] += HOLD_SECONDS
    assert new.claims() == [op(2), op(3), op(1)]


@pytest.mark.parametrize("state", [State.READY, State.DONE, State.REFUSED, State.CLOSED])
def test_what_is_over_is_nobody_s_to_claim(
    state: State, old: Worker, new: Worker, clock: list[float]
) -> None:
    old.journal.advance(old.open(1), state)
    clock[0] += HOLD_SECONDS * 100
    assert new.holds.claim() is None


def test_what_was_let_go_waits_for_a_person(old: Worker, new: Worker, clock: list[float]) -> None:
    old.holds.let_go(old.open(1), epoch=1)
    clock[0] += HOLD_SECONDS * 100
    assert new.holds.claim() is None


def test_what_another_account_left_is_not_claimed(tmp_path: Path, old: Worker, clock: list[float]) -> None:
    old.open(1)
    clock[0] += HOLD_SECONDS
    assert Worker(tmp_path, clock, account="akash1other").holds.claim() is None


def test_of_two_that_look_at_once_one_gets_it(old: Worker, new: Worker, clock: list[float]) -> None:
    old.open(1)
    clock[0] += HOLD_SECONDS

    def both(db: Any) -> tuple[Claimed | None, Claimed | None]:
        return holds.claim(db), holds.claim(db)

    assert new.store.run_now(both) == (Claimed(op(1), 2), None)


WRITES: dict[str, Callable[[Worker, int], object]] = {
    "keep": lambda by, epoch: by.holds.keep(op(1), epoch),
    "check_epoch": lambda by, epoch: by.holds.check_epoch(op(1), epoch),
    "check_own": lambda by, epoch: by.holds.check_own(op(1), epoch),
    "advance": lambda by, epoch: by.journal.advance(op(1), State.OFFERED, "late", epoch=epoch),
    "created": lambda by, epoch: by.journal.created(op(1), DSEQ, Sources("sdl", "[]"), epoch=epoch),
    "send": lambda by, epoch: by.sends.begin(op(1), epoch, "create", {}),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_the_old_worker_writes_nothing_more_and_the_new_one_does(
    write: Callable[[Worker, int], object], old: Worker, new: Worker, clock: list[float]
) -> None:
    old.open(1)
    clock[0] += HOLD_SECONDS
    claimed = new.holds.claim()
    before = new.journal.find(op(1))
    with pytest.raises(TakenOver, match="is carried on by another server of this user") as taken:
        write(old, 1)
    assert f'get_deployment(id="{op(1)}")' in taken.value.next_step
    assert new.journal.find(op(1)) == before
    assert new.sends.find(op(1), "create") is None
    write(new, claimed.epoch)


@pytest.mark.parametrize(
    "leave",
    [
        lambda by: by.holds.let_go(op(1), epoch=1),
        lambda by: by.holds.hand_over(op(1), epoch=1),
        lambda by: by.holds.postpone(op(1), epoch=1, seconds=600),
    ],
    ids=["let_go", "hand_over", "postpone"],
)
def test_the_old_worker_does_not_let_go_of_what_the_new_one_has(
    leave: Callable[[Worker], object], old: Worker, new: Worker, clock: list[float]
) -> None:
    old.open(1)
    clock[0] += HOLD_SECONDS
    new.holds.claim()
    leave(old)
    assert old.holds.claim() is None
    new.holds.keep(op(1), 2)
    clock[0] += HOLD_SECONDS
    assert old.holds.claim() == Claimed(op(1), 3)


def test_what_is_handed_over_is_claimed_at_once(old: Worker, new: Worker) -> None:
    old.open(1)
    assert new.holds.claim() is None
    old.holds.hand_over(op(1), epoch=1)
    assert new.holds.claim() == Claimed(op(1), 2)


def test_what_was_let_go_or_is_over_is_not_handed_over(old: Worker, new: Worker) -> None:
    old.holds.let_go(old.open(1), epoch=1)
    old.journal.advance(old.open(2), State.REFUSED)
    for number in (1, 2):
        old.holds.hand_over(op(number), epoch=1)
    assert new.holds.claim() is None


def test_what_is_postponed_is_due_then_and_counts_its_tries(
    old: Worker, new: Worker, clock: list[float]
) -> None:
    old.open(1)
    old.holds.postpone(op(1), epoch=1, seconds=600)
    operation = new.journal.find(op(1))
    assert (operation.retry_at, operation.tries) == (clock[0] + 600, 1)
    clock[0] += 599.999
    assert new.holds.claim() is None
    clock[0] += 0.001
    assert new.holds.claim() == Claimed(op(1), 2)
    new.holds.postpone(op(1), epoch=2, seconds=1)
    assert new.journal.find(op(1)).tries == 2


def test_what_is_postponed_keeps_nobody_from_what_is_due(
    old: Worker, new: Worker, clock: list[float]
) -> None:
    old.open(1)
    old.open(2)
    old.holds.postpone(op(1), epoch=1, seconds=600)
    clock[0] += HOLD_SECONDS
    assert new.claims() == [op(2)]


def test_whoever_loses_only_its_deployment_still_says_how_it_ended(old: Worker, new: Worker) -> None:
    fund = old.open(1, DSEQ, Kind.FUND)
    closing = new.open(2, DSEQ, Kind.CLOSE)
    with pytest.raises(TakenOver, match=f"is being closed meanwhile, by operation {closing}"):
        old.holds.keep(fund, 1)
    old.holds.check_own(fund, 1)
    with pytest.raises(TakenOver):
        new.holds.check_own(fund, 1)


def test_whoever_lost_it_to_one_that_is_done_with_it_says_nothing_of_its_end(
    old: Worker, new: Worker, clock: list[float]
) -> None:
    old.open(1)
    clock[0] += HOLD_SECONDS
    new.holds.claim()
    new.holds.let_go(op(1), epoch=2)
    with pytest.raises(TakenOver):
        old.holds.check_own(op(1), 1)


def test_an_earlier_attempt_of_the_same_worker_says_nothing_of_its_end_either(
    old: Worker, clock: list[float]
) -> None:
    old.open(1)
    clock[0] += HOLD_SECONDS
    assert old.holds.claim() == Claimed(op(1), 2)
    with pytest.raises(TakenOver):
        old.holds.check_own(op(1), 1)


def test_a_process_that_came_too_late_to_renew_does_not_claim_what_it_works_on(
    old: Worker, clock: list[float]
) -> None:
    old.open(1)
    old.open(2)
    clock[0] += HOLD_SECONDS
    assert old.holds.claim(besides=frozenset({op(1)})) == Claimed(op(2), 2)
    assert old.holds.claim(besides=frozenset({op(1)})) is None
    old.holds.keep(op(1), 1)


def test_what_another_operation_has_in_hand_is_claimed_when_it_lets_go(
    old: Worker, new: Worker, clock: list[float]
) -> None:
    left = old.open(1, DSEQ, Kind.FUND)
    clock[0] += HOLD_SECONDS
    at_work = new.open(2, DSEQ, Kind.UPDATE)
    old.store.run_now(
        lambda db: db.run("UPDATE operations SET lease_until = :now WHERE op_id = :op", now=clock[0], op=left)
    )
    assert new.claims() == []
    new.holds.let_go(at_work)
    assert new.claims() == [left]


def test_a_close_that_somebody_left_waits_for_nobody(old: Worker, new: Worker, clock: list[float]) -> None:
    left = old.open(1, DSEQ, Kind.CLOSE)
    clock[0] += HOLD_SECONDS
    new.open(2, Dseq("2"), Kind.UPDATE)
    new.store.run_now(
        lambda db: db.run("UPDATE operations SET dseq = :dseq WHERE op_id = :op", dseq=DSEQ, op=op(2))
    )
    assert new.claims() == [left]
