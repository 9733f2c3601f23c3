"""The words of `akash-mcp uninstall`."""

from __future__ import annotations

import argparse

from akash_mcp.cli.command_parser import CommandParser
from akash_mcp.cli.commands.install import HOSTS, add_scope


def add_arguments(parser: CommandParser) -> None:
    """Add its words and flags."""
    parser.add_argument("host", choices=HOSTS, metavar="HOST", help="see install --help")
    parser.add_argument("--write", action="store_true", help="do it, and keep a backup of the file")
    add_scope(parser)
    parser.examples("akash-mcp uninstall cursor", "akash-mcp uninstall cursor --write")


def run(arguments: argparse.Namespace) -> int:
    """Show what would be taken out, or do it."""
    from akash_mcp.cli.hosts import install
    from akash_mcp.cli.hosts.machine import Machine

    return install.uninstall(
        arguments.host, write=arguments.write, scope=arguments.scope, machine=Machine.here()
    )
