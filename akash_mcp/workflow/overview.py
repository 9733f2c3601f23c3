"""All that may cost money: what the Console's list shows, and what our journal knows and the list does not show.

The list is a witness and not the truth: it may be late, partial or odd. A deployment that it leaves out, or shows
without a lease, is asked for by itself; what still cannot be seen is unknown, which is never taken for nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import anyio

from akash_mcp.clients.console.market_models import Block
from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.clients.console.names import words_of
from akash_mcp.clients.console.reader import DeploymentsRead
from akash_mcp.errors import (
    AkashError,
    ApiError,
    Interrupted,
    LedgerUnusable,
    NotFound,
    Unreachable,
)
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.journal import Operation
from akash_mcp.guard.books.store import Work
from akash_mcp.ids import Dseq, OpId
from akash_mcp.money import MOST_BLOCKS_PER_HOUR, ZERO, Usd
from akash_mcp.sanitize.text import field
from akash_mcp.workflow.desired_state import DesiredService, DesiredState
from akash_mcp.workflow.runtime import Runtime
from akash_mcp.workflow.settling import settle_closed
from akash_mcp.workflow.status import (
    READ_DEADLINE,
    Funds,
    RunEnd,
    account_credit,
    first_end,
    funds_of,
    height_at_most,
    known_generation,
    latest_moment,
    with_limit,
)

log = logging.getLogger(__name__)

MOST_ASKED = 20
"""So many deployments are asked for by themselves, the newest."""

UNKNOWN = "unknown"

_DAY_BLOCKS = int(24 * MOST_BLOCKS_PER_HOUR)

T = TypeVar("T")

Reckon = Callable[[DeploymentDetail], Funds]


@dataclass(frozen=True, slots=True)
class ListedDeployment:
    """One deployment, or one launch that may have made one. The list asks no provider what is ready.

    `state`: the Console's word, `unknown` for what could not be read, `under way` for a launch that has no deployment
    yet. `services`: what it is told to run, where that is known. `held`: what is reserved for it, where it has no
    `funds` that are known. `progress`: what is being done with it. `problem`: what is not known of it.
    """

    dseq: Dseq | None
    state: str
    ours: bool
    leases: int | None = None
    funds: Funds | None = None
    op_id: OpId | None = None
    held: Usd | None = None
    progress: str = ""
    problem: str = ""
    services: tuple[DesiredService, ...] = ()
    is_colleagues: bool = False
    """Another account of the organization pays for it."""
    name: str = ""
    end: RunEnd | None = None
    """What ends it first, where that is known."""
    spent_today: Usd | None = None
    """The most that it cost within 24 hours; None where that is not known."""

    @property
    def is_known(self) -> bool:
        """Whether what it costs this account is known."""
        return self.is_colleagues or (self.funds is not None and self.funds.rate_is_known)


@dataclass(frozen=True, slots=True)
class Overview:
    """All rows, newest first. `problems`: what else could not be seen."""

    rows: tuple[ListedDeployment, ...]
    problems: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether everything could be seen. Otherwise there may be more, and what it costs may be more."""
        return not self.problems and all(row.is_known for row in self.rows)

    @property
    def usd_per_hour(self) -> Usd:
        """What all of them cost this account together, as far as that is known."""
        return sum((row.funds.usd_per_hour for row in self.rows if row.funds and not row.is_colleagues), ZERO)


