"""The words of `akash-mcp serve`."""

from __future__ import annotations

import argparse
import gc

from akash_mcp.cli.command_parser import CommandParser
from akash_mcp.cli.flags import SETTINGS, SWITCHES
from akash_mcp.cli.readers import speed
from akash_mcp.cli.setting_flags import add_settings


def add_arguments(parser: CommandParser) -> None:
    """Add its flags."""
    parser.short_usage()
    add_settings(parser)
    parser.add_argument_group("the embedded network").add_argument(
        "--speed", type=speed, default=1.0, metavar="X", help="it runs X times faster (1)"
    )
    parser.examples(
        "akash-mcp serve --sandbox",
        "akash-mcp serve --max-usd-per-day 5 --toolsets deploy,observe,market",
        "akash-mcp serve --transport http --port 8427",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until the client hangs up."""
    from akash_mcp import config

    given = {name: getattr(arguments, name) for name in (*SETTINGS, *SWITCHES)}
    gc.disable()  # what is imported stays: to look through it for garbage again and again takes a sixth of the time
    try:
        settings = config.load({name: value for name, value in given.items() if value is not None})
        from akash_mcp.cli import serve  # after the settings: a wrong one is told before the SDK is imported
    finally:
        gc.freeze()
        gc.enable()
    return serve.run(settings, speed=arguments.speed, wire=arguments.wire)
