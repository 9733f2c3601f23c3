"""A request that may spend is sent by whoever wrote it down, once, in whichever process and however long after."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from scripted_console import (
    CREATE,
    DSEQ,
    FUND,
    LAUNCH,
    MANIFEST,
    Guarded,
    Told,
    approved,
    deployment,
    guarded,
    refusal,
)

from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.http import LONGEST_PAUSE_SECONDS
from akash_mcp.errors import OutcomeUnknown, PaymentRequired, TakenOver, Unreachable
from akash_mcp.guard.books import holds, journal, sends
from akash_mcp.guard.books.journal import Kind
from akash_mcp.guard.books.sends import Send, SentBefore
from akash_mcp.guard.books.store import Store
from akash_mcp.guard.plans.plans import FundPlan
from akash_mcp.ids import OpId
from akash_mcp.money import ZERO, Usd

pytestmark = pytest.mark.anyio

OP = OpId("op_" + "1" * 16)
FUNDS = FundPlan(tool="add_funds", dseq=DSEQ, amount=Usd(1), ours=True)
DEPOSITED: Told = (200, deployment(funds=3_000_000))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """One launch that was let in, at a moment that passes by a second a transaction."""
    store = Store(tmp_path, iter(range(1000, 2000)).__next__)
    store.run_now(journal.open_operation, OP, Kind.LAUNCH, "a web page")
    return store


def find(store: Store, step: str = "create") -> Send | None:
    return store.read_now(sends.find, OP, step)


def test_a_request_is_known_with_what_was_known_before_it(store: Store) -> None:
    assert find(store) is None
    store.run_now(sends.begin, OP, 1, "create", {"before": ["7"], "version": "abc="})
    assert find(store) == Send(1002, {"before": ["7"], "version": "abc="}, None)
    assert find(store, "lease") is None
    store.run_now(sends.answered, OP, "create", "taken")
    found = find(store)
    assert found is not None
    assert (found.at, found.answer) == (1002, "taken")


@pytest.mark.parametrize("is_taken", [True, False], ids=["taken", "not known"])
def test_what_was_sent_is_not_sent_again(is_taken: bool, store: Store) -> None:
    store.run_now(sends.begin, OP, 1, "create", {})
    if is_taken:
        store.run_now(sends.answered, OP, "create", "taken")
    before = find(store)
    with pytest.raises(SentBefore) as sent:
        store.run_now(sends.begin, OP, 1, "create", {"another": "attempt"})
    assert isinstance(sent.value, OutcomeUnknown)  # so that it is looked up
    assert find(store) == before


def test_a_definite_refusal_frees_the_step(store: Store) -> None:
    store.run_now(sends.begin, OP, 1, "create", {})
    store.run_now(sends.answered, OP, "create", "refused")
    store.run_now(sends.begin, OP, 1, "create", {"attempt": 2})
    found = find(store)
    assert found is not None
    assert (found.about, found.answer) == ({"attempt": 2}, None)
    with pytest.raises(SentBefore):
        store.run_now(sends.begin, OP, 1, "create", {})


def test_each_step_and_each_operation_is_sent_by_itself(store: Store) -> None:
    other = OpId("op_" + "2" * 16)
    store.run_now(journal.open_operation, other, Kind.LAUNCH, "the same")
    for op_id, step in ((OP, "create"), (OP, "lease"), (other, "create")):
        store.run_now(sends.begin, op_id, 1, step, {})


def test_who_lost_the_operation_writes_down_nothing(store: Store, tmp_path: Path) -> None:
    later = Store(tmp_path, lambda: 1000 + store.hold_seconds * 2)
    claimed = later.run_now(holds.claim)
    assert claimed is not None
    with pytest.raises(TakenOver, match="carried on by another server"):
        store.run_now(sends.begin, OP, 1, "create", {})
    assert find(store) is None
    later.run_now(sends.begin, OP, claimed.epoch, "create", {})


BEGIN = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from akash_mcp.guard.books import sends
from akash_mcp.guard.books.store import Store

barrier = Barrier(4)

def begin(_):
    store = Store(Path(sys.argv[1]), lambda: 1000.0)
    barrier.wait()
    try:
        store.run_now(sends.begin, sys.argv[2], 1, "create", {})
    except sends.SentBefore:
        return "sent before"
    return "sends"

sys.stdin.readline()
with ThreadPoolExecutor(4) as threads:
    print(*threads.map(begin, range(4)), sep="\\n")
"""


def test_of_sixteen_in_four_processes_one_sends(store: Store, tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", BEGIN, str(tmp_path), OP],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [line for process in processes for line in process.communicate(timeout=45)[0].splitlines()]
    assert sorted(said) == ["sends"] + ["sent before"] * 15


def test_of_sixteen_threads_of_one_store_one_sends(store: Store) -> None:
    barrier = Barrier(16)

    def begin(_: int) -> bool:
        barrier.wait()
        try:
            store.run_now(sends.begin, OP, 1, "create", {})
        except SentBefore:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(begin, range(16))) == 1


