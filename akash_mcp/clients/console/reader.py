"""The Console API, as far as it costs and changes nothing: deployments and bids here, market and account beside."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from pydantic import TypeAdapter

from akash_mcp.clients.console.account_reader import AccountReader
from akash_mcp.clients.console.client import PROJECT_HEADER, ConsoleClient
from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.market_models import ProviderRecord
from akash_mcp.clients.console.market_reader import EVERYONE_SECONDS, MarketReader
from akash_mcp.clients.console.models import (
    BIDS,
    DEPLOYMENTS,
    DETAIL,
    RUNTIME_LIMIT,
    Bid,
    DeploymentDetail,
    Lease,
    ListedBid,
    RuntimeLimit,
)
from akash_mcp.clients.console.names import bears
from akash_mcp.clients.console.remembered import Remembered
from akash_mcp.clients.retries import Deadline, Sending
from akash_mcp.errors import Forbidden, NotFound, ServerError
from akash_mcp.ids import AccountAddress, Dseq, OpId

DETAIL_DEADLINE = Deadline(read=80, total=80)
"""Reading one deployment asks every provider of its leases, the dead ones too: up to 75 s."""

PAGE = 100
FRESH_SECONDS = 15.0
"""How long a deployment that was just created may still read as unknown: the chain's nodes lag."""
LAG_SECONDS = 2.0

ANOTHERS = "another_account"
"""Our code of an answer about a deployment that is certain to be another account's."""

State = Literal["active", "closed"]

_TOKEN = TypeAdapter(str)


@dataclass(frozen=True, slots=True)
class DeploymentsRead:
    """What a list of deployments showed. `hidden`: those that it names without a record that can be read.

    `unread`: how many records do not even name their deployment. `is_whole`: false where there are more. `colleagues`:
    those that are certain to be other accounts' of the organization, and so not among the `details`.
    """

    details: list[DeploymentDetail]
    hidden: frozenset[Dseq]
    unread: int
    is_whole: bool
    colleagues: tuple[DeploymentDetail, ...] = ()


