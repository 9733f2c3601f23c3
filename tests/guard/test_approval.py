"""Approval: a yes is for one plan, once, for five minutes."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from akash_mcp.clients.console.generation import Generation
from akash_mcp.errors import NotApproved
from akash_mcp.guard.approval import TOKEN_SECONDS, Approval, Approver, AskThePerson, TokenNeeded
from akash_mcp.guard.contents import App, Contents
from akash_mcp.guard.plans import ClosePlan, FundPlan, LaunchPlan, Plan
from akash_mcp.guard.policy import ApprovalMode
from akash_mcp.ids import Dseq
from akash_mcp.money import Usd

DSEQ = Dseq("1763759482113")
FUND = FundPlan(tool="add_funds", dseq=DSEQ, amount=Usd(3), ours=True)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def approver(mode: ApprovalMode) -> Approver:
    return Approver(mode, Clock())


def token_for(judge: Approver, plan: Plan) -> str:
    needed = judge.consider(plan, token=None, can_ask=False)
    assert isinstance(needed, TokenNeeded)
    return needed.token


def test_the_person_is_asked_where_the_client_can() -> None:
    decision = approver(ApprovalMode.ELICIT).consider(FUND, token=None, can_ask=True)
    assert isinstance(decision, AskThePerson)


def test_without_a_way_to_ask_the_plan_comes_with_a_token() -> None:
    needed = approver(ApprovalMode.ELICIT).consider(FUND, token=None, can_ask=False)
    assert isinstance(needed, TokenNeeded)
    assert "$3.00" in needed.plan.summary


def test_two_step_does_not_ask_even_where_it_could() -> None:
    assert isinstance(approver(ApprovalMode.TWO_STEP).consider(FUND, token=None, can_ask=True), TokenNeeded)


def test_a_token_approves_its_plan() -> None:
    judge = approver(ApprovalMode.TWO_STEP)
    approval = judge.consider(FUND, token=token_for(judge, FUND), can_ask=False)
    assert approval == Approval(FUND.fingerprint, "two-step")


def test_a_token_works_once() -> None:
    judge = approver(ApprovalMode.TWO_STEP)
    token = token_for(judge, FUND)
    judge.consider(FUND, token=token, can_ask=False)
    with pytest.raises(NotApproved, match="used already"):
        judge.consider(FUND, token=token, can_ask=False)


def test_a_token_is_for_the_arguments_it_was_given_for_and_is_gone_after_a_wrong_use() -> None:
    judge = approver(ApprovalMode.TWO_STEP)
    token = token_for(judge, FUND)
    with pytest.raises(NotApproved, match="other arguments"):
        judge.consider(dataclasses.replace(FUND, amount=Usd(4)), token=token, can_ask=False)
    with pytest.raises(NotApproved, match="used already"):
        judge.consider(FUND, token=token, can_ask=False)


def test_a_token_lasts_five_minutes() -> None:
    judge, clock = approver(ApprovalMode.TWO_STEP), Clock()
    judge.now = clock
    token = token_for(judge, FUND)
    clock.now = TOKEN_SECONDS
    with pytest.raises(NotApproved, match="five minutes"):
        judge.consider(FUND, token=token, can_ask=False)


def test_auto_never_asks_and_deny_never_allows() -> None:
    assert isinstance(approver(ApprovalMode.AUTO).consider(FUND, token=None, can_ask=True), Approval)
    with pytest.raises(NotApproved, match="allows nothing"):
        approver(ApprovalMode.DENY).consider(FUND, token=None, can_ask=True)


@pytest.mark.parametrize("mode", list(ApprovalMode))
def test_closing_what_we_created_is_never_asked(mode: ApprovalMode) -> None:
    plan = ClosePlan(tool="close_deployment", dseq=DSEQ, ours=True)
    assert isinstance(approver(mode).consider(plan, token=None, can_ask=True), Approval)


def test_closing_what_others_created_is_asked_by_name() -> None:
    plan = ClosePlan(tool="close_deployment", dseq=DSEQ, ours=False)
    needed = approver(ApprovalMode.TWO_STEP).consider(plan, token=None, can_ask=False)
    assert isinstance(needed, TokenNeeded)
    assert DSEQ in needed.plan.summary


LAUNCH = LaunchPlan(
    tool="deploy",
    sdl="a",
    manifest="[]",
    contents=Contents((App("web", "nginx:1.29"),)),
    deposit=Usd(2),
    max_usd_per_hour=Usd("0.5"),
    groups=1,
)


CHANGED: dict[str, Any] = {
    "tool": "create_deployment",
    "sdl": "b",
    "manifest": "[1]",
    "contents": Contents((App("web", "nginx:latest"),)),
    "generation": Generation.V2025,
    "deposit": Usd(3),
    "max_usd_per_hour": Usd("0.6"),
    "groups": 2,
    "prefer": "cheapest",
    "runtime_limit_hours": 3,
}


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(LaunchPlan)])
def test_every_field_of_a_plan_is_bound_to_its_yes(name: str) -> None:
    assert dataclasses.replace(LAUNCH, **{name: CHANGED[name]}).fingerprint != LAUNCH.fingerprint


def test_the_same_amount_written_otherwise_is_the_same_plan() -> None:
    assert dataclasses.replace(LAUNCH, deposit=Usd("2.00")).fingerprint == LAUNCH.fingerprint


def test_a_yes_through_the_client_approves_the_plan_and_a_no_does_not() -> None:
    judge = approver(ApprovalMode.ELICIT)
    assert judge.answered(FUND, yes=True) == Approval(FUND.fingerprint, "elicitation")
    with pytest.raises(NotApproved, match="declined"):
        judge.answered(FUND, yes=False)


def test_tokens_of_two_plans_stand_side_by_side() -> None:
    judge, other = approver(ApprovalMode.TWO_STEP), dataclasses.replace(FUND, amount=Usd(4))
    first, second = token_for(judge, FUND), token_for(judge, other)
    assert first != second
    for plan, token in ((FUND, first), (other, second)):
        assert judge.consider(plan, token=token, can_ask=False) == Approval(plan.fingerprint, "two-step")


def test_a_token_that_nobody_gave_is_unknown() -> None:
    judge = approver(ApprovalMode.TWO_STEP)
    token = token_for(judge, FUND)
    with pytest.raises(NotApproved, match="unknown or was used already"):
        judge.consider(FUND, token="approve_guessed", can_ask=False)
    judge.consider(FUND, token=token, can_ask=False)


def test_a_token_that_is_over_is_forgotten_when_the_next_is_given() -> None:
    judge, clock = approver(ApprovalMode.TWO_STEP), Clock()
    judge.now = clock
    token = token_for(judge, FUND)
    clock.now = TOKEN_SECONDS
    token_for(judge, FUND)
    with pytest.raises(NotApproved, match="unknown or was used already"):
        judge.consider(FUND, token=token, can_ask=False)


def test_a_token_holds_until_its_last_second() -> None:
    judge, clock = approver(ApprovalMode.TWO_STEP), Clock()
    judge.now = clock
    token = token_for(judge, FUND)
    clock.now = 299.5
    assert isinstance(judge.consider(FUND, token=token, can_ask=False), Approval)
    assert TOKEN_SECONDS == 300
