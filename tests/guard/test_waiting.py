"""Plans that wait for a person: each is answered once, for one plan, call and agent, and opens one operation."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from akash_mcp.errors import NotApproved
from akash_mcp.guard.approval import waiting
from akash_mcp.guard.approval.approval import Approval, Approver, PersonNeeded, TokenNeeded
from akash_mcp.guard.approval.tokens import Tokens
from akash_mcp.guard.approval.waiting import WAIT_SECONDS, Answer, Waiting
from akash_mcp.guard.books import audit, journal
from akash_mcp.guard.books.journal import Kind, State
from akash_mcp.guard.books.store import Store
from akash_mcp.guard.plans.plan_record import plan_of
from akash_mcp.guard.plans.plans import ClosePlan, ExecPlan, FundPlan, Plan
from akash_mcp.guard.policy.policy import ApprovalMode, Policy
from akash_mcp.ids import Dseq, LeaseId, OpId, ProviderAddress
from akash_mcp.money import Usd

pytestmark = pytest.mark.anyio

DSEQ = Dseq("1763759482113")
FUND = FundPlan(tool="add_funds", dseq=DSEQ, amount=Usd(3), ours=True)
RUN = ExecPlan(
    tool="run_command",
    lease=LeaseId(dseq=DSEQ, gseq=1, oseq=1, provider=ProviderAddress("akash1provider")),
    service="web",
    pod_index=0,
    argv=("rm", "-rf", "/srv/data"),
    seconds=20,
    ours=True,
)
CALL = "a hash of the call"


class Clock:
    now = 1_764_400_000.0

    def __call__(self) -> float:
        return self.now


@dataclasses.dataclass
class Server:
    """A server whose policy asks at a terminal, and the person there. Those with the same folder share the file."""

    folder: Path
    clock: Clock = dataclasses.field(default_factory=Clock)
    agent: str = ""
    mode: ApprovalMode = ApprovalMode.TERMINAL

    def __post_init__(self) -> None:
        self.store = Store(self.folder, self.clock, agent=self.agent)
        self.approver = Approver(Policy(approval=self.mode), Tokens(self.store))

    async def call(self, plan: Plan, call: str = CALL) -> object:
        return await self.approver.consider(plan, can_ask=True, call=call, client="claude-code 2.1")

    async def waits(self, plan: Plan, call: str = CALL) -> PersonNeeded:
        needed = await self.call(plan, call)
        assert isinstance(needed, PersonNeeded)
        return needed

    async def approved(self, plan: Plan, call: str = CALL) -> Approval:
        yes = await self.call(plan, call)
        assert isinstance(yes, Approval)
        return yes

    def answer(self, op_id: OpId, given: Answer) -> float | None:
        return self.store.run_now(waiting.answer, op_id, given)

    def open(self, op_id: OpId, state: State = State.DONE) -> None:
        """What the gate does with a yes, up to how it ended."""
        self.store.run_now(journal.open_operation, op_id, Kind.FUND, "")
        self.store.run_now(journal.advance, op_id, state, "because")

    @property
    def unanswered(self) -> list[Waiting]:
        return self.store.read_now(waiting.unanswered)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


async def test_a_call_that_comes_again_waits_for_the_same_answer(server: Server) -> None:
    first = await server.waits(FUND)
    assert first.expires_in_seconds == WAIT_SECONDS
    assert not first.is_changed
    server.clock.now += 60
    again = await server.waits(FUND)
    assert again.op_id == first.op_id
    assert again.expires_in_seconds == WAIT_SECONDS - 60
    (shown,) = server.unanswered
    assert (shown.tool, shown.summary, shown.client) == ("add_funds", FUND.summary, "claude-code 2.1")
    assert shown.exposure == Usd(3)
    assert plan_of(FundPlan, shown.plan) == FUND


async def test_a_yes_opens_the_operation_that_waited_and_no_other(server: Server) -> None:
    waits = await server.waits(FUND)
    assert server.answer(waits.op_id, "yes") is not None
    assert await server.approver.opened_at_terminal(CALL) == waits.op_id
    yes = await server.approved(FUND)
    assert (yes.op_id, yes.via, yes.fingerprint) == (waits.op_id, "terminal", FUND.fingerprint)
    assert yes.client == "claude-code 2.1"
    assert (await server.approved(FUND)).op_id == waits.op_id


async def test_a_no_is_told_once_and_then_the_person_is_asked_anew(server: Server) -> None:
    waits = await server.waits(FUND)
    server.answer(waits.op_id, "no")
    assert await server.approver.opened_at_terminal(CALL) is None
    with pytest.raises(NotApproved, match="said no to this in their terminal"):
        await server.call(FUND)
    assert (await server.waits(FUND)).op_id != waits.op_id


async def test_nothing_is_answered_twice(server: Server) -> None:
    waits = await server.waits(FUND)
    assert server.answer(waits.op_id, "no") is not None
    assert server.answer(waits.op_id, "yes") is None
    with pytest.raises(NotApproved):
        await server.call(FUND)


async def test_an_answer_to_what_is_another_plan_by_now_does_not_count(server: Server) -> None:
    waits = await server.waits(FUND)
    server.answer(waits.op_id, "yes")
    dearer = dataclasses.replace(FUND, amount=Usd(4))
    anew = await server.waits(dearer)
    assert anew.is_changed
    assert anew.op_id != waits.op_id
    assert [each.summary for each in server.unanswered] == [dearer.summary]
    assert server.answer(waits.op_id, "yes") is None


async def test_what_is_not_answered_within_half_an_hour_is_over(server: Server) -> None:
    waits = await server.waits(FUND)
    server.clock.now += WAIT_SECONDS
    assert server.unanswered == []
    assert server.answer(waits.op_id, "yes") is None
    assert server.store.run_now(waiting.forget_old) == 1
    assert server.store.run_now(waiting.forget_old) == 0
    assert (await server.waits(FUND)).op_id != waits.op_id


async def test_a_yes_is_good_for_half_an_hour(server: Server) -> None:
    waits = await server.waits(FUND)
    server.clock.now += WAIT_SECONDS - 1
    server.answer(waits.op_id, "yes")
    server.clock.now += WAIT_SECONDS - 1
    assert (await server.approved(FUND)).op_id == waits.op_id
    server.clock.now += 1
    assert await server.approver.opened_at_terminal(CALL) is None
    assert (await server.waits(FUND)).op_id != waits.op_id


async def test_another_call_and_another_agent_wait_for_themselves(server: Server, tmp_path: Path) -> None:
    other = Server(tmp_path, server.clock, agent="builder")
    waits = await server.waits(FUND)
    server.answer(waits.op_id, "yes")
    assert (await server.waits(FUND, "another call")).op_id != waits.op_id
    assert (await other.waits(FUND)).op_id != waits.op_id
    assert (await server.approved(FUND)).op_id == waits.op_id


async def test_an_answer_is_good_in_another_process(server: Server, tmp_path: Path) -> None:
    person, later = Server(tmp_path, server.clock), Server(tmp_path, server.clock)
    waits = await server.waits(FUND)
    person.answer(waits.op_id, "yes")
    assert (await later.approved(FUND)).op_id == waits.op_id


async def test_no_token_and_no_client_answers_what_waits_for_a_person(server: Server, tmp_path: Path) -> None:
    two_step = Server(tmp_path, server.clock, mode=ApprovalMode.TWO_STEP)
    needed = await two_step.approver.consider(FUND, can_ask=False)
    assert isinstance(needed, TokenNeeded)
    with pytest.raises(NotApproved, match="in a terminal only"):
        await server.approver.confirm(needed.token)


async def test_what_a_person_answered_is_carried_out_by_its_name(server: Server) -> None:
    waits = await server.waits(FUND)
    still = await server.approver.confirm(waits.op_id)
    assert isinstance(still, PersonNeeded)
    assert (still.plan, still.op_id) == (FUND, waits.op_id)
    server.answer(waits.op_id, "yes")
    assert await server.approver.confirm(waits.op_id, "claude-code 2.1") == (
        FUND,
        await server.approved(FUND),
    )
    server.open(waits.op_id)
    assert server.store.run_now(waiting.forget_old) == 1
    with pytest.raises(NotApproved, match="Nothing waits under"):
        await server.approver.confirm(waits.op_id)


async def test_a_no_is_told_by_its_name_once(server: Server) -> None:
    waits = await server.waits(FUND)
    server.answer(waits.op_id, "no")
    with pytest.raises(NotApproved, match="said no to this in their terminal"):
        await server.approver.confirm(waits.op_id)
    with pytest.raises(NotApproved, match="Nothing waits under"):
        await server.approver.confirm(waits.op_id)


async def test_what_waits_for_another_agent_is_not_carried_out(server: Server, tmp_path: Path) -> None:
    waits = await server.waits(FUND)
    server.answer(waits.op_id, "yes")
    with pytest.raises(NotApproved, match="Nothing waits under"):
        await Server(tmp_path, server.clock, agent="builder").approver.confirm(waits.op_id)


async def test_a_command_is_not_kept_once_it_was_answered(server: Server) -> None:
    waits = await server.waits(RUN)
    server.answer(waits.op_id, "yes")
    with pytest.raises(NotApproved, match="Call run_command again with the same arguments"):
        await server.approver.confirm(waits.op_id)


async def test_a_yes_whose_operation_was_refused_is_over(server: Server) -> None:
    waits = await server.waits(FUND)
    server.answer(waits.op_id, "yes")
    server.open(waits.op_id, State.REFUSED)
    assert await server.approver.opened_at_terminal(CALL) is None
    assert (await server.waits(FUND)).op_id != waits.op_id


async def test_what_was_shown_is_forgotten_with_the_answer(server: Server) -> None:
    waits = await server.waits(RUN)
    (shown,) = server.unanswered
    assert "rm -rf /srv/data" in shown.summary
    server.answer(waits.op_id, "yes")
    for file in server.folder.iterdir():
        assert b"/srv/data" not in file.read_bytes(), file


async def test_the_audit_tells_who_was_shown_what_and_how_it_was_answered(server: Server) -> None:
    yes, no = await server.waits(FUND), await server.waits(RUN, "another call")
    server.answer(yes.op_id, "yes")
    server.answer(no.op_id, "no")
    rows = server.store.read_now(audit.entries)
    assert [(row.event, row.via, row.op_id, row.text) for row in rows] == [
        ("shown", "terminal", yes.op_id, FUND.record),
        ("shown", "terminal", no.op_id, RUN.record),
        ("answered", "terminal", yes.op_id, FUND.record),
        ("declined", "terminal", no.op_id, RUN.record),
    ]
    assert {row.client for row in rows} == {"claude-code 2.1"}
    assert server.store.read_now(audit.verify).broken is None


async def test_closing_our_own_asks_nobody_at_a_terminal_either(server: Server) -> None:
    assert (await server.approved(ClosePlan(tool="close_deployment", dseq=DSEQ, ours=True))).via == "own"


async def test_closing_goes_on_where_nothing_can_be_written(tmp_path: Path) -> None:
    tmp_path.joinpath("akash-mcp.sqlite3").write_bytes(b"not a ledger at all" * 100)
    server = Server(tmp_path)
    plan = ClosePlan(tool="close_deployment", dseq=DSEQ, ours=False)
    needed = await server.call(plan)
    token = getattr(needed, "token", None)
    assert token is not None
    confirmed = await server.approver.confirm(token)
    assert isinstance(confirmed, tuple)
    assert confirmed[1].via == "two-step"
