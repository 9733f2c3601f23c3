"""The user, the wallet, balances and tokens for providers."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.moments import iso
from akash_mcp.sandbox.console.responses import Problem, answer
from akash_mcp.sandbox.console.stale_cache import StaleCache
from akash_mcp.sandbox.grant_schema import problems_with_leases
from akash_mcp.sandbox.tokens import mint
from akash_mcp.sandbox.units import UACT_PER_USD

_BALANCE_SECONDS = 6
_TRIAL_DAYS = 30
_CERTIFICATES_GONE = (
    "This endpoint has been removed. "
    "mTLS certificates are no longer required as identity is now verified via API key."
)


class AccountApi:
    """What the user owns. Amounts are uact, in every generation (akash-network/console `WalletController`)."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._created = backend.chain.clock.wall()
        self._balances: StaleCache[dict[str, Decimal]] = StaleCache(
            _BALANCE_SECONDS, backend.chain.clock.elapsed, backend.replicas
        )

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        token = schema.obj(data=schema.obj(ttl=schema.positive_integer, leases=schema.record))
        address = {"address": schema.optional(schema.akash_address)}
        return [
            Endpoint("GET", "/v1/balances", self.balances, protected=False, query_schema=address),
            Endpoint("GET", "/v1/user/me", self.user),
            Endpoint("GET", "/v1/wallets", self.wallets, query_schema={"userId": schema.uuid_text}),
            Endpoint("POST", "/v1/create-jwt-token", self.token, body_schema=token),
            Endpoint("POST", "/v1/certificates", self.certificates, protected=False),
        ]

    async def balances(self, call: Call) -> Response:
        """Grant, money in escrow and their sum, remembered for six seconds. Public for a named address."""
        address = call.query.get("address")
        if address is None and not call.signed_in:
            raise Problem(401, "Unauthorized")
        address = address or self._backend.account.address
        counted = self._balances.get(address, lambda: self._count(address))
        usd = self._backend.faults.take("balance-units", call.line)
        return answer(
            {
                "data": {
                    key: json_number(uact / UACT_PER_USD if usd else uact) for key, uact in counted.items()
                }
            }
        )

    async def user(self, call: Call) -> Response:
        """The whole user row, as it lies in the database, and whether the wallet is on trial."""
        user_id = self._backend.user_id
        created = iso(self._created)
        row: dict[str, Any] = {
            "id": user_id,
            "userId": f"auth0|{user_id.replace('-', '')[:24]}",
            "username": "sandbox",
            "email": "sandbox@akash.example",
            "emailVerified": True,
            "stripeCustomerId": None,
            "bio": None,
            "subscribedToNewsletter": False,
            "youtubeUsername": None,
            "twitterUsername": None,
            "githubUsername": None,
            "onboardingSkippedAt": None,
            "createdAt": created,
            "updatedAt": created,
            "trial": self._backend.trial,
        }
        return answer({"data": row})

    async def wallets(self, call: Call) -> Response:
        """The wallets of a user, which is none for anybody else's id."""
        account = self._backend.account
        wallet = {
            "id": 1,
            "userId": self._backend.user_id,
            "address": account.address,
            "creditAmount": account.allowance_uact,
            "isTrialing": self._backend.trial,
            "trialEndsAt": iso(self._created + _TRIAL_DAYS * 86_400) if self._backend.trial else None,
            "trialDurationDays": _TRIAL_DAYS if self._backend.trial else None,
            "denom": "uact",
            "topUpMinAmountUsd": 20,
            "createdAt": iso(self._created),
        }
        return answer({"data": [wallet] if call.query["userId"] == self._backend.user_id else []})

    async def token(self, call: Call) -> Response:
        """A token for providers, signed by the wallet."""
        data = call.body["data"]
        problems = problems_with_leases(data["leases"])
        if problems:
            raise Problem(400, ".\n".join(problems))
        now = self._backend.chain.clock.wall()
        signed = mint(self._backend.account, now=now, ttl=int(data["ttl"]), leases=data["leases"])
        return answer({"data": {"token": signed}}, 201)

    async def certificates(self, call: Call) -> Response:
        """Removed in 2026; tokens took their place."""
        return answer({"error": _CERTIFICATES_GONE}, 400)

    def _count(self, address: str) -> dict[str, Decimal]:
        account = self._backend.chain.accounts.get(address)
        balance = account.allowance_uact if account else 0
        deployments = self._backend.chain.deployments_of(address)
        held = sum((d.escrow.funds for d in deployments if d.state == "active"), Decimal(0))
        return {"balance": Decimal(balance), "deployments": held, "total": balance + held}


def json_number(amount: Decimal) -> int | float:
    """A decimal as JavaScript would print it: without a fraction where there is none."""
    return int(amount) if amount == int(amount) else float(amount)
