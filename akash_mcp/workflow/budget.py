"""The account's credit, where it can be read."""

from __future__ import annotations

from dataclasses import dataclass

from akash_mcp.errors import AkashError
from akash_mcp.money import Usd
from akash_mcp.workflow.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Credit:
    """What the account may still deposit, and what lies in escrow. `problem` says why they are not known."""

    available: Usd | None
    in_escrow: Usd | None
    problem: str | None = None


async def credit(rt: Runtime) -> Credit:
    """The account's credit. The user's limits stand whatever the Console says, so its failure is told, not raised."""
    try:
        balances = await rt.reader.balances()
    except AkashError as failure:
        return Credit(None, None, str(failure))
    return Credit(balances.available, balances.in_deployments)
