"""The words of `akash-mcp install`."""

from __future__ import annotations

import argparse

from akash_mcp.cli.command_parser import CommandParser

HOSTS = ("claude-desktop", "claude-code", "cursor", "vscode")


def add_arguments(parser: CommandParser) -> None:
    """Add its words and flags."""
    parser.add_argument("host", choices=HOSTS, metavar="HOST", help=f"one of {', '.join(HOSTS)}")
    parser.add_argument(
        "--write", action="store_true", help="merge it into the host's file and keep a backup"
    )
    parser.examples("akash-mcp install cursor", "akash-mcp install cursor --write")


def run(arguments: argparse.Namespace) -> int:
    """Show the entry, or write it."""
    from akash_mcp.cli import install

    return install.run(arguments.host, write=arguments.write)
