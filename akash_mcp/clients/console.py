"""The Console API, as far as it costs and changes nothing."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Unpack
from urllib.parse import quote

from pydantic import TypeAdapter

from akash_mcp.clients.http import LARGEST_ANSWER, Answer, Deadline, Sending, Upstream, UpstreamOptions
from akash_mcp.clients.models import (
    BALANCES,
    BIDS,
    BLOCKS,
    DEPLOYMENTS,
    DETAIL,
    FUNDING,
    PROVIDER,
    PROVIDERS,
    USER,
    Balances,
    Bid,
    DeploymentDetail,
    FundingConfig,
    Lease,
    ProviderRecord,
    User,
)
from akash_mcp.errors import (
    ApiError,
    BadSettings,
    MissingKey,
    NotFound,
    PaymentRequired,
    RateLimited,
    ServerError,
    Unauthorized,
    WalletProvisioning,
)
from akash_mcp.ids import Dseq, ProviderAddress

READ_DEADLINE = Deadline(read=12, total=30)
DETAIL_DEADLINE = Deadline(read=80, total=80)
"""Reading one deployment asks every provider of its leases, the dead ones too: up to 75 s."""

KEY_HEADER = "x-api-key"
PAGE = 100
ADDRESSES_A_CALL = 20
FRESH_SECONDS = 15.0
"""How long a deployment that was just created may still read as unknown: the chain's nodes lag."""
MEMO_SECONDS = 2.0
LARGEST_LIST = 32 * 2**20

ADVICE: Mapping[type[ApiError], str] = {
    Unauthorized: "The API key is wrong, expired or deleted. Ask the user to create a new one at "
    "https://console.akash.network (Settings, API Keys), to set AKASH_API_KEY and to restart this server.",
    PaymentRequired: "Ask the user to add credits at https://console.akash.network (Billing).",
    WalletProvisioning: "Wait about ten seconds, then do the same again.",
    NotFound: "Check the id. Only what belongs to the account of the API key is found.",
    RateLimited: "Wait a minute, then do the same again.",
    ServerError: "This is on Akash Console's side. Wait a minute, then try again.",
}

_TOKEN = TypeAdapter(str)


def console_upstream(url: str, api_key: str | None, **options: Unpack[UpstreamOptions]) -> Upstream:
    """The Console API at `url`. Without a key only the public calls work.

    Raises `BadSettings` for a key that no header can carry.
    """
    if api_key and not re.fullmatch(r"[!-~]+", api_key):
        # Said here, without the key: the HTTP library would quote it.
        raise BadSettings("The API key must be printable ASCII without spaces.")
    return Upstream(
        url,
        name="Akash Console",
        headers={KEY_HEADER: api_key} if api_key else {},
        secrets=(api_key,) if api_key else (),
        advice=ADVICE,
        **options,
    )


async def call(
    upstream: Upstream,
    method: str,
    path: str,
    *,
    sending: Sending,
    deadline: Deadline = READ_DEADLINE,
    params: Mapping[str, str] | None = None,
    body: str | None = None,
) -> Answer:
    """One call that needs the API key.

    Raises `MissingKey` before anything is sent, else what `Upstream.send` does.
    """
    if not upstream.carries(KEY_HEADER):
        raise MissingKey
    return await upstream.send(method, path, sending=sending, deadline=deadline, params=params, body=body)


