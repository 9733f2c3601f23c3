"""The survey: what the ledger holds money for is held against what the account shows, in both directions.

It costs one list for all, one block, and one read of a deployment only where the list leaves a question open. A list
that is short of what the ledger knows is no proof of anything: each that is missing is asked for by itself, and where
the Console says that it does not exist it is unknown. On `reference` the funding of each is asked for now and then, of
those only whose settings we made; on `2026-11` the list tells it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import partial

import anyio

from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.market_models import Block
from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.errors import AkashError, NotFound
from akash_mcp.guard.books import journal, runs
from akash_mcp.guard.books.journal import Operation
from akash_mcp.guard.books.store import Db
from akash_mcp.guard.permits.close_permit import Closed
from akash_mcp.ids import Dseq
from akash_mcp.money import Usd
from akash_mcp.workflow.diagnosis.provider_faults import note_leases
from akash_mcp.workflow.readiness import read_readiness
from akash_mcp.workflow.runtime import Runtime
from akash_mcp.workflow.settling import settle_closed
from akash_mcp.workflow.status import (
    READ_DEADLINE,
    account_credit,
    funds_of,
    known_generation,
    latest_moment,
    with_limit,
)
from akash_mcp.workflow.watch import findings
from akash_mcp.workflow.watch.findings import Finding, Seen

log = logging.getLogger(__name__)

MOST_ASKED = 20
"""So many deployments are asked for by themselves in one survey: of more, the others come in the next ones."""

_RARELY = 12
"""What is asked of a deployment by itself although nothing is wrong is asked in one survey of so many."""


@dataclass
class Survey:
    """What one survey came to. `unknown`: what could not be seen, and may cost money."""

    settled: list[Closed] = field(default_factory=list)
    found: list[Finding] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


class Surveyor:
    """Compares the ledger with the account, again and again, and remembers what it asked for when."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._asked: dict[tuple[str, Dseq], float] = {}
        self._others: frozenset[Dseq] | None = None

    async def survey(self) -> Survey:
        """Look at everything once. Without a deployment of ours that may run nothing is asked."""
        rt, survey = self._rt, Survey()
        launches = await rt.store.read(journal.open_launches)
        survey.found += await self._budget(has_open=bool(launches))
        if not launches:
            self._others = None
            return survey
        ours = {launch.dseq: launch for launch in launches if launch.dseq is not None}
        try:
            listed = await rt.reader.read_list()
        except AkashError as unread:
            survey.unknown.append(f"the Console's list cannot be read: {unread.what}")
            return survey
        shown = {detail.dseq: detail for detail in listed.details}
        self._others_appeared(frozenset(shown.keys() - ours.keys()), survey)
        missing = ours.keys() - shown.keys()
        doubtful = {dseq for dseq in ours.keys() & shown.keys() if await self._lost_its_leases(shown[dseq])}
        for dseq, detail in (await self._ask(missing | doubtful, ours, survey)).items():
            if detail is None:
                shown.pop(dseq, None)
            else:
                shown[dseq] = detail
        for detail in list(shown.values()):
            if detail.state == "closed" and (closed := await settle_closed(rt, detail)) is not None:
                survey.settled.append(closed)
                survey.found.append(findings.ended(closed))
        running = [shown[dseq] for dseq in ours.keys() & shown.keys() if shown[dseq].state != "closed"]
        await self._judge(running, ours, survey)
        return survey

    async def _lost_its_leases(self, detail: DeploymentDetail) -> bool:
        """Whether the list shows none of a deployment's leases although it has had one: it may leave them out."""
        return not detail.leases and await self._rt.store.read(journal.was_leased, detail.dseq)

    async def _ask(
        self, dseqs: set[Dseq], ours: dict[Dseq, Operation], survey: Survey
    ) -> dict[Dseq, DeploymentDetail | None]:
        """The Console's record of each by itself, None where it could not be read. The longest not asked come first."""
        rt = self._rt
        by_turn = sorted(dseqs, key=lambda dseq: (self._asked.get(("record", dseq), 0.0), int(dseq)))
        answers: dict[Dseq, DeploymentDetail | None] = dict.fromkeys(by_turn)

        async def ask(dseq: Dseq) -> None:
            self._asked["record", dseq] = rt.now()
            try:
                answers[dseq] = await with_limit(
                    rt, await rt.reader.get_deployment(dseq, deadline=READ_DEADLINE)
                )
            except NotFound:
                survey.unknown.append(f"deployment {dseq}: the Console says that it does not exist")
                if await self._is_nobodys(dseq):
                    survey.found.append(findings.not_shown(dseq))
            except AkashError as unread:
                survey.unknown.append(f"deployment {dseq}: {unread.what}")

        async with anyio.create_task_group() as tasks:
            for dseq in by_turn[:MOST_ASKED]:
                tasks.start_soon(ask, dseq)
        for dseq in by_turn[MOST_ASKED:]:
            survey.unknown.append(f"deployment {dseq}: there were too many to ask for each")
        return answers

    async def _is_nobodys(self, dseq: Dseq) -> bool:
        """Whether no operation has it in hand: one that is being created or closed may not show yet, or any more."""
        return await self._rt.operations.under_way(dseq) is None

    async def _judge(
        self, running: list[DeploymentDetail], ours: dict[Dseq, Operation], survey: Survey
    ) -> None:
        rt = self._rt
        running = [detail for detail in running if await self._is_nobodys(detail.dseq)]
        if not running:
            return
        generation, block = await known_generation(rt), await self._block()
        now, credit = latest_moment(rt, block), None
        for detail in running:
            tops_up = await rt.gate.is_topped_up(detail.dseq)
            reckon = partial(funds_of, detail, block.height, now, generation=generation, ours=not tops_up)
            funds = reckon(credit=credit)
            if funds.shortfall is not None and credit is None:
                credit = (await account_credit(rt)).available
                funds = reckon(credit=credit)
            held, allowed = await rt.store.read(self._approved, detail.dseq)
            settings = None
            if generation is Generation.REFERENCE and self._is_turn("settings", detail.dseq):
                settings = await rt.gate.read_settings(detail.dseq)
            seen = Seen(
                launch=ours[detail.dseq],
                detail=detail,
                funds=funds,
                generation=generation,
                held=held,
                allowed=allowed,
                settings=settings,
                now=now,
                tops_up=tops_up,
            )
            survey.found += findings.findings_of(seen)
            survey.found += await self._never_ran(detail, funds.usd_per_hour)
            await note_leases(rt, detail, block.height or None)

    async def _block(self) -> Block:
        try:
            return await self._rt.reader.latest_block()
        except AkashError as failure:
            log.info("how long escrows last is not known: %s", failure)
            return Block()

    def _approved(self, db: Db, dseq: Dseq) -> tuple[Usd, Usd | None]:
        """What is held for a deployment, and USD an hour that it may cost, where that is written down."""
        row = db.one(
            "SELECT rate_uact FROM reservations WHERE account = :account AND dseq = :dseq AND state = 'held'"
            " AND opens = 1",
            account=db.account,
            dseq=dseq,
        )
        allowed = Usd.from_uact(row["rate_uact"]) if row is not None and row["rate_uact"] else None
        return self._rt.ledger.held(db, dseq), allowed

    async def _never_ran(self, detail: DeploymentDetail, rate: Usd) -> list[Finding]:
        """That a lease never came up, after one look at what its provider says now."""
        rt, dseq = self._rt, detail.dseq
        waits_since = await rt.store.read(runs.waits_since, dseq)
        if waits_since is None or rt.now() - waits_since < rt.intervals.ready_give_up:
            return []
        if not detail.active_leases or not self._is_turn("readiness", dseq):
            return []
        if (await read_readiness(rt, detail.active_leases)).is_ready:
            await rt.store.run(runs.came_up, dseq)
            providers = [lease.provider for lease in detail.active_leases]
            await rt.track_records.ready(dseq, providers, was_watched=False)
            return []
        return [findings.never_ran(dseq, rate)]

    def _is_turn(self, what: str, dseq: Dseq) -> bool:
        """Whether it is time again to ask this of a deployment. That is remembered."""
        last, now = self._asked.get((what, dseq)), self._rt.now()
        if last is not None and now - last < self._rt.intervals.survey * _RARELY:
            return False
        self._asked[what, dseq] = now
        return True

    def _others_appeared(self, others: frozenset[Dseq], survey: Survey) -> None:
        if self._others is not None:
            survey.found += [findings.appeared(dseq) for dseq in sorted(others - self._others, key=int)]
        self._others = others | (self._others or frozenset())

    async def _budget(self, *, has_open: bool) -> list[Finding]:
        left = (await self._rt.store.read(self._rt.ledger.status)).left_today
        limit = self._rt.policy.max_usd_per_day
        return [findings.budget_ends(left, limit)] if has_open and left * 10 < limit else []
