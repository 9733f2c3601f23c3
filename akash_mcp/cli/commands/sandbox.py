"""The words of `akash-mcp sandbox`."""

from __future__ import annotations

import argparse

from akash_mcp.cli.command_parser import CommandParser
from akash_mcp.cli.common_flags import add_network
from akash_mcp.cli.readers import fault, fault_name, fault_of_either, whole

_ENVELOPES = ("errors", "error")


def add_arguments(parser: CommandParser) -> None:
    """Add its flags."""
    parser.short_usage()
    parser.add_argument(
        "--port", type=whole(0, 65_535), default=0, metavar="N", help="port of its Console API (a free one)"
    )
    parser.add_argument(
        "--seed",
        type=whole(0, 2**63),
        default=7,
        metavar="N",
        help="the same seed gives the same network (7)",
    )
    add_network(parser, default_speed=1.0)
    parser.register("type", fault, fault_of_either)  # of the network's, or of Akua's
    parser.add_argument(
        "--trial", action="store_true", help="its wallet is a trial wallet that was never paid for"
    )
    parser.add_argument(
        "--organizations",
        action="store_true",
        help="2026-11 has projects, a colleague, and keys that reach less",
    )
    parser.add_argument(
        "--strict", action="store_true", help="2026-11 tells nothing that its own document does not name"
    )
    parser.add_argument(
        "--block-seconds",
        type=float,
        choices=(6.0, 6.098),
        default=6.098,
        help="how long a block of its chain lasts (6.098)",
    )
    parser.add_argument(
        "--akua", action="store_true", help="play Akua beside it, with its own URL, tokens and faults"
    )
    parser.add_argument(
        "--akua-envelope",
        choices=_ENVELOPES,
        help="how Akua's errors look: as its OpenAPI document or as its documentation says (errors)",
    )
    parser.examples(
        "akash-mcp sandbox",
        "akash-mcp sandbox --generation 2026-11 --fault no-bids --speed 20",
        "akash-mcp sandbox --akua --fault install-fails*1 --speed 20",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the embedded network until it is stopped, with Akua beside it where that is wanted."""
    from akash_mcp.cli import sandbox
    from akash_mcp.sandbox.akua import AKUA, AkuaOptions
    from akash_mcp.sandbox.faults import CATALOGUE
    from akash_mcp.sandbox.network import Options

    options = Options(
        seed=arguments.seed,
        speed=arguments.speed,
        faults=tuple(text for text in arguments.fault if fault_name(text) in CATALOGUE),
        generation=arguments.generation,
        trial=arguments.trial,
        strict=arguments.strict,
        organizations=arguments.organizations,
        block_seconds=arguments.block_seconds,
        console_port=arguments.port,
    )
    if not arguments.akua:
        _refuse_what_is_akuas(arguments)
        return sandbox.run(options)
    akua = AkuaOptions(
        seed=arguments.seed,
        speed=arguments.speed,
        faults=tuple(text for text in arguments.fault if fault_name(text) in AKUA.texts),
        envelope=arguments.akua_envelope or "errors",
        plan="pro",  # the Free one has room for the cluster alone that is there
    )
    return sandbox.run(options, akua)


def _refuse_what_is_akuas(arguments: argparse.Namespace) -> None:
    from akash_mcp.sandbox.faults import CATALOGUE

    parser: CommandParser = arguments.parser
    if arguments.akua_envelope:
        parser.error("--akua-envelope is about Akua, which --akua plays")
    for text in arguments.fault:
        if fault_name(text) not in CATALOGUE:
            parser.error(f"the fault {fault_name(text)} is one of Akua, which --akua plays")