class ConsoleReader:
    """Reads of the Console API: free, harmless, safe to repeat."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._funding: FundingConfig | None = None
        self._funding_known = False

    async def list_deployments(self) -> list[DeploymentDetail]:
        """All active deployments; closed ones are not listed. Leases come without a provider's status.

        The API may attach leases to the wrong deployment, so they are sorted again by the dseq that they
        name. It may also leave some out: no leases here does not prove that there are none.
        """
        found: dict[Dseq, DeploymentDetail] = {}
        skip = 0
        while True:
            params = {"skip": str(skip), "limit": str(PAGE)}
            answer = await self._get("/v1/deployments", params)
            page = answer.read(DEPLOYMENTS, "data", "deployments")
            news = {detail.dseq: detail for detail in page if detail.dseq not in found}
            found |= news
            # Neither `total` nor `hasMore` can be trusted: both may speak of this page only.
            if len(page) < PAGE or not news:
                return _regrouped(list(found.values()))
            skip += PAGE

    async def get_deployment(self, dseq: Dseq, *, just_created: bool = False) -> DeploymentDetail:
        """One deployment in any state, with its leases and what their providers say of them.

        Slow where a provider is dead: up to 75 s. A deployment `just_created` that reads as unknown is asked
        for again for 15 s. Raises `NotFound` for one that this account does not have.
        """
        ends = self._upstream.monotonic() + (FRESH_SECONDS if just_created else 0)
        while True:
            try:
                answer = await self._get(f"/v1/deployments/{quote(dseq, safe='')}", deadline=DETAIL_DEADLINE)
                return answer.read(DETAIL, "data")
            except NotFound:
                if self._upstream.monotonic() + MEMO_SECONDS > ends:
                    raise
            await self._upstream.sleep(MEMO_SECONDS)

    async def list_bids(self, dseq: Dseq) -> list[Bid]:
        """The bids for a deployment in every state; none for a dseq that this account does not have.

        The Console leaves out bids of providers that its auditor has not signed, so none can also mean none
        of those.
        """
        answer = await self._get("/v1/bids", {"dseq": dseq})
        return [listed.bid for listed in answer.read(BIDS, "data")]

    async def get_provider(self, address: ProviderAddress) -> ProviderRecord:
        """One provider. Raises `NotFound` for an address that never was one. Needs no key."""
        return (await self._get_public(f"/v1/providers/{quote(address, safe='')}")).read(PROVIDER)

    async def list_providers(
        self, addresses: Sequence[ProviderAddress] | None = None
    ) -> list[ProviderRecord]:
        """The providers of these addresses, unknown ones left out. Needs no key.

        Without addresses: all providers there are, several MB.
        """
        if addresses is None:
            everyone = await self._get_public("/v1/providers", largest=LARGEST_LIST)
            return everyone.read(PROVIDERS)
        wanted = list(dict.fromkeys(addresses))
        found: list[ProviderRecord] = []
        for start in range(0, len(wanted), ADDRESSES_A_CALL):
            some = ",".join(wanted[start : start + ADDRESSES_A_CALL])
            records = (await self._get_public("/v1/providers", {"addresses": some})).read(PROVIDERS)
            found += records
        return found

    async def balances(self, *, fresh: bool = False) -> Balances:
        """The account's money.

        The first answer after a pause is what the API last knew, however long ago. `fresh` asks twice, 2 s apart,
        and what it returns is at most some eight seconds old: the API keeps an answer for six.
        """
        if fresh:
            await self._get("/v1/balances")
            await self._upstream.sleep(MEMO_SECONDS)
        balances = (await self._get("/v1/balances")).read(BALANCES, "data")
        unit = "uact" if await self.funding_config() is None else "usd"
        return balances.model_copy(update={"unit": unit})

    async def funding_config(self) -> FundingConfig | None:
        """How the API of autumn 2026 funds deployments; None on an older one. Asked for once. Needs no key."""
        if not self._funding_known:
            try:
                answer = await self._get_public("/v1/deployment-funding-config")
                self._funding = answer.read(FUNDING, "data")
            except NotFound:
                self._funding = None
            self._funding_known = True
        return self._funding

    async def latest_height(self) -> int:
        """The latest block's height that the Console's index knows, about a block late. Needs no key."""
        blocks = (await self._get_public("/v1/blocks", {"limit": "1"})).read(BLOCKS)
        return max((block.height for block in blocks), default=0)

    async def current_user(self) -> User:
        """Whose API key it is."""
        return (await self._get("/v1/user/me")).read(USER, "data")

    async def mint_token(self, ttl: int, leases: Mapping[str, object]) -> str:
        """A token for provider gateways, which is a secret, valid for `ttl` seconds.

        `leases` is what it grants, as AEP-64 writes it.
        """
        body = json.dumps({"data": {"ttl": ttl, "leases": leases}}, separators=(",", ":"))
        # A POST, and still a read: a token that nobody received does nothing.
        answer = await call(self._upstream, "POST", "/v1/create-jwt-token", sending=Sending.READ, body=body)
        return answer.read(_TOKEN, "data", "token")

    async def _get(
        self, path: str, params: Mapping[str, str] | None = None, *, deadline: Deadline = READ_DEADLINE
    ) -> Answer:
        return await call(self._upstream, "GET", path, sending=Sending.READ, deadline=deadline, params=params)

    async def _get_public(
        self, path: str, params: Mapping[str, str] | None = None, *, largest: int = LARGEST_ANSWER
    ) -> Answer:
        return await self._upstream.send(
            "GET", path, sending=Sending.READ, deadline=READ_DEADLINE, params=params, largest=largest
        )


def _regrouped(details: list[DeploymentDetail]) -> list[DeploymentDetail]:
    leases: dict[Dseq, dict[object, Lease]] = defaultdict(dict)
    for detail in details:
        for lease in detail.leases:
            leases[lease.id.dseq][lease.lease_id] = lease
    return [detail.model_copy(update={"leases": list(leases[detail.dseq].values())}) for detail in details]
