"""The words of `akash-mcp demo`."""

from __future__ import annotations

import argparse
from pathlib import Path

from akash_mcp.cli.command_parser import CommandParser
from akash_mcp.cli.common_flags import add_json, add_network


def add_arguments(parser: CommandParser) -> None:
    """Add its words and flags."""
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="an SDL of your own (a web page)")
    parser.short_usage()
    add_json(parser)
    add_network(parser, default_speed=20.0)
    parser.examples(
        "akash-mcp demo",
        "akash-mcp demo deploy.yaml",
        "akash-mcp demo --json | jq .spent_usd",
    )


def run(arguments: argparse.Namespace) -> int:
    """Deploy on an embedded network, and look at it from outside."""
    from akash_mcp.cli import demo

    return demo.run(
        arguments.file,
        as_json=arguments.json,
        speed=arguments.speed,
        generation=arguments.generation,
        faults=tuple(arguments.fault),
    )
