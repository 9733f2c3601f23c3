"""What the commands on SDL files share: NAME=VALUE words, the files they read and write, and lines for a person."""

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


def read(file: Path) -> str:
    """The text of a file, `-` for standard input. Raises `AkashError` where it cannot be read or is not UTF-8."""
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise AkashError(f"{file} cannot be read: {reason}.", money="") from error


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
    """Write a line to standard error, without what could steer a terminal: it may repeat text from a file."""
    sys.stderr.write(f"{printable(line)}\n")


def printable(text: str) -> str:
    """Text from a file without what could steer a terminal, as many characters as it had."""
    return "".join(
        char if char.isprintable() else " " if char in "\t\u2028\u2029\x85" else "\ufffd" for char in text
    )