async def overview(rt: Runtime) -> Overview:
    """All active deployments of the account and of its organization, and all that this server opened and does not
    know to be closed.

    Raises what the Console does where its list cannot be read and the journal knows of nothing, and `MissingKey` before
    anything is opened.
    """
    await rt.key.need()
    problems: list[str] = []
    launches = await _open_launches(rt, problems)
    listed = await _listed(rt, problems, or_raise=not launches)
    shown = {detail.dseq: detail for detail in listed.details}
    ours = {launch.dseq: launch for launch in launches if launch.dseq is not None}
    doubtful = {dseq for dseq, detail in shown.items() if not detail.active_leases}
    asked = sorted((ours.keys() - shown.keys()) | listed.hidden | doubtful, key=int, reverse=True)
    answers = await _ask(rt, asked[:MOST_ASKED])
    block = await _block(rt, problems) if shown or answers or listed.colleagues else Block()
    told = shown | {dseq: answer for dseq, answer in answers.items() if not isinstance(answer, str)}
    reckon = await _reckoned(rt, told.values(), block)
    await _learn_rates(rt, told, reckon)
    rows = []
    for dseq in sorted(shown.keys() | set(asked), key=int, reverse=True):
        answer = answers.get(dseq, shown.get(dseq, "There are too many to ask for each."))
        if isinstance(answer, str) and dseq in shown:
            rows.append(await _row(rt, shown[dseq], reckon, f"Its leases may not be in the list: {answer}"))
        elif isinstance(answer, str):
            rows.append(await _unread_row(rt, dseq, answer))
        elif answer.state != "closed" or dseq in ours:
            rows.append(await _row(rt, answer, reckon))
    unknown = [await _launch_row(rt, launch) for launch in launches if launch.dseq is None]
    height = height_at_most(block, max(rt.now(), rt.store.now()))
    spent = {dseq: detail.spent_since(height - _DAY_BLOCKS, height) for dseq, detail in told.items()}
    known = (
        replace(
            _with_launch(row, ours.get(row.dseq) if row.dseq else None),
            spent_today=spent.get(row.dseq) if row.dseq else None,
        )
        for row in rows
    )
    theirs = [
        _colleagues_row(detail, await _funds_of_others(rt, detail, block)) for detail in listed.colleagues
    ]
    return Overview((*known, *theirs, *unknown), tuple(problems))


def _with_launch(row: ListedDeployment, launch: Operation | None) -> ListedDeployment:
    """A row with what our journal adds to it."""
    ends_at = launch.ends_at if launch is not None and row.ours else None
    end = None if row.state == "closed" else first_end(ends_at, row.funds)
    return replace(row, name=row.name or (launch.name if launch else ""), end=end)


async def _open_launches(rt: Runtime, problems: list[str]) -> list[Operation]:
    try:
        return await rt.store.read(journal.open_launches)
    except LedgerUnusable as unusable:
        problems.append(f"What this server opened is not known: {unusable.what}")
        return []


async def _listed(rt: Runtime, problems: list[str], *, or_raise: bool) -> DeploymentsRead:
    try:
        listed = await rt.reader.read_list()
    except (ApiError, Interrupted, Unreachable) as failure:
        if or_raise:
            raise
        problems.append(
            f"The Console's list could not be read, so only what this server opened is here: {failure.what}"
        )
        return DeploymentsRead([], frozenset(), 0, is_whole=False)
    if listed.unread:
        problems.append(f"{listed.unread} records of the Console's list cannot be read, and may cost money.")
    if not listed.is_whole:
        problems.append("The Console says that there are more deployments, and shows them not.")
    return listed


async def _ask(rt: Runtime, dseqs: Iterable[Dseq]) -> dict[Dseq, DeploymentDetail | str]:
    """What the Console says of each by itself, or why that could not be read."""
    answers: dict[Dseq, DeploymentDetail | str] = {}

    async def ask(dseq: Dseq) -> None:
        try:
            answers[dseq] = await with_limit(rt, await rt.reader.get_deployment(dseq, deadline=READ_DEADLINE))
        except NotFound:
            answers[dseq] = (
                "The Console says that it does not exist, which does not prove that it costs nothing."
            )
        except AkashError as failure:
            answers[dseq] = failure.what

    async with anyio.create_task_group() as tasks:
        for dseq in dseqs:
            tasks.start_soon(ask, dseq)
    return answers


async def _block(rt: Runtime, problems: list[str]) -> Block:
    try:
        return await rt.reader.latest_block()
    except AkashError as failure:
        problems.append(f"How long escrows last is not known: {failure.what}")
        return Block()


async def _reckoned(rt: Runtime, details: Collection[DeploymentDetail], block: Block) -> Reckon:
    """How to reckon the money of each. The account's credit counts where it is enough for all of them together."""
    generation, now = await known_generation(rt), latest_moment(rt, block)

    ours = {
        detail.dseq
        for detail in details
        if await rt.gate.owns(detail.dseq) and not await rt.gate.is_topped_up(detail.dseq)
    }

    def reckon(detail: DeploymentDetail, credit: Usd | None = None) -> Funds:
        return funds_of(
            detail, block.height, now, generation=generation, ours=detail.dseq in ours, credit=credit
        )

    wanted = [funds.shortfall for funds in map(reckon, details) if funds.shortfall is not None]
    credit = (await account_credit(rt)).available if wanted else None
    return partial(reckon, credit=credit if credit is not None and sum(wanted, ZERO) <= credit else None)


