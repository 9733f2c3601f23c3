"""The words of `akash-mcp lint`."""

from __future__ import annotations

import argparse
from pathlib import Path

from akash_mcp.cli.command_parser import CommandParser
from akash_mcp.cli.common_flags import add_images, add_json


def add_arguments(parser: CommandParser) -> None:
    """Add its words and flags."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="an SDL; - is standard input")
    parser.short_usage()
    add_json(parser, "one line of JSON for each file")
    add_images(parser)
    parser.examples(
        "akash-mcp lint deploy.yaml",
        "akash-mcp lint --json *.yaml",
        "akash-mcp lint --check-images deploy.yaml",
    )


def run(arguments: argparse.Namespace) -> int:
    """Judge each file."""
    if arguments.registry and not arguments.check_images:
        arguments.parser.error("--registry goes with --check-images: a registry is not asked without it")
    from akash_mcp.cli import lint

    return lint.run(
        arguments.files,
        as_json=arguments.json,
        check_images=arguments.check_images,
        logins=arguments.registry,
    )
