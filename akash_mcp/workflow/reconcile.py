"""Lost answers: what became of a creation that may have landed is looked up, never tried again.

Since autumn 2026 a deployment has a name, and ours ends in its operation's: of this account's own deployments no other
has it. Before that there is no such mark: the Console names a deployment by its own clock in milliseconds and keeps the
hash of its manifest on the chain. So the account's deployments are listed before the creation is sent, and what can be
ours is only one that was not among them, that appeared around the time of our request, with our manifest and our
deposit, that nobody leased and our journal does not know. It is taken up when it is the only one, after the time in
which the Console gives up on a transaction (36 seconds), and when no other launch of ours could have made it.
Everything else is left to a person: its reservation stays held, and what could be it is named.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.clients.console.names import bears
from akash_mcp.clients.console.reader import ANOTHERS
from akash_mcp.errors import ApiError, Forbidden, Interrupted, LedgerUnusable, OutcomeUnknown, Unreachable
from akash_mcp.guard.books import journal
from akash_mcp.guard.books.sends import Send
from akash_mcp.guard.permits.launch_permit import LaunchPermit
from akash_mcp.ids import AccountAddress, Dseq
from akash_mcp.workflow.runtime import Runtime

log = logging.getLogger(__name__)

_SKEW_MS = 5 * 60 * 1000
"""How far the Console's clock may be from ours. The manifest and the deposit tell more than the time."""

_UNREAD = (ApiError, Interrupted, Unreachable)


async def create_once(rt: Runtime, permit: LaunchPermit, on_progress: Callable[[str], None]) -> Dseq:
    """Create the deployment, and find it again where the answer was lost.

    Raises `OutcomeUnknown` when it cannot be found or told from another, and what the Console raises when it refuses.
    """
    lookup = _Lookup(rt, permit)
    try:
        return (await permit.create(lookup.look_before, lookup.was_there_before, lookup.known_before)).dseq
    except OutcomeUnknown as lost:
        on_progress("the answer was lost; looking for the deployment")
        found = await lookup.found()
        if found is None:
            raise await lookup.given_up(lost) from lost
        return found


async def find_again(
    rt: Runtime, permit: LaunchPermit, sent: Send, on_progress: Callable[[str], None]
) -> Dseq | None:
    """The deployment of a creation that an earlier worker sent, taken up; None where it is certain that there is none.

    Raises `OutcomeUnknown` while neither is certain.
    """
    on_progress("its creation was sent before; looking for the deployment")
    lookup = _Lookup(rt, permit)
    lookup.remember(sent)
    found = await lookup.found()
    if found is not None:
        return found
    if rt.store.has_passed(rt.intervals.lookup_certain, sent.at) and await lookup.is_nowhere():
        return None
    raise await lookup.given_up(OutcomeUnknown("A creation was sent, and its answer is not known."))


