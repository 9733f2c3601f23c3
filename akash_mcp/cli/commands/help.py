"""The words of `akash-mcp help`."""

from __future__ import annotations

import argparse

from akash_mcp.cli.command_parser import CommandParser


def add_arguments(parser: CommandParser) -> None:
    """Add its words."""
    from akash_mcp.cli.parser import COMMANDS

    parser.add_argument(
        "command",
        nargs="?",
        choices=tuple(COMMANDS),
        metavar="COMMAND",
        help="all of them, where none is named",
    )
    parser.add_argument(
        "action", nargs="?", metavar="ACTION", help="one of that command's own, such as set of secret"
    )
    parser.examples("akash-mcp help", "akash-mcp help serve", "akash-mcp help secret set")


def run(arguments: argparse.Namespace) -> int:
    """Show the help of a command, or the list of them."""
    from akash_mcp.cli.parser import read

    read([*filter(None, (arguments.command, arguments.action)), "--help"])
    return 0
