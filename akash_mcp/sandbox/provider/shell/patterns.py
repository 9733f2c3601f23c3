"""Patterns of the shell (`*`, `?`, `[…]`), for `case`, `${name%pattern}` and names of files."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

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


def expression(pattern: Pattern, *, lazy: bool = False) -> str:
    """The pattern as a regular expression, for `re.DOTALL`. `lazy`: each `*` takes as little as it can."""
    out = []
    at = 0
    while at < len(pattern):
        char, quoted = pattern[at]
        at += 1
        if quoted or char not in _MAGIC:
            out.append(re.escape(char))
        elif char == "*":
            if not out or out[-1] not in (".*", ".*?"):
                out.append(".*?" if lazy else ".*")
        elif char == "?":
            out.append(".")
        else:
            bracket, at = _bracket(pattern, at)
            out.append(bracket)
    return "".join(out)


def matches(pattern: Pattern, text: str) -> bool:
    """Whether the whole text fits the pattern."""
    return re.fullmatch(expression(pattern), text, re.DOTALL) is not None


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


def paths(pattern: Pattern, files: Files, folder: str) -> list[str]:
    """The names of files that fit, sorted, as they are written from `folder`."""
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
            here = resolve(folder, begun or ".")
            if not is_magic(component):
                whole = begun + text
                if not text or files.exists(resolve(folder, whole)):
                    following.append(whole + separator)
                continue
            if not files.is_folder(here):
                continue
            names = [name for name in files.names(here) if not name.startswith(".") or text.startswith(".")]
            following += [
                begun + name + separator
                for name in names
                if matches(component, name) and (is_last or files.is_folder(posixpath.join(here, name)))
            ]
        found = following
    return sorted(path for path in found if path)
