"""The permit to fund: one amount for one deployment, once; or as many hours more as it pays for. Its end moves with it.

What it sends is never sent twice. What became of it is read back, and told as what it is: from then on "no money moved"
is said only of a definite refusal, after which everything reads as before.
"""

from __future__ import annotations

from decimal import Decimal

from akash_mcp.clients.console.limits import MOST_RUNTIME_HOURS, check_runtime_limit
from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.errors import AkashError, ApiError, OutcomeUnknown, Refused
from akash_mcp.guard.books import journal, runs, sends
from akash_mcp.guard.books.journal import State
from akash_mcp.guard.books.store import Db
from akash_mcp.guard.permits.bounds import check_generation, leases_not_closed, uact_of
from akash_mcp.guard.permits.operation import AuthorisedOperation
from akash_mcp.guard.plans.plans import FundPlan
from akash_mcp.ids import OpId
from akash_mcp.money import Usd, told_apart, usd_per_hour_at_most

DEPOSIT = "deposit"
LIMIT = "limit"
"""The one step that lets a deployment cost more, by generation."""

_READ_ATTEMPTS = 4


class FundPermit:
    """May add one amount to one deployment once."""

    def __init__(self, operation: AuthorisedOperation, plan: FundPlan) -> None:
        self._operation = operation
        self._plan = plan

    @property
    def op_id(self) -> OpId:
        """Names this operation in the journal, and in the answers of tools."""
        return self._operation.op_id

    async def deposit(self) -> DeploymentDetail:
        """Add the money, or the hours that it pays for, and read back what became of it.

        Raises what the Console raises where it refused, `OutcomeUnknown` where it is not known what it did, and another
        error where it did something else than was approved, or where that could not be written down.
        """
        if self._plan.more_hours is not None:
            return await self._extend(self._plan.more_hours)
        return await self._deposit() if self._plan.amount else await self._only_move_end()

    async def _only_move_end(self) -> DeploymentDetail:
        """Let it run longer on what is in its escrow: nothing is sent."""
        operation, dseq = self._operation, self._plan.dseq
        async with operation.preparing():
            detail = await operation.reader.get_deployment(dseq)
            if detail.state != "active":
                raise Refused(f"Deployment {dseq} does not run, so it cannot run longer.")
        await self._written_down(f"The end of deployment {dseq} was moved", DEPOSIT)
        return detail

    async def _deposit(self) -> DeploymentDetail:
        operation, plan = self._operation, self._plan
        async with operation.preparing():
            await check_generation(operation, plan.dseq, funds_itself=False)
            before = _in_escrow(await operation.reader.get_deployment(plan.dseq))
            if before is None:
                raise Refused(
                    f"What is in escrow for deployment {plan.dseq} is not known, so nothing is added."
                )
        async with operation.accounted(on_refusal=State.REFUSED):
            try:
                detail = await operation.write_once(
                    DEPOSIT,
                    lambda writer: writer.deposit(plan.dseq, plan.amount),
                    lambda: {"paid_in_uact": str(before)},
                )
            except ApiError as refusal:
                detail = await self._came_in_even_so(before, refusal)
        step, done = DEPOSIT, f"{plan.amount} was added to deployment {plan.dseq}"
        await self._written_down(done, step)
        expected = before + plan.amount.uact
        for attempt in range(_READ_ATTEMPTS):
            if attempt:
                await operation.pause()
                detail = await self._read_back(done)
            after = _in_escrow(detail)
            if after is not None and after >= expected:
                break
        else:
            raise OutcomeUnknown(
                f"The Console took {plan.amount} for deployment {plan.dseq}, and its escrow does not show it.",
                next_step="Do not repeat it. Call get_deployment in a minute.",
            )
        if after > expected:
            added = Usd.from_uact(after - before)
            what = f"{added} came into the escrow of deployment {plan.dseq}, and {plan.amount} was approved"
            money, tell = f"{added} went into escrow.", "Tell the user. Do not repeat it."
            async with operation.written_down(what, money=money, next_step=tell):
                await operation.store.run(operation.ledger.hold_at_least, self.op_id, added)
            raise AkashError(
                f"{what}.", money=money, next_step=f"{tell} What is not used comes back when it is closed."
            )
        return detail

    async def look_up(self) -> DeploymentDetail | None:
        """What became of a request that an earlier worker may have sent, written down; None where nothing came of it.

        Raises `OutcomeUnknown` while that is not certain, and what a read raises.
        """
        operation, plan = self._operation, self._plan
        step = DEPOSIT if plan.more_hours is None else LIMIT
        sent = await operation.sent(step)
        if sent is not None and sent.answer != "refused":
            detail = await operation.read(lambda: operation.reader.get_deployment(plan.dseq))
            landed = await self._landed(detail, sent)
            if landed:
                await self._written_down(f"{plan.amount} was added to deployment {plan.dseq}", step)
                return detail
            if landed is None or not operation.store.has_passed(operation.certain_seconds, sent.at):
                raise OutcomeUnknown(
                    f"Whether {plan.amount} was added to deployment {plan.dseq} is not known yet.",
                    next_step="The amount stays reserved. Do not repeat it: look with get_deployment in a minute.",
                )

        def write(db: Db) -> None:
            journal.advance(
                db, self.op_id, State.REFUSED, "its server stopped before it was sent", epoch=operation.epoch
            )
            operation.ledger.release(db, self.op_id)

        await operation.store.run(write)
        return None

    async def _landed(self, detail: DeploymentDetail, sent: sends.Send) -> bool | None:
        """Whether what was sent came about; None where that cannot be told."""
        if self._plan.more_hours is not None:
            now, before = await self._limit_now(), sent.about.get("before")
            return None if now is None or before is None else now > before
        paid_in, before = _in_escrow(detail), sent.about.get("paid_in_uact")
        return None if paid_in is None or before is None else paid_in > Decimal(before)

    async def _came_in_even_so(self, before: Decimal, refusal: ApiError) -> DeploymentDetail:
        """The deployment, where money came in although the deposit was refused: something on the way sent it twice.

        Raises the refusal where nothing came in, and `OutcomeUnknown` where that cannot be read.
        """
        dseq = self._plan.dseq
        try:
            detail = await self._operation.read(lambda: self._operation.reader.get_deployment(dseq))
        except AkashError:
            after = None
        else:
            after = _in_escrow(detail)
        if after is None:
            raise OutcomeUnknown(
                f"{refusal.what} Whether money came in all the same cannot be read.",
                next_step="Do not repeat it. Call get_deployment in a minute.",
            ) from refusal
        if after <= before:
            raise refusal
        return detail

    async def _extend(self, more_hours: int) -> DeploymentDetail:
        operation, dseq = self._operation, self._plan.dseq
        async with operation.preparing():
            await check_generation(operation, dseq, funds_itself=True)
            limit = (await operation.write(lambda writer: writer.get_settings(dseq))).runtime_limit_hours
            if limit is None:
                raise Refused(
                    f"The runtime limit of deployment {dseq} is not known, so it may be funded without end already."
                )
            total = limit + more_hours
            check_runtime_limit(total, MOST_RUNTIME_HOURS)
            detail = await operation.read(lambda: operation.reader.get_deployment(dseq))
            if too_dear := self._too_dear(detail, more_hours):
                raise Refused(f"Deployment {dseq} runs no longer than before: {too_dear}")
        async with operation.accounted(on_refusal=State.REFUSED):
            await self._raise_limit(limit, total)
        step, done = LIMIT, f"Deployment {dseq} may now run for {total} hours in all"
        await self._written_down(done, step)
        detail = await self._read_back(done)
        if too_dear := self._too_dear(detail, more_hours):
            tell = f"Tell the user. close_deployment(dseq={dseq}) ends it. Do not repeat it."
            if most := _cost_of(detail, more_hours):
                async with operation.written_down(done, money=too_dear, next_step=tell):
                    await operation.store.run(operation.ledger.hold_at_least, self.op_id, most)
            raise AkashError(f"{done}, and its rate is not what it was.", money=too_dear, next_step=tell)
        return detail

    def _too_dear(self, detail: DeploymentDetail, more_hours: int) -> str | None:
        """How so many hours can cost more than was approved, as a sentence; None where they cannot."""
        most = _cost_of(detail, more_hours)
        if most is None:
            return "What it costs an hour cannot be read."
        if most > self._plan.amount:
            cost, approved = told_apart(most, self._plan.amount)
            return f"{more_hours} more hours can cost {cost}, and {approved} was approved."
        return None

    async def _raise_limit(self, before: int, total: int) -> None:
        """Send the new total once. Whatever comes back, what then reads as the limit decides.

        The Console refuses the same total a second time, and a proxy may have sent it twice: a raise that was refused
        may stand even so.
        """
        try:
            answer = await self._operation.write_once(
                LIMIT,
                lambda writer: writer.set_runtime_limit(self._plan.dseq, total),
                lambda: {"before": before, "total": total},
            )
            now = answer.runtime_limit_hours
            failure: AkashError = OutcomeUnknown("Akash Console answered, and not with the new limit.")
        except (OutcomeUnknown, ApiError) as lost:
            now, failure = await self._limit_now(), lost
        for attempt in range(_READ_ATTEMPTS):
            if attempt:
                await self._operation.pause()
                now = await self._limit_now()
            if now is not None and now >= total:
                return
            if now is not None and isinstance(failure, ApiError):
                raise failure
        raise OutcomeUnknown(
            f"{failure.what} The runtime limit of deployment {self._plan.dseq} reads as {now or 'unknown'}, and "
            f"{total} hours were asked for.",
            next_step="The amount stays reserved. Do not repeat it: look with get_deployment first.",
        ) from failure

    async def _limit_now(self) -> int | None:
        try:
            dseq = self._plan.dseq
            return (await self._operation.write(lambda writer: writer.get_settings(dseq))).runtime_limit_hours
        except AkashError:
            return None  # unknown, and told as that

    async def _read_back(self, done: str) -> DeploymentDetail:
        try:
            return await self._operation.reader.get_deployment(self._plan.dseq)
        except AkashError as unread:
            raise AkashError(
                f"{done}, and it cannot be read back: {unread.what}",
                money=f"{self._plan.amount} is committed.",
                next_step="Do not repeat it. Call get_deployment in a minute.",
            ) from unread

    async def _written_down(self, done: str, step: str) -> None:
        operation, plan = self._operation, self._plan

        def write(db: Db) -> None:
            sends.answered(db, self.op_id, step, "taken")
            journal.advance(db, self.op_id, State.DONE, epoch=operation.epoch)
            if plan.run_hours is not None:
                runs.extend(db, plan.dseq, plan.run_hours, operation.hour_seconds)

        async with operation.written_down(
            done, money=f"{self._plan.amount} is committed.", next_step="Do not repeat it."
        ):
            await operation.store.run(write)


def _cost_of(detail: DeploymentDetail, hours: int) -> Usd | None:
    """The most that so many hours of its leases can cost; None where a lease or its price cannot be read."""
    prices = [uact_of([lease.price]) for lease in leases_not_closed(detail)]
    known = [price for price in prices if price is not None]
    if detail.unread_leases or not prices or len(known) < len(prices):
        return None
    return usd_per_hour_at_most(sum(known, Decimal(0))) * hours


def _in_escrow(detail: DeploymentDetail) -> Decimal | None:
    """uact that came into the escrow so far: what is in there and what was paid out of it. None where it is unknown."""
    state = detail.escrow_account.state
    funds = uact_of(state.funds)
    paid = uact_of(state.transferred) if state.transferred else Decimal(0)
    return None if funds is None or paid is None else funds + paid
