"""Secrets that a person stores by name: where they are kept, what is read of them, and what is said where they are not
to be had."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring_in_a_file import FileKeyring, Unrecommended

from akash_mcp.errors import BadArgument, MissingSecret
from akash_mcp.guard import secret_store
from akash_mcp.guard.secret_store import LONGEST, SecretStore
from akash_mcp.sanitize import secrets

pytestmark = pytest.mark.anyio

VALUE = "a value that is long enough"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a keyring that works."""
    monkeypatch.setenv("KEYRING_FILE", str(tmp_path / "keyring"))
    return tmp_path / "keyring"


@pytest.fixture(params=["keyring", "file"])
def place(request: pytest.FixtureRequest, kept: Path) -> Iterator[str]:
    """With a keyring that works, and with none."""
    yield from using(FileKeyring() if request.param == "keyring" else Unrecommended(), str(request.param))


def holds(file: Path, text: str) -> bool:
    return file.exists() and text in file.read_text(encoding="utf-8")


def lock(file: Path) -> None:
    file.write_text("locked", encoding="utf-8")


def using(backend: KeyringBackend, name: str = "") -> Iterator[str]:
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    yield name
    keyring.set_keyring(before)


@pytest.fixture
def locked(kept: Path) -> Iterator[Path]:
    """A keyring that took a secret and is locked now."""
    for _ in using(FileKeyring()):
        yield kept


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SecretStore]:
    made = SecretStore(tmp_path / "state", Clock(), {"FULL": VALUE, "EMPTY": ""})
    yield made
    made.forget()


async def test_a_value_is_kept_read_listed_and_forgotten(place: str, store: SecretStore, kept: Path) -> None:
    assert store.set("DB", VALUE) == place
    assert await store.values(["DB", "DB"]) == {"DB": VALUE}
    [listed] = store.stored()
    assert (listed.name, listed.place, listed.set_at) == ("DB", place, 1000.0)
    assert VALUE not in repr(listed)
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert (VALUE in store.path.read_text(encoding="utf-8")) is (place == "file")
    store.remove("DB")
    with pytest.raises(MissingSecret, match="Secret DB is not stored"):
        await store.values(["DB"])
    assert not holds(kept, VALUE)
    with pytest.raises(BadArgument, match="no secret"):
        store.remove("DB")


async def test_what_is_read_is_hidden_by_its_name_until_the_store_is_given_up(
    place: str, store: SecretStore
) -> None:
    store.set("DB", VALUE)
    assert secrets.known.mask(VALUE) == (VALUE, 0)
    await store.values(["DB"])
    assert secrets.known.mask(f"x {VALUE} y") == ("x [secret DB] y", 1)
    store.set("DB", "another value, as long")
    await store.values(["DB"])
    assert secrets.known.mask(f"{VALUE}, another value, as long")[0] == "[secret DB], [secret DB]"
    store.forget()
    assert secrets.known.mask(f"{VALUE}, another value, as long")[1] == 0


async def test_one_of_the_environment_is_read_when_it_is_used(place: str, store: SecretStore) -> None:
    store.set("DB", "an older value")
    store.set_from_environment("DB", "FULL")
    assert await store.values(["DB"]) == {"DB": VALUE}
    assert VALUE not in store.path.read_text(encoding="utf-8")
    store.set_from_environment("DB", "EMPTY")
    with pytest.raises(MissingSecret, match="variable EMPTY of this server's environment"):
        await store.values(["DB"])


async def test_all_that_are_missing_are_named_with_the_commands(place: str, store: SecretStore) -> None:
    with pytest.raises(MissingSecret) as missing:
        await store.values(["ONE", "TWO"])
    assert "Secrets ONE, TWO are not stored" in missing.value.what
    assert "akash-mcp secret set ONE; akash-mcp secret set TWO" in missing.value.next_step


async def test_a_locked_keyring_is_said_and_what_is_known_stays_hidden(
    locked: Path, store: SecretStore
) -> None:
    store.set("DB", VALUE)
    lock(locked)
    assert await store.learn(["DB"]) == ("DB",)
    with pytest.raises(MissingSecret, match=r"keyring cannot be read \(KeyringLocked\)"):
        await store.values(["DB"])


async def test_learning_reads_only_what_is_new(locked: Path, store: SecretStore) -> None:
    store.set("DB", VALUE)
    assert await store.learn(["DB", "NEVER"]) == ("NEVER",)
    lock(locked)
    assert await store.learn(["DB"]) == ()  # it was read, and nobody set it since


