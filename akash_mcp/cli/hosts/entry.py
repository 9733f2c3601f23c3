"""How our entry looks in a host's file: what the host calls the command, and what stands beside it.

What a person has changed in the entry since stays; the command is ours, since an update may have moved it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from akash_mcp.cli.hosts.formats import Tree, Value
from akash_mcp.guard.login_keys import AKUA, CONSOLE
from akash_mcp.sanitize import secrets
from akash_mcp.setting_types import PLACEHOLDER

SERVER = "akash"
"""The server's name in the host. It is short, since some hosts cut `server + tool` at 60 characters."""

KEY = "AKASH_API_KEY"
SERVE = "serve"
SANDBOX = "--sandbox"
TOOLSETS_FLAG = "--toolsets"

_AKUA_TOKENS = ("AKUA_API_TOKEN", "AKASH_MCP_AKUA_TOKEN")
_SECRETS = (KEY, "AKASH_MCP_API_KEY", "AKASH_MCP_TOKEN", "AKASH_MCP_NOTIFY_URL", *_AKUA_TOKENS)
"""Variables whose value is nobody's business."""


class Launch(NamedTuple):
    """How the server is started: the lasting command, and the words of `serve` behind it."""

    command: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def is_sandbox(self) -> bool:
        """Whether it serves play money, and needs no key."""
        return SANDBOX in self.words

    @property
    def toolsets(self) -> tuple[str, ...]:
        """The toolsets that its words name; empty where they name none."""
        named = ""
        for word, following in pairwise((*self.words, "")):
            flag, has_value, value = word.partition("=")
            if flag == TOOLSETS_FLAG:
                named = value if has_value else following
        return tuple(filter(None, map(str.strip, named.split(","))))

    @property
    def argv(self) -> tuple[str, ...]:
        """Program and arguments."""
        return (*self.command, SERVE, *self.words)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a host calls the parts of an entry."""

    command: str = "command"
    args: str | None = "args"
    """None where the command is a list with its arguments."""
    type: str | None = None
    """What the host calls a server that it starts and talks to over stdio, where it wants to be told."""
    beside: Mapping[str, Value] = field(default_factory=dict)
    """What stands in it besides."""
    key: Mapping[str, Value] = field(default_factory=dict)
    """What names the key's variable in the host's own syntax; nothing where it needs none or reads none."""

    def entry(self, launch: Launch) -> Tree:
        """A new entry."""
        key = {} if launch.is_sandbox else self.key
        return {**self._type, **self._program(launch.argv), **key, **self.beside}

    def updated(self, entry: Mapping[str, Value], launch: Launch) -> Tree:
        """The entry with this command; all else that stands there stays.

        What names the key comes and goes with `--sandbox`, and is not added anew where a person took it out.
        """
        was_sandbox = SANDBOX in self.argv(entry)
        left = dict(entry)
        for name, value in self.key.items():
            if launch.is_sandbox and left.get(name) == value:
                del left[name]
            elif was_sandbox and not launch.is_sandbox:
                left.setdefault(name, value)
        return {**self._type, **self.beside, **left, **self._program(launch.argv)}

    def argv(self, entry: Mapping[str, Value]) -> tuple[str, ...]:
        """The program and arguments of an entry."""
        command = entry.get(self.command)
        words: Value = [command] if isinstance(command, str) else command
        if self.args is not None:
            words = [*_words(words), *_words(entry.get(self.args))]
        return _words(words)

    @property
    def _type(self) -> Tree:
        return {} if self.type is None else {"type": self.type}

    def _program(self, argv: Sequence[str]) -> Tree:
        if self.args is None:
            return {self.command: list(argv)}
        return {self.command: argv[0], self.args: list(argv[1:])}


def words_of(argv: Sequence[str]) -> tuple[str, ...]:
    """What `serve` was told in an entry of ours: what stands behind the program, whichever way that is started."""
    names = [index for index, word in enumerate(argv) if re.split(r"[/\\]", word)[-1] in _OURS]
    words = (
        tuple(argv[names[-1] + 1 :]) if names else tuple(argv[argv.index(SERVE) :]) if SERVE in argv else ()
    )
    return words[1:] if words[:1] == (SERVE,) else words


_OURS = ("akash-mcp", "akash-mcp.exe", "akash_mcp")


def without_secrets(words: Sequence[str]) -> list[str]:
    """The words as they may be shown: what was installed under our name may be another program, with a key of its own
    behind a flag."""
    shown = []
    for before, word in zip(("", *words), words, strict=False):
        beside = f"{before} "
        masked = secrets.mask(beside + word)[0]
        shown.append(masked.removeprefix(beside) if masked.startswith(beside) else secrets.mask(word)[0])
    return shown


def plain_secrets(entry: Value) -> list[str]:
    """The variables in an entry whose values are secrets written out. The values are not looked at further."""
    return sorted({name for name, value in _texts(entry) if name in _SECRETS and not _is_placeholder(value)})


def login_for(variables: Sequence[str]) -> str:
    """The command, or both, that stores what these variables hold."""
    services = (AKUA if name in _AKUA_TOKENS else CONSOLE for name in variables)
    return " and ".join(dict.fromkeys(service.login for service in services))


def literal_variables(entry: Value) -> list[str]:
    """The variables in an entry that have a value written out, secret or not."""
    environment = entry.get("env") if isinstance(entry, Mapping) else None
    return sorted(name for name, value in _texts(environment) if not _is_placeholder(value))


def _is_placeholder(value: str) -> bool:
    return not value.strip() or PLACEHOLDER.fullmatch(value.strip()) is not None


def _texts(value: Value) -> Iterator[tuple[str, str]]:
    """Every text in a value with the name that it has."""
    if not isinstance(value, Mapping):
        return
    for name, inner in value.items():
        if isinstance(inner, str):
            yield name, inner
        else:
            yield from _texts(inner)


def _words(value: Value) -> tuple[str, ...]:
    return tuple(str(word) for word in value) if isinstance(value, list | tuple) else ()
