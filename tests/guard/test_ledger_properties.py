"""Whatever agents and processes do, in whatever order: no limit is passed, and sums are exact to the micro-unit."""

from __future__ import annotations

import multiprocessing
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from ledger_book import Book, Clock, a_new_op_id, reserve_again_and_again

from akash_mcp.errors import OverBudget
from akash_mcp.guard.books.clock import day_of
from akash_mcp.guard.books.ledger import DAY_SECONDS
from akash_mcp.guard.policy.limits import Limits, Standing
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.ids import Dseq, OpId
from akash_mcp.money import ZERO, Usd

ROOF = Limits(
    max_usd_per_deployment=Usd(6),
    max_usd_per_day=Usd(12),
    max_usd_per_month=Usd(25),
    max_usd_total=Usd(40),
    max_usd_per_hour_together=Usd(2),
    max_deployments=5,
)
BUILDER = Policy(
    agent="builder",
    roof=ROOF,
    max_usd_per_deployment=Usd(4),
    max_usd_per_day=Usd(7),
    max_usd_per_month=Usd(11),
    max_usd_total=Usd(30),
    max_usd_per_hour_together=Usd("1.25"),
    max_deployments=3,
)
TESTER = Policy(
    agent="tester",
    roof=ROOF,
    max_usd_per_deployment=Usd(6),
    max_usd_per_day=Usd(9),
    max_usd_per_month=Usd(20),
    max_usd_total=Usd(40),
    max_usd_per_hour_together=Usd(2),
    max_deployments=4,
)
POLICIES = (BUILDER, TESTER)


@dataclass
class Reserved:
    """What the test itself knows of one reservation, in uact."""

    op_id: OpId
    agent: str
    dseq: Dseq
    opens: bool
    held: int
    rate: int
    at: float
    spent: int | None = None

    @property
    def counted(self) -> int:
        return self.held if self.spent is None else self.spent


@dataclass
class Own:
    """The test's own books, added up anew each time."""

    entries: list[Reserved] = field(default_factory=list)

    def of(self, agent: str | None) -> list[Reserved]:
        return [each for each in self.entries if agent in (None, each.agent)]

    def open_dseqs(self) -> list[Dseq]:
        return list(dict.fromkeys(each.dseq for each in self.entries if each.spent is None))


amounts = st.decimals(min_value=Decimal("0.000001"), max_value=Decimal(6), places=6).map(Usd)
finer = st.decimals(min_value=Decimal("0.0000001"), max_value=Decimal(2), places=7).map(Usd)
agents = st.sampled_from(range(len(POLICIES)))


