"""Keys that the processes of one user share: what one of them seals, the others can open."""

from __future__ import annotations

import secrets

from akash_mcp.guard.books.store import Db

KEY_BYTES = 32


def shared_key(db: Db, name: str) -> bytes:
    """32 random bytes that all processes of one state folder have under this name, made at the first need."""
    db.run(
        "INSERT INTO keys (name, secret) VALUES (:name, :secret) ON CONFLICT (name) DO NOTHING",
        name=name,
        secret=secrets.token_hex(KEY_BYTES),
    )
    return bytes.fromhex(db.value("SELECT secret FROM keys WHERE name = :name", name=name))


def known_key(db: Db, name: str) -> bytes | None:
    """The same where one of the processes made it already; None where none did."""
    row = db.one("SELECT secret FROM keys WHERE name = :name", name=name)
    return bytes.fromhex(row["secret"]) if row else None
