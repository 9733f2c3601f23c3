"""Whose money: which account an API key spends from. The rows of the ledger belong to an account, not to a key.

An account is a network and an address, as `akash:akash1…`. The address is the wallet's that pays, as the Console tells
it for the key: two keys of one account share a budget, a key that is renewed keeps its history, and another account has
rows of its own. The Console's URL is not part of it, since one Console has several.

Which account a key is stands in the ledger once it was told. Reading and closing go by that, and work while the Console
is silent. Spending asks again, and refuses where nobody has ever said whose money it would be, or somebody else's is
told than before.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
from collections.abc import Collection

import anyio

from akash_mcp.clients.console.client import ConsoleClient
from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.errors import AkashError, LedgerUnusable, MissingHistory, MissingKey, UnknownAccount
from akash_mcp.guard.books.clock import Moment, check_told
from akash_mcp.guard.books.history import History
from akash_mcp.guard.books.keys import known_key, shared_key
from akash_mcp.guard.books.ledger import bring_back
from akash_mcp.guard.books.networks import Network, is_embedded
from akash_mcp.guard.books.store import Db, Store
from akash_mcp.ids import AccountAddress, Dseq

log = logging.getLogger(__name__)

ASK_AGAIN_SECONDS = 3600.0
"""How long it is believed whose key it is. A key stays its account's; only an organization's can change hands."""

_SECRET = "accounts"
_ADDRESS = re.compile(r"[a-z]{1,16}1[0-9a-z]{3,72}")


class Accounts:
    """Names the account of the `client`'s key in `store.account`."""

    def __init__(
        self,
        store: Store,
        client: ConsoleClient,
        history: History,
        network: Network,
    ) -> None:
        self._store = store
        self._client = client
        self._reader = ConsoleReader(client)
        self._history = history
        self._network = network
        self._asked_at: float | None = None
        self._lock = anyio.Lock()

    async def recall(self) -> None:
        """Before what only reads or closes: go by the account that the key is known to be. Never raises.

        Without one, and where the ledger cannot be read, it is '': what was written before anybody knew.
        """
        if self._store.account or not self._store.path.exists():
            return
        try:
            account = await self._store.read(remembered, await self._client.key.need())
        except MissingKey:
            return
        except LedgerUnusable:
            log.exception("which account the key is known to be cannot be read")
            return
        if account and await self._network.may_have(account) and not self._store.account:
            self._store.account = account

    async def bind(self) -> None:
        """Before anything that spends is planned: be sure whose money it is, what time it is, and what was spent.

        Raises `UnknownAccount`, `UnknownTime`, `MissingHistory`, `LedgerUnusable`, `MissingKey`, and what the Console
        raises where it is asked whose key it is and nobody has ever said.
        """
        async with self._lock:
            await self._identify()
            check_told(await self._store.run(_brought_back))
            why = await self._history.missing()
            if why is not None:
                raise MissingHistory(
                    f"The ledger does not hold all that this account spent: {why}. What is left of its limits is not "
                    "known, so nothing is spent.",
                    next_step="Deployments can still be listed and closed. Ask the user to look at what runs at "
                    "https://console.akash.network, and then to run akash-mcp doctor --fix, which goes on from here.",
                )

    async def missing_history(self) -> str | None:
        """Why nothing would be spent now, for `doctor`: what the ledger lacks, or whose key it has become; else None.

        Raises what else `bind` raises.
        """
        async with self._lock:
            try:
                await self._identify()
            except UnknownAccount as unknown:
                return unknown.what
            return await self._history.missing()

    async def keep_history(self) -> None:
        """Note outside the ledger how far it went: by that an older copy is told. Raises `LedgerUnusable`."""
        if self._store.account:
            await self._history.keep()

    async def acknowledge(self) -> str:
        """A person has looked: take the key for the account that the Console tells, and its history as it stands here.

        What runs and is not in the ledger is not ours afterwards. Returns the account. Raises as `bind` does.
        """
        async with self._lock:
            self._asked_at = None
            await self._identify(by_force=True)
            await self._history.acknowledge()
            return self._store.account

    async def _identify(self, *, by_force: bool = False) -> None:
        key = await self._client.key.need()
        now = self._client.monotonic()
        if self._asked_at is not None and now - self._asked_at < ASK_AGAIN_SECONDS:
            return
        known = await self._store.read(remembered, key)
        try:
            address = await self._reader.paying_address()
        except AkashError as unread:
            if not known:
                raise
            log.warning("whose key it is could not be asked again: %s", unread.what)
            address = None
        if address is None or not _ADDRESS.fullmatch(address):
            if not known or not await self._network.may_have(known):
                raise UnknownAccount(
                    "Whose money it would be is not known, so nothing is spent: Akash Console tells no wallet for this "
                    "API key, or several.",
                    next_step="A new account's wallet is ready after a minute or two: try again then. The user sees it "
                    "at https://console.akash.network (Billing).",
                    retryable=True,
                )
            self._store.account = known
            return
        account = f"{await self._network.name()}:{address}"
        proven = await self._proven(address) if is_embedded(account) else None
        await self._store.run(take, key, account, proven, by_force=by_force)
        self._store.account, self._asked_at = account, now

    async def _proven(self, address: AccountAddress) -> set[Dseq]:
        """Which of the deployments that were written down before anybody knew are certain to be this account's."""
        strays = await self._store.read(_strays)
        if not strays:
            return set()
        return {each.dseq for each in await self._reader.list_deployments() if each.owner == address} & strays


