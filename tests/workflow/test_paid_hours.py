"""What an amount comes to, and what of it is left for another attempt."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.limits import FIRST_RUNTIME_HOURS, MINIMUM_DEPOSIT
from akash_mcp.errors import BadArgument
from akash_mcp.guard.plans.contents import Contents
from akash_mcp.guard.plans.plans import LaunchPlan
from akash_mcp.money import Usd, uact_per_block, usd_per_hour_at_most
from akash_mcp.workflow.paid_hours import limited, plan_elsewhere

AMOUNTS = st.integers(1, 20_000_000).map(Usd.from_uact)
RATES = st.integers(1, 5_000_000).map(Usd.from_uact)


def launch_plan(generation: Generation, deposit: Usd, rate: Usd) -> LaunchPlan:
    """A plan as it is approved: whole hours of it where a runtime limit bounds the deployment."""
    hours = None
    if generation is Generation.V2026_11:
        hours, deposit = limited(deposit, uact_per_block(rate))
    return LaunchPlan(
        tool="deploy",
        sdl="",
        manifest="[]",
        contents=Contents(),
        deposit=deposit,
        max_usd_per_hour=rate,
        groups=1,
        runtime_limit_hours=hours,
        generation=generation,
    )


@given(st.sampled_from(Generation), AMOUNTS, RATES, st.lists(AMOUNTS, max_size=3))
def test_all_attempts_together_stay_within_what_was_approved(
    generation: Generation, deposit: Usd, rate: Usd, spent: list[Usd]
) -> None:
    try:
        approved = plan = launch_plan(generation, deposit, rate)
        costs = Usd(0)
        for cost in spent:
            plan, before = plan_elsewhere(plan, cost), plan
            costs += cost
            assert costs + plan.exposure <= approved.exposure
            assert plan == dataclasses.replace(
                before, deposit=plan.deposit, runtime_limit_hours=plan.runtime_limit_hours
            )
            if plan.runtime_limit_hours is None:
                assert plan.deposit >= MINIMUM_DEPOSIT[generation]
            else:
                assert 1 <= plan.runtime_limit_hours <= (before.runtime_limit_hours or 0)
                most = usd_per_hour_at_most(uact_per_block(rate)) * plan.runtime_limit_hours
                assert plan.deposit == most
    except BadArgument:
        pass  # that there is not enough left is an answer too


@pytest.mark.parametrize("generation", Generation)
def test_what_cost_nothing_leaves_all_of_it(generation: Generation) -> None:
    plan = launch_plan(generation, Usd(6), Usd("0.07"))
    assert plan_elsewhere(plan, Usd(0)) == plan


@pytest.mark.parametrize("generation", Generation)
def test_less_than_a_deployment_takes_is_no_plan(generation: Generation) -> None:
    plan = launch_plan(generation, Usd(6), Usd(1))
    least = MINIMUM_DEPOSIT[generation]
    with pytest.raises(BadArgument, match=f"a deployment takes {least!s} at least".replace("$", r"\$")):
        plan_elsewhere(plan, plan.deposit - least + Usd("0.000001"))
    assert plan_elsewhere(plan, Usd("0.001")).deposit < plan.deposit


def test_an_amount_pays_for_whole_hours_up_to_the_first_two_days() -> None:
    price = uact_per_block(Usd("0.05"))
    assert limited(Usd(1), price)[0] == 19
    assert limited(Usd(100), price) == (
        FIRST_RUNTIME_HOURS,
        usd_per_hour_at_most(price) * FIRST_RUNTIME_HOURS,
    )
    assert limited(Usd(1), Decimal(0)) == (FIRST_RUNTIME_HOURS, Usd(1))
    with pytest.raises(BadArgument, match="does not pay for one hour"):
        limited(Usd("0.01"), price)
