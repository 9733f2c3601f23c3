"""The words of `akash-mcp approve`."""

from __future__ import annotations

import argparse

from akash_mcp.cli.command_parser import CommandParser
from akash_mcp.cli.common_flags import add_state_dir


def add_arguments(parser: CommandParser) -> None:
    """Add its words and flags."""
    parser.add_argument("id", nargs="?", metavar="ID", help="show this plan whole and answer it")
    parser.add_argument("--watch", action="store_true", help="ask about each plan as it comes")
    add_state_dir(parser)
    parser.examples("akash-mcp approve", "akash-mcp approve op_3f9a", "akash-mcp approve --watch")


def run(arguments: argparse.Namespace) -> int:
    """Show what waits, or ask about it."""
    from akash_mcp.cli import approve
    from akash_mcp.cli.state_dir import state_dir

    return approve.run(state_dir(arguments), arguments.id, watch=arguments.watch)