def remembered(db: Db, key: str) -> str:
    """The account that a key is known to be; '' where nobody has said."""
    secret = known_key(db, _SECRET)
    if secret is None:
        return ""
    row = db.one("SELECT account FROM accounts WHERE key_hash = :key_hash", key_hash=_hash(secret, key))
    return str(row["account"]) if row else ""


def take(
    db: Db, key: str, account: str, proven: Collection[Dseq] | None = None, *, by_force: bool = False
) -> None:
    """Write down which account a key is, and give it what was written before anybody knew (see `adopt`).

    Raises `UnknownAccount` where the key was another's, unless `by_force`. An embedded network has the same keys in
    every run, and is another one each time.
    """
    known = remembered(db, key)
    if known not in ("", account) and not by_force and not is_embedded(known) and not is_embedded(account):
        raise UnknownAccount(
            f"Akash Console says that this API key now spends from {_address_of(account)}, and it was "
            f"{_address_of(known)}'s. Nothing is spent until a person has looked.",
            next_step="Deployments can still be listed and closed. Ask the user whose key it is, and to run akash-mcp "
            "doctor --fix if it is right.",
        )
    remember(db, key, account)
    adopt(db, account, proven)


def remember(db: Db, key: str, account: str) -> None:
    """Write down which account a key is."""
    db.run(
        "INSERT INTO accounts (key_hash, account, seen_at) VALUES (:key_hash, :account, :now)"
        " ON CONFLICT (key_hash) DO UPDATE SET account = :account, seen_at = :now",
        key_hash=_hash(shared_key(db, _SECRET), key),
        account=account,
        now=db.now,
    )


def adopt(db: Db, account: str, proven: Collection[Dseq] | None = None) -> None:
    """Give an account the rows that were written before anybody knew whose they are: all of them, or only those of
    the `proven` deployments.

    Which of its own a deployment is already stays its own.
    """
    # One statement a table and deployment: a list of values is written otherwise in each SQL.
    of: list[tuple[str, dict[str, str]]] = (
        [("", {})] if proven is None else [(" AND dseq = :dseq", {"dseq": dseq}) for dseq in proven]
    )
    for condition, values in of:
        db.run(
            f"UPDATE operations SET account = :account WHERE account = ''{condition} AND NOT (kind = 'launch' AND"
            " EXISTS (SELECT 1 FROM operations AS own WHERE own.account = :account AND own.kind = 'launch' AND"
            " own.dseq = operations.dseq))",
            account=account,
            **values,
        )
        db.run(
            f"UPDATE reservations SET account = :account WHERE account = ''{condition}",
            account=account,
            **values,
        )
        db.run(
            f"UPDATE diagnoses SET account = :account WHERE account = ''{condition} AND NOT EXISTS (SELECT 1 FROM"
            " diagnoses AS own WHERE own.account = :account AND own.dseq = diagnoses.dseq)",
            account=account,
            **values,
        )
    if proven is None:
        db.run(
            "INSERT INTO spent (account, agent, day, spent_uact)"
            " SELECT :account, agent, day, spent_uact FROM spent WHERE account = ''"
            " ON CONFLICT (account, agent, day) DO UPDATE SET spent_uact = spent.spent_uact + excluded.spent_uact",
            account=account,
        )
        db.run("DELETE FROM spent WHERE account = ''")


def check_bound(db: Db) -> None:
    """Raise `UnknownAccount` where nobody has said whose rows are written: asked once more where money is reserved."""
    if not db.account:
        raise UnknownAccount(
            "Whose money it would be is not known, so nothing is spent.",
            next_step="Try again in a minute. Deployments can still be listed and closed.",
            retryable=True,
        )


def _brought_back(db: Db) -> Moment:
    bring_back(db)
    return db.moment


def _strays(db: Db) -> set[Dseq]:
    rows = db.all("SELECT DISTINCT dseq FROM operations WHERE account = '' AND dseq IS NOT NULL")
    return {Dseq(row["dseq"]) for row in rows}


def _hash(secret: bytes, key: str) -> str:
    return hmac.new(secret, key.encode(), hashlib.sha256).hexdigest()


def _address_of(account: str) -> str:
    return account.rpartition(":")[2]
