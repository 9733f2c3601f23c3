"""What a script is made of, as the Shell Command Language of POSIX has it (section 2.9 and 2.10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Text:
    """Characters that stand for themselves. `quoted`: nothing in them is a pattern, and they are a field when empty."""

    text: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Parameter:
    """`$name`, `${name}`, or `${name` with an operator and a word. The operator `length` is that of `${#name}`."""

    name: str
    operator: str
    word: Word
    quoted: bool


@dataclass(frozen=True, slots=True)
class Substitution:
    """`$(…)` or `` `…` ``."""

    script: Script
    quoted: bool


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`$((…))`, whose expression is expanded before it is reckoned."""

    expression: Word
    quoted: bool


Part: TypeAlias = Text | Parameter | Substitution | Arithmetic
Word: TypeAlias = tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Redirection:
    """`2>FILE` and the like. The target of `<<` is the text of the here-document itself."""

    descriptor: int
    operator: str
    target: Word


@dataclass(frozen=True, slots=True)
class Simple:
    """Assignments, words and redirections, any of which may be missing."""

    assignments: tuple[tuple[str, Word], ...]
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """`{ …; }`, or with `is_subshell` `( … )`."""

    body: Script
    is_subshell: bool


@dataclass(frozen=True, slots=True)
class If:
    """`if`, `elif`, … as (condition, body), and what `else` holds."""

    branches: tuple[tuple[Script, Script], ...]
    otherwise: Script


@dataclass(frozen=True, slots=True)
class Loop:
    """`while`, or `until` where it goes on `until_true`."""

    condition: Script
    body: Script
    until_true: bool


@dataclass(frozen=True, slots=True)
class For:
    """`for name in words`; without `in` the words are `"$@"`."""

    name: str
    words: tuple[Word, ...]
    body: Script


@dataclass(frozen=True, slots=True)
class Case:
    """`case word in`, its items as (patterns, body)."""

    word: Word
    items: tuple[tuple[tuple[Word, ...], Script], ...]


@dataclass(frozen=True, slots=True)
class Function:
    """`name() command`."""

    name: str
    body: Command


@dataclass(frozen=True, slots=True)
class Command:
    """One command with its redirections."""

    what: Simple | Group | If | Loop | For | Case | Function
    redirections: tuple[Redirection, ...] = ()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands joined by `|`, with `!` before them where `negated`."""

    commands: tuple[Command, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class AndOr:
    """Pipelines joined by `&&` and `||`. `text` is how it stands in the script from its `line` on, counted from 1;
    `in_background` that `&` follows.
    """

    first: Pipeline
    rest: tuple[tuple[str, Pipeline], ...]
    in_background: bool
    text: str
    line: int


Script: TypeAlias = tuple[AndOr, ...]
