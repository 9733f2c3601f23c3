"""Keys that processes share."""

from __future__ import annotations

from pathlib import Path

from akash_mcp.guard.keys import KEY_BYTES, shared_key
from akash_mcp.guard.store import Store


def test_a_key_is_made_once_and_has_256_bits(tmp_path: Path) -> None:
    one, other = Store(tmp_path), Store(tmp_path)
    assert shared_key(one, "questions") == shared_key(other, "questions") == shared_key(one, "questions")
    assert len(shared_key(one, "questions")) == KEY_BYTES == 32
    assert shared_key(one, "another") != shared_key(one, "questions")
