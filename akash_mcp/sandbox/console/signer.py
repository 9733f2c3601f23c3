"""The managed wallet's signer: checks before a transaction, the wait for its block, the words of a refusal.

The order and the texts are those of akash-network/console `ManagedSignerService` and `ChainErrorService`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from akash_mcp.sandbox.chain import Account, Chain, Transaction
from akash_mcp.sandbox.console.responses import Problem
from akash_mcp.sandbox.faults import Faults
from akash_mcp.sandbox.transactions import ChainError
from akash_mcp.sandbox.units import UACT_PER_USD

T = TypeVar("T")

NO_BALANCE = (
    "Not enough balance to cover the deployment deposit. Add credits or turn on auto recharge to continue."
)
_TOP_UP_PENDING = (
    "Not enough balance to cover the deployment deposit. "
    "A top up from your saved payment method is on the way, so try again in a moment."
)
_NO_FEES = "Not enough funds to cover the transaction fee"
LOST_BID = (
    "Cannot create lease: The selected bid is no longer open. Please refresh and select an available bid."
)
_LOST_ORDER = (
    "Cannot create lease: The associated order has already been matched or closed. "
    "Re-create the deployment to generate a new order and try again."
)

# Looked for in the node's log from the top, whatever its case: the first that is found decides.
_REFUSALS: tuple[tuple[str, int, str], ...] = (
    ("insufficient funds", 400, "Insufficient funds"),
    ("deposit too low", 400, "Deposit too low"),
    ("deployment closed", 400, "Deployment closed"),
    ("account closed", 400, "Deployment closed"),
    ("invalid coin denominations", 400, "Invalid coin denominations"),
    ("invalid gpu attributes", 400, "Invalid GPU attributes"),
    ("invalid: deployment version", 400, "Invalid deployment version"),
    ("invalid: deployment hash", 400, "Invalid deployment hash"),
    ("fee allowance expired", 400, "Console trial expired"),
    ("deployment exists", 400, "Deployment with provided dseq and owner already exists"),
    ("invalid owner address", 400, "Invalid Owner Address"),
    ("bid not open", 400, LOST_BID),
    ("order not open", 400, _LOST_ORDER),
    ("invalid unit price", 400, "Unit price exceeds the maximum allowed by the network"),
    ("insufficient balance", 402, NO_BALANCE),
    ("negative decimal coin amount", 400, "Deployment escrow cannot be settled yet"),
)
_PREFIXES = {"create-deployment": "Failed to create deployment: ", "create-lease": "Failed to create lease: "}


class Signer:
    """Signs for one account and waits for the block, as long as the real one does.

    `coded`: a refusal for want of money carries a code of its own and the amounts, as it does since 2026-11.
    """

    def __init__(self, chain: Chain, account: Account, faults: Faults, *, coded: bool = False) -> None:
        self._chain = chain
        self._account = account
        self._faults = faults
        self._coded = coded

    def check_spending(self, request: str, *, deposit_uact: int | None = None) -> None:
        """Refuse what the wallet cannot pay. Only a create says its deposit beforehand; the chain judges the rest.

        Raises `Problem`: 409 while the wallet is being provisioned, 402 when the grant is too small.
        """
        if self._faults.take("wallet-provisioning", request):
            message = "Wallet is still being provisioned, please retry shortly"
            raise Problem(409, message, code="wallet_provisioning")
        if fault := self._faults.take("insufficient-balance", request):
            if fault.value == "fee":
                raise Problem(402, _NO_FEES, code="payment_required" if self._coded else None)
            raise self._too_little(deposit_uact)
        if fault := self._faults.take("top-up-pending", request):
            raise self._top_up_pending(int(fault.seconds(5)))
        if deposit_uact is not None and self._account.allowance_uact < max(1, deposit_uact):
            raise self._too_little(deposit_uact)

    async def land(self, kind: str, dseq: str, message: Callable[[], T]) -> tuple[T, Transaction]:
        """Carry out `message` in the next block. Raises `Problem` in Console's words where the chain refuses."""
        await self._chain.clock.next_block()
        self._chain.schedule.catch_up()
        try:
            result = message()
        except ChainError as error:
            refused = refusal(str(error), kind)
            raise self._too_little(None) if refused.status == 402 else refused from error
        return result, self._chain.record(kind, self._account.address, dseq)

    def _too_little(self, deposit_uact: int | None) -> Problem:
        if not self._coded:
            return Problem(402, NO_BALANCE)
        amounts = {
            "requiredAmountUsd": (deposit_uact or 0) / UACT_PER_USD,
            "availableAmountUsd": self._account.allowance_uact / UACT_PER_USD,
        }
        return Problem(402, NO_BALANCE, code="insufficient_balance", data=amounts)

    def _top_up_pending(self, seconds: int) -> Problem:
        if not self._coded:
            return Problem(402, _TOP_UP_PENDING)
        return Problem(402, _TOP_UP_PENDING, code="balance_top_up_pending", retry_after=seconds)


def refusal(log: str, kind: str) -> Problem:
    """What Console answers for a node's log. A log it does not know comes through as it is, with 500."""
    for fragment, status, message in _REFUSALS:
        if fragment in log.lower():
            # 402 speaks of the wallet and not of the message, so it has no prefix.
            indexed = status == 400 and "message index: " in log
            return Problem(status, f"{_PREFIXES.get(kind, '') if indexed else ''}{message}")
    return Problem(500, log)
