"""The words of `akash-mcp ledger`."""

from __future__ import annotations

import argparse

from akash_mcp.cli.command_parser import CommandParser
from akash_mcp.cli.common_flags import add_json, add_state_dir
from akash_mcp.cli.readers import dollars


def add_arguments(parser: CommandParser) -> None:
    """Add its flags, and its action."""
    add_json(parser, "one JSON array")
    parser.add_argument("--verify", action="store_true", help="check that the audit is whole")
    add_state_dir(parser)
    by_hand = parser.add_subparsers(metavar="{settle}", dest="action")
    text = "write down what an operation cost, where nobody can look that up"
    settle = by_hand.add_parser("settle", help=text, description=text)
    settle.add_argument("operation", metavar="OP", help="its op_id")
    settle.add_argument(
        "--spent", type=_spent, required=True, metavar="USD", help="what it cost, 0 where nothing"
    )
    add_state_dir(settle, nested=True)
    parser.examples(
        "akash-mcp ledger",
        "akash-mcp ledger --json | jq '.[].running'",
        "akash-mcp ledger settle op_3f9a41d2 --spent 0.40",
    )


def _spent(text: str) -> str:
    return dollars(text.removeprefix("$"))


def run(arguments: argparse.Namespace) -> int:
    """Show it, verify it, or settle by hand."""
    from akash_mcp.cli import ledger
    from akash_mcp.cli.state_dir import settings_of

    settings = settings_of(arguments)
    if arguments.action == "settle":
        return ledger.settle(settings.state_dir, settings.policy, arguments.operation, arguments.spent)
    if arguments.verify:
        return ledger.verify(settings.state_dir)
    return ledger.show(settings.state_dir, settings.policy, as_json=arguments.json)
