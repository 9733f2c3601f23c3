"""Keys that processes share."""

from __future__ import annotations

from pathlib import Path

from akash_mcp.guard.keys import KEY_BYTES, shared_key
from akash_mcp.guard.store import Store


def test_a_key_is_made_once_and_has_256_bits(tmp_path: Path) -> None:
    one, other = Store(tmp_path), Store(tmp_path)
    key = one.run_now(shared_key, "questions")
    assert key == other.run_now(shared_key, "questions") == one.run_now(shared_key, "questions")
    assert len(key) == KEY_BYTES == 32
    assert one.run_now(shared_key, "another") != key
