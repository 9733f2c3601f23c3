"""From words to fields: parameters, substitutions and arithmetic, then splitting at `IFS`, then names of files.

The order and the rules are those of POSIX, Shell Command Language, section 2.6; where it leaves a choice, dash's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from akash_mcp.sandbox.provider.shell import arithmetic, patterns
from akash_mcp.sandbox.provider.shell.budget import MOST_TEXT, Budget, Exhausted
from akash_mcp.sandbox.provider.shell.control import ShellFailed
from akash_mcp.sandbox.provider.shell.files import Files
from akash_mcp.sandbox.provider.shell.patterns import Pattern
from akash_mcp.sandbox.provider.shell.streams import Waiting
from akash_mcp.sandbox.provider.shell.syntax import (
    Arithmetic,
    Parameter,
    Part,
    Script,
    Substitution,
    Text,
    Word,
)

_DEFAULT_IFS = " \t\n"
_LOOKS_A_FIELD = 100
"""What a field costs, as looks at characters."""


class ExpansionFailed(ShellFailed):
    """What is wrong with an expansion, in dash's words. It ends the shell."""


class Surroundings(Protocol):
    """What expansion needs of a shell."""

    variables: dict[str, str]
    parameters: Sequence[str]
    folder: str
    refuses_unset: bool
    budget: Budget

    @property
    def files(self) -> Files:
        """The container's files."""

    def special(self, name: str) -> str:
        """`$?`, `$$`, `$#`, `$!`, `$-`, `$0`."""

    def output_of(self, script: Script) -> Waiting[str]:
        """What a command substitution writes."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Part of a field. What is `quoted` is no pattern, what `splits` was expanded, what `breaks` ends the field."""

    text: str
    quoted: bool = False
    splits: bool = False
    breaks: bool = False


_BREAK = _Piece("", breaks=True)
_Field = list[_Piece]


def fields(words: Iterable[Word], shell: Surroundings) -> Waiting[list[str]]:
    """The fields of a command's words. Raises `ExpansionFailed`."""
    found: list[str] = []
    for word in words:
        pieces = yield from _pieces(_with_home(word, shell), shell)
        for each in _split(pieces, shell.variables.get("IFS", _DEFAULT_IFS)):
            pattern = _pattern(each)
            is_magic = patterns.is_magic(pattern)
            named = patterns.paths(pattern, shell.files, shell.folder, shell.budget) if is_magic else []
            found += named or [_text(each)]
    shell.budget.work(len(found) * _LOOKS_A_FIELD)
    return found


def text_of(word: Word, shell: Surroundings) -> Waiting[str]:
    """A word as one text, neither split nor taken for names of files: assignments, here-documents, targets."""
    pieces = yield from _pieces(_with_home(word, shell), shell)
    return _text([_Piece(" ") if piece.breaks else piece for piece in pieces])


def pattern_of(word: Word, shell: Surroundings) -> Waiting[Pattern]:
    """A word as a pattern."""
    return _pattern((yield from _pieces(word, shell)))


def split_line(line: str, ifs: str | None, most: int) -> list[str]:
    """A line as `read` splits it, into `most` fields at most: the last one holds the rest."""
    ifs = _DEFAULT_IFS if ifs is None else ifs
    blank = "".join(char for char in ifs if char in _DEFAULT_IFS)
    found: list[str] = []
    rest = line.lstrip(blank) if blank else line
    separator = re.compile(f"[{re.escape(blank)}]*[{re.escape(ifs)}][{re.escape(blank)}]*") if ifs else None
    while separator is not None and len(found) < most - 1 and (match := separator.search(rest)):
        found.append(rest[: match.start()])
        rest = rest[match.end() :]
    if rest or not found:
        found.append(rest.rstrip(blank) if blank else rest)
    return found


def _with_home(word: Word, shell: Surroundings) -> Word:
    """`~` and `~/…` at the beginning of a word."""
    if not word or not isinstance(word[0], Text) or word[0].quoted or not word[0].text.startswith("~"):
        return word
    first = word[0].text
    if first[1:2] not in ("", "/") or (len(word) > 1 and first == "~") or "HOME" not in shell.variables:
        return word
    return (Text(shell.variables["HOME"], quoted=True), Text(first[1:], quoted=False), *word[1:])


def _pieces(word: Word, shell: Surroundings) -> Waiting[list[_Piece]]:
    found: list[_Piece] = []
    length = 0
    for part in word:
        pieces = yield from _part(part, shell)
        length += sum(len(piece.text) for piece in pieces)
        if length > MOST_TEXT:
            raise Exhausted(f"a word of more than {MOST_TEXT:,} characters")
        found += pieces
    return found


def _part(part: Part, shell: Surroundings) -> Waiting[list[_Piece]]:
    match part:
        case Text(text, quoted):
            return [_Piece(text, quoted)]
        case Substitution(script, quoted):
            text = yield from shell.output_of(script)
            return [_Piece(text.rstrip("\n"), quoted, splits=not quoted)]
        case Arithmetic(expression, quoted):
            text = yield from text_of(expression, shell)
            try:
                value = arithmetic.evaluate(text, shell.variables)
            except arithmetic.ArithmeticFailed as failed:
                raise ExpansionFailed(f"arithmetic expression: {failed}") from failed
            return [_Piece(str(value), quoted, splits=not quoted)]
        case Parameter():
            return (yield from _parameter(part, shell))


