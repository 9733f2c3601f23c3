"""Which approval holds: in general, for a tool, up to an amount; and what wins where they differ."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from akash_mcp.errors import NotApproved
from akash_mcp.guard.approval.approval import Approval, Approver, AskThePerson, PersonNeeded
from akash_mcp.guard.approval.approval_rules import mode_for
from akash_mcp.guard.approval.tokens import Tokens
from akash_mcp.guard.books.store import Store
from akash_mcp.guard.plans.contents import App, Contents
from akash_mcp.guard.plans.plans import ClosePlan, ExecPlan, FundPlan, LaunchPlan, LeasePlan, Plan, UpdatePlan
from akash_mcp.guard.policy.policy import ApprovalMode, Policy
from akash_mcp.ids import Dseq, LeaseId, ProviderAddress
from akash_mcp.money import Usd

AUTO, ELICIT, TWO_STEP = ApprovalMode.AUTO, ApprovalMode.ELICIT, ApprovalMode.TWO_STEP
TERMINAL, DENY = ApprovalMode.TERMINAL, ApprovalMode.DENY

DSEQ = Dseq("1763759482113")
PROVIDER = ProviderAddress("akash1aaa")
CONTENTS = Contents((App("web", "nginx:1.29"),))
FUND = FundPlan(tool="add_funds", dseq=DSEQ, amount=Usd(1), ours=True)
LEASE = LeasePlan(tool="create_lease", dseq=DSEQ, providers=(PROVIDER,), max_usd_per_hour=Usd(1), held=Usd(1))
LAUNCH = LaunchPlan(
    tool="deploy",
    sdl="a",
    manifest="[]",
    contents=CONTENTS,
    deposit=Usd(1),
    max_usd_per_hour=Usd("0.5"),
    groups=1,
)
UPDATE = UpdatePlan(tool="update_deployment", dseq=DSEQ, sdl="b", manifest="[]", contents=CONTENTS, ours=True)
CLOSE = ClosePlan(tool="close_deployment", dseq=DSEQ, ours=True, lasting=True)
EXEC = ExecPlan(
    tool="run_command",
    lease=LeaseId(DSEQ, 1, 1, PROVIDER),
    service="web",
    pod_index=0,
    argv=("true",),
    seconds=5,
    ours=True,
)

UP_TO_ONE = Policy(auto_up_to_usd=Usd(1))


def test_the_general_way_holds_where_nothing_else_is_said() -> None:
    for mode in ApprovalMode:
        assert {mode_for(Policy(approval=mode), plan) for plan in (FUND, LAUNCH, UPDATE, CLOSE, EXEC)} == {
            mode
        }


@pytest.mark.parametrize("mode", list(ApprovalMode))
def test_a_rule_for_a_tool_takes_the_place_of_the_general_one(mode: ApprovalMode) -> None:
    for general in ApprovalMode:
        policy = Policy(approval=general, approval_by_tool={"add_funds": mode})
        assert (mode_for(policy, FUND), mode_for(policy, UPDATE)) == (mode, general)


@pytest.mark.parametrize("plan", [LAUNCH, dataclasses.replace(LAUNCH, tool="create_deployment"), FUND, LEASE])
def test_what_spends_little_is_not_asked_about(plan: Plan) -> None:
    assert mode_for(UP_TO_ONE, plan) is AUTO
    for general in (TWO_STEP, ELICIT, TERMINAL):
        assert mode_for(Policy(approval=general, auto_up_to_usd=Usd("0.99")), plan) is general


def test_a_lease_counts_what_was_reserved_for_it_and_nothing_held_is_not_little() -> None:
    assert mode_for(UP_TO_ONE, dataclasses.replace(LEASE, held=Usd(5))) is ELICIT
    assert mode_for(UP_TO_ONE, dataclasses.replace(LEASE, held=Usd(0))) is ELICIT


@pytest.mark.parametrize("plan", [UPDATE, CLOSE, EXEC])
def test_no_amount_frees_what_changes_deletes_or_runs_commands(plan: Plan) -> None:
    assert mode_for(UP_TO_ONE, plan) is ELICIT


@pytest.mark.parametrize(
    ("by_tool", "amount", "wins"),
    [
        (AUTO, Usd(1), AUTO),
        (AUTO, Usd(2), ELICIT),  # above the amount the general way holds
        (TWO_STEP, Usd(1), TWO_STEP),
        (TWO_STEP, Usd(2), ELICIT),
        (TERMINAL, Usd(1), TERMINAL),
        (TERMINAL, Usd(2), TERMINAL),
        (DENY, Usd(1), DENY),
    ],
)
def test_of_a_rule_for_the_tool_and_one_for_the_amount_the_stricter_wins(
    by_tool: ApprovalMode, amount: Usd, wins: ApprovalMode
) -> None:
    policy = dataclasses.replace(UP_TO_ONE, approval_by_tool={"add_funds": by_tool})
    assert mode_for(policy, dataclasses.replace(FUND, amount=amount)) is wins


@pytest.mark.parametrize("plan", [FUND, UPDATE, CLOSE, EXEC])
def test_neither_rule_frees_what_touches_others(plan: Plan) -> None:
    others = dataclasses.replace(plan, ours=False)  # type: ignore[call-arg]  # each of these has it
    by_tool = Policy(approval=TWO_STEP, approval_by_tool={plan.tool: AUTO})
    assert mode_for(by_tool, others) is TWO_STEP
    assert mode_for(dataclasses.replace(UP_TO_ONE, approval_by_tool={plan.tool: AUTO}), others) is ELICIT
    assert mode_for(UP_TO_ONE, others) is ELICIT


def test_the_modes_in_the_order_of_how_sure_a_person_s_yes_is() -> None:
    assert sorted(ApprovalMode, key=lambda mode: mode.strictness) == [AUTO, TWO_STEP, ELICIT, TERMINAL, DENY]


def approver(tmp_path: Path, policy: Policy) -> Approver:
    return Approver(policy, Tokens(Store(tmp_path, lambda: 0.0)))


@pytest.mark.anyio
async def test_a_plan_is_approved_as_its_rule_says(tmp_path: Path) -> None:
    policy = dataclasses.replace(UP_TO_ONE, approval_by_tool={"run_command": DENY})
    judge = approver(tmp_path, policy)
    little = await judge.consider(LAUNCH, can_ask=True)
    assert isinstance(little, Approval)
    assert little.via == "auto"
    more = dataclasses.replace(LAUNCH, deposit=Usd("1.01"))
    assert isinstance(await judge.consider(more, can_ask=True), AskThePerson)
    with pytest.raises(NotApproved, match="does not allow run_command") as refused:
        await judge.consider(EXEC, can_ask=True)
    assert "AKASH_MCP_APPROVAL_BY_TOOL" in str(refused.value)


@pytest.mark.anyio
async def test_no_rule_stands_in_the_way_of_closing_what_we_opened(tmp_path: Path) -> None:
    free = dataclasses.replace(CLOSE, lasting=False)
    for mode in ApprovalMode:
        judge = approver(tmp_path, Policy(approval_by_tool={"close_deployment": mode}))
        decision = await judge.consider(free, can_ask=True)
        assert isinstance(decision, Approval)
        assert decision.via == "own"


@pytest.mark.anyio
async def test_a_yes_in_a_terminal_is_given_nowhere_else(tmp_path: Path) -> None:
    judge = approver(tmp_path, Policy(approval=TERMINAL))
    assert isinstance(await judge.consider(FUND, can_ask=True), PersonNeeded)
    with pytest.raises(NotApproved, match="unknown"):
        await judge.confirm("approve_guessed")
