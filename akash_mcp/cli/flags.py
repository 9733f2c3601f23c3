"""What flags take: each reader refuses what is not it, says what is right, and imports nothing heavy.

A value that stands for a setting is handed on as it was written: `config` judges it again, with everything else.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from akash_mcp.cli.command_parser import CommandParser, not_one_of

STATE_DIR = "folder of the ledger and the journal"
REGISTRY = "HOST=USER:secret://NAME"
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

    name = text.partition("=")[0].partition("*")[0]
    if name not in CATALOGUE:
        from akash_mcp.cli.command_parser import did_you_mean

        raise argparse.ArgumentTypeError(
            f"no fault is called {_shown(name)}{did_you_mean(name, CATALOGUE) or '; docs/sandbox.md lists them'}"
        )
    return text


def _shown(text: str) -> str:
    return repr(text[:40])


def add_state_dir(parser: argparse.ArgumentParser, *, nested: bool = False) -> None:
    """`--state-dir`; with `nested` what the command before it was given holds, where this one is given none."""
    parser.add_argument(
        "--state-dir",
        type=folder,
        metavar="DIR",
        default=argparse.SUPPRESS if nested else None,
        help=f"{STATE_DIR} [AKASH_MCP_STATE_DIR]",
    )


def add_json(parser: argparse.ArgumentParser, what: str = "one JSON object") -> None:
    """`--json`, for programs."""
    parser.add_argument("--json", action="store_true", help=f"print {what} instead of text")


def add_output(parser: argparse.ArgumentParser) -> None:
    """`-o FILE`, which overwrites nothing unasked."""
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write the SDL there, and not to standard output"
    )
    parser.add_argument("--force", action="store_true", help="let -o overwrite a file that is there")


def add_images(parser: argparse.ArgumentParser) -> None:
    """Flags of the commands that read files with images."""
    add_check_images(parser)
    parser.add_argument(
        "--registry",
        action="append",
        default=[],
        metavar=REGISTRY,
        help="credentials of a registry, for the images that come from there; repeatable",
    )


def add_check_images(parser: argparse.ArgumentParser) -> None:
    """`--check-images`."""
    parser.add_argument(
        "--check-images",
        action="store_true",
        help="ask registries whether the image is there and can be pulled; status 1 where it surely cannot",
    )


def add_network(parser: CommandParser, *, default_speed: float) -> None:
    """Flags of the commands that run an embedded network."""
    network = parser.add_argument_group("the embedded network")
    network.add_argument(
        "--generation",
        choices=GENERATIONS,
        default="reference",
        help="which Console API it plays (reference)",
    )
    network.add_argument(
        "--fault",
        type=fault,
        action="append",
        default=[],
        metavar="NAME[*COUNT][=VALUE]",
        help="something that goes wrong, for so many requests; repeatable",
    )
    network.add_argument(
        "--speed",
        type=speed,
        default=default_speed,
        metavar="X",
        help=f"time runs X times faster ({default_speed:g})",
    )
