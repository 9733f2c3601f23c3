"""What the commands that make an SDL share: NAME=VALUE words, the file they write, and lines for a person."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from akash_mcp.errors import AkashError, BadArgument


def pairs(flag: str, words: Iterable[str]) -> dict[str, str]:
    """NAME=VALUE words as a map. Raises `BadArgument`."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not name or not equals:
            raise BadArgument(f"{flag} must be NAME=VALUE.", next_step="")
        found[name] = value
    return found


def save(sdl: str, output: Path | None) -> None:
    """Write an SDL to a file, or to standard output."""
    if output is None:
        sys.stdout.write(sdl)
        return
    try:
        output.write_text(sdl, encoding="utf-8")
    except OSError as error:
        raise AkashError(f"{output} cannot be written: {error.strerror}.", money="") from error


def say(line: str) -> None:
    """A line on standard error, without what could steer a terminal: it may repeat text from a file."""
    shown = "".join(char if char.isprintable() else "\ufffd" for char in line)
    sys.stderr.write(f"{shown}\n")
