"""The words of `akash-mcp doctor`."""

from __future__ import annotations

import argparse

from akash_mcp.cli.command_parser import CommandParser
from akash_mcp.cli.commands.watch import add_speed
from akash_mcp.cli.common_flags import add_json


def add_arguments(parser: CommandParser) -> None:
    """Add its flags."""
    parser.add_argument(
        "--fix", action="store_true", help="also end what should be ended, as akash-mcp watch --once does"
    )
    add_json(parser, "one JSON array")
    add_speed(parser)
    parser.examples("akash-mcp doctor", "akash-mcp doctor --json", "akash-mcp doctor --fix")


def run(arguments: argparse.Namespace) -> int:
    """Check everything."""
    from akash_mcp import config
    from akash_mcp.cli import doctor

    return doctor.run(config.load(), fix=arguments.fix, speed=arguments.speed, as_json=arguments.json)
