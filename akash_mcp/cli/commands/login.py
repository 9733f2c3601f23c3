"""The words of `akash-mcp login`."""

from __future__ import annotations

import argparse

from akash_mcp.cli.command_parser import CommandParser
from akash_mcp.cli.flags import SETTINGS


def add_arguments(parser: CommandParser) -> None:
    """Add its flags."""
    parser.add_argument(
        "--unchecked", action="store_true", help="store it also where the Console cannot be asked about it"
    )
    parser.add_argument(
        "--status", action="store_true", help="only say where the key comes from that is in force"
    )
    parser.add_argument("--console-url", metavar="URL", help="the Console whose key it is")
    parser.add_argument("--ca-file", metavar="FILE", help=SETTINGS["ca_file"][1])
    parser.examples("akash-mcp login", "akash-mcp login --status")


def run(arguments: argparse.Namespace) -> int:
    """Store the key, or say where the one in force comes from."""
    from akash_mcp import config
    from akash_mcp.cli import login

    named = {name: getattr(arguments, name) for name in ("console_url", "ca_file")}
    settings = config.load({name: value for name, value in named.items() if value is not None})
    if arguments.status:
        return login.show(settings)
    return login.login(settings, unchecked=arguments.unchecked)
