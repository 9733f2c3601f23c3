"""What time it is for the ledger: no clock that jumps opens a new budget."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.clients.service_clock import ServiceClock
from akash_mcp.errors import OverBudget, UnknownTime
from akash_mcp.guard.books.clock import FAR_SECONDS, ConsoleClock, check_told
from akash_mcp.guard.books.journal import new_op_id
from akash_mcp.guard.books.ledger import DAY_SECONDS, Ledger, bring_back
from akash_mcp.guard.books.store import Db, Store
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.ids import Dseq
from akash_mcp.money import Usd

TRUTH = 1_796_000_000.0
HOUR = 3600.0
DAILY = 8
LEDGER = Ledger(Policy(max_usd_per_deployment=Usd(DAILY), max_usd_per_day=Usd(DAILY), max_deployments=1000))


@dataclass
class World:
    """Real time, and two clocks that are `off` by so many seconds. What was spent, and really when."""

    folder: Path
    real: float = TRUTH
    ours_off: float = 0.0
    console_off: float = 0.0
    spent: list[tuple[float, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Another process: it has heard nothing, and has the same file."""
        self.heard = ServiceClock(lambda: self.real - 17.0)
        self.store = Store(self.folder)
        self.store.account = "akash:akash1ooo"
        self.store.clock = ConsoleClock(self.heard, lambda: self.real + self.ours_off)

    def answer(self) -> None:
        """The Console answers something."""
        self.heard.hear(math.floor(self.real + self.console_off), sent=self.real - 17.0)

    def spend(self, usd: int) -> bool:
        """Reserve, as before each request that spends: True where the limits and the clocks let it."""
        self.store.run_now(bring_back)
        try:
            self.store.run_now(reserve, Usd(usd))
        except (OverBudget, UnknownTime):
            return False
        self.spent.append((self.real, usd))
        return True

    @property
    def most_in_a_day(self) -> int:
        """The most that was spent within 24 real hours."""
        starts = [at for at, _ in self.spent]
        return max(
            (sum(usd for at, usd in self.spent if start <= at < start + DAY_SECONDS) for start in starts),
            default=0,
        )


def reserve(db: Db, amount: Usd) -> None:
    check_told(db.moment)
    LEDGER.reserve(db, new_op_id(), amount, dseq=None)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    running = World(tmp_path)
    yield running
    running.store.close()


jumps = st.one_of(
    st.sampled_from(
        [0.0, -26 * HOUR, 26 * HOUR, -HOUR, HOUR, -30 * 24 * HOUR, 30 * 24 * HOUR, 2 * FAR_SECONDS]
    ),
    st.floats(-40 * 24 * HOUR, 40 * 24 * HOUR),
)


@dataclass(frozen=True)
class Step:
    """So many seconds pass, then one clock is wrong, then somebody spends, after a restart and an answer or not."""

    passes: float
    off: float
    is_ours: bool
    restarts: bool
    answers: bool
    usd: int


steps = st.builds(
    Step,
    passes=st.one_of(st.floats(0, 30 * HOUR), st.sampled_from([0.0, 60.0, 12 * HOUR, 23.9 * HOUR])),
    off=jumps,
    is_ours=st.booleans(),
    restarts=st.booleans(),
    answers=st.sampled_from([True, True, True, False]),
    usd=st.integers(1, DAILY),
)


