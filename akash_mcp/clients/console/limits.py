"""What the Console API allows: the minimum deposit, how many hours a deployment may run, how long its name may be."""

from __future__ import annotations

from collections.abc import Mapping

from akash_mcp.clients.console.generation import Generation
from akash_mcp.errors import BadArgument
from akash_mcp.money import Usd

MINIMUM_DEPOSIT: Mapping[Generation, Usd] = {
    Generation.V2025: Usd(5),
    Generation.REFERENCE: Usd("0.5"),
    Generation.V2026_11: Usd("0.5"),
}
"""What a new deployment needs at least. `2026-11` takes no deposit: there it is what one is worth being started for."""

FIRST_RUNTIME_HOURS = 48
"""The longest runtime limit that a deployment can start with, and the most that one request can raise it by."""

MOST_RUNTIME_HOURS = 8760
"""The longest runtime limit, all raises together: a year."""

LONGEST_NAME = 256
"""Characters of a deployment's name."""


def check_runtime_limit(hours: int, most: int) -> None:
    """Raise `BadArgument` unless `hours` is a whole number from 1 to `most`."""
    if isinstance(hours, bool) or not isinstance(hours, int) or not 1 <= hours <= most:
        raise BadArgument(f"A runtime limit is a whole number of hours from 1 to {most}.")


def check_name(name: str) -> None:
    """Raise `BadArgument` for a name that is empty or too long."""
    if not 1 <= len(name) <= LONGEST_NAME:
        raise BadArgument(f"A deployment's name has 1 to {LONGEST_NAME} characters.")
