"""The Console API, as far as it spends, changes or destroys. Only the gate holds a `ConsoleWriter`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from urllib.parse import quote

from akash_mcp.clients.console import call
from akash_mcp.clients.http import Answer, Deadline, Sending, Upstream
from akash_mcp.clients.models import (
    CREATED,
    DETAIL,
    SETTINGS,
    Created,
    DeploymentDetail,
    DeploymentSettings,
)
from akash_mcp.errors import ApiError, Conflict, OutcomeUnknown, PaymentRequired, RateLimited, Unauthorized
from akash_mcp.ids import Dseq, LeaseId
from akash_mcp.money import Usd

# A transaction is in a block before the answer comes (6 to 36 s); a lease then waits for its providers (75
# s).
CREATE_DEADLINE = Deadline(read=90, total=100)
LEASE_DEADLINE = Deadline(read=180, total=190)
UPDATE_DEADLINE = Deadline(read=180, total=190)
CLOSE_DEADLINE = Deadline(read=120, total=130)
SETTINGS_DEADLINE = Deadline(read=15, total=40)

_NO_LEASE_WAS_MADE = (
    "cannot create lease:",
    "failed to create lease:",
    "the selected bid is no longer open",
    "the associated order has already been matched",
    "provider not authorized",
    "referenced lease bid not found",
    "userwallet",
    "malformed json",
    "console trial expired",
    "deployment closed",
)
"""How the refusals begin that come before or instead of the lease's transaction (akash-network/console
`chain-error.service.ts`, `trial-validation.service.ts`). Everything else may be a provider's word on the
manifest, passed through after the lease was made."""


class ConsoleWriter:
    """Writes of the Console API. Every method raises `MissingKey` before anything is sent without a key."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def create_deployment(self, sdl: str, deposit: Usd) -> Created:
        """Create a deployment with `deposit` in escrow. SPENDS. Sent once.

        Where the account's deposits are managed the Console ignores the amount: read the escrow back. Raises
        `OutcomeUnknown` when it may exist although no answer came: its dseq is then the API's clock in
        milliseconds.
        """
        body = _data(sdl=sdl, deposit=deposit)
        try:
            answer = await self._send("POST", "/v1/deployments", body, Sending.ONCE, CREATE_DEADLINE)
        except ApiError as refusal:
            # The signer repeats a transaction that ran out of gas: the first may have landed.
            if "already exists" in refusal.said:
                raise _unknown(refusal, "The deployment may have been created.") from refusal
            raise
        return answer.read(CREATED, "data")

    async def create_lease(self, manifest: str, leases: Sequence[LeaseId]) -> DeploymentDetail:
        """Accept bids, all of one deployment and in one transaction, and deliver its manifest. SPENDS. Sent
        once.

        Where the deployment has an open lease already, the Console makes no new one and only delivers the
        manifest again, so a second call is how a failed delivery is repeated. Raises `OutcomeUnknown` for
        every failure after which the lease may exist and bill; the providers' refusal of the manifest is one
        of these.
        """
        if not leases or len({lease.dseq for lease in leases}) != 1:
            raise ValueError("a lease call names one or more leases of one deployment")
        entries = [
            {"dseq": lease.dseq, "gseq": lease.gseq, "oseq": lease.oseq, "provider": lease.provider}
            for lease in leases
        ]
        body = json.dumps({"manifest": manifest, "leases": entries}, separators=(",", ":"))
        try:
            answer = await self._send("POST", "/v1/leases", body, Sending.ONCE, LEASE_DEADLINE)
        except OutcomeUnknown as lost:
            # Documented for the API of autumn 2026: the provider was asked first, and no lease was made.
            if isinstance(lost.__cause__, ApiError) and lost.__cause__.code == "provider_unreachable":
                raise lost.__cause__ from None
            raise
        except ApiError as refusal:
            if _before_lease(refusal):
                raise
            raise _unknown(refusal, "The lease may exist and bill.") from refusal
        return answer.read(DETAIL, "data")

    async def update_deployment(self, dseq: Dseq, sdl: str) -> DeploymentDetail:
        """Replace a deployment's SDL. The same SDL again only delivers its manifest again, so this may be
        repeated.

        Only image, command, arguments, environment and ports can change. For anything else the new hash
        reaches the chain before the provider refuses: put the old SDL back then.
        """
        path = f"/v1/deployments/{quote(dseq, safe='')}"
        answer = await self._send("PUT", path, _data(sdl=sdl), Sending.REPEATABLE, UPDATE_DEADLINE)
        return answer.read(DETAIL, "data")

    async def close_deployment(self, dseq: Dseq) -> None:
        """Close a deployment; closing a closed one succeeds. DESTROYS what runs.

        A return is the Console's word, not the proof: read the deployment back. Raises `NotFound` for one
        that this account does not have.
        """
        path = f"/v1/deployments/{quote(dseq, safe='')}"
        await self._send("DELETE", path, None, Sending.REPEATABLE, CLOSE_DEADLINE)

    async def deposit(self, dseq: Dseq, amount: Usd) -> DeploymentDetail:
        """Add `amount` to a deployment's escrow. SPENDS. Sent once."""
        body = _data(dseq=dseq, deposit=amount)
        answer = await self._send("POST", "/v1/deposit-deployment", body, Sending.ONCE, CREATE_DEADLINE)
        return answer.read(DETAIL, "data")

    async def set_auto_top_up(self, dseq: Dseq, enabled: bool) -> DeploymentSettings:
        """Switch the automatic funding of a deployment on or off, whether or not it had a setting."""
        path = f"/v2/deployment-settings/{quote(dseq, safe='')}"
        body = _data(autoTopUpEnabled=enabled)
        answer = await self._send("PATCH", path, body, Sending.REPEATABLE, SETTINGS_DEADLINE)
        return answer.read(SETTINGS, "data")

    async def get_settings(self, dseq: Dseq) -> DeploymentSettings:
        """How a deployment is funded.

        No read: for one without a setting this switches automatic top-up ON.
        """
        path = f"/v2/deployment-settings/{quote(dseq, safe='')}"
        answer = await self._send("GET", path, None, Sending.REPEATABLE, SETTINGS_DEADLINE)
        return answer.read(SETTINGS, "data")

    async def create_settings(self, dseq: Dseq, auto_top_up: bool) -> DeploymentSettings:
        """Set the funding of a deployment that has no setting yet; for one that has, the API fails with a
        500.

        `set_auto_top_up` does the same without that trap, on every API that has settings.
        """
        body = _data(dseq=dseq, autoTopUpEnabled=auto_top_up)
        answer = await self._send("POST", "/v2/deployment-settings", body, Sending.ONCE, SETTINGS_DEADLINE)
        return answer.read(SETTINGS, "data")

    async def _send(
        self, method: str, path: str, body: str | None, sending: Sending, deadline: Deadline
    ) -> Answer:
        return await call(self._upstream, method, path, sending=sending, deadline=deadline, body=body)


def _data(**fields: str | bool | Usd) -> str:
    """`{"data": {…}}` as JSON text. Money is written digit for digit: a float never carries it."""
    pairs = (
        f"{json.dumps(name)}:{f'{value.amount:f}' if isinstance(value, Usd) else json.dumps(value)}"
        for name, value in fields.items()
    )
    return '{"data":{' + ",".join(pairs) + "}}"


def _before_lease(refusal: ApiError) -> bool:
    """Whether a refused lease call certainly made no lease."""
    if isinstance(refusal, Unauthorized | PaymentRequired | Conflict | RateLimited):
        return True
    if refusal.code == "validation_error":
        return True
    return refusal.said.lower().startswith(_NO_LEASE_WAS_MADE)


def _unknown(refusal: ApiError, what: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"{refusal.what} {what}", next_step="Read the deployment before doing anything else."
    )