class Agents(RuleBasedStateMachine):
    """Two agents under one roof reserve, are refused, settle, and time passes; now and then somebody folds."""

    folders: Iterator[Path]

    @initialize()
    def start(self) -> None:
        folder, self.clock = next(self.folders), Clock()
        self.books = [Book(folder, policy, self.clock, policy.agent) for policy in POLICIES]
        self.own, self.numbers = Own(), iter(range(1, 10**6))

    def teardown(self) -> None:
        for book in getattr(self, "books", []):
            book.store.close()

    @rule(who=agents, amount=amounts, rate=finer)
    def open(self, who: int, amount: Usd, rate: Usd) -> None:
        op_id, dseq = a_new_op_id(), Dseq(str(next(self.numbers)))
        try:
            self.books[who].reserve(op_id, amount, dseq=None, rate=rate)
        except OverBudget:
            return
        self.books[who].attach(op_id, dseq)
        self._note(op_id, who, dseq, True, amount, rate)

    @rule(who=agents, amount=amounts, which=st.integers(0, 9))
    def add(self, who: int, amount: Usd, which: int) -> None:
        op_id, dseq = a_new_op_id(), self._one(which)
        if dseq is None:
            return
        try:
            self.books[who].reserve(op_id, amount, dseq=dseq)
        except OverBudget:
            return
        self._note(op_id, who, dseq, False, amount, ZERO)

    @rule(who=agents, which=st.integers(0, 9))
    def refuse(self, who: int, which: int) -> None:
        held = [each for each in self.own.entries if each.spent is None]
        if held:
            gone = held[which % len(held)]
            self.books[who].release(gone.op_id)
            self.own.entries.remove(gone)

    @rule(who=agents, which=st.integers(0, 9), share=st.integers(0, 1000))
    def settle(self, who: int, which: int, share: int) -> None:
        dseq = self._one(which)
        if dseq is None:
            return
        held = [each for each in self.own.entries if each.dseq == dseq and each.spent is None]
        rest = sum(each.held for each in held) * share // 1000
        self.books[who].settle(dseq, Usd.from_uact(rest))
        self._own_share(held, rest)

    @rule(who=agents, which=st.integers(0, 9), rate=finer)
    def lease(self, who: int, which: int, rate: Usd) -> None:
        opened = [each for each in self.own.entries if each.opens and each.spent is None]
        if not opened:
            return
        one = opened[which % len(opened)]
        try:
            self.books[who].reserve_rate(one.dseq, rate)
        except OverBudget:
            return
        one.rate = max(one.rate, rate.uact_at_most)

    @rule(days=st.sampled_from([0.0, 0.3, 0.99, 1.0, 9.0, 31.0, 45.0]))
    def wait(self, days: float) -> None:
        self.clock.now += days * DAY_SECONDS

    @rule(who=agents)
    def fold(self, who: int) -> None:
        before = [book.status() for book in self.books]
        self.books[who].fold()
        assert [book.status() for book in self.books] == before

    @invariant()
    def sums_are_exact_and_no_limit_is_passed(self) -> None:
        for book, policy in zip(getattr(self, "books", []), POLICIES, strict=False):
            status = book.status()
            self._agrees(status.own, policy.agent, policy)
            self._agrees(status.roof, None, ROOF)

    def _agrees(self, standing: Standing, agent: str | None, limits: Limits) -> None:
        now, entries, told = self.clock.now, self.own.of(agent), standing.committed
        held = [each for each in entries if each.spent is None]
        month = day_of(now)[:7]
        today = sum(each.counted for each in entries if each.at > now - DAY_SECONDS)
        this_month = sum(each.counted for each in entries if day_of(each.at)[:7] == month)
        total, rate = sum(each.counted for each in entries), sum(each.rate for each in held)
        assert told.held == Usd.from_uact(sum(each.held for each in held))
        assert (told.today, told.month) == (Usd.from_uact(today), Usd.from_uact(this_month))
        assert (told.total, told.usd_per_hour) == (Usd.from_uact(total), Usd.from_uact(rate))
        assert told.live_deployments == sum(each.opens for each in held) <= limits.max_deployments
        assert told.today <= limits.max_usd_per_day
        assert told.month <= (limits.max_usd_per_month or ZERO)
        assert told.total <= (limits.max_usd_total or ZERO)
        assert told.usd_per_hour <= (limits.max_usd_per_hour_together or ZERO)
        if agent is None:
            for dseq in self.own.open_dseqs():
                whole = sum(each.counted for each in entries if each.dseq == dseq)
                assert Usd.from_uact(whole) <= limits.max_usd_per_deployment

    def _one(self, which: int) -> Dseq | None:
        known = self.own.open_dseqs()
        return known[which % len(known)] if known else None

    def _note(self, op_id: OpId, who: int, dseq: Dseq, opens: bool, amount: Usd, rate: Usd) -> None:
        agent = POLICIES[who].agent
        held, an_hour = amount.uact_at_most, rate.uact_at_most
        self.own.entries.append(Reserved(op_id, agent, dseq, opens, held, an_hour, self.clock.now))

    @staticmethod
    def _own_share(held: list[Reserved], rest: int) -> None:
        # Those of one moment are told apart by their names, so that both books do it alike.
        for each in sorted(held, key=lambda each: (not each.opens, each.at, each.op_id)):
            each.spent = min(rest, each.held)
            rest -= each.spent


def test_no_sequence_of_steps_passes_a_limit_or_loses_a_uact(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    def folders() -> Iterator[Path]:
        while True:
            yield tmp_path_factory.mktemp("ledger")

    class InFolders(Agents):
        pass

    InFolders.folders = folders()
    run_state_machine_as_test(InFolders)


ATTEMPTS, PROCESSES = 25, 16
NO_NUMBER = 10_000


def taken_by(policies: list[Policy], folder: Path, amount: Usd) -> list[int]:
    """How many of its attempts each of many processes had taken, all at once."""
    forks = "forkserver" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if forks else "spawn")
    if forks:
        context.set_forkserver_preload(["ledger_book"])
    with context.Pool(PROCESSES) as pool:
        each = [
            pool.apply_async(reserve_again_and_again, (folder, one, ATTEMPTS, amount)) for one in policies
        ]
        return [one.get(timeout=45) for one in each]


def test_sixteen_processes_never_pass_one_budget(tmp_path: Path) -> None:
    policy = Policy(max_usd_per_day=Usd(20), max_deployments=NO_NUMBER)
    amount = Usd("0.130001")
    taken = taken_by([policy] * PROCESSES, tmp_path, amount)
    assert sum(taken) == 153  # 153 of them are 19.890153, and one more would be above 20
    standing = Book(tmp_path, policy, Clock()).status()
    assert standing.today == standing.held == amount * 153


def test_sixteen_processes_of_four_agents_never_pass_their_budgets_nor_the_roof(tmp_path: Path) -> None:
    roof = Limits(max_usd_per_day=Usd(20), max_deployments=NO_NUMBER)
    names = {"a": Usd(3), "b": Usd(5), "c": Usd(8), "d": Usd(20)}
    policies = [
        Policy(agent=name, roof=roof, max_usd_per_day=most, max_deployments=NO_NUMBER)
        for name, most in names.items()
    ]
    amount = Usd("0.25")
    taken = taken_by(policies * 4, tmp_path, amount)
    by_agent: dict[str, int] = defaultdict(int)
    for policy, number in zip(policies * 4, taken, strict=True):
        by_agent[policy.agent] += number
    assert (
        sum(by_agent.values()) == 80
    )  # the four together want more than the roof: it is reached, and not passed
    for name, most in names.items():
        assert amount * by_agent[name] <= most
    plain = replace(policies[0], agent="", roof=None, max_usd_per_day=Usd(20))
    assert Book(tmp_path, plain, Clock()).status().today == Usd(20)
