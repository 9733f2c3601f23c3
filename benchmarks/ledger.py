"""What the ledger costs when it is large, and when many processes want it at once.

    .venv/bin/python benchmarks/ledger.py [ROWS] [PROCESSES] [SECONDS]

Prints how long a check and a reservation take in a ledger of ROWS reservations (100,000: half of them within the 40
days that rows are kept, a hundred held), then how many reservations a second PROCESSES processes get (8) with their
worst call, and whether the sums are exact. The seconds are this machine's: each reservation waits for the disk.
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from akash_mcp.errors import LedgerBusy
from akash_mcp.guard.books.clock import day_of
from akash_mcp.guard.books.ledger import DAY_SECONDS, Ledger
from akash_mcp.guard.books.store import Db, Store
from akash_mcp.guard.policy.limits import Limits
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.ids import OpId
from akash_mcp.money import Usd

NO_LIMIT = Usd(10**8)
ROOF = Limits(
    max_usd_per_deployment=NO_LIMIT,
    max_usd_per_day=NO_LIMIT,
    max_usd_per_month=NO_LIMIT,
    max_usd_total=NO_LIMIT,
    max_usd_per_hour_together=NO_LIMIT,
    max_deployments=10**6,
)
POLICY = replace(
    Policy(agent="agent-1", roof=ROOF),
    max_usd_per_deployment=NO_LIMIT,
    max_usd_per_day=NO_LIMIT,
    max_deployments=10**6,
)
AGENTS = 4
HELD = 100
SPAN_DAYS = 80
AMOUNT = Usd("0.010001")


def fill(db: Db, rows: int) -> None:
    """Reservations spread over the days before now, most of them settled, and their sums."""
    for number in range(rows):
        at = db.now - SPAN_DAYS * DAY_SECONDS * (rows - number) / rows
        agent = f"agent-{number % AGENTS}"
        state = "held" if number % (rows // HELD) == 0 else "settled" if number % 5 else "refused"
        spent = 10_001 if state == "settled" else None
        db.run(
            "INSERT INTO reservations"
            " (op_id, account, agent, dseq, opens, amount_uact, spent_uact, rate_uact, state, at) VALUES"
            " (:op_id, '', :agent, :dseq, 1, 20000, :spent, 1, :state, :at)",
            op_id=f"op_old_{number}",
            agent=agent,
            dseq=str(number),
            spent=spent,
            state=state,
            at=at,
        )
        if spent is not None:
            db.run(
                "INSERT INTO spent (account, agent, day, spent_uact) VALUES ('', :agent, :day, :spent)"
                " ON CONFLICT (account, agent, day) DO UPDATE SET spent_uact = spent.spent_uact + :spent",
                agent=agent,
                day=day_of(at),
                spent=spent,
            )


def timed(store: Store, ledger: Ledger, times: int) -> None:
    """Print what a check, a reservation and a fold take."""
    checks, reservations = [], []
    for number in range(times):
        began = time.perf_counter()
        store.read_now(ledger.check, AMOUNT, dseq=None, rate=Usd(1))
        checks.append(time.perf_counter() - began)
        began = time.perf_counter()
        store.run_now(ledger.reserve, OpId(f"op_{number}"), AMOUNT, dseq=None, rate=Usd(1))
        reservations.append(time.perf_counter() - began)
    began, folded, bites, worst = time.perf_counter(), 0, 0, 0.0
    while True:
        one = time.perf_counter()
        gone = store.run_now(ledger.fold)
        worst = max(worst, time.perf_counter() - one)
        if not gone:
            break
        folded, bites = folded + gone, bites + 1
    print(f"  check        {quantiles(checks)}")
    print(f"  reservation  {quantiles(reservations)}")
    took = time.perf_counter() - began
    print(f"  fold         {folded} rows in {took:.1f} s, {bites} bites, worst {worst * 1e3:.0f} ms")


def quantiles(seconds: list[float]) -> str:
    cuts = statistics.quantiles(seconds, n=100)
    return f"median {cuts[49] * 1e3:.2f} ms, 99th {cuts[98] * 1e3:.2f} ms, worst {max(seconds) * 1e3:.1f} ms"


def reserve_for(folder: Path, number: int, seconds: float) -> tuple[list[float], int]:
    """How long each reservation of one process took, and how often it was told that the ledger is busy."""
    store, ledger = Store(folder, agent=f"agent-{number % AGENTS}"), Ledger(POLICY)
    took: list[float] = []
    busy, ends = 0, time.monotonic() + seconds
    while time.monotonic() < ends:
        began = time.perf_counter()
        try:
            store.run_now(ledger.reserve, OpId(f"op_{number}_{len(took)}"), AMOUNT, dseq=None, rate=Usd(1))
        except LedgerBusy:
            busy += 1
            continue
        took.append(time.perf_counter() - began)
    store.close()
    return took, busy


def main(rows: int = 100_000, processes: int = 8, seconds: float = 5) -> None:
    with tempfile.TemporaryDirectory(prefix="akash-mcp-") as place:
        store, ledger = Store(Path(place) / "large", agent="agent-1"), Ledger(POLICY)
        store.run_now(fill, rows)
        print(f"one process, {rows} reservations of {AGENTS} agents:")
        timed(store, ledger, 200)
        before = store.read_now(ledger.status).roof.committed
        store.close()

        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            folder = Path(place) / "large"
            each = pool.starmap(
                reserve_for, [(folder, number, float(seconds)) for number in range(processes)]
            )
        took = [one for seconds_of, _ in each for one in seconds_of]
        after = store.read_now(ledger.status).roof.committed
        store.close()
        print(f"{processes} processes for {seconds:.0f} s:")
        print(
            f"  {len(took) / seconds:.0f} reservations a second, {quantiles(took)}; {sum(b for _, b in each)} busy"
        )
        print(f"  sums exact: {after.held - before.held == AMOUNT * len(took)}")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