async def _learn_rates(rt: Runtime, told: Mapping[Dseq, DeploymentDetail], reckon: Reckon) -> None:
    """Write down what deployments cost an hour of which that was not known: the user's limits count it."""
    try:
        for dseq in await rt.store.read(rt.ledger.unrated):
            if dseq in told and (funds := reckon(told[dseq])).rate_is_known:
                await rt.store.run(rt.ledger.note_rate, dseq, funds.usd_per_hour)
    except LedgerUnusable:
        log.exception("what deployments cost an hour could not be written down")


async def _row(rt: Runtime, detail: DeploymentDetail, reckon: Reckon, problem: str = "") -> ListedDeployment:
    ours = await rt.gate.owns(detail.dseq)
    funds = reckon(detail)
    problems = [problem]
    settled = await settle_closed(rt, detail)
    if detail.state == "active" and not detail.leases and await _was_leased(rt, detail.dseq):
        funds = replace(funds, rate_is_known=False)
        problems.append("This server leased it, and the Console shows no lease of it: it may cost money.")
    elif problem:
        funds = replace(funds, rate_is_known=False)
    elif not funds.rate_is_known:
        problems.append("A lease has no price in dollars that can be read, so it costs more than this.")
    elif detail.state == "closed":
        problems.append(
            "It is closed, and costs nothing more; close_deployment settles what is held for it."
            if settled is None or settled.spent is None
            else f"It is closed, and cost {settled.spent}: what was held for it beyond that is free again."
        )
    if funds.shortfall is not None and funds.hours_left is None:
        problems.append("Whether the account's credit lasts until its runtime limit is not known.")
    under_way = await rt.operations.under_way(detail.dseq)
    desired = await DesiredState.now(rt, detail) if detail.state == "active" else DesiredState()
    return ListedDeployment(
        detail.dseq,
        detail.state or UNKNOWN,
        ours,
        len(detail.active_leases),
        funds,
        op_id=under_way.op_id if under_way else None,
        progress=f"In the hands of {under_way}: call {under_way.call}." if under_way else "",
        problem=" ".join(filter(None, problems)),
        services=tuple(desired.by_group.values()),
        name=words_of(detail.name),
    )


async def _funds_of_others(rt: Runtime, detail: DeploymentDetail, block: Block) -> Funds:
    """The money of what another account pays for, whose credit is not known here."""
    generation = await known_generation(rt)
    return funds_of(detail, block.height, latest_moment(rt, block), generation=generation, ours=False)


def _colleagues_row(detail: DeploymentDetail, funds: Funds) -> ListedDeployment:
    return ListedDeployment(
        detail.dseq,
        detail.state or UNKNOWN,
        ours=False,
        leases=len(detail.active_leases),
        funds=funds,
        problem=f"It belongs to another account of the organization ({field(detail.owner)}), which pays for it.",
        name=words_of(detail.name),
        is_colleagues=True,
    )


async def _was_leased(rt: Runtime, dseq: Dseq) -> bool:
    try:
        return await rt.store.read(journal.was_leased, dseq)
    except LedgerUnusable:
        return False  # told already: what this server opened is not known


async def _unread_row(rt: Runtime, dseq: Dseq, why: str) -> ListedDeployment:
    return ListedDeployment(
        dseq,
        UNKNOWN,
        await rt.gate.owns(dseq),
        held=await _held(rt, rt.ledger.held, dseq),
        problem=f"The list does not show it, and it may run and cost money. {field(why, 300)}",
    )


async def _launch_row(rt: Runtime, launch: Operation) -> ListedDeployment:
    """A launch without a deployment: one that is under way here, or one whose answer was lost."""
    running = rt.operations.find(launch.op_id)
    under_way = running is not None and not running.is_done
    return ListedDeployment(
        None,
        "under way" if under_way else UNKNOWN,
        ours=True,
        op_id=launch.op_id,
        held=await _held(rt, rt.ledger.held_by, launch.op_id),
        progress=field(running.stage, 200) if running is not None and under_way else "",
        problem=""
        if under_way
        else "Whether it made a deployment is not known, so one may run and cost money.",
        name=launch.name,
    )


async def _held(rt: Runtime, read: Work[[T], Usd], of: T) -> Usd | None:
    try:
        return await rt.store.read(read, of)
    except LedgerUnusable:
        return None  # told already: what this server opened is not known
