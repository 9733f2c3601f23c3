"""Patterns of the shell (`*`, `?`, `[…]`), for `case`, `${name%pattern}` and names of files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from akash_mcp.sandbox.provider.shell.budget import Budget
from akash_mcp.sandbox.provider.shell.files import Files, resolve

Pattern = Sequence[tuple[str, bool]]
"""Characters, and whether each was quoted, so that it stands for itself."""

_MAGIC = "*?["
_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": " \\t",
    "digit": "0-9",
    "lower": "a-z",
    "space": "\\s",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}


def is_magic(pattern: Pattern) -> bool:
    """Whether anything in it stands for something else."""
    return any(char in _MAGIC and not quoted for char, quoted in pattern)


def beginning(pattern: Pattern, *, is_most: bool) -> re.Pattern[str]:
    """A regular expression for what fits the pattern at the beginning of a text: the most of it, or the least."""
    return _joined(_parts(pattern), is_most=is_most)


def reversed_end(pattern: Pattern, *, is_most: bool) -> re.Pattern[str]:
    """The same for the end of a text, to be looked for in the text read backwards."""
    return _joined(_parts(pattern)[::-1], is_most=is_most)


def matches(pattern: Pattern, text: str) -> bool:
    """Whether the whole text fits the pattern."""
    return beginning(pattern, is_most=True).fullmatch(text) is not None


def _parts(pattern: Pattern) -> list[str]:
    """A regular expression for each character that a text is to have, and "" for each `*`."""
    parts = []
    at = 0
    while at < len(pattern):
        char, quoted = pattern[at]
        at += 1
        if quoted or char not in _MAGIC:
            parts.append(re.escape(char))
        elif char == "*":
            parts.append("")
        elif char == "?":
            parts.append(".")
        else:
            bracket, at = _bracket(pattern, at)
            parts.append(bracket)
    return parts


def _joined(parts: Sequence[str], *, is_most: bool) -> re.Pattern[str]:
    """What lies between two `*` is taken where it first comes, for good (`(?>…)`): a later place could not do better,
    and to try them all would take for ever."""
    runs = [""]
    for part in parts:
        if part:
            runs[-1] += part
        else:
            runs.append("")
    first, *between = runs
    *before, last = between or [""]
    inner = "".join(f"(?>.*?{run})" for run in before if run)
    star = "" if not between else ".*" if is_most else ".*?"
    return re.compile(f"{first}{inner}{star}{last}", re.DOTALL)


def _bracket(pattern: Pattern, at: int) -> tuple[str, int]:
    """What follows a `[`, and where it ends. One that is never closed stands for itself."""
    start = at
    is_negated = at < len(pattern) and pattern[at] in (("!", False), ("^", False))
    at += is_negated
    members: list[str] = []
    is_first = True
    while at < len(pattern):
        char, quoted = pattern[at]
        if char == "]" and not quoted and not is_first:
            return f"[{'^' if is_negated else ''}{''.join(members)}]", at + 1
        is_first = False
        rest = "".join(each for each, _ in pattern[at : at + 12])
        if not quoted and (named := re.match(r"\[:(\w+):\]", rest)) and named[1] in _CLASSES:
            members.append(_CLASSES[named[1]])
            at += len(named[0])
        elif (
            at + 2 < len(pattern)
            and pattern[at + 1] == ("-", False)
            and pattern[at + 2] != ("]", False)
            and char <= pattern[at + 2][0]
        ):
            members.append(f"{re.escape(char)}-{re.escape(pattern[at + 2][0])}")
            at += 3
        else:
            members.append(re.escape(char))
            at += 1
    return r"\[", start


def paths(pattern: Pattern, files: Files, folder: str, budget: Budget) -> list[str]:
    """The names of files that fit, sorted, as they are written from `folder`. Raises `Exhausted`."""
    components: list[list[tuple[str, bool]]] = [[]]
    for each in pattern:
        if each[0] == "/":
            components.append([])
        else:
            components[-1].append(each)
    found = [""]
    for index, component in enumerate(components):
        text = "".join(char for char, _ in component)
        is_last = index == len(components) - 1
        separator = "" if is_last else "/"
        following = []
        for begun in found:
            budget.spend()
            here = resolve(folder, begun or ".")
            if not is_magic(component):
                whole = begun + text
                if not text or files.exists(resolve(folder, whole)):
                    following.append(whole + separator)
                continue
            if not files.is_folder(here):
                continue
            budget.work(sum(len(name) * len(component) for name in files.names(here)))
            names = [name for name in files.names(here) if not name.startswith(".") or text.startswith(".")]
            following += [
                begun + name + separator
                for name in names
                if matches(component, name) and (is_last or files.is_folder(posixpath.join(here, name)))
            ]
        found = following
    return sorted(path for path in found if path)
