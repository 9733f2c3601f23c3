"""Where the Console API key comes from: the environment, else the configuration file, else what `login` stored.

Nothing is read from a keyring before the key is needed: a server answers its first requests without it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from akash_mcp.clients.console.key import ConsoleKey
from akash_mcp.config import Settings, default_config_file
from akash_mcp.guard.login_keys import LoginKeys, StoredKey


def login_keys() -> LoginKeys:
    """The keys that this user's `akash-mcp login` stored."""
    return LoginKeys(default_config_file().parent)


def key_of(settings: Settings) -> ConsoleKey:
    """The key for the Console of these settings, not read yet where it is stored."""
    if settings.api_key is not None:
        return ConsoleKey(settings.api_key.get_secret_value())
    return ConsoleKey(read=lambda: login_keys().read(settings.console_url))


def has_key(settings: Settings) -> bool:
    """Whether there is a key, without reading it. Raises `MissingKey` where that cannot be told."""
    return settings.api_key is not None or login_keys().stored(settings.console_url) is not None


def where_key_is(settings: Settings) -> str:
    """Where the key in force comes from, as a sentence goes on; "" where there is none.

    Raises `MissingKey` where that cannot be told.
    """
    if settings.api_key is not None:
        return settings.place_of("api_key")
    stored = login_keys().stored(settings.console_url)
    return stored_in(stored) if stored is not None else ""


def stored_in(stored: StoredKey) -> str:
    """Where `login` put a key, and when, as a sentence goes on."""
    place = (
        "the system's keyring" if stored.place == "keyring" else f"{login_keys().path}, readable by you alone"
    )
    return f"{place}, by akash-mcp login on {datetime.fromtimestamp(stored.set_at, UTC):%Y-%m-%d}"
