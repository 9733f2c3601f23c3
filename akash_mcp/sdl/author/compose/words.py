"""A command that is one text, split into words as Compose splits it.

That is no shell's way, nor Python's `shlex`: outside single quotes a backslash makes any next character plain, and
`\\n` and `\\t` a newline and a tab; `$(…)` and backquotes keep their spaces, and nothing runs them; and the first `;`,
`&`, `|`, `<` or `>` ends the command, so that what follows never runs. Source: `Parse` of mattn/go-shellwords 1.0.13,
which compose-spec/compose-go calls. Compose 2 has 1.0.12, where `\\n` is an n: nobody writes it for that.
"""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

_SPACES = " \t\r\n"
_ENDS = ";&|<>"
_ESCAPES = {"n": "\n", "t": "\t"}
_SHELL = re.compile(r"(?:.*/)?(?:ba|da|a|k|z)?sh")
_SCRIPT_FLAG = re.compile(r"-[a-z]*c")
_LONGEST_SCRIPT = 64 * 1024
"""Characters of a script that is looked at."""
_NEEDS_A_SHELL = ("<<", "$'", "\\")
"""What decides about quotes in a way that only a shell knows."""


class Words(NamedTuple):
    """The words, and what stands behind an unquoted `;`, `&`, `|`, `<` or `>`, with it: Compose does not run that."""

    words: list[str]
    dropped: str


def split(text: str) -> Words:
    """The words of a command. Raises `ValueError`, saying why, for one that Compose refuses too."""
    words: list[str] = []
    word, begun, escaped, backquoted = "", False, False, False
    quote = ""  # ' or " or, inside $(…), (
    for i, char in enumerate(text):
        if escaped:
            escaped, begun = False, True
            word += _ESCAPES.get(char, char)
        elif char == "\\" and quote != "'":
            escaped = True
        elif quote == char == "(":
            raise ValueError("it has a ( inside $(")
        elif quote:
            closes = char == (")" if quote == "(" else quote)
            if not closes or quote == "(":
                word += char
            begun = True
            quote = "" if closes else quote
        elif char in "'\"":
            quote, begun = char, True
        elif char == "`" or backquoted:
            backquoted ^= char == "`"
            word, begun = word + char, True
        elif char in _SPACES:
            if begun:
                words.append(word)
            word, begun = "", False
        elif char in "()":
            if char == ")" or not word.endswith("$"):
                raise ValueError(f"it has a {char} that is not in quotes")
            quote, word = char, word + char
        elif char in _ENDS:
            if begun and not (char == ">" and "0" <= word[:1] <= "9"):  # 2>file, and 9lives>file too
                words.append(word)
            return Words(words, text[i:])
        else:
            word, begun = word + char, True
    if quote or backquoted:
        opened = {"(": "$(", "": "`"}.get(quote, quote)
        raise ValueError(f"its {opened} is never closed")
    if escaped:
        raise ValueError("it ends with a single backslash")
    return Words([*words, word] if begun else words, "")


def has_open_quote(words: list[str]) -> bool:
    """Whether a shell is given a script with a quote that is never closed, as far as that can be told without it."""
    for shell, flag, script in zip(words, words[1:], words[2:], strict=False):
        if _SHELL.fullmatch(shell) and _SCRIPT_FLAG.fullmatch(flag) and _is_plain(script):
            try:
                shlex.split(script, comments=True)
            except ValueError:
                return True
    return False


def _is_plain(script: str) -> bool:
    return len(script) <= _LONGEST_SCRIPT and not any(mark in script for mark in _NEEDS_A_SHELL)
