"""A command as a person can judge it: one line, exact, in which nothing is hidden and nothing can be.

Each word is written as a shell would take it. A word that holds anything that does not show as what it is becomes
`$'…'` with escapes: controls and line ends, invisible characters, odd spaces, marks that sit on other characters,
and letters that turn the direction of the line, which would show words in another order than they are run in.
"""

from __future__ import annotations

import shlex
import unicodedata
from collections.abc import Sequence

from akash_mcp.sanitize.unicode import visible

_RIGHT_TO_LEFT = ("R", "AL", "AN")


def command_line(argv: Sequence[str]) -> str:
    """The words of a command on one line. Different commands never look the same."""
    return " ".join(_word(word) for word in argv)


def _word(word: str) -> str:
    if all(_is_plain(character) for character in word):
        return shlex.quote(word)
    return "$'" + "".join(_escaped(character) for character in word) + "'"


def _is_plain(character: str) -> bool:
    return (
        character.isprintable()
        and visible(character) == character
        and not unicodedata.category(character).startswith("M")
        and unicodedata.bidirectional(character) not in _RIGHT_TO_LEFT
    )


def _escaped(character: str) -> str:
    if character in "'\\":
        return f"\\{character}"
    if _is_plain(character):
        return character
    point = ord(character)
    return {10: "\\n", 9: "\\t", 13: "\\r"}.get(point) or (
        f"\\x{point:02x}" if point < 0x80 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
    )
