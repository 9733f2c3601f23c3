"""The words of `akash-mcp demo`."""

from __future__ import annotations

import argparse
from pathlib import Path

from akash_mcp.cli.command_parser import CommandParser
from akash_mcp.cli.common_flags import add_json, add_network
from akash_mcp.cli.readers import fault, fault_name, fault_of_either

_SPEED, _AKUA_SPEED = 20.0, 50.0
"""An install, its cluster and two changes take three and a half minutes at Akua."""


def add_arguments(parser: CommandParser) -> None:
    """Add its words and flags."""
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="an SDL of your own (a web page)")
    parser.short_usage()
    parser.add_argument(
        "--akua",
        action="store_true",
        help=f"install an app at an embedded Akua instead, which is not Akash, {_AKUA_SPEED:g} times as fast",
    )
    add_json(parser)
    add_network(parser, default_speed=_SPEED)
    parser.set_defaults(speed=None)  # the default depends on what is played
    parser.register("type", fault, fault_of_either)  # of the network's, or of Akua's
    parser.examples(
        "akash-mcp demo",
        "akash-mcp demo deploy.yaml",
        "akash-mcp demo --json | jq .spent_usd",
        "akash-mcp demo --akua --fault install-fails*1",
    )


def run(arguments: argparse.Namespace) -> int:
    """Deploy on an embedded network, or install at an embedded Akua, and look at it from outside."""
    _refuse_what_is_not_played(arguments)
    faults = tuple(arguments.fault)
    if arguments.akua:
        from akash_mcp.cli import akua_demo

        return akua_demo.run(as_json=arguments.json, speed=arguments.speed or _AKUA_SPEED, faults=faults)
    from akash_mcp.cli import demo

    return demo.run(
        arguments.file,
        as_json=arguments.json,
        speed=arguments.speed or _SPEED,
        generation=arguments.generation,
        faults=faults,
    )


def _refuse_what_is_not_played(arguments: argparse.Namespace) -> None:
    """What the other one of the two demos takes would be passed over in silence."""
    from akash_mcp.sandbox.akua import AKUA
    from akash_mcp.sandbox.faults import CATALOGUE

    parser: CommandParser = arguments.parser
    if arguments.akua and arguments.file is not None:
        parser.error("FILE is an SDL, which Akash deploys; --akua installs a package that it brings along")
    if arguments.akua and arguments.generation != "reference":
        parser.error("--generation is about the Console API, which --akua does not play")
    for name in map(fault_name, arguments.fault):
        if arguments.akua and name not in AKUA.texts:
            parser.error(f"the fault {name} is one of the network, which --akua does not play")
        if not arguments.akua and name not in CATALOGUE:
            parser.error(f"the fault {name} is one of Akua, which --akua plays")
