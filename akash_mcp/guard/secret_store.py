"""Secrets that a person stored by name. Servers only read them, and only those that an SDL names.

A value is where a `ValueStore` keeps it, or in a variable of the server's environment. Whatever was read here is hidden
from then on in all that this process shows and writes (`sanitize.secrets`).
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio

from akash_mcp.errors import BadArgument, MissingSecret, Refused
from akash_mcp.guard.value_store import Entry, Place, ValueStore
from akash_mcp.sanitize import secrets
from akash_mcp.sdl import check
from akash_mcp.sdl.secret_reference import NAME, names_mentioned
from akash_mcp.sdl.secret_values import CannotFill, with_values

LONGEST = 32_768
"""Characters of a value: several certificates with their key fit in."""
_READ_SECONDS = 10.0
"""How long a keyring may take: one that is locked waits for a person."""
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """A secret as it may be shown. `set_at`: seconds since the epoch. `variable` names one of the environment."""

    name: str
    place: Place
    set_at: float
    variable: str | None = None


class SecretStore:
    """The secrets of one state folder. `environ` is what secrets of the environment are read from."""

    def __init__(
        self,
        folder: Path,
        now: Callable[[], float],
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self.path = folder / "secrets.json"
        self._kept = ValueStore(
            self.path, service=f"akash-mcp {folder}", what="secrets", fault=MissingSecret, now=now
        )
        self._environ = environ
        self._read: dict[str, float] = {}
        """When what was read last was set, by name."""
        self._hidden: set[str] = set()
        """All values that were read: older ones stand in logs still."""
        self._is_reading = False
        """A keyring that is locked keeps one thread waiting, however many calls there are."""

    # ── for a person at the command line ─────────────────────────────────────────────────────────────────────────

    def set(self, name: str, value: str) -> Place:
        """Store a value, and say where. Raises `BadArgument` for a name or value that cannot be, and `MissingSecret`
        where it can be stored nowhere."""
        _check_name(name)
        if not value.strip():
            raise BadArgument("The value is empty.", next_step="", money="")
        if len(value) > LONGEST or "\0" in value or not _is_text(value):
            raise BadArgument(
                f"A value is text without null characters, of at most {LONGEST} characters.",
                next_step="",
                money="",
            )
        return self._kept.keep(name, value)

    def set_from_environment(self, name: str, variable: str) -> None:
        """Read a secret from a variable of the server's environment from now on."""
        _check_name(name)
        if not variable or "=" in variable or "\0" in variable:
            raise BadArgument("This cannot be the name of an environment variable.", next_step="", money="")
        self._kept.keep_variable(name, variable)

    def remove(self, name: str) -> None:
        """Forget a secret. Raises `BadArgument` for one that is not there."""
        if name not in self._kept.entries():
            raise BadArgument(
                f"There is no secret {name[:64]!r}.", next_step="akash-mcp secret list shows them.", money=""
            )
        self._kept.remove(name)

    def stored(self) -> Sequence[StoredSecret]:
        """All of them, by name."""
        return [
            StoredSecret(name, entry.place, entry.set_at, entry.variable)
            for name, entry in sorted(self._kept.entries().items())
        ]

    # ── for the server ───────────────────────────────────────────────────────────────────────────────────────────

    async def values(self, names: Iterable[str]) -> dict[str, str]:
        """The values as they are now. Raises `MissingSecret`, which says how the user can store one."""
        wanted = dict.fromkeys(names)
        if not wanted:
            return {}
        entries = self._kept.entries()
        if missing := [name for name in wanted if name not in entries]:
            raise MissingSecret(
                f"{_listed(missing)} not stored.",
                next_step="Ask the user to run, in a terminal: "
                f"{'; '.join(f'akash-mcp secret set {name}' for name in missing)}. Then call again. Never ask for the "
                "value in the conversation.",
            )
        found = await self._read_now({name: entries[name] for name in wanted})
        for value in found.values():
            if isinstance(value, MissingSecret):
                raise value
        return {name: str(value) for name, value in found.items()}

    async def filled_manifest(self, sdl: str, manifest: str) -> str:
        """The manifest of an SDL with the values of its secrets; `manifest` where it has none.

        Raises `MissingSecret`, and `Refused` where the values cannot be put in.
        """
        names = [name for name, _ in check(sdl).secrets] if names_mentioned(sdl) else []
        if not names:
            return manifest
        return check(filled(sdl, await self.values(names))).manifest or manifest

    async def learn(self, names: Iterable[str]) -> tuple[str, ...]:
        """Know these values well enough to hide them; the names of those that could not be read."""
        wanted = tuple(dict.fromkeys(names))
        try:
            entries = self._kept.entries() if wanted else {}
        except MissingSecret:
            entries = {}
        unread = {
            name: entries[name]
            for name in wanted
            if name in entries and self._read.get(name) != entries[name].set_at
        }
        if unread:
            with suppress(MissingSecret):
                await self._read_now(unread)
        return tuple(name for name in wanted if name not in self._read)

    def set_since(self, names: Iterable[str], moment: float) -> tuple[str, ...]:
        """Those that may have another value since `moment`, in seconds since the epoch."""
        entries = self._kept.entries()
        return tuple(
            name
            for name in dict.fromkeys(names)
            if name not in entries or entries[name].place == "environment" or entries[name].set_at >= moment
        )

    def forget(self) -> None:
        """Stop hiding what was read: the process goes on without this store."""
        for value in self._hidden:
            secrets.known.forget(value)
        self._hidden.clear()
        self._read.clear()

    async def _read_now(self, entries: Mapping[str, Entry]) -> dict[str, str | MissingSecret]:
        """The values of some, or why they cannot be had. Raises `MissingSecret` where that is not known in time."""

        def read() -> dict[str, str | MissingSecret]:
            self._is_reading = True
            try:
                return {name: self._value_or_why(name, entry) for name, entry in entries.items()}
            finally:
                self._is_reading = False

        try:
            with anyio.fail_after(_READ_SECONDS):
                while self._is_reading:  # noqa: ASYNC110  a thread ends it
                    await anyio.sleep(_LOOK_SECONDS)
                # In a thread: a keyring that is locked waits for a person, who may not come.
                found = await anyio.to_thread.run_sync(read, abandon_on_cancel=True)
        except TimeoutError as late:
            raise MissingSecret(
                f"{_listed([*entries])} not read in time: the keyring may be locked.",
                next_step="Ask the user to unlock their keyring.",
            ) from late
        # Not in that thread: what is known is changed by one only.
        for name, value in found.items():
            if isinstance(value, str):
                secrets.known.remember(value, name)
                self._hidden.add(value)
                self._read[name] = entries[name].set_at
        return found

    def _value_or_why(self, name: str, entry: Entry) -> str | MissingSecret:
        try:
            return self._value(name, entry)
        except MissingSecret as missing:
            return missing

    def _value(self, name: str, entry: Entry) -> str:
        value: str | None
        if entry.place == "environment":
            value = self._environ.get(entry.variable or "")
            where = f"variable {entry.variable} of this server's environment, where it is said to be,"
        elif entry.place == "file":
            value, where = entry.value, "the file of secrets"
        else:
            value, where = self._kept.from_keyring(name), "the system's keyring"
        if not value:
            raise MissingSecret(
                f"Secret {name} has no value: {where} does not have it.",
                next_step=f"Ask the user to run, in a terminal: akash-mcp secret set {name}.",
            )
        return value


def manifest_version(sdl: str, values: Mapping[str, str]) -> str:
    """What a Console and the chain call the state of a deployment with these values: its manifest's hash in base64."""
    manifest = check(filled(sdl, values)).manifest or ""
    return base64.b64encode(hashlib.sha256(manifest.encode()).digest()).decode()


def filled(sdl: str, values: Mapping[str, str]) -> str:
    """An SDL with the values of its secrets. Raises `Refused` where they cannot be put in."""
    try:
        return with_values(sdl, values)
    except CannotFill as why:
        raise Refused(f"The secrets cannot be put into the SDL: {why}.") from None


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise BadArgument(
            "The name of a secret begins with a letter or _, goes on with letters, digits and _, and has at most 64 "
            "characters.",
            next_step="",
            money="",
        )


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _listed(names: Sequence[str]) -> str:
    return f"Secret {names[0]} is" if len(names) == 1 else f"Secrets {', '.join(names)} are"