class ConsoleReader(MarketReader, AccountReader):
    """Reads of the Console API: free, harmless, safe to repeat."""

    def __init__(self, client: ConsoleClient) -> None:
        self._client = client
        self._everyone = Remembered[tuple[ProviderRecord, ...]](EVERYONE_SECONDS, client.monotonic)

    async def generation(self, *, fresh: bool = False) -> Generation:
        """Which generation of the API answers. Asked for and raises as `ConsoleClient.generation` does."""
        return await self._client.generation(fresh=fresh)

    async def list_deployments(
        self, *, state: State = "active", search: str | None = None
    ) -> list[DeploymentDetail]:
        """All deployments of a state that `read_list` shows, without what it could not show."""
        return (await self.read_list(state=state, search=search)).details

    async def read_list(self, *, state: State = "active", search: str | None = None) -> DeploymentsRead:
        """All deployments of a state, those with `search` in their name or dseq. Leases are without provider's status.

        The API may attach leases to the wrong deployment, so they are sorted again by the dseq that they
        name. It may also leave some out: no leases here does not prove that there are none. Where the client has a
        project, only what is in that. Before autumn 2026 there
        are no names to search and no closed ones in this list: raises `NotOffered`. Raises `ServerError` for an answer
        without a list in it, and `Forbidden` for a project that the key does not reach.
        """
        narrowed: dict[str, str] = {}
        if state != "active" or search is not None:
            await self._client.require_2026_11("list of closed deployments, and no names")
        await self._client.require_key()
        headers: dict[str, str] = {}
        if await self._client.funds_itself():
            narrowed = {"state": state} | ({"search": search} if search is not None else {})
            if self._client.project is not None:
                # By header: a query with a project that is not reached answers with an empty list.
                headers = {PROJECT_HEADER: self._client.project}
        found: dict[tuple[AccountAddress, Dseq], DeploymentDetail] = {}
        hidden: set[Dseq] = set()
        skip = unread = 0
        while True:
            params = {**narrowed, "skip": str(skip), "limit": str(PAGE)}
            page = (await self._client.get("/v1/deployments", params, headers=headers)).read(
                DEPLOYMENTS, "data"
            )
            news = {
                key: detail for detail in page.details if (key := (detail.owner, detail.dseq)) not in found
            }
            found |= news
            hidden |= {entry.dseq for entry in page.unread if entry.dseq is not None}
            unread += sum(entry.dseq is None for entry in page.unread)
            # Neither `total` nor a `hasMore` that says no can be trusted: both may speak of this page only.
            if not news or (len(page.deployments) < PAGE and not page.has_more):
                return await self._read(found.values(), hidden, unread, is_whole=not page.has_more)
            skip += len(page.deployments)

    async def _read(
        self, found: Collection[DeploymentDetail], hidden: set[Dseq], unread: int, *, is_whole: bool
    ) -> DeploymentsRead:
        owners = {detail.owner for detail in found}
        others = {owner for owner in owners if await self.is_anothers(owner)}
        own = [detail for detail in found if detail.owner not in others]
        leases = [lease for detail in found for lease in detail.leases if lease.id.owner not in others]
        named = hidden | {lease.id.dseq for lease in leases if lease.state != "closed"}
        return DeploymentsRead(
            _regrouped(own, leases),
            frozenset(named - {detail.dseq for detail in own}),
            unread,
            is_whole,
            tuple(detail for detail in found if detail.owner in others),
        )

    async def find_deployments(self, op_id: OpId) -> list[DeploymentDetail]:
        """The deployments named by one operation, active or closed: how a creation is found whose answer was lost.

        Raises `NotOffered` on an API older than autumn 2026, where deployments have no names.
        """
        return [
            detail
            for state in ("active", "closed")
            for detail in await self.list_deployments(state=state, search=op_id)
            if bears(detail.name, op_id)
        ]

    async def get_deployment(
        self,
        dseq: Dseq,
        *,
        just_created: bool = False,
        anybodys: bool = False,
        deadline: Deadline = DETAIL_DEADLINE,
    ) -> DeploymentDetail:
        """One deployment in any state, with its leases and what their providers say of them.

        Slow where a provider is dead: up to 75 s, unless a `deadline` ends it. A deployment `just_created` that
        reads as unknown is asked for again for 15 s. Raises `NotFound` for one that this account does not have, and
        unless it may be `anybodys` also `Forbidden` for one of this number that is certain to be another account's:
        what is decided by it would be decided by somebody else's money.
        """
        until = self._client.monotonic() + (FRESH_SECONDS if just_created else 0)
        while True:
            try:
                path = f"/v1/deployments/{quote(dseq, safe='')}"
                answer = await self._client.get(path, deadline=deadline)
                detail = of_deployment(answer.read(DETAIL, "data"), dseq, answer.status)
                if not anybodys and await self.is_anothers(detail.owner):
                    raise Forbidden(
                        f"Akash Console answered with a deployment {dseq} of another account.",
                        status=answer.status,
                        upstream_code=ANOTHERS,
                        next_step="list_deployments says whose it is.",
                    )
                return detail
            except NotFound:
                if self._client.monotonic() + LAG_SECONDS > until:
                    raise
                await self._client.sleep(LAG_SECONDS)

    async def runtime_limit(self, dseq: Dseq) -> RuntimeLimit:
        """How long a deployment may run, and until when. Raises `NotOffered` on an API older than autumn 2026, where
        the same request would switch automatic top-up on, and `ServerError` for an answer about another deployment.
        """
        await self._client.require_2026_11("runtime limits")
        path = f"/v2/deployment-settings/{quote(dseq, safe='')}"
        answer = await self._client.get(path)
        limit = answer.read(RUNTIME_LIMIT, "data")
        if limit.dseq != dseq:
            raise _another(dseq, answer.status)
        return limit

    async def list_bids(self, dseq: Dseq) -> list[Bid]:
        """The bids on a deployment in all states; none for one that is not ours, which is not an error.

        A bid that cannot be read is left out. Raises `ServerError` for an answer without a list, and where no bid of it
        can be read.
        """
        answer = await self._client.get("/v1/bids", {"dseq": dseq})
        entries = answer.read(BIDS, "data")
        bids = [entry.bid for entry in entries if isinstance(entry, ListedBid)]
        if entries and not bids:
            raise answer.lost("none of its bids can be read")
        return [bid for bid in bids if bid.dseq == dseq]

    async def mint_token(self, ttl: int, leases: Mapping[str, object]) -> str:
        """A token for provider gateways, which is a secret, valid for `ttl` seconds.

        `leases` is what it grants, as AEP-64 writes it.
        """
        body = json.dumps({"data": {"ttl": ttl, "leases": leases}}, separators=(",", ":"))
        # A POST, and still a read: a token that nobody received does nothing.
        answer = await self._client.call("POST", "/v1/create-jwt-token", sending=Sending.READ, body=body)
        return answer.read(_TOKEN, "data", "token")


def of_deployment(detail: DeploymentDetail, dseq: Dseq, status: int) -> DeploymentDetail:
    """The record, if it is this deployment's. Raises `ServerError` for another's, which proves nothing of this one."""
    if detail.dseq != dseq:
        raise _another(dseq, status)
    return detail


def _another(dseq: Dseq, status: int) -> ServerError:
    return ServerError(
        f"Akash Console answered with another deployment than {dseq}.",
        status=status,
        upstream_code="another_deployment",
        next_step="Ask again in a minute.",
    )


def _regrouped(details: list[DeploymentDetail], leases: Iterable[Lease]) -> list[DeploymentDetail]:
    by_dseq: dict[Dseq, dict[object, Lease]] = defaultdict(dict)
    for lease in leases:
        by_dseq[lease.id.dseq][lease.lease_id] = lease
    return [detail.model_copy(update={"leases": list(by_dseq[detail.dseq].values())}) for detail in details]
