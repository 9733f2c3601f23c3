"""Flags that several commands take, written once."""

from __future__ import annotations

import argparse
from pathlib import Path

from akash_mcp.cli.command_parser import CommandParser
from akash_mcp.cli.flags import SETTINGS
from akash_mcp.cli.readers import GENERATIONS, fault, folder, speed

REGISTRY = "HOST=USER:secret://NAME"


def add_state_dir(parser: argparse.ArgumentParser, *, nested: bool = False) -> None:
    """`--state-dir`; with `nested` what the command before it was given holds, where this one is given none."""
    parser.add_argument(
        "--state-dir",
        type=folder,
        metavar="DIR",
        default=argparse.SUPPRESS if nested else None,
        help=f"{SETTINGS['state_dir'][1]} [AKASH_MCP_STATE_DIR]",
    )


def add_json(parser: argparse.ArgumentParser, what: str = "one JSON object") -> None:
    """`--json`, for programs."""
    parser.add_argument("--json", action="store_true", help=f"print {what} instead of text")


def add_output(parser: argparse.ArgumentParser) -> None:
    """`-o FILE`, which overwrites nothing unasked."""
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="write the SDL there, and not to standard output"
    )
    parser.add_argument("--force", action="store_true", help="let -o overwrite a file that is there")


def add_images(parser: argparse.ArgumentParser) -> None:
    """Flags of the commands that read files with images."""
    add_check_images(parser)
    parser.add_argument(
        "--registry",
        action="append",
        default=[],
        metavar=REGISTRY,
        help="credentials of a registry, for the images that come from there; repeatable",
    )


def add_check_images(parser: argparse.ArgumentParser) -> None:
    """`--check-images`."""
    parser.add_argument(
        "--check-images",
        action="store_true",
        help="ask registries whether the image is there and can be pulled; status 1 where it surely cannot",
    )


def add_network(parser: CommandParser, *, default_speed: float) -> None:
    """Flags of the commands that run an embedded network."""
    network = parser.add_argument_group("the embedded network")
    network.add_argument(
        "--generation",
        choices=GENERATIONS,
        default="reference",
        help="which Console API it plays (reference)",
    )
    network.add_argument(
        "--fault",
        type=fault,
        action="append",
        default=[],
        metavar="NAME[*COUNT][=VALUE]",
        help="something that goes wrong, for so many requests; repeatable",
    )
    network.add_argument(
        "--speed",
        type=speed,
        default=default_speed,
        metavar="X",
        help=f"time runs X times faster ({default_speed:g})",
    )
