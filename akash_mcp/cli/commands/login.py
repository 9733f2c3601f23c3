"""The words of `akash-mcp login`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from akash_mcp.cli.command_parser import CommandParser
from akash_mcp.cli.flags import SETTINGS

if TYPE_CHECKING:
    from akash_mcp.cli.login import Account


def add_arguments(parser: CommandParser) -> None:
    """Add its flags."""
    parser.add_argument(
        "--unchecked", action="store_true", help="store it also where the service cannot be asked about it"
    )
    parser.add_argument(
        "--status", action="store_true", help="only say where the key comes from that is in force"
    )
    add_account(parser)
    parser.add_argument("--ca-file", metavar="FILE", help=SETTINGS["ca_file"][1])
    parser.examples("akash-mcp login", "akash-mcp login --status", "akash-mcp login --akua")


def add_account(parser: CommandParser) -> None:
    """The flags that say whose key is meant."""
    parser.add_argument(
        "--akua", action="store_true", help="the token of Akua, which is another service than Akash"
    )
    parser.add_argument("--console-url", metavar="URL", help="the Console whose key it is")
    parser.add_argument("--akua-url", metavar="URL", help="with --akua: the API whose token it is")


def account(arguments: argparse.Namespace) -> Account:
    """Whose key is meant. Leaves where a flag is of the other service."""
    from akash_mcp import config
    from akash_mcp.cli import login

    wrong = "console_url" if arguments.akua else "akua_url"
    if getattr(arguments, wrong) is not None:
        flag = f"--{wrong.replace('_', '-')}"
        arguments.parser.error(f"{flag} goes {'without' if arguments.akua else 'with'} --akua")
    named = {name: getattr(arguments, name, None) for name in ("console_url", "akua_url", "ca_file")}
    settings = config.load({name: value for name, value in named.items() if value is not None})
    return login.at_akua(settings) if arguments.akua else login.at_console(settings)


def run(arguments: argparse.Namespace) -> int:
    """Store the key, or say where the one in force comes from."""
    from akash_mcp.cli import login

    if arguments.status:
        return login.show(account(arguments))
    return login.login(account(arguments), unchecked=arguments.unchecked)
