"""The words of `akash-mcp import`."""

from __future__ import annotations

import argparse
from pathlib import Path

from akash_mcp.cli.command_parser import CommandParser
from akash_mcp.cli.common_flags import add_images, add_json, add_output


def add_arguments(parser: CommandParser) -> None:
    """Add its words and flags."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a compose file; - is standard input")
    parser.short_usage()
    add_output(parser)
    add_json(parser)
    values = parser.add_argument_group("what the file leaves to you")
    for name, metavar, kind, text in (
        ("--env", "NAME=VALUE", str, "value for ${NAME}"),
        ("--env-file", "FILE", Path, "values in a .env file; --env wins over it"),
        ("--allow-missing", "NAME", str, "a variable without a value is empty, as Compose has it"),
        ("--accept", "KIND", str, "something that protects may be lost, such as user or read_only"),
        ("--image", "SERVICE=IMAGE", str, "image of a service that is built"),
    ):
        values.add_argument(
            name, type=kind, action="append", default=[], metavar=metavar, help=f"{text}; repeatable"
        )
    values.add_argument(
        "--read-env-files",
        action="store_true",
        help="read what services name under env_file, if it lies below the compose file's folder",
    )
    values.add_argument(
        "--open",
        action="append",
        default=[],
        metavar="SERVICE:PORT",
        help="open a database's or an unguarded page's port to the Internet all the same; repeatable",
    )
    add_images(parser)
    parser.examples(
        "akash-mcp import compose.yaml -o deploy.yaml",
        "akash-mcp import compose.yaml --env-file .env --image app=ghcr.io/me/app:1.2 -o deploy.yaml",
    )


def run(arguments: argparse.Namespace) -> int:
    """Convert the file."""
    from akash_mcp.cli import import_compose

    return import_compose.run(
        arguments.file,
        variables=arguments.env,
        env_files=arguments.env_file,
        allow_missing=arguments.allow_missing,
        images=arguments.image,
        accept=arguments.accept,
        reads_env_files=arguments.read_env_files,
        opened=arguments.open,
        output=arguments.output,
        overwrites=arguments.force,
        as_json=arguments.json,
        logins=arguments.registry,
        check_images=arguments.check_images,
    )
