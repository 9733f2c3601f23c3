"""A keyring that keyring itself finds by `PYTHON_KEYRING_BACKEND`: in a file, so that processes share it.

`KEYRING_FILE` names the file. Where that holds the word `locked` nothing is given out.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

BACKEND = f"{__name__}.FileKeyring"


class FileKeyring(KeyringBackend):
    """See the module's docstring."""

    priority = 5

    def __init__(self) -> None:
        pass  # none of the properties that the environment could give it

    def get_password(self, service: str, username: str) -> str | None:
        return self._read().get(f"{service}\n{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._write({**self._read(), f"{service}\n{username}": password})

    def delete_password(self, service: str, username: str) -> None:
        kept = self._read()
        if kept.pop(f"{service}\n{username}", None) is None:
            raise PasswordDeleteError(username)
        self._write(kept)

    @property
    def _path(self) -> Path:
        return Path(os.environ["KEYRING_FILE"])

    def _read(self) -> dict[str, str]:
        text = self._path.read_text(encoding="utf-8") if self._path.exists() else "{}"
        if text == "locked":
            raise KeyringLocked("locked")
        kept: dict[str, str] = json.loads(text)
        return kept

    def _write(self, kept: dict[str, str]) -> None:
        self._path.write_text(json.dumps(kept), encoding="utf-8")


class Unrecommended(FileKeyring):
    """What keyring falls back on where a system has none that can be recommended."""

    priority = 0
