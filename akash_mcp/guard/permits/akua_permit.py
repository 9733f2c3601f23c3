"""The permit to do one thing at Akua: exactly the approved one, and once.

Each request carries a key that is made of its operation, and Akua takes a key once: it may be sent again, also by
another process long after, and is one deed all the same. A change carries the etag of what was read for its plan as
well, so that nothing is changed that somebody else changed meanwhile. Two requests have no key: a region, which is sent
once and found by its name, and the limits of a cluster, which are what they are however often they are set.

After a lost answer a refusal proves nothing: what it refuses may be there by then. So it is looked for, as far as that
can be seen, and what cannot be known stays unknown.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar
from uuid import NAMESPACE_URL, uuid5

import anyio

from akash_mcp.clients.akua.errors import StaleEtag
from akash_mcp.clients.akua.models import InstallMutation, Region
from akash_mcp.clients.akua.paths import is_same
from akash_mcp.clients.akua.reader import AkuaReader
from akash_mcp.clients.akua.writer import AkuaWriter
from akash_mcp.clients.http import before_sending
from akash_mcp.clients.retries import Sending
from akash_mcp.errors import (
    AkashError,
    ApiError,
    BadArgument,
    BadSettings,
    Interrupted,
    LedgerUnusable,
    OutcomeUnknown,
    Refused,
    TakenOver,
    Unreachable,
)
from akash_mcp.guard.approval import tokens, waiting
from akash_mcp.guard.books import akua_results, holds, journal, sends
from akash_mcp.guard.books.akua_results import AkuaResult
from akash_mcp.guard.books.journal import State
from akash_mcp.guard.books.sends import Send
from akash_mcp.guard.books.store import Db, Store
from akash_mcp.guard.permits.akua_lookup import find, result_of
from akash_mcp.guard.permits.wire import Wire
from akash_mcp.guard.plans.akua_plans import (
    AkuaPlan,
    AutoscalingPlan,
    ClusterPowerPlan,
    CreateClusterPlan,
    CreateInstallPlan,
    CreatePackagePlan,
    DeleteInstallPlan,
    UpdateInstallPlan,
)
from akash_mcp.ids import OpId
from akash_mcp.sanitize import secrets

log = logging.getLogger(__name__)

T = TypeVar("T")

DEED = "akua"
REGION = "akua region"
"""The steps of an operation at Akua: the thing itself, and the region that a cluster may need before it."""

REPLAY_SECONDS = 3600.0
"""For how long after it was first sent a request is sent again. How long Akua knows a key it does not say."""

_NOT_KNOWN = "Whether Akua bills more for it is not known yet."
_COSTS_NOTHING = "It adds nothing that Akua bills, whether it was done or not."

_CLOCKS_DIFFER = 60.0
"""Seconds by which Akua's clock may be behind ours."""

