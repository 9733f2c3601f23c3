"""A desk: where the plans of one platform are approved, written down and carried out.

Akash and Akua have one each, over the same file. Their rows belong to other accounts, so neither sees the other's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from akash_mcp.clients.api_key import ApiKey
from akash_mcp.guard.approval.approval import Approver
from akash_mcp.guard.books.store import Store
from akash_mcp.workflow.operations import Operations


class Account(Protocol):
    """Whose rows a desk writes and reads."""

    async def recall(self) -> None:
        """Before what only reads: go by what is known. Never raises."""

    async def bind(self) -> None:
        """Before anything is planned that changes something: be sure whose it is. Raises `AkashError`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a plan needs to become a deed."""

    store: Store
    approver: Approver
    account: Account
    operations: Operations
    key: ApiKey
