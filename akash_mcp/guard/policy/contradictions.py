"""Contradictions: what a person wrote down and cannot have meant, since one part of it keeps another from ever holding.

Two settings contradict one another where both were written. A default that comes before what was written is only
warned of: whoever lowers or raises one limit need not know all the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from akash_mcp.guard.policy.policy import ApprovalMode

Place = tuple[str, ...]
"""A setting, by its keys in the file: `("max_usd_per_day",)`, `("agents", "builder", "max_usd_per_day")`."""

_AMOUNTS = (
    "auto_up_to_usd",
    "max_usd_per_deployment",
    "max_usd_per_day",
    "max_usd_per_month",
    "max_usd_total",
)
_CHAINS = (_AMOUNTS, ("max_usd_per_hour", "max_usd_per_hour_together"), ("default_hours", "max_hours"))
_PAIRS = tuple(pair for chain in _CHAINS for pair in combinations(chain, 2))
"""Of these the first is never above the second."""

_NO_LIMITS = ("auto_up_to_usd", "default_hours")


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two settings that do not go together, and why. `is_certain`: a person wrote both."""

    one: Place
    other: Place
    why: str
    is_certain: bool = True


def contradictions(written: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[Contradiction]:
    """What does not go together of the settings that were `written`, over the `defaults` of all others.

    Both by name, as values of their types; `agents` holds a mapping of the limits that were written for each agent.
    """
    everything = {**defaults, **written}
    for small, large in _PAIRS:
        if small in written and _is_above(written[small], everything.get(large)):
            yield Contradiction((small,), (large,), _never(small, large), is_certain=large in written)
    for agent, limits in written.get("agents", {}).items():
        yield from _of_agent(("agents", agent), limits, written, everything)
    both = _both(written.get("allowed_providers", ()), written.get("denied_providers", ()))
    if both:
        yield Contradiction(
            ("allowed_providers",), ("denied_providers",), f"{both[0]} is both allowed and denied"
        )
    if "auto_up_to_usd" in written and written.get("approval") in (ApprovalMode.AUTO, ApprovalMode.DENY):
        yield Contradiction(
            ("auto_up_to_usd",),
            ("approval",),
            "above that amount a person would be asked, and approval says that nobody is; use elicit or two-step",
        )


def _of_agent(
    agent: Place, limits: Mapping[str, Any], written: Mapping[str, Any], everything: Mapping[str, Any]
) -> Iterator[Contradiction]:
    """What an agent's limits have against one another, and against those of all agents together."""
    for small, large in _PAIRS:
        if small not in limits:
            continue
        if large in limits:
            if _is_above(limits[small], limits[large]):
                yield Contradiction((*agent, small), (*agent, large), _never(small, large))
        elif _is_above(limits[small], everything.get(large)):
            certain = large in written
            yield Contradiction((*agent, small), (large,), _never(small, large), is_certain=certain)
    for name, value in limits.items():
        # The roof is one whoever wrote it: an agent's budget is a part of it.
        if name not in _NO_LIMITS and _is_above(value, everything.get(name)):
            yield Contradiction((*agent, name), (name,), "no agent has more than all agents together")


def _is_above(value: Any, limit: Any) -> bool:
    return limit is not None and bool(value > limit)


def _never(small: str, large: str) -> str:
    if small == "default_hours":
        return "no run may last that long"
    return f"{large} is reached first" if small == "auto_up_to_usd" else f"{small} can never be reached"


def _both(allowed: Sequence[Any], denied: Sequence[Any]) -> list[Any]:
    return [each for each in allowed if each in denied]