_CERTAIN_REFUSALS = (ApiError, BadArgument, BadSettings, Refused, TakenOver, Unreachable)
"""What these say of a request none of whose answers was lost is certain: it did nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AkuaHands:
    """What a permit works with: `writer` sends for it, `certain_seconds` after it was sent what does not show is not
    there.
    """

    writer: AkuaWriter
    reader: AkuaReader
    store: Store
    wire: Wire
    certain_seconds: float


class AkuaPermit:
    """May do at Akua what its plan says. It is in this worker's hands since `epoch`."""

    def __init__(self, hands: AkuaHands, plan: AkuaPlan, op_id: OpId, epoch: int = 1) -> None:
        self.op_id = op_id
        """Names this operation in the journal, and in the answers of tools."""
        self.plan = plan
        self.epoch = epoch
        self._hands = hands
        for secret in plan.secrets:  # Akua may repeat one in an error
            secrets.known.remember(secret)

    async def known(self) -> AkuaResult:
        """What is known by now of what became of it."""
        return await self._hands.store.read(akua_results.find, self.op_id)

    async def was_sent(self) -> bool:
        """Whether anything of it was ever about to be sent."""
        return await self._hands.store.read(
            lambda db: any(sends.find(db, self.op_id, step) is not None for step in (REGION, DEED))
        )

    async def send(self) -> AkuaResult:
        """Have Akua take it, or see that it has: what it is called there.

        Raises what Akua refuses it with, where nothing was done for certain, and `OutcomeUnknown` where that is not
        certain: then it may be called again, by whoever has the operation in hand.
        """
        sent = await self._hands.store.read(sends.find, self.op_id, DEED)
        if sent is not None and sent.answer == "taken":
            return await self.known()
        if sent is not None and self._hands.store.has_passed(REPLAY_SECONDS, sent.at):
            return await self._look_up(
                OutcomeUnknown("It was sent long ago, and its answer was lost."), sent.at
            )
        await self._check_workspace()
        plan = self.plan
        region_id = ""
        if isinstance(plan, CreateClusterPlan):
            # With a key goes the very same body, also where the region is called something else by now.
            region_id = sent.about["region_id"] if sent is not None else await self._region(plan)
        attempt, begun = _Attempt(self, DEED, region_id, was_lost=sent is not None), self._hands.store.now()
        try:
            result = await attempt.send(lambda writer: self._request(writer, region_id))
        except Interrupted as lost:
            return await self._look_up(lost, sent.at if sent is not None else self._hands.store.now())
        except OutcomeUnknown as lost:
            raise await self._unknown(lost) from lost
        except _CERTAIN_REFUSALS as refusal:
            if isinstance(refusal, TakenOver):
                raise
            if sent is not None:
                return await self._look_up(refusal, sent.at)
            if isinstance(refusal, StaleEtag) and (there := await self._is_there(begun)) is not None:
                await self._taken(there)
                return there
            await self._refused(refusal)
            raise self._explained(refusal) from refusal
        await self._taken(result)
        return result

    async def refuse(self, why: str) -> None:
        """Write down that nothing of it was sent, and that nothing will be. Raises `TakenOver`."""

        def write(db: Db) -> None:
            journal.advance(db, self.op_id, State.REFUSED, why, epoch=self.epoch)
            forget_yes(db)

        await self._hands.store.run(write)

    async def ended(self, result: AkuaResult, note: str) -> None:
        """Write down how it ended at Akua, and forget what was approved. Raises `TakenOver`; what cannot be written is
        told as just that.
        """

        def write(db: Db) -> None:
            akua_results.note(db, self.op_id, result)
            journal.advance(db, self.op_id, State.DONE, note, epoch=self.epoch)
            forget_yes(db)

        try:
            await self._hands.store.run(write)
        except LedgerUnusable as unwritten:
            raise self._unwritten(result, f"it {result.outcome} there", unwritten) from unwritten

    async def _check_workspace(self) -> None:
        """Send nothing to another workspace than the approved one, whatever the token and the settings say by now."""
        try:
            workspace = await self._hands.reader.workspace()
            if not is_same(workspace.id, self.plan.workspace):
                raise Refused(
                    f"This is of workspace {self.plan.workspace} at Akua, and this server is set to another one, so "
                    "nothing was sent.",
                    next_step=f"Call {self.plan.tool} again for a new plan, if it is wanted there.",
                )
        except AkashError as unfit:
            if await self.was_sent():
                raise await self._unknown(unfit) from unfit
            await self._refused(unfit)
            raise

    async def _request(self, writer: AkuaWriter, region_id: str) -> AkuaResult:
        plan, key = self.plan, self._key(DEED)
        match plan:
            case CreatePackagePlan():
                return result_of(plan, await writer.create_package(plan.body, key))
            case CreateInstallPlan():
                return result_of(plan, await writer.create_install(plan.body, key))
            case UpdateInstallPlan(version_id="", render_id=render_id):
                return _of_change(
                    plan, await writer.restore_install(plan.install_id, render_id, etag=plan.etag, key=key)
                )
            case UpdateInstallPlan(version_id=version_id):
                return _of_change(
                    plan, await writer.update_install(plan.install_id, version_id, etag=plan.etag, key=key)
                )
            case DeleteInstallPlan():
                return result_of(plan, await writer.delete_install(plan.install_id, etag=plan.etag, key=key))
            case CreateClusterPlan():
                return result_of(plan, await writer.create_cluster(plan.body(region_id), key))
            case ClusterPowerPlan(on=True):
                return result_of(plan, await writer.resume_cluster(plan.cluster_id, etag=plan.etag, key=key))
            case ClusterPowerPlan():
                return result_of(plan, await writer.suspend_cluster(plan.cluster_id, etag=plan.etag, key=key))
            case AutoscalingPlan():
                await writer.set_compute(
                    plan.cluster_id,
                    etag=plan.etag,
                    auto_scaling_enabled=plan.enabled,
                    max_machines=plan.max_machines,
                )
                return AkuaResult(resource_id=plan.cluster_id)
        raise TypeError(f"nothing at Akua is called {type(plan).__name__}")

    async def _region(self, plan: CreateClusterPlan) -> str:
        """The id of the region that the cluster comes into: made now, where the plan says so, and it is not there."""
        if not plan.new_region:
            return plan.region_id
        sent = await self._hands.store.read(sends.find, self.op_id, REGION)
        if sent is not None and sent.answer != "refused":
            return await self._region_by_name(plan.new_region, sent)
        attempt = _Attempt(self, REGION)
        try:
            region: Region = await attempt.send(lambda writer: writer.create_region(plan.new_region))
        except (Interrupted, OutcomeUnknown) as lost:
            raise await self._unknown(lost, "made the region") from lost
        except _CERTAIN_REFUSALS as refusal:
            if not isinstance(refusal, TakenOver):
                await self._refused(refusal, step=REGION)
            raise
        await self._hands.store.run(sends.answered, self.op_id, REGION, "taken")
        return region.id

    async def _region_by_name(self, name: str, sent: Send) -> str:
        """The region whose creation was sent before. Raises `Refused` where it certainly did not come about."""
        listing = await self._hands.reader.regions()
        found = [region.id for region in listing.records if region.name == name]
        if len(found) == 1:
            return found[0]
        if not found and listing.is_whole and self._is_certain(sent.at):
            never = Refused(
                "Akua did not make the new region, so no cluster was asked for.",
                next_step=f"Call {self.plan.tool} again for a new plan, if it is still wanted.",
            )
            await self._refused(never, step=REGION)
            raise never
        unseen = OutcomeUnknown(
            f"Akua shows {len(found) or 'none'} of that name"
            f"{'' if listing.is_whole else ', in a list that is not whole'}."
        )
        raise await self._unknown(unseen, "made the region")

    async def _is_there(self, begun: float) -> AkuaResult | None:
        """What was asked for, where it shows although the request was refused as too late: what hands requests on may
        have sent it twice, and told the second answer."""
        try:
            return await find(self._hands.reader, self.plan, since=begun - _CLOCKS_DIFFER)
        except AkashError as unread:
            log.info("whether operation %s was done all the same cannot be seen: %s", self.op_id, unread.what)
            return None

    async def _look_up(self, lost: AkashError, sent_at: float) -> AkuaResult:
        """What an earlier request came to, of which no answer came; `lost`: what stands in for its answer. Raises that
        where it is certain that nothing was done, and `OutcomeUnknown`."""
        try:
            found = await find(self._hands.reader, self.plan, since=sent_at - _CLOCKS_DIFFER)
        except AkashError as unread:
            log.info("what became of operation %s cannot be seen: %s", self.op_id, unread.what)
            raise await self._unknown(lost) from unread
        if found is not None:
            await self._taken(found)
            return found
        if isinstance(lost, ApiError) and self._is_certain(sent_at):
            await self._refused(lost)
            raise self._explained(lost) from lost
        raise await self._unknown(lost) from lost

    def _is_certain(self, sent_at: float) -> bool:
        return self._hands.store.has_passed(self._hands.certain_seconds, sent_at)

    def _key(self, step: str) -> str:
        return str(uuid5(NAMESPACE_URL, f"akash-mcp:{self.op_id}:{step}"))

    async def _taken(self, result: AkuaResult) -> None:
        """Write down that Akua has it. What cannot be written is told as just that."""

        def write(db: Db) -> None:
            akua_results.note(db, self.op_id, result)
            sends.answered(db, self.op_id, DEED, "taken")
            journal.advance(db, self.op_id, State.CREATED, _names(result), epoch=self.epoch)

        try:
            await self._hands.store.run(write)
        except LedgerUnusable as unwritten:
            raise self._unwritten(result, "Akua took it", unwritten) from unwritten

    def _unwritten(self, result: AkuaResult, what: str, unwritten: LedgerUnusable) -> AkashError:
        return AkashError(
            f"Akua has it ({_names(result)}): {what}. That could not be written down: {unwritten.what}",
            money="What it costs, Akua bills." if self.plan.is_unbounded else _COSTS_NOTHING,
            next_step="Do not repeat it: the reading tools of Akua show how it stands.",
        )

    async def _refused(self, refusal: AkashError, step: str = DEED) -> None:
        def write(db: Db) -> None:
            holds.check_own(db, self.op_id, self.epoch)
            sends.answered(db, self.op_id, step, "refused")
            journal.advance(db, self.op_id, State.REFUSED, str(refusal))
            forget_yes(db)

        await self._noted(write)

    def _explained(self, refusal: AkashError) -> AkashError:
        """A refusal with what it leaves to be done."""
        plan = self.plan
        if isinstance(refusal, StaleEtag):
            refusal.next_step = (
                "It was changed by somebody or something else after this plan was made, so nothing was changed. Call "
                f"{plan.tool} again for a new plan, which shows how it stands now."
            )
        if isinstance(plan, CreateClusterPlan) and plan.new_region:
            refusal.next_step = f"The new region was made, and costs nothing. {refusal.next_step}".strip()
        return refusal

    async def _unknown(self, lost: AkashError, deed: str = "did it") -> OutcomeUnknown:
        """What is told, and written down, where nobody knows yet whether it was done."""
        await self._note(State.UNKNOWN, lost.what)
        says_so = lost.what.endswith("is not known.")
        unknown = OutcomeUnknown(
            lost.what if says_so else f"{lost.what} Whether Akua {deed} is not known.",
            next_step=f'akua_get_operation(operation_id="{self.op_id}") shows what becomes of it: this server asks '
            "again by itself, with the same key, so that it is done once. Do not repeat the call.",
        )
        unknown.money = _NOT_KNOWN if self.plan.is_unbounded else _COSTS_NOTHING
        return unknown

    async def _note(self, state: State, note: str) -> None:
        def write(db: Db) -> None:
            holds.check_own(db, self.op_id, self.epoch)
            journal.advance(db, self.op_id, state, note)

        await self._noted(write)

    async def _noted(self, write: Callable[[Db], None]) -> None:
        """Write down what is known anyway: where that cannot be, whoever carries it on finds out again."""
        with anyio.CancelScope(shield=True):
            try:
                await self._hands.store.run(write)
            except (LedgerUnusable, TakenOver):
                log.exception("how operation %s ended could not be written down", self.op_id)


