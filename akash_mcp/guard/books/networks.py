"""Which network an account is on, as the first part of its name: `akash`, or `embedded-` and something new in each run.

The public networks are one here. Their addresses are hashes of keys that only their wallets have, so no two accounts
share one; and where one wallet is used on two of them, one budget for both is the safe side. Only an embedded network
repeats itself: keys and addresses follow from its seed, in every run. So where the Console is on this machine, or in a
private network, the chain is asked what it is called. Nobody beyond can give an account another name than it has, and
with it a fresh budget.
"""

from __future__ import annotations

import logging
import re

from akash_mcp.clients.chain import ChainReader
from akash_mcp.errors import AkashError, UnknownAccount

log = logging.getLogger(__name__)

PUBLIC = "akash"
EMBEDDED = "embedded-"
_CHAIN_ID = re.compile(r"[0-9A-Za-z._-]{1,50}")


class Network:
    """The network of one process. `chain` is given where the Console is on this machine or in a private network."""

    def __init__(self, chain: ChainReader | None = None) -> None:
        self._chain = chain
        self._name = ""

    async def name(self) -> str:
        """What it is called. Asked for once; raises what the chain does, and `UnknownAccount` where it says nothing."""
        if self._chain is None:
            return PUBLIC
        if not self._name:
            told = await self._chain.chain_id()
            if not _CHAIN_ID.fullmatch(told):
                raise UnknownAccount(
                    "Which network it is is not known, so nothing is spent: the chain does not say what it is called.",
                    next_step="Ask the user to check AKASH_CHAIN_REST_URL.",
                )
            self._name = told if told.startswith(EMBEDDED) else PUBLIC
        return self._name

    async def may_have(self, account: str) -> bool:
        """Whether an account can be one of this network. A chain that does not answer is no witness against it."""
        try:
            return account.startswith(f"{await self.name()}:")
        except AkashError as unread:
            log.warning("which network it is could not be asked: %s", unread.what)
            return True


def is_embedded(account: str) -> bool:
    """Whether an account is one of an embedded network: of play money, and gone with it."""
    return account.startswith(EMBEDDED)
