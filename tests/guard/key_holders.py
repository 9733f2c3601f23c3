"""A process that holds an API key: its ledger, its clock and its account, as a server has them.

Run as a program it is one of its own: it spends all that the limits allow, and prints whose money it was.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio

from akash_mcp.clients.chain import ChainReader, chain_upstream
from akash_mcp.clients.console.client import ConsoleClient
from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.clients.service_clock import elapsed
from akash_mcp.errors import OverBudget
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.accounts import Accounts, check_bound
from akash_mcp.guard.books.clock import ConsoleClock
from akash_mcp.guard.books.history import History
from akash_mcp.guard.books.journal import Kind, Sources, new_op_id
from akash_mcp.guard.books.ledger import Ledger
from akash_mcp.guard.books.networks import Network
from akash_mcp.guard.books.store import Db, Store
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.ids import Dseq, OpId
from akash_mcp.money import Usd
from akash_mcp.sandbox.network import EmbeddedNetwork

KEY = "ac.sk.production." + "0123456789abcdef" * 4
RENEWED = "ac.sk.production." + "fedcba9876543210" * 4
DSEQ = Dseq("1763759482113")
LEDGER = Ledger(Policy())


@dataclass
class Passing:
    """Seconds that pass when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class KeyHolder:
    """What one process has open."""

    store: Store
    accounts: Accounts

    def launched(self, usd: int, dseq: Dseq = DSEQ) -> OpId:
        """A deployment that holds so much."""
        return self.store.run_now(launched, usd, dseq)

    @property
    def held(self) -> Usd:
        """What is held for its account."""
        return self.store.read_now(LEDGER.status).held

    def owns(self, dseq: Dseq = DSEQ) -> bool:
        """Whether its account created a deployment."""
        return self.store.read_now(journal.launch_of, dseq) is not None


def launched(db: Db, usd: int, dseq: Dseq) -> OpId:
    """Write down a deployment that holds so much."""
    op_id = new_op_id()
    journal.open_operation(db, op_id, Kind.LAUNCH, "Deploy.")
    LEDGER.reserve(db, op_id, Usd(usd), dseq=None)
    assert journal.created(db, op_id, dseq, Sources("sdl", "[]", None))
    LEDGER.attach(db, op_id, dseq)
    return op_id


@asynccontextmanager
async def key_holder(
    folder: Path,
    url: str,
    key: str | None = KEY,
    *,
    chain: str | None = None,
    passing: Passing | None = None,
    generation: Generation | None = Generation.REFERENCE,
) -> AsyncIterator[KeyHolder]:
    """A process beside a Console at `url`. `chain` is the chain's address where that Console may be embedded."""
    store = Store(folder / "state")
    async with (
        ConsoleClient(url, key, generation=generation, monotonic=passing or elapsed) as client,
        chain_upstream(chain or url) as upstream,
    ):
        store.clock = ConsoleClock(client.clock)
        history = History(store, ConsoleReader(client), beside=folder / "state", config=folder / "config")
        network = Network(ChainReader(upstream) if chain else None)
        try:
            yield KeyHolder(store, Accounts(store, client, history, network))
        finally:
            store.close()


@asynccontextmanager
async def beside(network: EmbeddedNetwork, folder: Path, key: str | None = None) -> AsyncIterator[KeyHolder]:
    """A process beside an embedded network."""
    async with key_holder(
        folder,
        network.console_url,
        key or network.api_key,
        chain=network.chain_rest_url,
        generation=None,
    ) as holder:
        yield holder


async def main(folder: str, url: str, key: str, chain: str) -> None:
    """Spend a dollar at a time until nothing is left."""
    async with key_holder(Path(folder), url, key, chain=chain) as holder:
        await holder.accounts.bind()
        try:
            while True:
                op_id = new_op_id()
                await holder.store.run(check_bound)
                await holder.store.run(LEDGER.reserve, op_id, Usd(1), dseq=None)
                await holder.store.run(LEDGER.attach, op_id, DSEQ)
                await holder.store.run(LEDGER.settle, DSEQ, Usd(1))
        except OverBudget:
            status = holder.store.read_now(LEDGER.status)
        sys.stdout.write(json.dumps([holder.store.account, str(status.today)]))


if __name__ == "__main__":
    folder, url, key, chain = sys.argv[1:]
    anyio.run(main, folder, url, key, chain)
