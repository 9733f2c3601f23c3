"""Whether the ledger holds all that an account has spent, or is a new one, or an old copy, in its place.

A ledger that is gone starts anew, and so would the limits. So it is also known outside: in the state folder, beside the
file, and in the configuration folder there is a note of which ledgers knew an account, and how far they went.

    what happens                                                    what tells
    the file is moved away or deleted, as a damaged one may be      the note beside it
    an older copy of the file, or of the folder, is put back        the note that was not put back with it
    the state folder is deleted, or another one is set              the note in the configuration folder
    everything of ours is gone, or it is another machine            on `2026-11`, deployments that run under names which
                                                                    bear our operations

Nothing tells of a ledger that vanished without any of them. A note that cannot be written is logged, and no reason not
to spend: the ledger itself is whole. An embedded network is noted beside its ledger only.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread
from pydantic import TypeAdapter, ValidationError

from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.names import operation_of
from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.guard.books.networks import is_embedded
from akash_mcp.guard.books.store import Db, Store

log = logging.getLogger(__name__)

NOTE = "accounts.json"
_LARGEST_NOTE = 2**20

_Marks = dict[str, int]
"""How far each ledger went that knew an account, by the ledger's mark: the number of its newest operation."""
_NOTES = TypeAdapter(dict[str, _Marks])


@dataclass(frozen=True, slots=True)
class _Known:
    """What the ledger itself knows of an account. No `mark`: it has not been asked about it before.

    `reached` is its newest operation, `noted` the one that was when it was last noted outside: what is only closed
    after an older copy was put back makes the copy no newer.
    """

    mark: str | None
    noted: int
    reached: int
    has_operations: bool


class History:
    """What is known of the account in `store.account`, in its ledger and outside.

    `beside` is the state folder, `config` the folder of the configuration file.
    """

    def __init__(self, store: Store, console: ConsoleReader, *, beside: Path, config: Path) -> None:
        self._store = store
        self._console = console
        self._beside = beside / NOTE
        self._config = config / NOTE

    async def missing(self) -> str | None:
        """Why the ledger does not hold all that the account spent; None where nothing says so, which is then noted.

        Raises `LedgerUnusable`, and what the Console does where it has to be asked what runs.
        """
        # The notes first: what another process notes meanwhile is in the ledger by the time that is read.
        noted, unread = await anyio.to_thread.run_sync(self._noted, self._store.account)
        known = await self._store.read(_known)
        why = await self._why(known, noted, unread)
        if why is None and (known.mark is None or noted.get(known.mark, -1) < known.reached or unread):
            await self._note()
        return why

    async def keep(self) -> None:
        """Note how far the ledger went since it was last noted, unless an older copy was put back: for whoever watches.

        Asks nobody. Raises `LedgerUnusable`.
        """
        known = await self._store.read(_known)
        if known.mark is None or known.reached <= known.noted:
            return
        noted, _ = await anyio.to_thread.run_sync(self._noted, self._store.account)
        if noted.get(known.mark, 0) <= known.noted:
            await self._note()

    async def acknowledge(self) -> None:
        """A person has looked: this ledger's history of the account is taken for whole as it stands.

        It is another ledger from now on, so that what is noted of others says nothing against it, wherever that is.
        """
        await self._note(anew=True)

    async def _why(self, known: _Known, noted: _Marks, unread: str) -> str | None:
        if known.mark is not None:
            if noted.get(known.mark, 0) <= known.noted:
                return None
            return "an older copy of it was put back, and what came after is not in it"
        if noted:
            return "an earlier ledger knew this account, and it is not the one that is there now"
        if unread:
            return f"what earlier ledgers knew cannot be read ({unread})"
        return None if known.has_operations else await self._why_by_names()

    async def _why_by_names(self) -> str | None:
        """Whether something of ours runs that an empty ledger does not know."""
        if await self._console.generation() is not Generation.V2026_11:
            return None
        ours = [each.dseq for each in await self._console.list_deployments() if operation_of(each.name)]
        if not ours:
            return None
        return f"it is empty, and deployments run that akash-mcp created ({', '.join(ours[:5])})"

    async def _note(self, *, anew: bool = False) -> None:
        mark, reached = await self._store.run(_begin, anew=anew)
        await anyio.to_thread.run_sync(self._write, self._store.account, mark, reached)

    def _places(self, account: str) -> list[Path]:
        return [self._beside] if is_embedded(account) else [self._beside, self._config]

    def _noted(self, account: str) -> tuple[_Marks, str]:
        """What is noted of an account in all places, the furthest of each ledger, and why a note cannot be read."""
        found: _Marks = {}
        unread = ""
        for place in self._places(account):
            try:
                marks = _read(place).get(account, {})
            except (OSError, ValueError) as error:
                log.warning("%s, which tells of earlier ledgers, cannot be read: %s", place, error)
                unread = (
                    error.strerror or "an error of the disk"
                    if isinstance(error, OSError)
                    else "it is damaged"
                )
                continue
            for mark, reached in marks.items():
                found[mark] = max(reached, found.get(mark, reached))
        return found, unread

    def _write(self, account: str, mark: str, reached: int) -> None:
        for place in self._places(account):
            try:
                try:
                    notes = _read(place)
                except ValueError:
                    notes = {}  # damaged, and what it told is in this ledger, or a person has looked
                notes[account] = notes.get(account, {}) | {mark: reached}
                _put(place, notes)
            except OSError as error:
                log.warning("%s cannot be written, so a lost ledger may go unnoticed: %s", place, error)


def _known(db: Db) -> _Known:
    row = db.one("SELECT mark, reached FROM histories WHERE account = :account", account=db.account)
    newest = db.value("SELECT MAX(number) FROM operations")
    has_operations = db.one("SELECT 1 FROM operations WHERE account = :account LIMIT 1", account=db.account)
    return _Known(
        mark=row["mark"] if row else None,
        noted=row["reached"] if row else 0,
        # The newest operations may have been folded away since.
        reached=max(newest or 0, row["reached"] if row else 0),
        has_operations=has_operations is not None,
    )


def _begin(db: Db, *, anew: bool) -> tuple[str, int]:
    """Write down that the file holds an account's history, and how far: the file's mark, and its newest operation."""
    known = _known(db)
    mark = (not anew and known.mark) or secrets.token_hex(8)
    db.run(
        "INSERT INTO histories (account, mark, reached, began_at) VALUES (:account, :mark, :reached, :now)"
        " ON CONFLICT (account) DO UPDATE SET mark = :mark, reached = :reached",
        account=db.account,
        mark=mark,
        reached=known.reached,
        now=db.now,
    )
    return mark, known.reached


def _read(place: Path) -> dict[str, _Marks]:
    """The notes of a file; none where there is no file. Raises `OSError`, and `ValueError` for what is not a note."""
    try:
        with place.open("rb") as file:
            text = file.read(_LARGEST_NOTE)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    try:
        return _NOTES.validate_json(text)
    except ValidationError:
        raise ValueError("it does not hold what was written") from None


def _put(place: Path, notes: dict[str, _Marks]) -> None:
    """Put notes in the place of what is there, as a whole, in a file that is ours only."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name}.{secrets.token_hex(8)}")
    opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(opened, "w", encoding="utf-8") as file:
            json.dump(notes, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(place)
    except BaseException:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise
