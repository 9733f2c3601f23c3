"""Whether command line, environment and configuration file certainly mean "serve on stdio", and with which tools.

It knows less than `config` and the command line do, and says so: whatever it does not know for certain, or finds
mistaken, is theirs to judge.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence

from akash_mcp.cli.flags import SETTINGS, SWITCHES
from akash_mcp.tool_choice import Serving

TYPE_CHECKING = False  # importing typing for it would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any

SWITCH = "AKASH_MCP_FAST_START"
"""The variable that switches it off where it is 0."""

_PREFIX = "AKASH_MCP_"
_CONFIG = "AKASH_MCP_CONFIG"
_NO_FLAGS = ("api_key", "token", "notify_url", "akua_token")
_DEFAULTS = {
    "transport": "stdio",
    "toolsets": ("deploy", "observe"),
    "read_only": False,
    "sandbox": False,
}
"""The settings that decide what is served, where nobody sets them."""
_DECIDING = tuple(_DEFAULTS)
_AKUA = ("akua_token", "akua_url")
"""The settings that tell whether there is a token of Akua, which decides where nobody names toolsets."""
_AKUA_VARIABLES = {
    "akua_token": ("AKASH_MCP_AKUA_TOKEN", "AKUA_API_TOKEN"),
    "akua_url": ("AKASH_MCP_AKUA_URL", "AKUA_API_URL"),
}
_AKUA_URL = "https://api.akua.dev/v1"
_AKUA_LIST = "login-akua.json"
"""The address where nobody names one, and what `login --akua` writes beside the configuration file."""
_UNFILLED_FIELD = "${user_config."
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


class _Doubt(Exception):
    """It is not certain what is meant."""


def certain(words: Sequence[str], environ: Mapping[str, str], toolsets: Collection[str]) -> Serving | None:
    """What will be served on stdio, or None where that is not certain. `toolsets`: those there are."""
    if environ.get(SWITCH, "").strip() == "0":
        return None
    try:
        chosen: dict[str, Any] = {**_DEFAULTS, **_file(environ), **_variables(environ), **_flags(words)}
        if chosen["transport"] != "stdio":
            return None
        sandbox = _truth(chosen["sandbox"])
        named = _toolsets(chosen["toolsets"], toolsets)
        if chosen["toolsets"] is _DEFAULTS["toolsets"] and not sandbox and _has_akua_token(chosen, environ):
            named = (*named, "akua")
        return Serving(named, read_only=_truth(chosen["read_only"]), sandbox=sandbox)
    except _Doubt:
        return None


def _flags(words: Sequence[str]) -> dict[str, Any]:
    """The deciding settings among the flags of `serve`."""
    rest = iter(words)
    if words and words[0] == "serve":
        next(rest)
    chosen: dict[str, Any] = {}
    for word in rest:
        flag, given, value = word.partition("=")
        name = flag[2:].replace("-", "_")
        if not flag.startswith("--") or "_" in flag:
            raise _Doubt
        if not given and name in SWITCHES:
            chosen |= {name: True} if name in _DECIDING else {}
            continue
        value = value if given else next(rest, "")
        if value.startswith("-") or not value:
            raise _Doubt
        if name == "speed":
            if not (value.isdecimal() and value.isascii() and 0 < int(value[:5]) <= 10_000):
                raise _Doubt
        elif name not in SETTINGS or name in chosen:
            raise _Doubt
        elif name in _DECIDING or name in _AKUA:
            chosen[name] = value
    return chosen


def _variables(environ: Mapping[str, str]) -> dict[str, Any]:
    known = {_PREFIX + name.upper() for name in (*SETTINGS, *SWITCHES, *_NO_FLAGS)} | {_CONFIG, SWITCH}
    if any(name.startswith(_PREFIX) and name not in known for name in environ):
        raise _Doubt  # it may be meant to limit something
    given = {name: environ.get(_PREFIX + name.upper(), "").strip() for name in _DECIDING}
    for name, variables in _AKUA_VARIABLES.items():
        values = (environ.get(variable, "").strip() for variable in variables)
        given[name] = next((value for value in values if value and not _is_unfilled(name, value)), "")
    return {name: value for name, value in given.items() if value and not value.startswith(_UNFILLED_FIELD)}


def _is_unfilled(name: str, value: str) -> bool:
    """Whether a host left its placeholder in place of a value. Of a token, all that begins like one is in doubt."""
    if name != "akua_token" or value[0] not in "${%":
        return value.startswith(_UNFILLED_FIELD)
    if not (value.endswith("}") and value.startswith(("${", "{env:"))):
        raise _Doubt
    return True


def _file(environ: Mapping[str, str]) -> dict[str, Any]:
    path = os.path.expanduser(environ.get(_CONFIG, "").strip()) or default_config_file(environ)
    try:
        with open(path, "rb") as file:
            import tomllib  # most people have no such file

            table = tomllib.load(file)
    except FileNotFoundError:
        if environ.get(_CONFIG, "").strip():
            raise _Doubt from None
        return {}
    except (OSError, ValueError, RecursionError):
        raise _Doubt from None
    return {name: table[name] for name in (*_DECIDING, *_AKUA) if name in table}


def _has_akua_token(chosen: Mapping[str, Any], environ: Mapping[str, str]) -> bool:
    """What `config` asks where nobody names toolsets: whether a token of Akua is given, or stored for its address."""
    if "akua_token" in chosen:
        token = chosen["akua_token"]
        if not isinstance(token, str) or not token or any(not "!" <= letter <= "~" for letter in token):
            raise _Doubt
        return True
    path = os.path.join(os.path.dirname(default_config_file(environ)), _AKUA_LIST)
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        raise _Doubt from None
    return _is_stored(text, path, chosen.get("akua_url", _AKUA_URL))


def _is_stored(text: str, path: str, url: object) -> bool:
    """Whether a list of `login` has a token for the address. In doubt for what `config` would not use."""
    import json
    from pathlib import Path

    from akash_mcp.guard.private_files import who_else_can_read, who_else_can_write

    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):
        raise _Doubt from None
    if (
        url != _AKUA_URL  # there are many ways to write another one
        or not isinstance(entries, dict)
        or not all(_is_entry(entry) for entry in entries.values())
        or who_else_can_write(Path(path))
        or who_else_can_read(Path(path))
    ):
        raise _Doubt
    return url in entries


def _is_entry(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and entry.get("place") in ("keyring", "file")
        and type(entry.get("set_at")) in (int, float)
        and isinstance(entry.get("value", ""), str)
        and entry.keys() <= {"place", "set_at", "value"}
    )


def default_config_file(environ: Mapping[str, str]) -> str:
    """`config.default_config_file()`, without importing what finds it, where that can be."""
    if (
        sys.platform == "linux"
        and "XDG_CONFIG_HOME" not in environ
        and environ.get("HOME", "").startswith("/")
    ):
        return os.path.join(environ["HOME"], ".config", "akash-mcp", "config.toml")
    import platformdirs

    return os.path.join(platformdirs.user_config_path("akash-mcp", appauthor=False), "config.toml")


def _toolsets(value: object, known: Collection[str]) -> tuple[str, ...]:
    parts: Iterable[object] = value.split(",") if isinstance(value, str) else ()
    if isinstance(value, list | tuple):
        parts = value
    elif not isinstance(value, str):
        raise _Doubt
    named = tuple(part.strip() if isinstance(part, str) else "" for part in parts)
    if not named or len({*named}) < len(named) or not {*named} <= {*known}:
        raise _Doubt
    return named


def _truth(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value.lower() not in (*_YES, *_NO):
        raise _Doubt
    return value.lower() in _YES