async def test_a_keyring_that_waits_for_a_person_is_waited_for_once_a_call_and_by_one_thread(
    kept: Path, store: SecretStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Waiting(FileKeyring):
        def get_password(self, service: str, username: str) -> str | None:
            asked.append(username)
            began.set()
            answered.wait(60)
            return super().get_password(service, username)

    asked, began, answered = list[str](), threading.Event(), threading.Event()
    names = ("ONE", "TWO", "THREE")
    monkeypatch.setattr(secret_store, "_READ_SECONDS", 0.3)
    for _ in using(Waiting()):
        for name in names:
            store.set(name, f"the value of {name}")
        try:
            assert await store.learn(names) == names
            assert began.wait(60)
            assert await store.learn(names) == names
            assert asked == ["ONE"]
        finally:
            answered.set()
        monkeypatch.setattr(secret_store, "_READ_SECONDS", 60.0)
        assert await store.learn(names) == ()


def test_what_another_process_stores_while_a_keyring_asks_is_not_lost(kept: Path, store: SecretStore) -> None:
    class Asking(FileKeyring):
        def set_password(self, service: str, username: str, password: str) -> None:
            store.set_from_environment("OTHER", "FULL")
            super().set_password(service, username, password)

    for _ in using(Asking()):
        store.set("DB", VALUE)
    assert [each.name for each in store.stored()] == ["DB", "OTHER"]


async def test_what_is_read_is_made_known_by_one_thread_so_that_none_is_lost(
    place: str, store: SecretStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remembering(secret: str, name: str | None = None) -> None:
        threads.add(threading.get_ident())
        remember(secret, name)

    threads, remember = set[int](), secrets.known.remember
    monkeypatch.setattr(secrets.known, "remember", remembering)
    store.set("DB", VALUE)
    await store.values(["DB"])
    await store.learn(["DB"])
    assert threads == {threading.get_ident()}


def test_those_that_may_have_another_value_since_a_moment(place: str, store: SecretStore) -> None:
    store.set("OLD", VALUE)
    assert store.set_since(["OLD"], 1000.5) == ()
    assert store.set_since(["OLD"], 1000.0) == ("OLD",)
    store.set_from_environment("ENV", "FULL")
    assert store.set_since(["OLD", "ENV", "GONE"], 2000.0) == ("ENV", "GONE")


@pytest.mark.parametrize("name", ["", "1X", "A-B", "A" * 65, "Ä", "A\n", "A B"])
def test_a_name_that_cannot_be_one_is_refused(name: str, store: SecretStore) -> None:
    with pytest.raises(BadArgument, match="begins with a letter"):
        store.set(name, VALUE)
    with pytest.raises(BadArgument, match="begins with a letter"):
        store.set_from_environment(name, "FULL")
    assert not store.path.exists()


@pytest.mark.parametrize("value", ["", " \n", "a\0bcdef", "\ud800abcdef", "x" * (LONGEST + 1)])
def test_a_value_that_cannot_be_one_is_refused_and_not_repeated(value: str, store: SecretStore) -> None:
    with pytest.raises(BadArgument) as refused:
        store.set("DB", value)
    assert "xxx" not in str(refused.value)
    assert not store.path.exists()


async def test_a_file_that_others_can_read_or_that_is_broken_is_not_used(
    tmp_path: Path, store: SecretStore
) -> None:
    for _ in using(Unrecommended()):
        store.set("DB", VALUE)
        store.path.chmod(0o644)
        with pytest.raises(MissingSecret, match="others can read") as exposed:
            await store.values(["DB"])
        assert "chmod 600" in exposed.value.next_step
        store.path.chmod(0o600)
        store.path.write_text(json.dumps({"DB": {"place": "file", "value": VALUE}}), encoding="utf-8")
        with pytest.raises(MissingSecret, match="cannot be read") as broken:
            await store.values(["DB"])
        assert broken.value.__cause__ is None
        assert VALUE not in str(broken.value)


async def test_a_keyring_that_breaks_is_told_by_its_kind_only(store: SecretStore) -> None:
    class Broken(FileKeyring):
        def set_password(self, service: str, username: str, password: str) -> None:
            raise RuntimeError(f"cannot take {password}")

    for _ in using(Broken()):
        with pytest.raises(MissingSecret, match="RuntimeError") as refused:
            store.set("DB", VALUE)
    assert VALUE not in str(refused.value)
