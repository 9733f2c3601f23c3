"""`test` and `[`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from akash_mcp.sandbox.provider.shell.process import Process


class _Wrong(Exception):
    """What is wrong with an expression."""


_COMPARED: Mapping[str, Callable[[int, int], bool]] = {
    "-eq": lambda left, right: left == right,
    "-ne": lambda left, right: left != right,
    "-lt": lambda left, right: left < right,
    "-le": lambda left, right: left <= right,
    "-gt": lambda left, right: left > right,
    "-ge": lambda left, right: left >= right,
}
_STRINGS: Mapping[str, Callable[[str, str], bool]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
}
_BINARY = {*_COMPARED, *_STRINGS}
_UNARY = frozenset(f"-{letter}" for letter in "efdrwxsnzhLpSbctOG")


def test(process: Process) -> int:
    """0 where the expression holds, 1 where it does not, 2 where it is none."""
    words = list(process.arguments)
    if process.name == "[" and (not words or words.pop() != "]"):
        return process.fail("missing ]", 2)
    try:
        return 0 if _holds(words, process) else 1
    except _Wrong as wrong:
        return process.fail(str(wrong), 2)


def _holds(words: list[str], process: Process) -> bool:
    """By the number of words, as POSIX has it; beyond four by precedence."""
    match words:
        case []:
            return False
        case [word]:
            return word != ""
        case ["!", word]:
            return word == ""
        case [operator, word] if operator in _UNARY:
            return _unary(operator, word, process)
        case [left, operator, right] if operator in _BINARY:
            return _binary(left, operator, right)
        case [left, "-a", right]:
            return left != "" and right != ""
        case [left, "-o", right]:
            return left != "" or right != ""
        case ["(", word, ")"]:
            return word != ""
        case ["!", *inner] if len(words) <= 4:
            return not _holds(inner, process)
        case ["(", *inner, ")"] if len(words) == 4:
            return _holds(inner, process)
    rest = list(words)
    value = _either(rest, process)
    if rest:
        raise _Wrong(f"{rest[0]}: unexpected operator")
    return value


def _either(words: list[str], process: Process) -> bool:
    value = _both(words, process)
    while words and words[0] == "-o":
        del words[0]
        value = _both(words, process) or value
    return value


def _both(words: list[str], process: Process) -> bool:
    value = _not(words, process)
    while words and words[0] == "-a":
        del words[0]
        value = _not(words, process) and value
    return value


def _not(words: list[str], process: Process) -> bool:
    is_negated = False
    while words and words[0] == "!":
        del words[0]
        is_negated = not is_negated
    if not words:
        raise _Wrong("argument expected")
    if words[0] == "(":
        del words[0]
        value = _either(words, process)
        if words[:1] != [")"]:
            raise _Wrong("closing paren expected")
        del words[0]
    elif len(words) >= 3 and words[1] in _BINARY:
        value = _binary(words[0], words[1], words[2])
        del words[:3]
    elif words[0] in _UNARY and len(words) >= 2:
        value = _unary(words[0], words[1], process)
        del words[:2]
    else:
        value = words.pop(0) != ""
    return value != is_negated


def _unary(operator: str, word: str, process: Process) -> bool:
    files, path = process.files, process.path(word)
    match operator:
        case "-n":
            return word != ""
        case "-z":
            return word == ""
        case "-f":
            return word != "" and files.is_file(path) and path != "/dev/null"
        case "-d":
            return word != "" and files.is_folder(path)
        case "-e" | "-r" | "-w" | "-O" | "-G":
            return word != "" and files.exists(path)
        case "-x":  # there are no modes: folders can be entered, and files are not programs
            return word != "" and files.is_folder(path)
        case "-s":
            return word != "" and (files.is_folder(path) or (files.is_file(path) and files.read(path) != ""))
        case "-c":
            return path == "/dev/null"
    return False  # no links, pipes, sockets, block devices or terminals


def _binary(left: str, operator: str, right: str) -> bool:
    if operator in _STRINGS:
        return _STRINGS[operator](left, right)
    return _COMPARED[operator](_number(left), _number(right))


def _number(text: str) -> int:
    if not re.fullmatch(r"\s*[-+]?[0-9]{1,18}\s*", text):
        raise _Wrong(f"Illegal number: {text}")
    return int(text)
