"""`secret://NAME`: what stands in an SDL in place of a secret's value.

It is a whole value of a variable (`- PASSWORD=secret://DB`) or of a registry's credentials, and nothing else: a part of
a value could not be handed to a Console that takes secrets sealed by name (akash-skill `secrets.md`).
"""

from __future__ import annotations

import re

SCHEME = "secret://"
CONSOLE_SCHEME = "ac-secret://"
"""How the Console API of autumn 2026 writes the same."""
MOST = 100
"""Secrets of one deployment, by the same API."""
CREDENTIALS = ("username", "password")
"""The credentials of a registry that can be references, by the same API."""

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_ANYWHERE = re.compile(rf"(?<!ac-){SCHEME}({NAME.pattern})")


def referenced_name(value: str) -> str | None:
    """The name of the secret that a value is a reference to, or None."""
    name = value.removeprefix(SCHEME)
    return name if name != value and NAME.fullmatch(name) else None


def mentions(value: str) -> bool:
    """Whether a reference stands anywhere in a value, well written or not."""
    return SCHEME in value.replace(CONSOLE_SCHEME, "")


def names_mentioned(sdl: str) -> tuple[str, ...]:
    """The names of all references in an SDL's text, also in one that cannot be read, each once."""
    return tuple(dict.fromkeys(_ANYWHERE.findall(sdl)))
