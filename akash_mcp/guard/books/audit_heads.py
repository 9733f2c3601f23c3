"""Where the audit's chain had got to, kept beside the ledger: `audit.heads` in the state folder, mode 0600.

One line each: the number of an account's newest row, its hash, and the account. Lines are only added, after the
transaction that wrote the row, so that a line never speaks of a row which was undone. A ledger that was cut off at its
end, put back from a backup or written anew no longer has these rows, and `audit.verify` says so.

The file proves nothing against somebody who rewrites it too. It can be made one that only takes more (`chattr +a`), or
be copied to another machine line by line; a person can also write down what `akash-mcp ledger --verify` prints.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

import anyio
import anyio.to_thread

from akash_mcp.errors import AkashError
from akash_mcp.guard.books import audit
from akash_mcp.guard.books.audit import Head, Verdict
from akash_mcp.guard.books.store import Store

log = logging.getLogger(__name__)

NAME = "audit.heads"

_LINE = re.compile(r"([1-9][0-9]{0,18}) ([0-9a-f]{64}) ?(.*)")


class Heads:
    """The file of one state folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._kept: Head | None = None

    async def keep(self, store: Store) -> None:
        """Keep the newest row of the store's account, after a transaction that wrote one.

        Raises what the store does. Where the file cannot be written the log says so, and nothing fails: what the row
        tells of has been done.
        """
        head = await store.read(audit.newest)
        if head is None or head == self._kept:
            return
        # A line end before and behind: what a power cut left of a line does not take the next one with it.
        line = f"\n{head.number} {head.hash} {head.account}\n".encode()
        try:
            await anyio.to_thread.run_sync(self._add, line)
        except OSError as error:
            log.warning("%s cannot be written: %s", self.path, error.strerror)
            return
        self._kept = head

    def read(self) -> list[Head]:
        """All that was kept; nothing where there is no file. Raises `AkashError` for one that cannot be read.

        A line that is not whole is passed over: it proves nothing.
        """
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise AkashError(f"{self.path} cannot be read: {error.strerror}.", money="") from error
        lines = map(_LINE.fullmatch, text.split("\n"))
        return [Head(line[3], int(line[1]), line[2]) for line in lines if line]

    def _add(self, line: bytes) -> None:
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line)
        finally:
            os.close(file)


def verified(store: Store, folder: Path) -> Verdict:
    """`akash-mcp ledger --verify`: whether the audit is whole, by its rows and by what was kept beside them.

    Raises what the store does, and `AkashError` where the file beside it cannot be read.
    """
    heads = Heads(folder).read()  # first: what is written meanwhile is then in the ledger too
    return store.read_now(audit.verify, heads)
