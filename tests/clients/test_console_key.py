"""The key of a process: read once and when it is needed, whatever a keyring does meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import anyio
import pytest
from wire_servers import Server, reply

from akash_mcp.clients.console import key as module
from akash_mcp.clients.console.client import ConsoleClient
from akash_mcp.clients.console.key import ConsoleKey
from akash_mcp.errors import BadSettings, MissingKey
from akash_mcp.sanitize import secrets

pytestmark = pytest.mark.anyio

KEY = "ac.sk.production.0123456789"


@pytest.fixture
def stored() -> Iterator[Callable[[Callable[[], str | None]], ConsoleKey]]:
    """Makes a key that is read by a function, and forgets it at the end."""
    made: list[ConsoleKey] = []

    def make(read: Callable[[], str | None]) -> ConsoleKey:
        made.append(ConsoleKey(read=read))
        return made[-1]

    yield make
    for each in made:
        each.forget()


async def test_it_is_read_when_it_is_needed_and_once(
    stored: Callable[[Callable[[], str | None]], ConsoleKey],
) -> None:
    reads: list[str] = []

    def read() -> str:
        reads.append(threading.current_thread().name)
        return KEY

    async with Server(reply(200, {"data": {}})) as server:
        console = server.closes(ConsoleClient(server.url, stored(read)))
        await console.get_public("/v1/blocks")
        assert (reads, server.requests[0].headers.get("x-api-key")) == ([], None)
        before = console.account
        await console.get("/v1/user/me")
        await console.get_public("/v1/blocks")
        assert [request.headers.get("x-api-key") for request in server.requests[1:]] == [KEY, KEY]
        assert console.account != before
    assert reads == ["key"]
    assert secrets.known.mask(f"x {KEY} y") == ("x <masked> y", 1)


async def test_one_that_is_stored_later_is_taken_at_the_next_need(
    stored: Callable[[Callable[[], str | None]], ConsoleKey],
) -> None:
    there: list[str] = []
    key = stored(lambda: there[0] if there else None)
    with pytest.raises(MissingKey, match="akash-mcp login"):
        await key.need()
    there.append(KEY)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(key.came)
        assert await key.need() == KEY


async def test_a_keyring_that_hangs_is_said_once_it_took_too_long_and_its_late_answer_is_taken(
    stored: Callable[[Callable[[], str | None]], ConsoleKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    answered, reads = threading.Event(), list[int]()

    def read() -> str:
        reads.append(1)
        answered.wait(60)
        return KEY

    monkeypatch.setattr(module, "READ_SECONDS", 0.1)
    key = stored(read)
    for _ in range(2):
        with pytest.raises(MissingKey, match="keyring, which does not answer") as late:
            await key.need()
        assert "unlock it" in late.value.next_step
    answered.set()
    monkeypatch.setattr(module, "READ_SECONDS", 60.0)
    assert await key.need() == KEY
    assert reads == [1]


async def test_why_it_cannot_be_read_is_told_and_it_is_tried_again(
    stored: Callable[[Callable[[], str | None]], ConsoleKey],
) -> None:
    reads: list[int] = []

    def read() -> str:
        reads.append(1)
        if len(reads) < 3:
            raise MissingKey("The system's keyring cannot be read (KeyringLocked).")
        return KEY

    key = stored(read)
    for _ in range(2):
        with pytest.raises(MissingKey, match="KeyringLocked"):
            await key.need()
    assert await key.need() == KEY


@pytest.mark.parametrize("value", ["two words", "schlüssel", "line\nbreak"])
async def test_one_that_no_header_can_carry_is_refused_and_not_repeated(
    value: str, stored: Callable[[Callable[[], str | None]], ConsoleKey]
) -> None:
    with pytest.raises(BadSettings) as refused:
        ConsoleKey(value)
    assert value not in str(refused.value)
    with pytest.raises(BadSettings):
        await stored(lambda: value).need()
