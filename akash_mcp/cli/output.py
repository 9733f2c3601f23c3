"""What the commands on SDL files share: NAME=VALUE words, the files they read and write, and lines for a person."""

from __future__ import annotations

import codecs
import os
import shutil
import sys
from collections.abc import Iterable
from io import TextIOWrapper
from pathlib import Path
from textwrap import fill
from typing import TextIO

from akash_mcp.errors import AkashError, BadArgument

MOST_BYTES = 16 * 2**20
"""Bytes of a file that are read: many times what an SDL, a compose file or a list of offers has."""
_IN_ASCII = {
    "\u2192": "->",
    "\u2026": "...",
    "\u2713": "ok",
    "\u2717": "x",
    "\u201c": '"',
    "\u201d": '"',
    "\u2588": "#",
}
"""What we write beyond ASCII, for an output that has no such character."""


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
    """The text of a file, `-` for standard input, in the encoding that it is in (`sdl.yaml.arrival`).

    Raises `AkashError` where it cannot be read, or is larger than what anybody writes by hand.
    """
    from akash_mcp.sdl.yaml.arrival import (
        Undecodable,
        decoded,
    )  # the SDL's rooms, which `--help` does not wait for

    name = "standard input" if str(file) == "-" else str(file)
    if "\n" in name:
        raise BadArgument(
            "That is the text of a file, and a file's name was expected.",
            next_step="Write the name, or - and send the text to standard input.",
            money="",
        )
    try:
        if str(file) == "-":
            data = sys.stdin.buffer.read(MOST_BYTES + 1)
        else:
            with file.open("rb") as opened:
                data = opened.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise AkashError(f"{name} is larger than {MOST_BYTES // 2**20} MiB, and is not read.", money="")
        return decoded(data)
    except OSError as error:
        raise AkashError(f"{name} cannot be read: {why(error)}.", money="") from error
    except Undecodable as error:
        if b"\0" in data and not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise AkashError(
                f"{name} cannot be read: it is a binary file, and text was expected.", money=""
            ) from error
        raise AkashError(f"{name} cannot be read: {error}.", next_step=error.fix, money="") from error


def save(sdl: str, output: Path | None, *, overwrites: bool = False) -> None:
    """Write an SDL to a file, or to standard output (None, `-`); as UTF-8, which is what others read a file as.

    Raises `AkashError` where it cannot be written, and, unless it `overwrites`, for a file that is there.
    """
    if output is None or str(output) == "-":
        if sys.stdout.isatty() or not isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.write(sdl)
        else:
            sys.stdout.flush()
            sys.stdout.buffer.write(sdl.encode())
        return
    # A pipe or a device is there before it is written to, and loses nothing.
    is_new = not overwrites and (output.is_file() or not output.exists())
    try:
        with output.open("xb" if is_new else "wb") as opened:
            opened.write(sdl.encode())
    except FileExistsError as error:
        raise AkashError(
            f"{printable(str(output))} is there already, and was left as it is.",
            next_step="Write --force to overwrite it, or another name.",
            money="",
        ) from error
    except OSError as error:
        raise AkashError(f"{printable(str(output))} cannot be written: {why(error)}.", money="") from error


def why(error: OSError) -> str:
    """What the system says of a file or a port, as the part of a sentence; with what it leaves to be guessed."""
    if isinstance(error, FileNotFoundError):
        return "there is no such file or folder"
    if isinstance(error, IsADirectoryError):
        return "it is a folder, and a file was expected"
    if isinstance(error, PermissionError):
        return "you have no permission to"
    text = error.strerror or type(error).__name__
    return f"{text[:1].lower()}{text[1:]}"


def open_what_is_closed() -> None:
    """Have a standard output and error that lead nowhere, where whoever started us closed them (`>&-`, pythonw)."""
    if sys.stdout is None:
        sys.stdout = _nowhere()
    if sys.stderr is None:
        sys.stderr = _nowhere()


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")


def take_any_encoding() -> None:
    """Let standard output and error write what their encoding lacks in characters that it has.

    A Windows console and what is redirected there have cp1252 or less, and would end the command with an error.
    """
    codecs.register_error("akash-mcp", _in_ascii)
    for stream in (sys.stdout, sys.stderr):
        # Under a test or a host it may be anything, and UTF-8 lacks nothing.
        if isinstance(stream, TextIOWrapper) and codecs.lookup(stream.encoding).name != "utf-8":
            stream.reconfigure(errors="akash-mcp")


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_IN_ASCII.get(char, "?") for char in lacking), error.end


def is_terminal() -> bool:
    """Whether a person can read what is written and type an answer: no pipe and no file on either side."""
    # Where standard input is closed there is none at all.
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def say(line: str) -> None:
    """Write a line to standard error, without what could steer a terminal: it may repeat text from a file."""
    sys.stderr.write(f"{wrapped(printable(line), sys.stderr)}\n")


def wrapped(text: str, out: TextIO, indent: str = "  ") -> str:
    """Lines as they are; on a terminal broken between words, the rest of each under `indent`."""
    if not out.isatty():
        return text
    width = shutil.get_terminal_size().columns
    return "\n".join(
        fill(line, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)
        for line in text.split("\n")
    )


def printable(text: str) -> str:
    """Text from a file without what could steer a terminal, as many characters as it had."""
    return "".join(
        char if char.isprintable() else " " if char in "\t\u2028\u2029\x85" else "\ufffd" for char in text
    )
