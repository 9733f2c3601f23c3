"""The words of `akash-mcp usage`."""

from __future__ import annotations

import argparse

from akash_mcp.cli.command_parser import CommandParser
from akash_mcp.cli.common_flags import add_json, add_state_dir
from akash_mcp.cli.readers import whole


def add_arguments(parser: CommandParser) -> None:
    """Add its flags."""
    parser.add_argument(
        "--days",
        type=whole(1, 366, "a whole number of days"),
        default=14,
        metavar="N",
        help="days of the plot, up to 366 (14)",
    )
    add_json(parser)
    add_state_dir(parser)
    parser.examples("akash-mcp usage", "akash-mcp usage --days 90", "akash-mcp usage --json")


def run(arguments: argparse.Namespace) -> int:
    """Show what was spent."""
    from akash_mcp.cli import usage
    from akash_mcp.cli.state_dir import settings_of

    return usage.run(settings_of(arguments), days=arguments.days, as_json=arguments.json)
