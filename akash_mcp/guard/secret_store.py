"""Secrets that a person stored by name. Servers only read them, and only those that an SDL names.

A value is in the system's keyring, or where that has none in the file of this module (0600), or in a variable of the
server's environment. The file says of each where it is and since when; what it holds is never logged. Whatever was read
here is hidden from then on in all that this process shows and writes (`sanitize.secrets`).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import anyio
from pydantic import BaseModel, TypeAdapter, ValidationError

from akash_mcp.errors import BadArgument, MissingSecret, Refused
from akash_mcp.guard.private_files import who_else_can_read, who_else_can_write
from akash_mcp.sanitize import secrets
from akash_mcp.sdl import check
from akash_mcp.sdl.secret_reference import NAME, names_mentioned
from akash_mcp.sdl.secret_values import CannotFill, with_values

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

LONGEST = 32_768
"""Characters of a value: several certificates with their key fit in."""
_READ_SECONDS = 10.0
"""How long a keyring may take: one that is locked waits for a person."""
_LOOK_SECONDS = 0.05
_RECOMMENDED = 1
"""The priority from which on keyring recommends a backend. Below are plain files and the absence of any."""

Place = Literal["keyring", "file", "environment"]


class _Entry(BaseModel):
    place: Place
    set_at: float
    value: str | None = None
    """Of one that is kept in this file."""
    variable: str | None = None


_ENTRIES = TypeAdapter(dict[str, _Entry])


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
        self._service = f"akash-mcp {folder}"
        self._now = now
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
        self._entries()  # a file that cannot be used is found before a keyring has what nobody will find in it
        backend = _real_keyring()
        if backend is None:
            entry = _Entry(place="file", set_at=self._now(), value=value)
        else:
            with _keyring_errors("The system's keyring does not take it"):
                backend.set_password(self._service, name, value)
            entry = _Entry(place="keyring", set_at=self._now())
        # Read anew: a keyring may have waited for a person, and another process may have stored something meanwhile.
        self._write({**self._entries(), name: entry})
        return entry.place

    def set_from_environment(self, name: str, variable: str) -> None:
        """Read a secret from a variable of the server's environment from now on."""
        _check_name(name)
        if not variable or "=" in variable or "\0" in variable:
            raise BadArgument("This cannot be the name of an environment variable.", next_step="", money="")
        self._remove_from_keyring(name)
        entry = _Entry(place="environment", set_at=self._now(), variable=variable)
        self._write({**self._entries(), name: entry})

    def remove(self, name: str) -> None:
        """Forget a secret. Raises `BadArgument` for one that is not there."""
        if name not in self._entries():
            raise BadArgument(
                f"There is no secret {name[:64]!r}.", next_step="akash-mcp secret list shows them.", money=""
            )
        self._remove_from_keyring(name)
        self._write({other: entry for other, entry in self._entries().items() if other != name})

    def stored(self) -> Sequence[StoredSecret]:
        """All of them, by name."""
        return [
            StoredSecret(name, entry.place, entry.set_at, entry.variable)
            for name, entry in sorted(self._entries().items())
        ]

    # ── for the server ───────────────────────────────────────────────────────────────────────────────────────────

    async def values(self, names: Iterable[str]) -> dict[str, str]:
        """The values as they are now. Raises `MissingSecret`, which says how the user can store one."""
        wanted = dict.fromkeys(names)
        if not wanted:
            return {}
        entries = self._entries()
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
            entries = self._entries() if wanted else {}
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
        entries = self._entries()
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

    async def _read_now(self, entries: Mapping[str, _Entry]) -> dict[str, str | MissingSecret]:
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

    def _value_or_why(self, name: str, entry: _Entry) -> str | MissingSecret:
        try:
            return self._value(name, entry)
        except MissingSecret as missing:
            return missing

    def _value(self, name: str, entry: _Entry) -> str:
        value: str | None
        if entry.place == "environment":
            value = self._environ.get(entry.variable or "")
            where = f"variable {entry.variable} of this server's environment, where it is said to be,"
        elif entry.place == "file":
            value, where = entry.value, "the file of secrets"
        else:
            backend, where = _real_keyring(), "the system's keyring"
            with _keyring_errors("The system's keyring cannot be read"):
                value = None if backend is None else backend.get_password(self._service, name)
        if not value:
            raise MissingSecret(
                f"Secret {name} has no value: {where} does not have it.",
                next_step=f"Ask the user to run, in a terminal: akash-mcp secret set {name}.",
            )
        return value

    def _remove_from_keyring(self, name: str) -> None:
        entry = self._entries().get(name)
        backend = _real_keyring() if entry is not None and entry.place == "keyring" else None
        if backend is not None:
            from keyring.errors import PasswordDeleteError

            with _keyring_errors("The system's keyring does not let go of it"):
                try:
                    backend.delete_password(self._service, name)
                except PasswordDeleteError:
                    if backend.get_password(self._service, name) is not None:
                        raise

    def _entries(self) -> dict[str, _Entry]:
        try:
            text = self.path.read_text(encoding="utf-8")
            exposed = who_else_can_write(self.path) or who_else_can_read(self.path)
            if exposed is not None:
                raise MissingSecret(
                    "The file of secrets is not used, because others can read or change it.",
                    next_step=f"Ask the user to run: {exposed.fix}",
                )
            return _ENTRIES.validate_json(text)
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError, ValidationError):
            # The cause could show what is in it.
            raise MissingSecret(
                "The file of secrets cannot be read.",
                next_step="Ask the user to move secrets.json out of the state folder and to store them anew.",
            ) from None

    def _write(self, entries: Mapping[str, _Entry]) -> None:
        """Replace the file whole: who reads meanwhile reads the old one or the new one."""
        folder = self.path.parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, written = tempfile.mkstemp(prefix=".secrets-", dir=folder)  # 0600 from the start
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    json.dump(_ENTRIES.dump_python(dict(entries), exclude_none=True), file)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(written, self.path)
            except BaseException:
                os.unlink(written)
                raise
        except OSError as error:
            raise MissingSecret(
                f"The file of secrets cannot be written: {error.strerror}.", next_step=""
            ) from None


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


def _real_keyring() -> KeyringBackend | None:
    """The system's keyring, or None where there is none that keyring recommends."""
    import keyring  # 0.1 s, and most servers never need it

    with _keyring_errors("The system's keyring cannot be used"):
        backend = keyring.get_keyring()
        return backend if backend.priority >= _RECOMMENDED else None


@contextmanager
def _keyring_errors(what: str) -> Iterator[None]:
    """Tell any failure of a keyring as ours, by its type only: its text may hold anything."""
    try:
        yield
    except MissingSecret:
        raise
    except Exception as error:  # noqa: BLE001  backends raise whatever their systems do
        raise MissingSecret(
            f"{what} ({type(error).__name__}).",
            next_step="Ask the user to unlock it, or to name another one in PYTHON_KEYRING_BACKEND: with "
            "keyring.backends.null.Keyring secrets are kept in a file of the state folder.",
        ) from None


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