class _Attempt:
    """One step, sent by this worker: written down before its first byte leaves."""

    def __init__(self, permit: AkuaPermit, step: str, region_id: str = "", *, was_lost: bool = False) -> None:
        self._permit = permit
        self._step = step
        self._about = {"key": permit._key(step), "region_id": region_id}
        self._is_begun = was_lost

    async def send(self, request: Callable[[AkuaWriter], Awaitable[T]]) -> T:
        """Send it, while the operation is in hand. Raises `TakenOver` and `LedgerUnusable`; nothing is sent then."""
        hands = self._permit._hands
        async with hands.wire.request():
            await hands.store.run(holds.keep, self._permit.op_id, self._permit.epoch)
            with before_sending(self._begin):
                return await request(hands.writer)

    async def _begin(self, sending: Sending) -> None:
        permit = self._permit
        if self._is_begun:
            await permit._hands.store.run(holds.keep, permit.op_id, permit.epoch)
            return
        await permit._hands.store.run(sends.begin, permit.op_id, permit.epoch, self._step, self._about)
        self._is_begun = True


def _of_change(plan: UpdateInstallPlan, changed: InstallMutation) -> AkuaResult:
    return AkuaResult(
        resource_id=plan.install_id, render_id=changed.render.id if changed.render is not None else None
    )


def forget_yes(db: Db) -> None:
    """What was shown of a plan, or waited for a person, is not kept longer than what it opened."""
    waiting.forget_old(db)
    tokens.forget_old(db)


def _names(result: AkuaResult) -> str:
    parts = (
        f"operation {result.operation_id}" if result.operation_id else "",
        result.resource_id or "",
    )
    return ", ".join(filter(None, parts)) or "without a name"
