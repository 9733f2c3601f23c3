"""What launches left in the network's own books, and the ledger beside them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from decimal import ROUND_CEILING, Decimal

import anyio

from akash_mcp import config
from akash_mcp.sandbox.chain import Deployment
from akash_mcp.sandbox.network import EmbeddedNetwork


def deployments(network: EmbeddedNetwork) -> list[Deployment]:
    return list(network.chain.deployments.values())


def providers(network: EmbeddedNetwork) -> list[str]:
    """Who got the leases, in the order of their deployments."""
    return [lease.provider for deployment in deployments(network) for lease in deployment.leases]


async def until(there: Callable[[], bool], *, seconds: float = 0.005) -> None:
    """Wait for what happens elsewhere, which tells nobody: looked for again after so many seconds, for a minute."""
    with anyio.fail_after(60):
        while not there():  # noqa: ASYNC110  # the network has no event for it
            await anyio.sleep(seconds)


def ledger_of(settings: config.Settings) -> dict[str, tuple[str, int, int | None]]:
    """What is reserved for each deployment: its state, and what it holds and cost in uact."""
    with closing(sqlite3.connect(settings.state_dir / "akash-mcp.sqlite3")) as db:
        rows = db.execute(
            "SELECT dseq, MIN(state), SUM(amount_uact), SUM(spent_uact) FROM reservations GROUP BY dseq"
        ).fetchall()
    return {dseq: (state, amount, spent) for dseq, state, amount, spent in rows}


def check_books(settings: config.Settings, network: EmbeddedNetwork, *, approved: int) -> None:
    """What is closed cost in the ledger what it cost, and all together never is more than was approved."""
    held = spent = 0
    for deployment in deployments(network):
        state, amount, cost = ledger_of(settings)[deployment.dseq]
        if deployment.state == "closed":
            paid = int(deployment.escrow.transferred.to_integral_value(ROUND_CEILING))
            assert (state, cost) == ("settled", paid)
            spent += paid
        else:
            assert state == "held"
            held += amount
            put_in = sum((amount for _, amount in deployment.escrow.deposits), Decimal(0))
            assert network.options.generation == "2026-11" or put_in == amount
    assert held + spent <= approved
