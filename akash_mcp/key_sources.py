"""Where the keys to other services come from: the environment, else the configuration file, else what `login` stored.

Nothing is read from a keyring before a key is needed: a server answers its first requests without it. Each service has
a key of its own, and none is ever read for another.
"""

from __future__ import annotations

from datetime import UTC, datetime

from akash_mcp.clients.akua.token import AkuaToken
from akash_mcp.clients.console.key import ConsoleKey
from akash_mcp.config import Settings, default_config_file
from akash_mcp.guard.login_keys import AKUA, LoginKeys, StoredKey


def login_keys() -> LoginKeys:
    """The Console API keys that this user's `akash-mcp login` stored."""
    return LoginKeys(default_config_file().parent)


def akua_tokens() -> LoginKeys:
    """The Akua API tokens that this user's `akash-mcp login --akua` stored."""
    return LoginKeys(default_config_file().parent, AKUA)


def key_of(settings: Settings) -> ConsoleKey:
    """The key for the Console of these settings, not read yet where it is stored."""
    if settings.api_key is not None:
        return ConsoleKey(settings.api_key.get_secret_value())
    return ConsoleKey(read=lambda: login_keys().read(settings.console_url))


def akua_token_of(settings: Settings) -> AkuaToken:
    """The token for Akua's API of these settings, not read yet where it is stored."""
    if settings.akua_token is not None:
        return AkuaToken(settings.akua_token.get_secret_value())
    return AkuaToken(read=lambda: akua_tokens().read(settings.akua_url))


def has_key(settings: Settings) -> bool:
    """Whether there is a key, without reading it. Raises `MissingKey` where that cannot be told."""
    return settings.api_key is not None or login_keys().stored(settings.console_url) is not None


def has_akua_token(settings: Settings) -> bool:
    """Whether there is a token of Akua, without reading it. Raises `MissingAkuaToken` where that cannot be told."""
    return settings.akua_token is not None or akua_tokens().stored(settings.akua_url) is not None


def where_key_is(settings: Settings) -> str:
    """Where the key in force comes from, as a sentence goes on; "" where there is none.

    Raises `MissingKey` where that cannot be told.
    """
    if settings.api_key is not None:
        return settings.place_of("api_key")
    return _where(login_keys(), settings.console_url)


def where_akua_token_is(settings: Settings) -> str:
    """Where the token of Akua in force comes from, as `where_key_is` says it of the key."""
    if settings.akua_token is not None:
        return settings.place_of("akua_token")
    return _where(akua_tokens(), settings.akua_url)


def _where(keys: LoginKeys, url: str) -> str:
    stored = keys.stored(url)
    return stored_in(keys, stored) if stored is not None else ""


def stored_in(keys: LoginKeys, stored: StoredKey) -> str:
    """Where `login` put a key of this list, and when, as a sentence goes on."""
    place = "the system's keyring" if stored.place == "keyring" else f"{keys.path}, readable by you alone"
    return f"{place}, by {keys.service.login} on {datetime.fromtimestamp(stored.set_at, UTC):%Y-%m-%d}"