async def test_the_row_is_there_before_the_first_byte_arrives(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        permit = await guard.gate.launch(LAUNCH, approved(LAUNCH))
        seen: list[Send | None] = []

        async def created() -> Told:
            seen.append(await permit.sent())
            return 201, {"dseq": DSEQ, "manifest": MANIFEST}

        guard.console.on(CREATE, created)
        await permit.create(known_before=lambda: {"before": []})
        assert seen == [Send(guard.clock[0], {"before": []}, None)]
        sent = await permit.sent()
        assert sent is not None
        assert sent.answer == "taken"


@pytest.mark.parametrize("answer", [None, refusal(500)], ids=["no answer", "an error"])
async def test_one_whose_answer_was_lost_is_not_sent_by_another_attempt(answer: Told, tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        permit = await guard.gate.launch(LAUNCH, approved(LAUNCH))
        guard.console.on(CREATE, answer, (201, {"dseq": DSEQ, "manifest": MANIFEST}))
        with pytest.raises(OutcomeUnknown):
            await permit.create()
        with pytest.raises(SentBefore):
            await permit.create()
        assert len(guard.console.sent(CREATE)) == 1
        assert guard.ledger.status().held == LAUNCH.deposit


async def test_after_a_refusal_the_same_operation_may_send_it_again(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        permit = await guard.gate.launch(LAUNCH, approved(LAUNCH))
        created: Told = (201, {"dseq": DSEQ, "manifest": MANIFEST})
        guard.console.on(CREATE, refusal(409, "Being set up.", "wallet_provisioning"), created)
        await permit.create()
        assert len(guard.console.sent(CREATE)) == 2


async def test_a_refused_one_is_known_as_refused(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        permit = await guard.gate.launch(LAUNCH, approved(LAUNCH))
        guard.console.on(CREATE, refusal(402))
        with pytest.raises(PaymentRequired):
            await permit.create()
        sent = await permit.sent()
        assert sent is not None
        assert sent.answer == "refused"


async def test_another_route_is_tried_within_one_attempt_after_the_first_was_refused(tmp_path: Path) -> None:
    other = f"POST /v1/deployments/deposit/{DSEQ}"
    async with guarded(tmp_path, generation=Generation.V2025) as guard:
        guard.console.on(FUND, refusal(404, "Route not found"))
        guard.console.on(other, DEPOSITED)
        permit = await guard.gate.fund(FUNDS, approved(FUNDS))
        await permit.deposit()
        assert (len(guard.console.sent(FUND)), len(guard.console.sent(other))) == (1, 1)
        sent = guard.store.read_now(sends.find, permit.op_id, "deposit")
        assert sent is not None
        assert sent.answer == "taken"


async def test_after_a_lost_answer_no_other_route_is_tried(tmp_path: Path) -> None:
    other = f"POST /v1/deployments/deposit/{DSEQ}"
    async with guarded(tmp_path, generation=Generation.V2025) as guard:
        guard.console.on(FUND, None)
        guard.console.on(other, DEPOSITED)
        with pytest.raises(OutcomeUnknown):
            await (await guard.gate.fund(FUNDS, approved(FUNDS))).deposit()
        assert (len(guard.console.sent(FUND)), len(guard.console.sent(other))) == (1, 0)


def stands_still(guard: Guarded, seconds: float) -> None:
    """The process stops for so long between what it writes down and the first byte of what it sends."""

    def times() -> Iterator[float]:
        yield 0.0  # when the row is written
        while True:
            yield seconds

    moments, upstream = times(), guard.gate._client._upstream

    def monotonic() -> float:
        written = guard.store.read_now(lambda db: db.value("SELECT COUNT(*) FROM sends"))
        return next(moments) if written else 0.0

    upstream.monotonic = monotonic


async def test_a_process_that_stood_still_after_it_wrote_sends_nothing(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        permit = await guard.gate.launch(LAUNCH, approved(LAUNCH))
        stands_still(guard, LONGEST_PAUSE_SECONDS + 0.001)
        with pytest.raises(Unreachable, match="stood still"):
            await permit.create()
        assert not guard.console.sent(CREATE)
        sent = await permit.sent()
        assert sent is not None
        assert sent.answer == "refused"
        assert guard.ledger.status().held == ZERO


async def test_a_short_pause_keeps_nobody_from_sending(tmp_path: Path) -> None:
    async with guarded(tmp_path) as guard:
        permit = await guard.gate.launch(LAUNCH, approved(LAUNCH))
        stands_still(guard, LONGEST_PAUSE_SECONDS)
        await permit.create()
        assert len(guard.console.sent(CREATE)) == 1
