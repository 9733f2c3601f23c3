"""The permit to switch automatic top-up of one deployment, on `reference`.

On, the Console adds the account's credit whenever its escrow runs low, and only the end of its run bounds what it
costs: so that much is reserved before it is sent, and it is sent once. Off is harmless to repeat. Either is read back,
and what reads as neither is unknown. Reading is safe here: a deployment that we leased has settings, which we made, and
one that we just switched has them too.
"""

from __future__ import annotations

from akash_mcp.clients.console.generation import Generation
from akash_mcp.errors import AkashError, ApiError, OutcomeUnknown, Refused
from akash_mcp.guard.books import journal, sends, top_ups
from akash_mcp.guard.books.journal import State
from akash_mcp.guard.books.store import Db
from akash_mcp.guard.permits.bounds import check_generation, top_up_of
from akash_mcp.guard.permits.operation import AuthorisedOperation
from akash_mcp.guard.plans.plans import TopUpPlan
from akash_mcp.ids import OpId
from akash_mcp.money import told_apart, usd_per_hour_at_most


class TopUpPermit:
    """May switch the automatic top-up of one deployment, as its plan says."""

    def __init__(self, operation: AuthorisedOperation, plan: TopUpPlan) -> None:
        self._operation = operation
        self._plan = plan

    @property
    def op_id(self) -> OpId:
        """Names this operation in the journal, and in the answers of tools."""
        return self._operation.op_id

    async def switch(self) -> None:
        """Switch it, read it back and write it down.

        Raises what the Console raises where it refused, `Refused` where it is not as it was approved, and
        `OutcomeUnknown` where it reads as neither on nor off: what is reserved stays so.
        """
        await (self._on() if self._plan.enabled else self._off())

    async def look_up(self) -> None:
        """Bring to its end what an earlier worker may have sent. Raises `OutcomeUnknown` while that is not certain."""
        if not self._plan.enabled:
            await self._off()
            return
        operation = self._operation
        sent = await operation.sent(top_ups.ON)
        if sent is not None:
            is_on = await self._now()
            if is_on:
                await self._written_down()
                return
            is_certain = sent.answer == "refused" or operation.store.has_passed(
                operation.certain_seconds, sent.at
            )
            if is_on is None or not is_certain:
                raise self._unknown()

        def write(db: Db) -> None:
            sends.answered(db, self.op_id, top_ups.ON, "refused")
            journal.advance(db, self.op_id, State.REFUSED, "it did not come about", epoch=operation.epoch)
            operation.ledger.release(db, self.op_id)

        await operation.store.run(write)

    async def _on(self) -> None:
        operation, plan = self._operation, self._plan
        async with operation.preparing():
            if await check_generation(operation, plan.dseq, funds_itself=False) is not Generation.REFERENCE:
                raise Refused("This Console API has no automatic top-up.")
            await self._check_rate()
        async with operation.accounted(on_refusal=State.REFUSED):
            try:
                await operation.write_once(
                    top_ups.ON, lambda writer: writer.set_auto_top_up(plan.dseq, enabled=True)
                )
            except (ApiError, OutcomeUnknown) as failure:
                is_on = await self._now()
                # A refusal is believed where it reads as off: something on the way may have sent it twice.
                if is_on is False and isinstance(failure, ApiError):
                    raise
                if not is_on:
                    # A refusal that is not proven counts as taken: nothing else may build on its being off.
                    await operation.store.run(sends.answered, self.op_id, top_ups.ON, "taken")
                    raise self._unknown() from failure
            else:
                if not await self._now():
                    raise self._unknown()
        await self._written_down()

    async def _check_rate(self) -> None:
        """Raise `Refused` where what it costs until the end of its run is more than was approved, or not known."""
        operation, plan = self._operation, self._plan
        detail = await operation.read(lambda: operation.reader.get_deployment(plan.dseq))
        rate = detail.rate_uact
        if detail.state != "active" or not rate or not plan.hours:
            raise Refused(f"What deployment {plan.dseq} can cost until its run ends is not known.")
        most = usd_per_hour_at_most(rate) * plan.hours
        if most > plan.total:
            cost, approved = told_apart(most, plan.total)
            raise Refused(
                f"In {plan.hours} hours deployment {plan.dseq} can cost {cost}, and {approved} was approved."
            )

    async def _off(self) -> None:
        operation, dseq = self._operation, self._plan.dseq
        async with operation.accounted(on_refusal=State.REFUSED):
            await check_generation(operation, dseq, funds_itself=False)
            await operation.read(
                lambda: operation.write(lambda writer: writer.set_auto_top_up(dseq, enabled=False))
            )
            is_on = await self._now()
            if is_on:
                raise Refused(
                    f"Automatic top-up of deployment {dseq} still reads as on.",
                    next_step="Call again, or close_deployment, which ends it for certain.",
                )
            if is_on is None:
                raise self._unknown()
        await self._written_down()

    async def _now(self) -> bool | None:
        """Whether it reads as on; None where that cannot be read."""
        try:
            return await top_up_of(self._operation, self._plan.dseq)
        except AkashError:
            return None  # unknown, and told as that

    def _unknown(self) -> OutcomeUnknown:
        dseq, state = self._plan.dseq, "on" if self._plan.enabled else "off"
        return OutcomeUnknown(
            f"Whether automatic top-up of deployment {dseq} is {state} now is not known.",
            next_step="What was reserved for it stays reserved. It is looked up again by itself: look with "
            f"get_deployment_settings(dseq={dseq}) in a minute.",
        )

    async def _written_down(self) -> None:
        operation, plan = self._operation, self._plan

        def write(db: Db) -> None:
            if plan.enabled:
                sends.answered(db, self.op_id, top_ups.ON, "taken")
            else:
                top_ups.note_off(db, self.op_id, operation.epoch)
            journal.advance(db, self.op_id, State.DONE, epoch=operation.epoch)

        async with operation.written_down(
            f"Automatic top-up of deployment {plan.dseq} is {'on' if plan.enabled else 'off'}",
            money=f"{plan.amount} is committed." if plan.amount else "No money moved.",
            next_step="Do not repeat it.",
        ):
            await operation.store.run(write)
