"""Keys that processes share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from akash_mcp.guard.books.keys import KEY_BYTES, known_key, shared_key
from akash_mcp.guard.books.store import Store


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """Two processes of one state folder."""
    one, other = Store(tmp_path), Store(tmp_path)
    yield one, other
    one.close()
    other.close()


def test_a_key_is_made_once_and_has_256_bits(stores: tuple[Store, Store]) -> None:
    one, other = stores
    key = one.run_now(shared_key, "questions")
    assert other.run_now(shared_key, "questions") == one.run_now(shared_key, "questions") == key
    assert len(key) == KEY_BYTES == 32
    assert one.run_now(shared_key, "another") != key


def test_who_only_reads_makes_none(stores: tuple[Store, Store]) -> None:
    one, other = stores
    assert one.read_now(known_key, "questions") is None
    key = other.run_now(shared_key, "questions")
    assert one.read_now(known_key, "questions") == key
