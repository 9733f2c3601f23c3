"""The words of `akash-mcp install`."""

from __future__ import annotations

import argparse

from akash_mcp.cli.command_parser import CommandParser
from akash_mcp.errors import BadArgument

HOSTS = (
    *(
        "claude-code",
        "claude-desktop",
        "cursor",
        "vscode",
        "vscode-insiders",
        "codex",
        "copilot-cli",
        "opencode",
    ),
    *("antigravity", "gemini-cli", "goose", "zed", "lm-studio", "cline", "windsurf"),
)
"""Those of `cli/hosts/table.py`, without importing it to say so."""


def add_arguments(parser: CommandParser) -> None:
    """Add its words and flags."""
    parser.usage = (
        "akash-mcp install HOST [--write] [FLAG ...] [-- ARGS]\n       akash-mcp install --list [--json]"
    )
    host = parser.add_argument("host", choices=HOSTS, metavar="HOST", help=f"one of {', '.join(HOSTS)}")
    parser.add_argument(
        "--write", action="store_true", help="merge it into the host's file and keep a backup"
    )
    parser.add_argument(
        "--sandbox",
        action=argparse.BooleanOptionalAction,
        help="serve an embedded network with play money, without a key",
    )
    parser.add_argument("--list", action="store_true", help="which hosts are here, and which of them have us")
    parser.add_argument(
        "--json", action="store_true", help="with --list: print one JSON array instead of text"
    )
    words = parser.add_argument("words", nargs="+", metavar="ARGS", help="flags of serve, behind --")
    # "?" and "*" would be taken as empty before a flag that stands between HOST and ARGS.
    host.required = words.required = False
    add_scope(parser)
    parser.examples(
        "akash-mcp install --list",
        "akash-mcp install cursor",
        "akash-mcp install cursor --write -- --max-usd-per-day 5",
    )


def add_scope(parser: CommandParser) -> None:
    """`--scope`, of both commands."""
    parser.add_argument(
        "--scope",
        choices=("user", "project"),
        default="user",
        help="your own configuration (user), or that of the project in this folder",
    )


def run(arguments: argparse.Namespace) -> int:
    """Show the entry, write it, or list the hosts."""
    from akash_mcp.cli.hosts import install, listing
    from akash_mcp.cli.hosts.machine import Machine

    machine = Machine.here()
    if arguments.list:
        return listing.show(machine, as_json=arguments.json)
    if arguments.host is None:
        arguments.parser.error("write the name of a host, or --list")
    words = _checked(arguments.words) if arguments.words else None
    return install.install(
        arguments.host,
        wish=install.Wish(words, arguments.sandbox),
        write=arguments.write,
        scope=arguments.scope,
        machine=machine,
    )


def _checked(words: list[str]) -> tuple[str, ...]:
    """Flags of `serve` that it will take: one that is misspelt would only show in the host, where nobody looks.

    Wrong usage leaves as it does for `serve` itself. Raises `BadSettings` for a value that cannot be taken, and
    `BadArgument` for a transport that no host starts.
    """
    from akash_mcp import config
    from akash_mcp.cli.flags import SETTINGS, SWITCHES
    from akash_mcp.cli.parser import read

    given = read(["serve", *words])
    named = {name: getattr(given, name) for name in (*SETTINGS, *SWITCHES)}
    settings = config.load({name: value for name, value in named.items() if value is not None})
    if settings.transport != "stdio":
        raise BadArgument(
            "A host starts the server over stdio, and these arguments start it over HTTP.",
            next_step="Leave out --transport, or give the host the address of a server that you started.",
            money="",
        )
    return tuple(words)
