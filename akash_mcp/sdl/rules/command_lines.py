"""How a container is started: which words are a program, which are a script for a shell, and how a line is split.

A container runtime starts `command` and then `args` as they stand, one item one word; without `command` the image's own
entrypoint gets `args`. No shell reads them unless it is the program that is named.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence

from akash_mcp.sdl.images.shells import shell_of

LOOKED_AT = 4_000
"""Characters of an item that are looked at."""
_MOST_WORDS = 12
_SCRIPT_OPTION = re.compile(r"-[A-Za-z]*c")
_SHELL_LINE = re.compile(r"(?:/\S*/)?(?:sh|ash|bash|dash|ksh|zsh)\s+-[A-Za-z]*c\s+\S")
_OPTION_WITH_VALUE = re.compile(r"--?[A-Za-z][\w-]+\s+\S")
_SCRIPT_AS_VALUE = re.compile(r"-[A-Za-z]*c\s+\S")
_SHOWN_OPTION = re.compile(r"-[A-Za-z]|--[A-Za-z][\w-]*|-jar|-[A-Za-z]*c")
_SHOWN_PROGRAM = re.compile(r"[\w./+-]{1,60}")
_NEEDS_SHELL = re.compile(r"&&|\|\||[;|<>`\n]|\$[({A-Za-z_]|(?:^|\s)&(?:\s|$)")


def shell_with_script(words: Sequence[str]) -> bool:
    """Whether a shell is the program, and gets a script to read (`sh -c …`)."""
    return bool(words) and shell_of(words[0]) is not None and any(map(_SCRIPT_OPTION.fullmatch, words[1:]))


def is_program_line(word: str) -> bool:
    """Whether what should be the name of a program is a whole command line."""
    return len(word.split(None, 2)) > 1


def is_shell_line(word: str) -> bool:
    """Whether one word is a shell with its script: `sh -c 'a && b'`."""
    return _SHELL_LINE.match(word) is not None


def is_option_with_value(word: str) -> bool:
    """Whether one word is an option and its value: `--model foo`. One with `=` before the space is one word rightly."""
    return _OPTION_WITH_VALUE.match(word[:LOOKED_AT]) is not None


def is_script_option_with_script(word: str) -> bool:
    """Whether one word is `-c` and a script."""
    return _SCRIPT_AS_VALUE.match(word) is not None


def split_line(line: str) -> str:
    """How a command line is written as items: `["sh", "-c", "…"]`.

    Only its program and the names of its options are shown, since people keep secrets among the others.
    """
    text = line[:LOOKED_AT].strip()
    if not is_shell_line(text) and _NEEDS_SHELL.search(text) and not text.startswith("-"):
        return '["sh", "-c", "…"], with the whole line in the place of "…"'
    words = _words(text)
    shown = [_shown(word, first=index == 0) for index, word in enumerate(words[:_MOST_WORDS])]
    return json.dumps(shown + ["…"] * (len(words) > _MOST_WORDS), ensure_ascii=False)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()  # a quote is not closed


def _shown(word: str, *, first: bool) -> str:
    if first and _SHOWN_PROGRAM.fullmatch(word):
        return word
    return word if _SHOWN_OPTION.fullmatch(word) else "…"
