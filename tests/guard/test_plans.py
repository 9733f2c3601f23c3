"""Plans: what a person reads is what happens, the most it can cost is what is reserved, and a yes is for all of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from akash_mcp.guard.plans import ClosePlan, ExecPlan, FundPlan, LaunchPlan, LeasePlan, Plan, UpdatePlan
from akash_mcp.ids import Dseq, LeaseId, ProviderAddress
from akash_mcp.money import ZERO, Usd

DSEQ = Dseq("1763759482113")
PROVIDERS = (ProviderAddress("akash1aaa"), ProviderAddress("akash1bbb"))

LAUNCH = LaunchPlan(
    tool="deploy",
    sdl="a",
    manifest="[]",
    contents="web (nginx:1.29)",
    deposit=Usd(2),
    max_usd_per_hour=Usd("0.5"),
    groups=1,
)
LEASE = LeasePlan(tool="create_lease", dseq=DSEQ, providers=PROVIDERS, max_usd_per_hour=Usd("0.5"))
FUND = FundPlan(tool="add_funds", dseq=DSEQ, amount=Usd(3), ours=True)
UPDATE = UpdatePlan(
    tool="update_deployment", dseq=DSEQ, sdl="a", manifest="[]", contents="web (b)", ours=True
)
CLOSE = ClosePlan(tool="close_deployment", dseq=DSEQ, ours=True)
EXEC = ExecPlan(
    tool="run_command",
    lease=LeaseId(DSEQ, 1, 1, PROVIDERS[0]),
    service="web",
    pod_index=0,
    argv=("true",),
    seconds=5,
    ours=True,
)


@pytest.mark.parametrize(
    ("plan", "most"),
    [(LAUNCH, Usd(2)), (LEASE, ZERO), (FUND, Usd(3)), (UPDATE, ZERO), (CLOSE, ZERO), (EXEC, ZERO)],
    ids=lambda value: type(value).__name__,
)
def test_the_most_it_can_cost(plan: Plan, most: Usd) -> None:
    assert plan.exposure == most


@pytest.mark.parametrize("plan", [LAUNCH, LEASE, FUND, EXEC], ids=lambda plan: type(plan).__name__)
def test_what_spends_or_runs_commands_always_needs_a_yes(plan: Plan) -> None:
    assert plan.needs_no_approval is False


@pytest.mark.parametrize("plan", [UPDATE, CLOSE], ids=lambda plan: type(plan).__name__)
def test_what_costs_nothing_needs_a_yes_only_for_what_others_created(plan: UpdatePlan | ClosePlan) -> None:
    assert plan.needs_no_approval is True
    assert dataclasses.replace(plan, ours=False).needs_no_approval is False


OTHERWISE: dict[type, Any] = {
    str: "other",
    int: 7,
    bool: False,
    Usd: Usd(7),
    tuple: ("other",),
    LeaseId: LeaseId(DSEQ, 2, 1, PROVIDERS[1]),
    type(None): 7,
}


@pytest.mark.parametrize(
    ("plan", "name"),
    [
        (plan, each.name)
        for plan in (LAUNCH, LEASE, FUND, UPDATE, CLOSE, EXEC)
        for each in dataclasses.fields(plan)
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_every_field_is_bound_to_the_yes(plan: Plan, name: str) -> None:
    changed: Any = {name: OTHERWISE[type(getattr(plan, name))]}
    assert dataclasses.replace(plan, **changed).fingerprint != plan.fingerprint


def test_the_order_of_providers_is_bound_to_the_yes() -> None:
    assert dataclasses.replace(LEASE, providers=PROVIDERS[::-1]).fingerprint != LEASE.fingerprint


def test_two_kinds_of_plan_with_the_same_fields_are_two_plans() -> None:
    class Look(ClosePlan):
        pass

    assert Look(tool=CLOSE.tool, dseq=DSEQ, ours=True).fingerprint != CLOSE.fingerprint


SUMMARIES = {
    "deploy": (
        LAUNCH,
        "Create a deployment of web (nginx:1.29), put a deposit of $2.00 into its escrow and lease the best offer of "
        "at most $0.50 an hour (balanced). Automatic top-up is switched off, so $2.00 is the most it can cost; at the "
        "full rate that lasts 4.0 hours. What is not used comes back when it is closed.",
    ),
    "create": (
        dataclasses.replace(LAUNCH, tool="create_deployment", max_usd_per_hour=ZERO),
        "Create a deployment of web (nginx:1.29), put a deposit of $2.00 into its escrow to collect offers of at most "
        "$0.00 an hour. Automatic top-up is switched off, so $2.00 is the most it can cost. What is not used comes "
        "back when it is closed.",
    ),
    "limited": (
        dataclasses.replace(LAUNCH, runtime_limit_hours=2),
        "Create a deployment of web (nginx:1.29) and lease the best offer of at most $0.50 an hour (balanced). Akash "
        "closes it 2 hours after it started at the latest, so $2.00 is the most it can cost. It costs nothing any "
        "more once it is closed.",
    ),
    "fund": (
        FUND,
        "Add $3.00 to the escrow of deployment 1763759482113. It is spent as the deployment runs; what is left comes "
        "back when it is closed.",
    ),
    "longer, ours": (
        dataclasses.replace(FUND, more_hours=5),
        "Let deployment 1763759482113 run 5 hours longer, for at most $3.00. Closing it earlier costs less.",
    ),
    "longer": (
        dataclasses.replace(FUND, more_hours=5, ours=False),
        "Let deployment 1763759482113, which this server did not create, run 5 hours longer, for at most $3.00. "
        "Closing it earlier costs less.",
    ),
}


@pytest.mark.parametrize(("plan", "summary"), SUMMARIES.values(), ids=SUMMARIES)
def test_what_a_person_is_shown(plan: Plan, summary: str) -> None:
    assert plan.summary == summary
    assert plan.record == summary


def test_one_hour_is_one_hour() -> None:
    assert " closes it 1 hour after" in dataclasses.replace(LAUNCH, runtime_limit_hours=1).summary


@pytest.mark.parametrize("plan", [LEASE, UPDATE, CLOSE], ids=lambda plan: type(plan).__name__)
def test_the_deployment_is_named(plan: Plan) -> None:
    assert DSEQ in plan.summary


def test_a_lease_names_its_providers_and_its_rate() -> None:
    assert "akash1aaa, akash1bbb for at most $0.50 an hour" in LEASE.summary


@pytest.mark.parametrize(
    ("rate", "lasts"),
    [
        ("200", "1 minutes"),
        ("2.1", "57 minutes"),
        ("2", "1.0 hours"),
        ("0.0278", "71.9 hours"),
        ("0.02777777777777777777777777778", "72.0 hours"),
        ("0.0277777777777777777777777777", "3 days"),
        ("0.001", "83 days"),
    ],
)
def test_how_long_the_deposit_lasts(rate: str, lasts: str) -> None:
    assert f"that lasts {lasts}." in dataclasses.replace(LAUNCH, max_usd_per_hour=Usd(rate)).summary


def test_three_days_are_told_in_days() -> None:
    plan = dataclasses.replace(LAUNCH, deposit=Usd("7.2"), max_usd_per_hour=Usd("0.1"))
    assert "that lasts 3 days." in plan.summary


def test_what_others_created_is_said_to_be_others() -> None:
    for plan in (FUND, EXEC):
        assert "did not create" not in plan.summary
        assert ", which this server did not create" in dataclasses.replace(plan, ours=False).summary