class _Lookup:
    """The search for what one creation made, from before it is sent until it is found or left to a person."""

    def __init__(self, rt: Runtime, permit: LaunchPermit) -> None:
        self._rt = rt
        self._permit = permit
        self._version = ""
        self._started = 0.0
        self._before: frozenset[Dseq] | None = None
        """What the account had when it was sent; None where that is not known."""
        self._candidates: list[Dseq] = []
        self._is_account_known = True

    async def look_before(self) -> None:
        """See what is there before the request is sent."""
        self._started, self._before = self._rt.now(), None
        if await self._has_names():
            return
        self._version = await self._permit.version()
        try:
            listed = await self._rt.reader.read_list()
        except _UNREAD as unread:
            log.warning("a creation whose answer is lost could not be found again: %s", unread.what)
            return
        if listed.is_whole and not listed.unread:
            self._before = listed.hidden | {detail.dseq for detail in listed.details}

    def known_before(self) -> dict[str, Any]:
        """The same for the journal, so that another process can go on with the search."""
        before = None if self._before is None else sorted(self._before)
        return {"started": self._started, "before": before, "version": self._version}

    def remember(self, send: Send) -> None:
        """Go on with a search that was begun before this process."""
        before = send.about.get("before")
        self._started = send.about.get("started", send.at)
        self._before = None if before is None else frozenset(map(Dseq, before))
        self._version = send.about.get("version", "")

    async def was_there_before(self, dseq: Dseq) -> bool:
        """Whether a deployment that an answer names cannot be what was just created."""
        if not await self._has_names():
            return dseq in (self._before or ())
        try:
            record = await self._rt.reader.get_deployment(dseq, just_created=True)
        except Forbidden as refusal:
            return refusal.upstream_code == ANOTHERS
        except _UNREAD:
            return False  # what bounds it is read back before anything is leased
        return record.name is not None and not bears(record.name, self._permit.op_id)

    async def found(self) -> Dseq | None:
        """The deployment, taken up; None where it has not appeared, or is not certain to be ours."""
        intervals, waited = self._rt.intervals, 0.0
        while True:
            try:
                named = await self._has_names()
                self._candidates = await self._look(named)
                certain = named or (self._before is not None and waited >= intervals.lookup_settle)
                if certain and len(self._candidates) == 1:
                    [dseq] = self._candidates
                    confirmed = self._is_account_known if named else await self._is_confirmed(dseq)
                    if confirmed and await self._permit.adopt(dseq, by_name=named):
                        return dseq
            except (*_UNREAD, LedgerUnusable):
                pass  # whatever broke the answer may break this too; there is time
            if waited >= intervals.lookup_give_up:
                return None
            await self._rt.sleep(intervals.lookup_poll)
            waited += intervals.lookup_poll

    async def is_nowhere(self) -> bool:
        """Whether all lists that can be read whole are without it, and nothing in them could be it."""
        named = await self._has_names()
        try:
            listed = await self._rt.reader.read_list()
            if named and await self._rt.reader.find_deployments(self._permit.op_id):
                return False
        except _UNREAD:
            return False
        if listed.unread or listed.hidden or not listed.is_whole:
            return False
        if named:
            return not any(bears(detail.name or "", self._permit.op_id) for detail in listed.details)
        return not any([await self._could_be_ours(detail) for detail in listed.details])

    async def given_up(self, lost: OutcomeUnknown) -> OutcomeUnknown:
        """What is told, and written down, of a creation that was not found or not told from another."""
        candidates = self._candidates
        if candidates:
            outcome = f"{_listed(candidates).capitalize()} may be what it created, and {await self._doubt()}."
            look = (
                f"Ask the user to look at {_listed(candidates)} at https://console.akash.network and to say which to "
                f"close: {', '.join(f'close_deployment(dseq={dseq})' for dseq in candidates)}."
            )
        else:
            outcome = "No such deployment has appeared since."
            look = (
                "Look with list_deployments in a few minutes; if one is there that nobody knows, ask the user whether "
                "to close it."
            )
        try:
            await self._permit.give_up(outcome)
        except LedgerUnusable:
            log.exception("what became of a creation could not be written down")
        return OutcomeUnknown(
            f"{lost.what} {outcome}",
            next_step=f"The {self._permit.plan.exposure} approved for it stay reserved and count as spent. It is "
            "looked for again by itself, and once it is certain that nothing was created they are free again. "
            f"{look} Do not simply try again.",
        )

    async def _doubt(self) -> str:
        if not self._is_account_known:
            return "whether it is this account's is not known"
        if self._before is None:
            return "what was there before is not known"
        if len(self._candidates) > 1:
            return "nothing tells which of them"
        with suppress(LedgerUnusable):
            if rivals := await self._permit.rivals():
                return f"so may what {' and '.join(f'operation {rival}' for rival in rivals)} asked for"
        return "that is not proven"

    async def _has_names(self) -> bool:
        return await self._rt.reader.generation() is Generation.V2026_11

    async def _look(self, named: bool) -> list[Dseq]:
        if named:
            found = await self._rt.reader.find_deployments(self._permit.op_id)
            # Whoever sees our operation's name in the organization's list can give it to a deployment of theirs.
            own: frozenset[AccountAddress] = frozenset()
            with suppress(*_UNREAD):
                own = await self._rt.reader.own_addresses() if found else own
            self._is_account_known = all(detail.owner in own for detail in found)
            return [detail.dseq for detail in found]
        listed = await self._rt.reader.list_deployments()
        return [detail.dseq for detail in listed if await self._is_ours(detail)]

    async def _is_confirmed(self, dseq: Dseq) -> bool:
        """Whether the deployment itself says so too: the list may attach leases to another."""
        return await self._is_ours(await self._rt.reader.get_deployment(dseq))

    async def _could_be_ours(self, detail: DeploymentDetail) -> bool:
        """Whether nothing that cannot be read wrongly speaks against it: when it came about, and whose it is."""
        after = int(self._started * 1000) - _SKEW_MS
        return (
            int(detail.dseq) >= after
            and detail.dseq not in (self._before or ())
            and await self._rt.store.read(journal.launch_of, detail.dseq) is None
        )

    async def _is_ours(self, detail: DeploymentDetail) -> bool:
        around = (
            int(self._started * 1000) - _SKEW_MS <= int(detail.dseq) <= int(self._rt.now() * 1000) + _SKEW_MS
        )
        return (
            around
            and detail.dseq not in (self._before or ())
            and detail.state == "active"
            and detail.manifest_hash == self._version
            and detail.escrow_funds == self._permit.plan.deposit.uact
            and not detail.leases
            and await self._rt.store.read(journal.launch_of, detail.dseq) is None
        )


def _listed(dseqs: Sequence[Dseq]) -> str:
    return f"deployment{'s' * (len(dseqs) > 1)} {' and '.join(dseqs)}"
