"""The key of a process to a service: read once and when it is needed, whatever a keyring does meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import anyio
import pytest

from akash_mcp.clients import api_key as module
from akash_mcp.clients.akua.token import AkuaToken
from akash_mcp.clients.api_key import ApiKey
from akash_mcp.clients.console.key import ConsoleKey
from akash_mcp.errors import BadSettings, MissingKey
from akash_mcp.sanitize import secrets

pytestmark = pytest.mark.anyio

KEY = "a-made-up-key-0123456789"
Make = Callable[[Callable[[], str | None]], ApiKey]


@pytest.fixture(params=[ConsoleKey, AkuaToken])
def kind(request: pytest.FixtureRequest) -> type[ApiKey]:
    """To either service."""
    given: type[ApiKey] = request.param
    return given


@pytest.fixture
def stored(kind: type[ApiKey]) -> Iterator[Make]:
    """Makes a key that is read by a function, and forgets it at the end."""
    made: list[ApiKey] = []

    def make(read: Callable[[], str | None]) -> ApiKey:
        made.append(kind(read=read))
        return made[-1]

    yield make
    for each in made:
        each.forget()


async def test_it_is_read_when_it_is_needed_and_once_and_hidden_from_then_on(stored: Make) -> None:
    reads: list[str] = []

    def read() -> str:
        reads.append(threading.current_thread().name)
        return KEY

    key = stored(read)
    assert (key.known, reads) == (None, [])
    assert [await key.need(), await key.need(), key.known] == [KEY] * 3
    assert reads == ["key"]
    assert secrets.known.mask(f"x {KEY} y") == ("x <masked> y", 1)
    key.forget()
    assert secrets.known.mask(f"x {KEY} y") == (f"x {KEY} y", 0)


async def test_one_that_was_given_is_not_read(kind: type[ApiKey]) -> None:
    key = kind(KEY)
    assert (key.known, await key.need()) == (KEY, KEY)
    key.forget()


@pytest.mark.parametrize("nothing", [None, ""])
async def test_without_one_what_is_missing_is_said_of_the_right_service(
    nothing: str | None, kind: type[ApiKey], stored: Make
) -> None:
    with pytest.raises(MissingKey) as missing:
        await stored(lambda: nothing).need()
    assert type(missing.value) is kind.missing
    assert ("akash-mcp login --akua" in missing.value.next_step) is (kind is AkuaToken)
    assert missing.value.code == ("no_akua_token" if kind is AkuaToken else "no_api_key")


async def test_one_that_is_stored_later_is_taken_at_the_next_need(
    stored: Make,
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
    kind: type[ApiKey], stored: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered, reads = threading.Event(), list[int]()

    def read() -> str:
        reads.append(1)
        answered.wait(60)
        return KEY

    monkeypatch.setattr(module, "READ_SECONDS", 0.1)
    key = stored(read)
    for _ in range(2):
        with pytest.raises(
            MissingKey, match=f"{kind.title} is in the system's keyring, which does not answer"
        ) as late:
            await key.need()
        assert "unlock it" in late.value.next_step
    answered.set()
    monkeypatch.setattr(module, "READ_SECONDS", 60.0)
    assert await key.need() == KEY
    assert reads == [1]


async def test_why_it_cannot_be_read_is_told_and_it_is_tried_again(kind: type[ApiKey], stored: Make) -> None:
    reads: list[int] = []

    def read() -> str:
        reads.append(1)
        if len(reads) < 3:
            raise kind.missing("The system's keyring cannot be read (KeyringLocked).")
        return KEY

    key = stored(read)
    for _ in range(2):
        with pytest.raises(MissingKey, match="KeyringLocked"):
            await key.need()
    assert await key.need() == KEY


@pytest.mark.parametrize("value", ["two words", "schlüssel", "line\nbreak"])
async def test_one_that_no_header_can_carry_is_refused_and_not_repeated(
    value: str, kind: type[ApiKey], stored: Make
) -> None:
    with pytest.raises(BadSettings) as refused:
        kind(value)
    assert value not in str(refused.value)
    assert kind.title in str(refused.value)
    with pytest.raises(BadSettings):
        await stored(lambda: value).need()
    assert secrets.known.mask(value) == (value, 0), "it is nobody's secret"