def _parameter(part: Parameter, shell: Surroundings) -> Waiting[list[_Piece]]:
    name, operator, quoted = part.name, part.operator, part.quoted
    value = _value(name, shell)
    if operator == "length":
        return [_Piece(str(len(_known(name, value, shell))), quoted, splits=not quoted)]
    kind = operator.removeprefix(":")
    is_set = value is not None and (not operator.startswith(":") or value != "")
    match kind:
        case "+":
            return (yield from _alternative(part, shell)) if is_set else _nothing(quoted)
        case "-" if not is_set:
            return (yield from _alternative(part, shell))
        case "=" if not is_set:
            if not name[0].isalpha() and name[0] != "_":
                raise ExpansionFailed(f"{name}: bad variable name")
            value = shell.variables[name] = yield from text_of(part.word, shell)
        case "?" if not is_set:
            said = yield from text_of(part.word, shell)
            unset = "parameter not set or null" if operator == ":?" else "parameter not set"
            raise ExpansionFailed(f"{name}: {said or unset}")
        case "%" | "%%" | "#" | "##":
            pattern = yield from pattern_of(part.word, shell)
            value = _known(name, value, shell)
            shell.budget.work(len(pattern) * len(value))
            value = _trimmed(value, kind, pattern)
        case "":
            value = _known(name, value, shell)
    if name in ("@", "*") and not operator:
        return _all_parameters(name, quoted, shell)
    return [_Piece(value or "", quoted, splits=not quoted)]


def _alternative(part: Parameter, shell: Surroundings) -> Waiting[list[_Piece]]:
    """The word of an operator, in whose place it stands: what is not quoted in it is split."""
    pieces = yield from _pieces(part.word, shell)
    if part.quoted:
        return [piece if piece.breaks else _Piece(piece.text, quoted=True) for piece in pieces] or _nothing(
            part.quoted
        )
    return [piece if piece.quoted or piece.breaks else _Piece(piece.text, splits=True) for piece in pieces]


def _nothing(quoted: bool) -> list[_Piece]:
    return [_Piece("", quoted)]


def _all_parameters(name: str, quoted: bool, shell: Surroundings) -> list[_Piece]:
    """`$@` and `$*`: a field each, but `"$*"` is one field."""
    if name == "*" and quoted:
        return [_Piece(_joined(shell), quoted=True)]
    found: list[_Piece] = []
    for parameter in shell.parameters:
        if found:
            found.append(_BREAK)
        found.append(_Piece(parameter, quoted, splits=not quoted))
    return found


def _joined(shell: Surroundings) -> str:
    return shell.variables.get("IFS", _DEFAULT_IFS)[:1].join(shell.parameters)


def _value(name: str, shell: Surroundings) -> str | None:
    if name.isdigit() and name != "0":
        at = int(name) - 1
        return shell.parameters[at] if at < len(shell.parameters) else None
    if name in ("@", "*"):
        return _joined(shell) if shell.parameters else None
    if name[0].isalpha() or name[0] == "_":
        return shell.variables.get(name)
    return shell.special(name)


def _known(name: str, value: str | None, shell: Surroundings) -> str:
    if value is None and shell.refuses_unset and name not in ("@", "*"):
        raise ExpansionFailed(f"{name}: parameter not set")
    return value or ""


def _trimmed(value: str, operator: str, pattern: Pattern) -> str:
    """Without what fits the pattern at the beginning (`#`) or the end (`%`), the least or, doubled, the most of it."""
    is_most = len(operator) == 2
    if operator[0] == "#":
        match = patterns.beginning(pattern, is_most=is_most).match(value)
        return value[match.end() :] if match else value
    match = patterns.reversed_end(pattern, is_most=is_most).match(value[::-1])
    return value[: len(value) - match.end()] if match else value


def _split(pieces: Sequence[_Piece], ifs: str) -> list[_Field]:
    found: list[_Field] = []
    current: _Field | None = None
    after_blank = False  # a field ended with a blank, which belongs to a separator that may follow it
    for piece in pieces:
        if piece.breaks:
            if current is not None:
                found.append(current)
            current, after_blank = None, False
        elif not piece.splits:
            if piece.text or piece.quoted:
                current = [*(current or ()), piece]
                after_blank = False
        else:
            start = 0
            for at, char in enumerate(piece.text):
                if char not in ifs:
                    continue
                if at > start:
                    current = [*(current or ()), _Piece(piece.text[start:at])]
                    after_blank = False
                start = at + 1
                if current is not None:
                    found.append(current)
                    current, after_blank = None, char in _DEFAULT_IFS
                elif char not in _DEFAULT_IFS:
                    if not after_blank:
                        found.append([])
                    after_blank = False
            if start < len(piece.text):
                current = [*(current or ()), _Piece(piece.text[start:])]
                after_blank = False
    if current is not None:
        found.append(current)
    return found


def _pattern(pieces: Sequence[_Piece]) -> list[tuple[str, bool]]:
    return [(char, piece.quoted) for piece in pieces for char in piece.text]


def _text(pieces: Sequence[_Piece]) -> str:
    return "".join(piece.text for piece in pieces)
