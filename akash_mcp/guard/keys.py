"""Keys that the processes of one user share: what one of them seals, the others can open."""

from __future__ import annotations

import secrets

from akash_mcp.guard.store import Store

KEY_BYTES = 32


def shared_key(store: Store, name: str) -> bytes:
    """32 random bytes that all processes of one state folder have under this name, made at the first need.

    Raises `LedgerUnusable` when the file cannot be used.
    """
    with store.transaction() as db:
        db.execute("INSERT OR IGNORE INTO keys VALUES (?, ?)", (name, secrets.token_bytes(KEY_BYTES)))
        (secret,) = db.execute("SELECT secret FROM keys WHERE name = ?", (name,)).fetchone()
    return bytes(secret)
