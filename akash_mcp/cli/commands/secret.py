"""The words of `akash-mcp secret`."""

from __future__ import annotations

import argparse

from akash_mcp.cli.command_parser import CommandParser
from akash_mcp.cli.common_flags import add_json, add_state_dir


def add_arguments(parser: CommandParser) -> None:
    """Add its actions, and the words and flags of each."""
    actions = parser.add_subparsers(metavar="{set,list,rm}", dest="action", required=True)
    for action, text in (
        ("set", "store a value, asked for without showing it, or read from standard input"),
        ("list", "names, where each is kept and since when; never a value"),
        ("rm", "forget one"),
    ):
        each = actions.add_parser(action, help=text, description=text)
        add_state_dir(each)
        if action == "list":
            add_json(each, "one JSON array")
        else:
            each.add_argument("name", metavar="NAME")
        if action == "set":
            each.add_argument(
                "--from-env",
                metavar="VAR",
                help="store no value: the server reads it from this variable of its environment",
            )
    parser.examples(
        "akash-mcp secret set DB_PASSWORD",
        "pass show db | akash-mcp secret set DB_PASSWORD",
        "akash-mcp secret list",
    )


def run(arguments: argparse.Namespace) -> int:
    """Store, list or forget."""
    from akash_mcp.cli import secret
    from akash_mcp.cli.state_dir import state_dir

    folder = state_dir(arguments)
    if arguments.action == "list":
        return secret.show(folder, as_json=arguments.json)
    if arguments.action == "rm":
        return secret.remove(folder, arguments.name)
    return secret.store(folder, arguments.name, variable=arguments.from_env)
