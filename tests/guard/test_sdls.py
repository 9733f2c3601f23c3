"""SDLs by name."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from akash_mcp.guard.books import sdls
from akash_mcp.guard.books.sdls import KEPT_SECONDS, Sdls, is_sdl_id, sdl_id_of
from akash_mcp.guard.books.store import Store

pytestmark = pytest.mark.anyio

NOW = 1_763_759_000.0


async def kept(store: Store, *texts: str) -> None:
    async with anyio.create_task_group() as tasks:
        for text in texts:
            assert Sdls(store, tasks).keep(text) == sdl_id_of(text)


async def found(store: Store, text: str) -> str | None:
    async with anyio.create_task_group() as tasks:
        names = Sdls(store, tasks)
    return await names.find(sdl_id_of(text))


def stands_in(folder: Path, text: str) -> bool:
    """Whether a file of a folder has a text."""
    return any(text.encode() in path.read_bytes() for path in folder.iterdir())


def test_a_name_is_made_of_the_text_alone() -> None:
    assert sdl_id_of("a: 1") == sdl_id_of("a: 1")
    assert sdl_id_of("a: 1") != sdl_id_of("a: 1\n")
    assert is_sdl_id(sdl_id_of("a: 1"))
    assert is_sdl_id(f" {sdl_id_of('a: 1')}\n")
    assert not is_sdl_id("sdl_short")
    assert not is_sdl_id("version: '2.0'")


async def test_the_next_server_knows_it_for_a_day(tmp_path: Path) -> None:
    clock = [NOW]
    store = Store(tmp_path, lambda: clock[0])
    await kept(store, "a: 1")
    assert await found(Store(tmp_path, lambda: clock[0]), "a: 1") == "a: 1"
    clock[0] += KEPT_SECONDS + 1
    assert await found(store, "a: 1") is None
    await kept(store, "b: 2")
    assert store.read_now(lambda db: [row["sdl"] for row in db.all("SELECT sdl FROM sdls")]) == ["b: 2"]


async def test_it_is_known_for_as_long_as_the_server_lives(tmp_path: Path) -> None:
    clock = [NOW]
    async with anyio.create_task_group() as tasks:
        names = Sdls(Store(tmp_path, lambda: clock[0]), tasks)
        name = names.keep("a: 1")
        clock[0] += 3 * KEPT_SECONDS
        assert await names.find(name) == "a: 1"


async def test_a_store_that_cannot_be_used_costs_only_the_next_server(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.path.write_bytes(b"rubbish" * 1000)
    async with anyio.create_task_group() as tasks:
        names = Sdls(store, tasks)
        assert await names.find(names.keep("a: 1")) == "a: 1"
        assert await names.find(sdl_id_of("never seen")) is None


async def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdls, "_MOST_CHARACTERS", 10)
    store = Store(tmp_path)
    store.path.write_bytes(b"rubbish" * 1000)
    async with anyio.create_task_group() as tasks:
        names = Sdls(store, tasks)
        old, new = names.keep("12345678"), names.keep("abcdefgh")
        assert await names.find(new) == "abcdefgh"
        assert await names.find(old) is None


async def test_whoever_watches_forgets_it_where_no_other_one_comes(tmp_path: Path) -> None:
    clock = [NOW]
    store = Store(tmp_path, lambda: clock[0])
    await kept(store, "PASSWORD=plain")
    clock[0] += KEPT_SECONDS + 1
    assert store.run_now(sdls.forget_old) == 1
    assert store.run_now(sdls.forget_old) == 0
    assert not stands_in(tmp_path, "PASSWORD=plain")


async def test_the_file_is_bounded_and_the_newest_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sdls, "_MOST_CHARACTERS", 20)
    clock = [NOW]
    store = Store(tmp_path, lambda: clock[0])
    for text in ("12345678", "abcdefgh", "ABCDEFGH"):
        clock[0] += 1
        await kept(store, text)
    assert await found(store, "12345678") is None
    assert await found(store, "abcdefgh") == "abcdefgh"
    assert await found(store, "ABCDEFGH") == "ABCDEFGH"
    assert not stands_in(tmp_path, "12345678")
