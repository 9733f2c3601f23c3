"""The words of `akash-mcp rank`."""

from __future__ import annotations

import argparse
from pathlib import Path

from akash_mcp.cli.command_parser import CommandParser
from akash_mcp.cli.common_flags import add_json
from akash_mcp.cli.readers import dollars, whole

PREFERENCES = ("balanced", "cheapest", "reliable")


def add_arguments(parser: CommandParser) -> None:
    """Add its words and flags."""
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="offers as JSON (docs/ranking.md); - is standard input"
    )
    parser.short_usage()
    parser.add_argument(
        "--prefer",
        choices=PREFERENCES,
        default="balanced",
        metavar="{balanced,cheapest,reliable}",
        help="what counts: rent and risk (balanced), rent alone, or risk five times",
    )
    parser.add_argument(
        "--hours", type=whole(1, 87_600), default=24, metavar="N", help="how long it is to run (24)"
    )
    parser.add_argument("--max-usd-per-hour", type=dollars, metavar="USD", help="no offer above it is taken")
    parser.add_argument("--audited-only", action="store_true", help="only audited providers are taken")
    add_json(parser)
    parser.examples("akash-mcp rank offers.json", "akash-mcp rank offers.json --prefer reliable --json")


def run(arguments: argparse.Namespace) -> int:
    """Put the offers in order."""
    from akash_mcp.cli import rank

    return rank.run(
        arguments.file,
        prefer=arguments.prefer,
        hours=arguments.hours,
        max_usd_per_hour=arguments.max_usd_per_hour,
        audited_only=arguments.audited_only,
        as_json=arguments.json,
    )
