"""The Console API's reads about the account: its money, usage and alerts."""

from __future__ import annotations

import logging
from datetime import date
from decimal import Decimal
from urllib.parse import quote

from akash_mcp.clients.console.account_models import (
    ALERTS,
    API_KEYS,
    BALANCES,
    DEPLOYMENT_ALERTS,
    ORGANIZATIONS,
    PROJECTS,
    SPEND_RATE,
    USAGE,
    USER,
    WALLET_SETTINGS,
    WALLETS,
    Alert,
    ApiKey,
    Balances,
    BillingDeployment,
    DeploymentAlerts,
    Organization,
    Project,
    UsageDay,
    User,
    Wallet,
    WalletSettings,
)
from akash_mcp.clients.console.client import ConsoleClient
from akash_mcp.clients.console.generation import Generation, NotOffered
from akash_mcp.clients.console.models import DEPLOYMENTS
from akash_mcp.clients.retries import Deadline
from akash_mcp.errors import AkashError
from akash_mcp.ids import AccountAddress, Dseq
from akash_mcp.money import Usd

log = logging.getLogger(__name__)

MEMO_SECONDS = 2.0
ADDRESSES_DEADLINE = Deadline(read=5, total=8)
"""What waits for the account's own addresses is a read of something else, or a close."""
UNREAD_SECONDS = 60.0
"""How long the account's own addresses are not asked for again where they could not be read."""
MOST_ALERTS = 100
FAR_APART = Decimal(1000)
"""A unit mistaken for the other is a million times off; staleness and a page of many are not a thousand."""


