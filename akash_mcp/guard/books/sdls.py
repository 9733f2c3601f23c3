"""SDLs by a short name, so that a model writes one once: `sdl_` and a hash of the text.

A name is good for as long as the server lives, and for a day in the store, where the next server finds it. It says
nothing of who may deploy what: it stands for the text, and whoever knows it could have sent the text.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections import OrderedDict

import anyio
from anyio.abc import TaskGroup

from akash_mcp.errors import BadArgument, LedgerUnusable
from akash_mcp.guard.books.store import Db, Store
from akash_mcp.ids import SdlId

log = logging.getLogger(__name__)

KEPT_SECONDS = 24 * 3600.0
_MOST_CHARACTERS = 16 << 20
"""How much text is held in memory, and as much in the store. The oldest goes first."""
_NAME = re.compile(r"sdl_[0-9a-f]{16}")


def sdl_id_of(sdl: str) -> SdlId:
    """What an SDL is called. The same text has the same name everywhere."""
    return SdlId(f"sdl_{hashlib.sha256(sdl.encode()).hexdigest()[:16]}")


def is_sdl_id(text: str) -> bool:
    """Whether a text is such a name. No SDL looks like one."""
    return _NAME.fullmatch(text.strip()) is not None


class Sdls:
    """The SDLs that were seen by this process, and lately by others with the same store.

    `tasks` writes them down: a free call does not wait for a file that another process holds.
    """

    def __init__(self, store: Store, tasks: TaskGroup) -> None:
        self._store = store
        self._tasks = tasks
        self._seen: OrderedDict[SdlId, str] = OrderedDict()
        self._characters = 0

    def keep(self, sdl: str) -> SdlId:
        """Its name, from now on. Raises `BadArgument` for a text that was made to have the name of another one."""
        sdl_id = sdl_id_of(sdl)
        if self._seen.get(sdl_id, sdl) != sdl:
            raise BadArgument(f"Another SDL is called {sdl_id}, and only on purpose can two be made so.")
        self._remember(sdl_id, sdl)
        self._tasks.start_soon(self._write, sdl_id, sdl)
        return sdl_id

    @property
    def seen(self) -> list[SdlId]:
        """The names of those that this process saw, the newest first."""
        return [*reversed(self._seen)]

    async def _write(self, sdl_id: SdlId, sdl: str) -> None:
        with anyio.CancelScope(shield=True):  # also where the server ends right after its answer
            try:
                await self._store.run(_write, sdl_id, sdl)
            except LedgerUnusable as unusable:
                log.info("an SDL is known to this process only: %s", unusable)

    async def find(self, sdl_id: SdlId) -> str | None:
        """The SDL of this name; None where it is not known any more."""
        if sdl_id in self._seen:
            self._seen.move_to_end(sdl_id)
            return self._seen[sdl_id]
        try:
            sdl = await self._store.read(_read, sdl_id)
        except LedgerUnusable as unusable:
            log.info("which SDL %s is cannot be read: %s", sdl_id, unusable)
            return None
        if sdl is not None:
            self._remember(sdl_id, sdl)
        return sdl

    def _remember(self, sdl_id: SdlId, sdl: str) -> None:
        if sdl_id not in self._seen:
            self._characters += len(sdl)
        self._seen[sdl_id] = sdl
        self._seen.move_to_end(sdl_id)
        while self._characters > _MOST_CHARACTERS and len(self._seen) > 1:
            _, oldest = self._seen.popitem(last=False)
            self._characters -= len(oldest)


def forget_old(db: Db) -> int:
    """Forget what is over: how many. Whoever watches calls it."""
    forgotten = db.run("DELETE FROM sdls WHERE until < :now", now=db.now)
    if forgotten:
        db.forget_deleted()
    return forgotten


def _write(db: Db, sdl_id: SdlId, sdl: str) -> None:
    forget_old(db)
    over = "SELECT SUM(LENGTH(sdl)) OVER (ORDER BY until DESC, sdl_id) AS characters, sdl_id FROM sdls"
    if db.run(
        f"DELETE FROM sdls WHERE sdl_id IN (SELECT sdl_id FROM ({over}) AS newest WHERE characters > :room)",
        room=_MOST_CHARACTERS - len(sdl),
    ):
        db.forget_deleted()
    db.run(
        "INSERT INTO sdls (sdl_id, sdl, until) VALUES (:sdl_id, :sdl, :until)"
        " ON CONFLICT (sdl_id) DO UPDATE SET until = :until WHERE sdls.sdl = :sdl",
        sdl_id=sdl_id,
        sdl=sdl,
        until=db.now + KEPT_SECONDS,
    )


def _read(db: Db, sdl_id: SdlId) -> str | None:
    row = db.one("SELECT sdl FROM sdls WHERE sdl_id = :sdl_id AND until >= :now", sdl_id=sdl_id, now=db.now)
    return row["sdl"] if row else None
