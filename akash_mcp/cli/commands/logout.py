"""The words of `akash-mcp logout`."""

from __future__ import annotations

import argparse

from akash_mcp.cli.command_parser import CommandParser
from akash_mcp.cli.commands.login import account, add_account


def add_arguments(parser: CommandParser) -> None:
    """Add its flags."""
    add_account(parser)
    parser.examples("akash-mcp logout", "akash-mcp logout --akua")


def run(arguments: argparse.Namespace) -> int:
    """Forget the stored key."""
    from akash_mcp.cli import login

    return login.logout(account(arguments))
