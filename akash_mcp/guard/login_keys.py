"""The keys that `akash-mcp login` stored: one for each address of a service, and none is ever shown to another.

They are of a person and not of a state folder: whichever server of theirs asks that service uses its key. Each service
has a list, and a place in the keyring, of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from akash_mcp.errors import MissingAkuaToken, MissingKey
from akash_mcp.guard.value_store import Entry, Place, ValueStore


@dataclass(frozen=True, slots=True)
class Service:
    """Whose keys a list holds, and what sentences call them."""

    title: str
    noun: str
    """What its keys are called, behind `API`."""
    begins: tuple[str, ...]
    """How its keys begin, by which one that is given to the wrong service is told before it is sent."""
    login: str
    """The command that stores one, which is also what a keyring calls them."""
    address: str
    """The flag that names the address which a key is for."""
    file: str
    missing: type[MissingKey]


CONSOLE = Service(
    title="the Console",
    noun="key",
    begins=("ac.sk.",),
    login="akash-mcp login",
    address="--console-url",
    file="login.json",
    missing=MissingKey,
)
AKUA = Service(
    title="Akua",
    noun="token",
    begins=("sk_akua_", "cnap_pat_"),
    login="akash-mcp login --akua",
    address="--akua-url",
    file="login-akua.json",
    missing=MissingAkuaToken,
)


def owner_of(key: str) -> Service | None:
    """The service whose key this is by how it begins; None where that does not tell."""
    return next((service for service in (CONSOLE, AKUA) if key.startswith(service.begins)), None)


@dataclass(frozen=True, slots=True)
class StoredKey:
    """Where the key for an address is, and since when (seconds since the epoch)."""

    url: str
    place: Place
    set_at: float


class LoginKeys:
    """The keys of a service, whose list stands in `folder`. What is raised as `MissingKey` is the service's own kind of
    it. Each method but `stored` and `all` may wait for a person whom the keyring asks."""

    def __init__(
        self, folder: Path, service: Service = CONSOLE, now: Callable[[], float] = time.time
    ) -> None:
        self.service = service
        self.path = folder / service.file
        self._kept = ValueStore(
            self.path, service=service.login, what=f"{service.noun}s", fault=service.missing, now=now
        )

    def keep(self, url: str, key: str) -> Place:
        """Store a key in place of an earlier one, and say where. Raises `MissingKey` where it can be stored nowhere."""
        return self._kept.keep(_address(url), key)

    def forget(self, url: str) -> bool:
        """Forget the key for an address: whether there was one."""
        if self.stored(url) is None:
            return False
        self._kept.remove(_address(url))
        return True

    def stored(self, url: str) -> StoredKey | None:
        """Where the key for an address is, if there is one. Raises `MissingKey` for a file that is not used."""
        return next((each for each in self.all() if each.url == _address(url)), None)

    def all(self) -> list[StoredKey]:
        """Where each key is. Raises `MissingKey` for a file that is not used."""
        return [
            StoredKey(url, entry.place, entry.set_at) for url, entry in sorted(self._kept.entries().items())
        ]

    def read(self, url: str) -> str:
        """The key for an address. Raises `MissingKey`, which says what the user can do."""
        address = _address(url)
        entries = self._kept.entries()
        entry = entries.get(address)
        its = self.service
        if entry is None and entries:
            raise its.missing(
                f"There is no API {its.noun} for {its.title} at {address}: {its.login} stored one for "
                f"{', '.join(sorted(entries))} alone.",
                next_step=f"Ask the user to run {its.login} {its.address} {address}, then call again.",
            )
        if entry is None:
            raise its.missing
        key = self._value(address, entry)
        if not key:
            raise its.missing(
                f"The API {its.noun} for {address} is not where {its.login} stored it: somebody took it out of the "
                "keyring.",
                next_step=f"Ask the user to run {its.login} again, then call again.",
            )
        return key

    def _value(self, address: str, entry: Entry) -> str | None:
        return entry.value if entry.place == "file" else self._kept.from_keyring(address)


def _address(url: str) -> str:
    """The address of a service in the one way in which it is written here."""
    parts = urlsplit(url)
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path.rstrip('/')}"