class AccountReader:
    """Reads about the account of the API key."""

    _client: ConsoleClient
    _addresses: frozenset[AccountAddress] = frozenset()
    _addresses_unread_until: float = 0.0

    async def balances(self, *, fresh: bool = False) -> Balances:
        """The account's money.

        The first answer after a pause is what the API last knew, however long ago. `fresh` asks twice, 2 s apart,
        and what it returns is at most some eight seconds old: the API keeps an answer for six.

        No contract names their unit, and one guide says US dollars. So what is in escrow is compared with what the
        deployments say, and an `AkashError` is raised where the two do not agree: a balance that may be a million
        times off is worse than none.
        """
        if fresh:
            await self._client.get("/v1/balances")
            await self._client.sleep(MEMO_SECONDS)
        balances = (await self._client.get("/v1/balances")).read(BALANCES, "data")
        await self._agrees(balances)
        return balances

    async def _agrees(self, balances: Balances) -> None:
        if not balances.in_deployments:
            return
        first = (await self._client.get("/v1/deployments", {"skip": "0", "limit": "100"})).read(
            DEPLOYMENTS, "data"
        )
        own = [detail for detail in first.details if not await self.is_anothers(detail.owner)]
        funds = [detail.escrow_funds for detail in own]
        in_escrow = Usd.from_uact(max(sum((held for held in funds if held), Decimal(0)), Decimal(0)))
        if not in_escrow or None in funds:
            return  # an old answer on one of the two sides, or one that cannot be read: no evidence
        ratio = balances.in_deployments.amount / in_escrow.amount
        if not 1 / FAR_APART < ratio < FAR_APART:
            raise _in_doubt(
                f"it says that {balances.in_deployments} are in escrow, and its deployments hold {in_escrow}"
            )

    async def current_user(self) -> User:
        """Whose API key it is."""
        return (await self._client.get("/v1/user/me")).read(USER, "data")

    async def wallets(self, user_id: str) -> list[Wallet]:
        """The user's wallets; none while one is still being set up."""
        return (await self._client.get("/v1/wallets", {"userId": user_id})).read(WALLETS, "data")

    async def own_addresses(self) -> frozenset[AccountAddress]:
        """The addresses that pay for what the key creates: none where the Console tells none, which is unknown.

        Asked for once. A key of an organization is told the organization's wallet.
        """
        if not self._addresses:
            self._addresses = await self._read_addresses()
        return self._addresses

    async def paying_address(self) -> AccountAddress | None:
        """The one address that pays for what the key creates, asked for anew; None where the Console does not say.

        It tells the wallet that the key's owner acts through, which is the organization's for an organization's key,
        whatever its project, and none while that is still being set up (akash-network/console
        `wallet-reader.service.ts`). Of several it does not say which.
        """
        told = await self._read_addresses()
        self._addresses = told or self._addresses
        return next(iter(told)) if len(told) == 1 else None

    async def _read_addresses(self) -> frozenset[AccountAddress]:
        answer = await self._client.get("/v1/user/me", deadline=ADDRESSES_DEADLINE)
        query = {"userId": answer.read(USER, "data").id}
        answer = await self._client.get("/v1/wallets", query, deadline=ADDRESSES_DEADLINE)
        return frozenset(wallet.address for wallet in answer.read(WALLETS, "data"))

    async def is_anothers(self, owner: AccountAddress) -> bool:
        """Whether this is certain to be another account's address: a colleague's, whose deployments the list of an
        organization shows as well. What is not known is a no; before autumn 2026 there are no organizations.
        """
        if self._client.known_generation is not Generation.V2026_11 or not owner:
            return False
        if not self._addresses and self._client.monotonic() < self._addresses_unread_until:
            return False
        try:
            own = await self.own_addresses()
        except AkashError as unread:
            log.warning("whose deployments are the account's own is not known: %s", unread.what)
            own = frozenset()
        if not own:
            self._addresses_unread_until = self._client.monotonic() + UNREAD_SECONDS
        return bool(own) and owner not in own

    async def api_keys(self) -> list[ApiKey]:
        """The keys of the account. Raises `Forbidden` for a key that is bound to a project."""
        return (await self._client.get("/v1/api-keys")).read(API_KEYS, "data")

    async def wallet_settings(self) -> WalletSettings:
        """Whether the card adds credit by itself. Raises `NotFound` where that was never set."""
        return (await self._client.get("/v1/wallet-settings")).read(WALLET_SETTINGS, "data")

    async def organizations(self) -> list[Organization]:
        """The organization that the key belongs to. Raises `NotFound` where the key's owner has none."""
        return (await self._client.get("/v1/organizations")).read(ORGANIZATIONS, "data")

    async def projects(self) -> list[Project]:
        """The projects that the key reaches. Raises `NotFound` where there are no organizations."""
        return (await self._client.get("/v1/projects")).read(PROJECTS, "data")

    async def spend_rate(self) -> list[BillingDeployment]:
        """What costs money now. Raises `NotOffered` on an API older than autumn 2026."""
        await self._client.require_2026_11("spend rate")
        return (await self._client.get("/v1/spend-rate")).read(SPEND_RATE, "data", "deployments")

    async def usage_history(
        self, address: AccountAddress, start: date | None = None, end: date | None = None
    ) -> list[UsageDay]:
        """What an address spent, by day: of the last 30 days, or of at most 366. Needs no key."""
        return (await self._client.get_public("/v1/usage/history", _days(address, start, end))).unwrapped(
            USAGE
        )

    async def alerts(self, dseq: Dseq | None = None) -> list[Alert]:
        """The alerts of one deployment or of all: the first `MOST_ALERTS`. Raises `NotOffered` on the API of 2025."""
        if await self._client.generation() is Generation.V2025:
            raise NotOffered("This Console API (2025) has no alerts.")
        params = {"limit": str(MOST_ALERTS), "page": "1"} | ({"dseq": dseq} if dseq else {})
        return (await self._client.get("/v1/alerts", params)).read(ALERTS, "data")

    async def deployment_alerts(self, dseq: Dseq) -> DeploymentAlerts:
        """The two alerts of one deployment. None for one that is not set."""
        answer = await self._client.get(f"/v1/deployment-alerts/{quote(dseq, safe='')}")
        return answer.read(DEPLOYMENT_ALERTS, "data", "alerts")


def _days(address: AccountAddress | None, start: date | None, end: date | None) -> dict[str, str]:
    params = {"address": address, "startDate": start, "endDate": end}
    return {name: str(value) for name, value in params.items() if value is not None}


def _in_doubt(why: str) -> AkashError:
    return AkashError(
        f"The account's balance is not certain, because the unit of Akash Console's amounts is not: {why}.",
        next_step="Look at https://console.akash.network (Billing) instead, and tell the maintainers of akash-mcp.",
    )