@given(st.lists(steps, min_size=2, max_size=14))
def test_whatever_one_of_the_clocks_says_no_more_than_the_limit_is_spent_within_24_real_hours(
    taken: list[Step],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for step in taken:
            world.real += step.passes
            # Where the Console says nothing new, what it last said is still its time: so ours has to be right.
            world.ours_off = step.off if step.is_ours and (step.answers or not world.console_off) else 0.0
            if step.answers:
                world.console_off = 0.0 if step.is_ours else step.off
            if step.restarts:
                world.store.close()
                world.restart()
            if step.answers:
                world.answer()
            world.spend(step.usd)
        world.store.close()
        assert world.most_in_a_day <= DAILY


@pytest.mark.parametrize("off", [-26 * HOUR, 26 * HOUR, -300 * 24 * HOUR, 300 * 24 * HOUR])
@pytest.mark.parametrize("whose", ["ours_off", "console_off"])
def test_a_clock_that_jumps_and_jumps_back_opens_no_new_budget(world: World, whose: str, off: float) -> None:
    world.answer()
    assert world.spend(DAILY)
    setattr(world, whose, off)
    world.answer()
    assert not world.spend(1)
    setattr(world, whose, 0.0)
    world.restart()
    world.answer()
    assert not world.spend(1)


@pytest.mark.parametrize("off", [-26 * HOUR, 26 * HOUR, 300 * 24 * HOUR])
@pytest.mark.parametrize("whose", ["ours_off", "console_off"])
def test_what_was_spent_while_a_clock_was_wrong_counts_for_a_day_and_no_longer(
    world: World, whose: str, off: float
) -> None:
    setattr(world, whose, off)
    world.answer()
    assert world.spend(DAILY)
    setattr(world, whose, 0.0)
    world.real += 60
    world.answer()
    assert not world.spend(1)  # and it is brought back, where it stands in the future
    world.real += DAY_SECONDS - HOUR
    world.answer()
    assert not world.spend(1)
    world.real += HOUR + 60
    world.answer()
    assert world.spend(DAILY)


def test_a_machine_that_slept_knows_how_long(world: World) -> None:
    """What passes between two answers is counted by a clock that nobody sets."""
    world.answer()
    assert world.spend(DAILY)
    world.real += DAY_SECONDS + 10
    assert world.spend(DAILY)


@pytest.mark.parametrize("off", [None, 2 * FAR_SECONDS, -2 * FAR_SECONDS, -TRUTH])
def test_without_a_time_of_the_consoles_nothing_is_spent(world: World, off: float | None) -> None:
    if off is not None:
        world.console_off = off
        world.answer()
    with pytest.raises(UnknownTime, match=r"nothing is spent.*No money moved\.") as told:
        world.store.run_now(reserve, Usd(1))
    assert "akash-mcp doctor" in told.value.next_step


def test_without_one_what_is_written_down_does_not_go_back(world: World) -> None:
    world.answer()
    world.spend(1)
    world.restart()
    world.ours_off = -26 * HOUR
    moment = world.store.read_now(lambda db: db.moment)
    assert not moment.is_told
    assert moment.now == moment.latest >= TRUTH
    assert moment.earliest == TRUTH - 26 * HOUR
    world.ours_off = HOUR
    assert world.store.read_now(lambda db: db.now) == TRUTH + HOUR


def test_a_clock_that_is_given_is_right(tmp_path: Path) -> None:
    store = Store(tmp_path, lambda: TRUTH)
    moment = store.read_now(lambda db: db.moment)
    check_told(moment)
    assert (moment.earliest, moment.now, moment.latest) == (TRUTH, TRUTH, TRUTH)
    store.close()


def test_everything_else_goes_by_the_consoles_time(world: World) -> None:
    world.ours_off = 5 * HOUR
    world.answer()
    assert world.store.read_now(lambda db: db.now) == TRUTH


def test_what_was_settled_into_a_day_to_come_is_brought_back_with_it(tmp_path: Path) -> None:
    now = [TRUTH + 60 * 24 * HOUR]
    store = Store(tmp_path, lambda: now[0])

    def spend_and_settle(db: Db) -> None:
        op_id = new_op_id()
        LEDGER.reserve(db, op_id, Usd(5), dseq=None)
        LEDGER.attach(db, op_id, Dseq("7"))
        LEDGER.settle(db, Dseq("7"), Usd(3))

    store.run_now(spend_and_settle)
    now[0] = TRUTH
    store.run_now(spend_and_settle)
    assert [store.run_now(bring_back) for _ in range(2)] == [1, 0]
    rows = store.read_now(lambda db: db.all("SELECT day, spent_uact FROM spent"))
    assert [tuple(row) for row in rows] == [("2026-11-30", 6_000_000)]
    assert store.read_now(LEDGER.status).roof.committed.month == Usd(6)
    store.close()
