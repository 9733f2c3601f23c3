"""`printf`, and the escapes that it and dash's `echo` know."""

from __future__ import annotations

import re
from collections.abc import Sequence

from akash_mcp.sandbox.provider.shell.budget import MOST_TEXT, Exhausted

_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_ESCAPE = re.compile(r"\\(?:(0?[0-7]{1,3})|x([0-9a-fA-F]{1,2})|(.))", re.DOTALL)
_CONVERSION = re.compile(r"%([-+ 0#]*)(\*|[0-9]+)?(?:\.(\*|[0-9]*))?(.?)", re.DOTALL)


_LONGEST_NUMBER = 4
"""Digits of a width or precision."""


class BadFormat(Exception):
    """A format that cannot be used."""


def unescaped(text: str, *, zero_first: bool = False) -> tuple[str, bool]:
    """The text with its escapes made, and whether `\\c` ended it. `zero_first`: octal numbers begin with 0."""
    ended = text.find("\\c")
    while ended > 0 and (len(text[:ended]) - len(text[:ended].rstrip("\\"))) % 2:
        ended = text.find("\\c", ended + 1)

    def made(match: re.Match[str]) -> str:
        octal, hexadecimal, letter = match.groups()
        if octal is not None:
            if zero_first and octal[0] != "0":
                return match[0]
            return chr(int(octal, 8) & 255)
        if hexadecimal is not None:
            return match[0]  # dash knows none of these
        return _ESCAPES.get(letter, match[0])

    return _ESCAPE.sub(made, text if ended < 0 else text[:ended]), ended >= 0


def formatted(template: str, arguments: Sequence[str]) -> tuple[str, list[str]]:
    """What `printf` writes, and what is wrong with its arguments. Raises `BadFormat` and `Exhausted`."""
    out: list[str] = []
    problems: list[str] = []
    rest = list(arguments)
    length = 0
    while True:
        before = len(rest)
        written = len(out)
        ended = _once(template, rest, out, problems)
        length += sum(map(len, out[written:]))
        if length > MOST_TEXT:
            raise Exhausted(f"more than {MOST_TEXT:,} characters to print at once")
        if ended or not rest or len(rest) == before:
            return "".join(out), problems


def _once(template: str, rest: list[str], out: list[str], problems: list[str]) -> bool:
    at = 0
    for match in _CONVERSION.finditer(template):
        text, ended = unescaped(template[at : match.start()])
        out.append(text)
        if ended:
            return True
        at = match.end()
        flags, width, precision, letter = match.groups()
        if letter == "%" and match[0] == "%%":
            out.append("%")
            continue
        if width == "*":
            width = str(_number(rest.pop(0) if rest else "", problems))
        if precision == "*":
            precision = str(_number(rest.pop(0) if rest else "", problems))
        if any(len(number or "") > _LONGEST_NUMBER for number in (width, precision)):
            raise BadFormat(f"{match[0]}: too wide")
        if not letter or letter not in "sbcdiouxXfeEgG":
            raise BadFormat(f"%{letter}: invalid directive")
        argument = rest.pop(0) if rest else ""
        spec = f"%{flags}{width or ''}{'' if precision is None else f'.{precision}'}"
        if letter == "b":
            text, ended = unescaped(argument, zero_first=True)
            out.append((spec + "s") % text)
            if ended:
                return True
        elif letter == "s":
            out.append((spec + "s") % argument)
        elif letter == "c":
            out.append((spec + "s") % argument[:1])
        elif letter in "feEgG":
            try:
                out.append((spec + letter) % float(argument or 0))
            except ValueError:
                problems.append(f"{argument}: expected numeric value")
                out.append((spec + letter) % 0.0)
        else:
            out.append((spec + letter.replace("u", "d")) % _number(argument, problems))
    text, ended = unescaped(template[at:])
    out.append(text)
    return ended


def _number(text: str, problems: list[str]) -> int:
    if text[:1] in ("'", '"') and len(text) > 1:
        return ord(text[1])
    match = re.match(r"\s*([-+]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)", text)
    if match is None:
        if text:
            problems.append(f"{text}: expected numeric value")
        return 0
    if match.end() != len(text):
        problems.append(f"{text}: not completely converted")
    digits = match[2]
    base = 16 if digits[:2] in ("0x", "0X") else 8 if digits[0] == "0" else 10
    return int(digits, base) * (-1 if match[1] == "-" else 1)
