"""Whose things a token of Akua is about: a workspace, as `akua:HOST:ws_…`. Its rows in the ledger are apart from all
others.

Nothing at Akua counts against a budget here, since nothing there has a price that can be read. So where the ledger does
not know a token yet, nothing is lost by that.
"""

from __future__ import annotations

import logging

import anyio

from akash_mcp.clients.akua.client import AkuaClient
from akash_mcp.clients.api_key import ApiKey
from akash_mcp.errors import BadSettings, LedgerUnusable
from akash_mcp.guard.books.accounts import remember, remembered
from akash_mcp.guard.books.store import Store

log = logging.getLogger(__name__)


class AkuaAccount:
    """Names the workspace of the `client`'s token in `store.account`."""

    def __init__(self, store: Store, client: AkuaClient, token: ApiKey, workspace: str) -> None:
        """`workspace`: as it was set; "" where the token says which."""
        self._store = store
        self._client = client
        self._token = token
        self._workspace = workspace
        self._is_sure = False
        self._lock = anyio.Lock()

    async def recall(self) -> None:
        """Before what only reads: go by the workspace that the token is known to be about. Never raises."""
        if self._store.account or not self._store.path.exists():
            return
        try:
            account = await self._store.read(remembered, await self._name())
        except BadSettings:  # no token, or one that cannot be one: a call that needs it says so
            return
        except LedgerUnusable:
            log.exception("which workspace the Akua token is about cannot be read")
            return
        if not self._store.account:
            self._store.account = account

    async def bind(self) -> None:
        """Before anything is planned: ask once whose workspace it is. Raises `AkashError`."""
        async with self._lock:
            if self._is_sure:
                return
            workspace = await self._client.workspace()
            account = f"akua:{self._client.host}:{workspace.id}"
            await self._store.run(remember, await self._name(), account)
            self._store.account, self._is_sure = account, True

    async def _name(self) -> str:
        """What the ledger knows the token by: one that reaches several workspaces has one for each."""
        return " ".join(("akua", self._client.host, self._workspace, await self._token.need()))
