"""The words of `akash-mcp logout`."""

from __future__ import annotations

import argparse

from akash_mcp.cli.command_parser import CommandParser


def add_arguments(parser: CommandParser) -> None:
    """Add its flags."""
    parser.add_argument("--console-url", metavar="URL", help="the Console whose key it is")
    parser.examples("akash-mcp logout")


def run(arguments: argparse.Namespace) -> int:
    """Forget the stored key."""
    from akash_mcp import config
    from akash_mcp.cli import login

    given = {} if arguments.console_url is None else {"console_url": arguments.console_url}
    return login.logout(config.load(given))
