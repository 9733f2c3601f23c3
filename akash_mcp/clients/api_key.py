"""A key of this process to one service: given at its start, or read where it is stored when it is first needed.

A keyring can be locked, ask a person, or never answer. So it is read in a thread of its own, beside whatever the server
does, and a call waits for it for a while only; the next one takes what has come meanwhile. Once known, the key stays as
it is for as long as the process lives: with another one it could be another account's money.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import ClassVar

import anyio

from akash_mcp.errors import BadSettings, MissingKey
from akash_mcp.sanitize import secrets

READ_SECONDS = 10.0
"""How long a keyring may take: one that is locked waits for a person."""


class ApiKey:
    """A key by its `value`, or by what `read`s it: that may block, gives None where none is stored, and may raise
    `MissingKey`. Once known it is hidden in all that this process shows and writes.

    Raises `BadSettings` for one that no header can carry.
    """

    title: ClassVar[str]
    """What sentences call it."""
    missing: ClassVar[type[MissingKey]]
    """What is raised where there is none, or none that can be read."""

    def __init__(self, value: str | None = None, *, read: Callable[[], str | None] = lambda: None) -> None:
        self._read = read
        self._reading: Future[str | Exception | None] | None = None
        self._began = 0.0
        self._came = anyio.Event()
        self.known: str | None = None
        """The key, as far as it was needed; never read for this."""
        if value:
            self._take(value)

    async def need(self) -> str:
        """The key. Raises `MissingKey`, which says why it cannot be had and what the user can do."""
        if self.known is None:
            value = await self._in_time()
            if not value:
                raise self.missing
            self._take(value)
        assert self.known is not None
        return self.known

    async def came(self) -> None:
        """Wait until the key is known."""
        await self._came.wait()

    def forget(self) -> None:
        """Stop hiding it: the process goes on without it."""
        if self.known is not None:
            secrets.known.forget(self.known)

    def _take(self, value: str) -> None:
        if not re.fullmatch(r"[!-~]+", value):
            # Checked here, where the key is not repeated: the HTTP library would quote it.
            raise BadSettings(f"{self.title} must be printable ASCII without spaces.")
        secrets.known.remember(value)
        self.known = value
        self._came.set()

    async def _in_time(self) -> str | None:
        if self._reading is None:
            self._reading, self._began = Future(), time.monotonic()
            # Not one of anyio's threads: the process would wait at its end for one that a keyring holds.
            threading.Thread(target=self._run, args=(self._reading,), name="key", daemon=True).start()
        reading = self._reading
        left = self._began + READ_SECONDS - time.monotonic()
        if not reading.done() and left > 0:
            await asyncio.wait({asyncio.wrap_future(reading)}, timeout=left)
        if not reading.done():
            raise self.missing(
                f"{self.title} is in the system's keyring, which does not answer: it may be locked, or ask the user "
                "something.",
                next_step="Ask the user to unlock it, then call again.",
            )
        if self._reading is reading:
            self._reading = None
        outcome = reading.result()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _run(self, reading: Future[str | Exception | None]) -> None:
        try:
            reading.set_result(self._read())
        except Exception as error:  # noqa: BLE001  raised again where it is waited for
            reading.set_result(error)
