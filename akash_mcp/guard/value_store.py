"""Values that nobody else may read, by name: in the system's keyring, or where that has none in a file (0600).

The file says of each where it is and since when; what it holds is never logged.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, TypeAdapter, ValidationError

from akash_mcp.errors import AkashError
from akash_mcp.guard.private_files import who_else_can_read, who_else_can_write

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

_RECOMMENDED = 1
"""The priority from which on keyring recommends a backend. Below are plain files and the absence of any."""

Place = Literal["keyring", "file", "environment"]


class Entry(BaseModel):
    """Where a value is, and since when (seconds since the epoch)."""

    place: Place
    set_at: float
    value: str | None = None
    """Of one that is kept in the file."""
    variable: str | None = None


_ENTRIES = TypeAdapter(dict[str, Entry])


class ValueStore:
    """The values of one file. `service` is what a keyring calls them, and `what` a sentence; `fault` is the error for
    what cannot be read or stored. Any method may wait for a person whom the keyring asks."""

    def __init__(
        self,
        path: Path,
        *,
        service: str,
        what: str,
        fault: Callable[..., AkashError],
        now: Callable[[], float],
    ) -> None:
        self.path = path
        self._service = service
        self._what = what
        self._fault = fault
        self._now = now

    def keep(self, name: str, value: str) -> Place:
        """Store a value, and say where."""
        self.entries()  # a file that cannot be used is found before a keyring has what nobody will find in it
        backend = self._real_keyring()
        if backend is None:
            entry = Entry(place="file", set_at=self._now(), value=value)
        else:
            with self._keyring_errors("The system's keyring does not take it"):
                backend.set_password(self._service, name, value)
            entry = Entry(place="keyring", set_at=self._now())
        # Read anew: a keyring may have waited for a person, and another process may have stored something meanwhile.
        self._write({**self.entries(), name: entry})
        return entry.place

    def keep_variable(self, name: str, variable: str) -> None:
        """Store that a value is in a variable of the environment of whoever reads it."""
        self._remove_from_keyring(name)
        entry = Entry(place="environment", set_at=self._now(), variable=variable)
        self._write({**self.entries(), name: entry})

    def remove(self, name: str) -> None:
        """Forget a value."""
        self._remove_from_keyring(name)
        self._write({other: entry for other, entry in self.entries().items() if other != name})

    def entries(self) -> dict[str, Entry]:
        """Where each value is, by name."""
        try:
            text = self.path.read_text(encoding="utf-8")
            exposed = who_else_can_write(self.path) or who_else_can_read(self.path)
            if exposed is not None:
                raise self._fault(
                    f"The file of {self._what} is not used, because others can read or change it.",
                    next_step=f"Ask the user to run: {exposed.fix}",
                )
            return _ENTRIES.validate_json(text)
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError, ValidationError):
            # The cause could show what is in it.
            raise self._fault(
                f"The file of {self._what} cannot be read.",
                next_step=f"Ask the user to move {self.path.name} out of its folder and to store them anew.",
            ) from None

    def from_keyring(self, name: str) -> str | None:
        """The value that the keyring has; None where it has none."""
        backend = self._real_keyring()
        if backend is None:
            raise self._fault(
                "This process reaches no keyring of the system: on Linux that needs a desktop session (D-Bus).",
                next_step="Ask the user to start it within their session, or to store the value again where it runs: "
                "without a keyring it is kept in a file.",
            )
        with self._keyring_errors("The system's keyring cannot be read"):
            return backend.get_password(self._service, name)

    def _remove_from_keyring(self, name: str) -> None:
        entry = self.entries().get(name)
        backend = self._real_keyring() if entry is not None and entry.place == "keyring" else None
        if backend is not None:
            from keyring.errors import PasswordDeleteError

            with self._keyring_errors("The system's keyring does not let go of it"):
                try:
                    backend.delete_password(self._service, name)
                except PasswordDeleteError:
                    if backend.get_password(self._service, name) is not None:
                        raise

    def _write(self, entries: Mapping[str, Entry]) -> None:
        """Replace the file whole: who reads meanwhile reads the old one or the new one."""
        folder = self.path.parent
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, written = tempfile.mkstemp(
                prefix=f".{self.path.stem}-", dir=folder
            )  # 0600 from the start
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
            raise self._fault(
                f"The file of {self._what} cannot be written: {error.strerror}.", next_step=""
            ) from None

    def _real_keyring(self) -> KeyringBackend | None:
        """The system's keyring, or None where there is none that keyring recommends."""
        with self._keyring_errors("The system's keyring cannot be used"):
            import keyring  # 0.1 s, and most servers never need it

            backend = keyring.get_keyring()
            return backend if backend.priority >= _RECOMMENDED else None

    @contextmanager
    def _keyring_errors(self, what: str) -> Iterator[None]:
        """Tell any failure of a keyring as ours, by its type only: its text may hold anything."""
        try:
            yield
        except AkashError:
            raise
        except Exception as error:  # noqa: BLE001  backends raise whatever their systems do
            raise self._fault(
                f"{what} ({type(error).__name__}).",
                next_step="Ask the user to unlock it, or to name another one in PYTHON_KEYRING_BACKEND: with "
                f"keyring.backends.null.Keyring {self._what} are kept in a file.",
            ) from None
