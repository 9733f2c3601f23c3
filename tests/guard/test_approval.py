"""Approval: a yes is for one plan, once, for five minutes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from akash_mcp.clients.console.generation import Generation
from akash_mcp.errors import LedgerUnusable, NotApproved
from akash_mcp.guard.approval import tokens
from akash_mcp.guard.approval.approval import Approval, Approver, AskThePerson, Question, TokenNeeded
from akash_mcp.guard.approval.tokens import TOKEN_SECONDS, Shown, Tokens
from akash_mcp.guard.books.journal import Kind, op_id_of, open_operation
from akash_mcp.guard.books.store import Store
from akash_mcp.guard.plans.contents import App, Contents
from akash_mcp.guard.plans.plans import ClosePlan, ExecPlan, FundPlan, LaunchPlan, LeasePlan, Plan, UpdatePlan
from akash_mcp.guard.policy.policy import ApprovalMode, Policy
from akash_mcp.ids import Dseq, LeaseId, ProviderAddress
from akash_mcp.money import Usd

pytestmark = pytest.mark.anyio

DSEQ = Dseq("1763759482113")
FUND = FundPlan(tool="add_funds", dseq=DSEQ, amount=Usd(3), ours=True)
SDL = "services: what nobody should find later"
UPDATE = UpdatePlan(
    tool="update_deployment",
    dseq=DSEQ,
    sdl=SDL,
    manifest="[]",
    contents=Contents((App("web", "b"),)),
    ours=True,
)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclasses.dataclass
class Process:
    """One process that approves. Those with the same folder share what they know."""

    folder: Path
    clock: Clock = dataclasses.field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.store = Store(self.folder, self.clock)
        self.tokens = Tokens(self.store)

    def approver(self, mode: ApprovalMode) -> Approver:
        return Approver(Policy(approval=mode), self.tokens)

    def open(self, yes: Approval) -> None:
        """What the gate does with a yes."""
        self.store.run_now(open_operation, yes.op_id, Kind.FUND, "")


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    one = Process(tmp_path)
    yield one
    one.store.close()


@pytest.fixture
def approver(process: Process) -> Callable[[ApprovalMode], Approver]:
    return process.approver


Judge = Callable[[ApprovalMode], Approver]


async def token_for(judge: Approver, plan: Plan) -> str:
    needed = await judge.consider(plan, can_ask=False)
    assert isinstance(needed, TokenNeeded)
    return needed.token


async def yes_to(judge: Approver, plan: Plan, token: str) -> Approval:
    confirmed = await judge.confirm(token)
    assert isinstance(confirmed, tuple)
    shown, approval = confirmed
    assert shown == plan
    assert approval.fingerprint == plan.fingerprint
    return approval


async def test_the_person_is_asked_where_the_client_can(approver: Judge) -> None:
    decision = await approver(ApprovalMode.ELICIT).consider(FUND, can_ask=True)
    assert isinstance(decision, AskThePerson)


async def test_without_a_way_to_ask_the_plan_comes_with_a_token(approver: Judge) -> None:
    needed = await approver(ApprovalMode.ELICIT).consider(FUND, can_ask=False)
    assert isinstance(needed, TokenNeeded)
    assert "$3.00" in needed.plan.summary


async def test_two_step_does_not_ask_even_where_it_could(approver: Judge) -> None:
    assert isinstance(await approver(ApprovalMode.TWO_STEP).consider(FUND, can_ask=True), TokenNeeded)


async def test_a_token_approves_its_plan(approver: Judge) -> None:
    judge = approver(ApprovalMode.TWO_STEP)
    token = await token_for(judge, FUND)
    approval = await yes_to(judge, FUND, token)
    assert approval == Approval(FUND.fingerprint, "two-step", op_id_of(token))


async def test_a_yes_that_comes_again_names_the_same_operation(approver: Judge) -> None:
    judge = approver(ApprovalMode.TWO_STEP)
    token, another = await token_for(judge, FUND), await token_for(judge, FUND)
    once, again = await yes_to(judge, FUND, token), await yes_to(judge, FUND, token)
    assert once.op_id == again.op_id == op_id_of(token)
    assert (await yes_to(judge, FUND, another)).op_id != op_id_of(token)
    # What was asked of nobody, or asked inside one call, cannot come again.
    auto = approver(ApprovalMode.AUTO)
    first, second = [await auto.consider(FUND, can_ask=False) for _ in range(2)]
    assert isinstance(first, Approval)
    assert isinstance(second, Approval)
    assert first.op_id != second.op_id
    one, other = [await judge.answered(FUND, yes=True) for _ in range(2)]
    assert one.op_id != other.op_id


async def test_a_used_token_is_known_for_a_day_without_its_plan(process: Process) -> None:
    judge = process.approver(ApprovalMode.TWO_STEP)
    token = await token_for(judge, UPDATE)
    process.open(await yes_to(judge, UPDATE, token))
    assert process.store.run_now(tokens.forget_old) == 1
    assert await process.tokens.find(token) == Shown("update_deployment", None, TOKEN_SECONDS)
    for file in process.folder.iterdir():
        assert SDL.encode() not in file.read_bytes(), file
    process.clock.now = TOKEN_SECONDS + 24 * 3600 - 1
    await token_for(judge, FUND)
    assert await process.tokens.find(token) is not None
    process.clock.now = TOKEN_SECONDS + 24 * 3600
    await token_for(judge, FUND)
    with pytest.raises(NotApproved, match="unknown or was used already"):
        await yes_to(judge, UPDATE, token)


async def test_the_plan_of_a_token_that_is_too_old_is_forgotten(process: Process) -> None:
    token = await token_for(process.approver(ApprovalMode.TWO_STEP), UPDATE)
    assert process.store.run_now(tokens.forget_old) == 0
    process.clock.now = TOKEN_SECONDS
    assert process.store.run_now(tokens.forget_old) == 1
    with pytest.raises(NotApproved, match="five minutes"):
        await yes_to(process.approver(ApprovalMode.TWO_STEP), UPDATE, token)


async def test_of_ever_more_plans_the_oldest_are_forgotten(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_MOST_PLANS", 2)
    judge = process.approver(ApprovalMode.TWO_STEP)
    given = []
    for amount in (1, 2, 3):
        process.clock.now += 1
        given.append((plan := dataclasses.replace(FUND, amount=Usd(amount)), await token_for(judge, plan)))
    with pytest.raises(NotApproved, match="does not have the plan"):
        await judge.confirm(given[0][1])
    for plan, token in given[1:]:
        await yes_to(judge, plan, token)


async def test_a_token_that_one_process_gave_is_good_in_another(process: Process) -> None:
    other = Process(process.folder, process.clock)
    token = await token_for(process.approver(ApprovalMode.TWO_STEP), FUND)
    assert (await yes_to(other.approver(ApprovalMode.TWO_STEP), FUND, token)).op_id == op_id_of(token)
    other.store.close()


@pytest.mark.parametrize("name", ["account", "agent"])
async def test_a_token_is_good_for_the_account_and_agent_it_was_given_to(name: str, process: Process) -> None:
    other = Process(process.folder, process.clock)
    token = await token_for(process.approver(ApprovalMode.TWO_STEP), FUND)
    setattr(other.store, name, "another")
    with pytest.raises(NotApproved, match="unknown"):
        await other.approver(ApprovalMode.TWO_STEP).confirm(token)
    other.store.close()


@pytest.mark.parametrize(
    ("mode", "said"), [(ApprovalMode.DENY, "allows nothing"), (ApprovalMode.TERMINAL, "in a terminal only")]
)
async def test_a_token_counts_as_the_policy_is_when_it_is_used(
    mode: ApprovalMode, said: str, process: Process
) -> None:
    token = await token_for(process.approver(ApprovalMode.TWO_STEP), FUND)
    with pytest.raises(NotApproved, match=said):
        await process.approver(mode).confirm(token)


async def test_an_answer_counts_for_the_plan_that_was_shown(approver: Judge) -> None:
    judge, question = (
        approver(ApprovalMode.ELICIT),
        Question("approve_0123456789", FUND.fingerprint, 0.0, 2.0),
    )
    asked = await judge.consider(FUND, can_ask=True, question=question)
    assert isinstance(asked, AskThePerson)
    assert (await judge.answered(FUND, yes=True, question=question)).op_id == question.op_id
    for mode in ApprovalMode:
        with pytest.raises(NotApproved, match="has changed since the question"):
            await approver(mode).consider(
                dataclasses.replace(FUND, ours=False), can_ask=True, question=question
            )


@pytest.mark.parametrize("plan", [FUND, ClosePlan(tool="close_deployment", dseq=DSEQ, ours=True)])
async def test_what_was_asked_is_one_deed_also_where_nobody_would_be_asked_any_more(
    plan: Plan, approver: Judge
) -> None:
    question = Question("approve_0123456789", plan.fingerprint, 0.0, 2.0)
    decision = await approver(ApprovalMode.AUTO).consider(plan, can_ask=True, question=question)
    assert isinstance(decision, Approval)
    assert decision.op_id == question.op_id


async def test_without_the_store_a_token_is_this_process_s_and_closing_goes_on(
    process: Process, caplog: pytest.LogCaptureFixture
) -> None:
    process.store.path.parent.mkdir(exist_ok=True)
    process.store.path.write_bytes(b"rubbish" * 1000)
    judge, plan = (
        process.approver(ApprovalMode.TWO_STEP),
        ClosePlan(tool="close_deployment", dseq=DSEQ, ours=False),
    )
    token = await token_for(judge, plan)
    assert (await yes_to(judge, plan, token)).op_id == op_id_of(token)
    # Whose it is nobody knows then, so that `auto` has the plan shown rather than refuse it.
    auto = process.approver(ApprovalMode.AUTO)
    assert (await yes_to(auto, plan, await token_for(auto, plan))).via == "two-step"
    with pytest.raises(LedgerUnusable):
        await yes_to(judge, plan, "approve_unknown")
    assert "known to this process only" in caplog.text


async def test_a_token_lasts_five_minutes(process: Process) -> None:
    judge, clock = process.approver(ApprovalMode.TWO_STEP), process.clock
    token = await token_for(judge, FUND)
    clock.now = TOKEN_SECONDS
    with pytest.raises(NotApproved, match="five minutes"):
        await judge.confirm(token)


async def test_auto_never_asks(approver: Judge) -> None:
    assert isinstance(await approver(ApprovalMode.AUTO).consider(FUND, can_ask=True), Approval)


LEASE = LeaseId(DSEQ, 1, 1, ProviderAddress("akash1aaa"))
CLOSE = ClosePlan(tool="close_deployment", dseq=DSEQ, ours=True)
PLANS: dict[str, Plan] = {
    "fund": FUND,
    "update": UPDATE,
    "close": CLOSE,
    "exec": ExecPlan(
        tool="run_command", lease=LEASE, service="web", pod_index=0, argv=("true",), seconds=5, ours=True
    ),
}


@pytest.mark.parametrize("name", PLANS)
async def test_auto_touches_nothing_that_this_server_did_not_create(name: str, approver: Judge) -> None:
    plan: Any = PLANS[name]
    judge, others = approver(ApprovalMode.AUTO), dataclasses.replace(plan, ours=False)
    assert isinstance(await judge.consider(plan, can_ask=True), Approval)
    token = await token_for(approver(ApprovalMode.TWO_STEP), others)
    for refused in (judge.consider(others, can_ask=True), judge.confirm(token)):
        with pytest.raises(NotApproved, match="not created by this server") as refusal:
            await refused
        assert "elicit or two-step (AKASH_MCP_APPROVAL)" in str(refusal.value)


@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize("name", [*PLANS, "launch", "lease"])
async def test_deny_allows_only_to_end_what_we_created(name: str, ours: bool, approver: Judge) -> None:
    plan: Any = {**PLANS, "launch": LAUNCH, "lease": LEASES}[name]
    if name in PLANS:
        plan = dataclasses.replace(plan, ours=ours)
    judge = approver(ApprovalMode.DENY)
    if name == "close" and ours:
        assert isinstance(await judge.consider(plan, can_ask=True), Approval)
        return
    with pytest.raises(NotApproved, match="spends, changes what runs, deletes or runs commands"):
        await judge.consider(plan, can_ask=True)


@pytest.mark.parametrize("mode", list(ApprovalMode))
async def test_closing_what_we_created_is_never_asked(mode: ApprovalMode, approver: Judge) -> None:
    assert isinstance(await approver(mode).consider(CLOSE, can_ask=True), Approval)


async def test_closing_what_others_created_is_asked_by_name(approver: Judge) -> None:
    plan = ClosePlan(tool="close_deployment", dseq=DSEQ, ours=False)
    needed = await approver(ApprovalMode.TWO_STEP).consider(plan, can_ask=False)
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


LEASES = LeasePlan(
    tool="create_lease", dseq=DSEQ, providers=(ProviderAddress("akash1aaa"),), max_usd_per_hour=Usd(1)
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
    "hours": 25,
    "prefer": "cheapest",
    "until": "epoch 10",
    "runtime_limit_hours": 3,
    "name": "blog",
    "asked": Usd(9),
    "regions": ("de",),
    "excluded": (ProviderAddress("akash1aaa"),),
}


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(LaunchPlan) if field.compare])
def test_every_field_of_a_plan_is_bound_to_its_yes(name: str) -> None:
    assert dataclasses.replace(LAUNCH, **{name: CHANGED[name]}).fingerprint != LAUNCH.fingerprint


def test_the_same_amount_written_otherwise_is_the_same_plan() -> None:
    assert dataclasses.replace(LAUNCH, deposit=Usd("2.00")).fingerprint == LAUNCH.fingerprint


async def test_a_yes_through_the_client_approves_the_plan_and_a_no_does_not(approver: Judge) -> None:
    judge = approver(ApprovalMode.ELICIT)
    approval = await judge.answered(FUND, yes=True)
    assert (approval.fingerprint, approval.via) == (FUND.fingerprint, "elicitation")
    with pytest.raises(NotApproved, match="declined"):
        await judge.answered(FUND, yes=False)


async def test_tokens_of_two_plans_stand_side_by_side(approver: Judge) -> None:
    judge, other = approver(ApprovalMode.TWO_STEP), dataclasses.replace(FUND, amount=Usd(4))
    first, second = await token_for(judge, FUND), await token_for(judge, other)
    assert first != second
    for plan, token in ((FUND, first), (other, second)):
        assert await yes_to(judge, plan, token) == Approval(plan.fingerprint, "two-step", op_id_of(token))


async def test_a_token_that_nobody_gave_is_unknown(approver: Judge) -> None:
    judge = approver(ApprovalMode.TWO_STEP)
    token = await token_for(judge, FUND)
    with pytest.raises(NotApproved, match="unknown or was used already"):
        await judge.confirm("approve_guessed")
    await judge.confirm(token)


async def test_a_token_holds_until_its_last_second(process: Process) -> None:
    judge, clock = process.approver(ApprovalMode.TWO_STEP), process.clock
    token = await token_for(judge, FUND)
    clock.now = 299.5
    assert await yes_to(judge, FUND, token)
    assert TOKEN_SECONDS == 300
