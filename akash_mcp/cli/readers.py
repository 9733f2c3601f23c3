"""What the value of a flag is read as: each reader refuses what is not it, and says what is right.

A value that stands for a setting is handed on as it was written: `config` judges it again, with everything else.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from akash_mcp.cli.command_parser import did_you_mean, not_one_of

GENERATIONS = ("2025", "reference", "2026-11")
_MOST_SPEED = 10_000


def whole(least: int, most: int, what: str = "a whole number") -> Callable[[str], int]:
    """Reads a whole number from `least` to `most`."""

    def read(text: str) -> int:
        digits = text.strip()
        if digits.isascii() and digits.isdigit() and len(digits) < 20 and least <= int(digits) <= most:
            return int(digits)
        raise argparse.ArgumentTypeError(f"{_shown(text)} is not {what} from {least} to {most}")

    return read


def dollars(text: str) -> str:
    """An amount of US dollars, as it was written."""
    from decimal import Decimal, InvalidOperation  # for the commands that take money only

    try:
        amount = Decimal(text.strip()) if text.isascii() else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0 or "_" in text:
        raise argparse.ArgumentTypeError(
            f"{_shown(text)} is not an amount of US dollars, such as 10 or 2.50, without a sign"
        )
    return text.strip()


def speed(text: str) -> float:
    """How many times faster time runs."""
    try:
        value = float(text) if text.isascii() else 0.0
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= _MOST_SPEED:
        raise argparse.ArgumentTypeError(
            f"{_shown(text)} is not a number of times from 0.01 to {_MOST_SPEED}"
        )
    return value


def some_of(known: Sequence[str]) -> Callable[[str], str]:
    """Reads words with commas between them, each one of `known`."""

    def read(text: str) -> str:
        for word in filter(None, (part.strip() for part in text.split(","))):
            if word not in known:
                raise argparse.ArgumentTypeError(not_one_of(word, known))
        return text

    return read


def rules_of(tools: Sequence[str], ways: Sequence[str]) -> Callable[[str], str]:
    """Reads TOOL=HOW with commas between them."""

    def read(text: str) -> str:
        for rule in filter(None, (part.strip() for part in text.split(","))):
            tool, equals, way = (part.strip() for part in rule.partition("="))
            if not equals:
                raise argparse.ArgumentTypeError(
                    f"{_shown(rule)} is not TOOL=HOW, such as {tools[0]}={ways[0]}"
                )
            for word, known in ((tool, tools), (way, ways)):
                if word not in known:
                    raise argparse.ArgumentTypeError(not_one_of(word, known))
        return text

    return read


def folder(text: str) -> str:
    """An absolute path: a host application chooses the working folder, and two of them would be two budgets."""
    if not Path(text).expanduser().is_absolute():
        raise argparse.ArgumentTypeError(
            f"{_shown(text)} is not an absolute path, such as {Path(text).expanduser().absolute()}"
        )
    return text


def fault(text: str) -> str:
    """Something that goes wrong on an embedded network: a name of its catalogue, with a count and a value."""
    from akash_mcp.sandbox.faults import CATALOGUE  # for this flag only

    return _fault_among(text, CATALOGUE)


def fault_of_either(text: str) -> str:
    """A fault of an embedded network, or one of an embedded Akua."""
    from akash_mcp.sandbox.akua import AKUA  # for this flag only
    from akash_mcp.sandbox.faults import CATALOGUE

    return _fault_among(text, (*CATALOGUE, *AKUA.texts))


def fault_name(text: str) -> str:
    """The name in a fault as it is written: NAME[*COUNT][=VALUE]."""
    return text.partition("=")[0].partition("*")[0]


def _fault_among(text: str, known: Collection[str]) -> str:
    name = fault_name(text)
    if name not in known:
        raise argparse.ArgumentTypeError(
            f"no fault is called {_shown(name)}{did_you_mean(name, known) or '; docs/sandbox.md lists them'}"
        )
    return text


def _shown(text: str) -> str:
    return repr(text[:40])
