"""The words of `install` and `uninstall`, and what they run."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Protocol

from akash_mcp.errors import BadArgument


class AddCommand(Protocol):
    """Adds a command to the command line, and returns what takes its words."""

    def __call__(
        self, name: str, run: Callable[[argparse.Namespace], int], help: str
    ) -> argparse.ArgumentParser: ...


def add_host_commands(command: AddCommand) -> None:
    """Add `install` and `uninstall`."""
    install = command("install", _install, "show or write the configuration of a host application")
    install.usage = (
        "akash-mcp install HOST [--write] [--sandbox | --no-sandbox] [--scope user|project] [-- ARGS]\n"
        "       akash-mcp install --list [--json]"
    )
    host = install.add_argument("host", metavar="HOST", help="such as cursor: see --list")
    install.add_argument(
        "--write", action="store_true", help="merge it into the host's file and keep a backup"
    )
    install.add_argument(
        "--sandbox",
        action=argparse.BooleanOptionalAction,
        help="serve an embedded network with play money, without a key",
    )
    install.add_argument(
        "--list", action="store_true", help="which hosts are here, and which of them have us"
    )
    install.add_argument(
        "--json", action="store_true", help="with --list: print one JSON array instead of text"
    )
    words = install.add_argument("words", nargs="+", metavar="ARGS", help="flags of serve, behind --")
    # "?" and "*" would be taken as empty before a flag that stands between HOST and ARGS.
    host.required = words.required = False
    install.set_defaults(refuse=install.error)
    uninstall = command("uninstall", _uninstall, "take the server out of a host application again")
    uninstall.add_argument("host", metavar="HOST", help="such as cursor: see install --list")
    uninstall.add_argument("--write", action="store_true", help="do it, and keep a backup of the file")
    for each in (install, uninstall):
        each.add_argument(
            "--scope",
            choices=("user", "project"),
            default="user",
            help="your own configuration (user), or that of the project in this folder",
        )


def _install(arguments: argparse.Namespace) -> int:
    from akash_mcp.cli.hosts import install, listing
    from akash_mcp.cli.hosts.machine import Machine

    machine = Machine.here()
    if arguments.list:
        return listing.show(machine, as_json=arguments.json)
    if arguments.host is None:
        arguments.refuse("write the name of a host, or --list")
    words = _checked(arguments.words) if arguments.words else None
    return install.install(
        arguments.host,
        wish=install.Wish(words, arguments.sandbox),
        write=arguments.write,
        scope=arguments.scope,
        machine=machine,
    )


def _uninstall(arguments: argparse.Namespace) -> int:
    from akash_mcp.cli.hosts import install
    from akash_mcp.cli.hosts.machine import Machine

    return install.uninstall(
        arguments.host, write=arguments.write, scope=arguments.scope, machine=Machine.here()
    )


def _checked(words: list[str]) -> tuple[str, ...]:
    """Flags of `serve` that it will take: one that is misspelt would only show in the host, where nobody looks.

    Wrong usage leaves as it does for `serve` itself. Raises `BadSettings` for a value that cannot be taken, and
    `BadArgument` for a transport that no host starts.
    """
    from akash_mcp import config
    from akash_mcp.cli.flags import SETTINGS, SWITCHES
    from akash_mcp.cli.parser import build_parser

    given = build_parser().parse_args(["serve", *words])
    named = {name: getattr(given, name) for name in (*SETTINGS, *SWITCHES)}
    settings = config.load({name: value for name, value in named.items() if value is not None})
    if settings.transport != "stdio":
        raise BadArgument(
            "A host starts the server over stdio, and these arguments start it over HTTP.",
            next_step="Leave out --transport, or give the host the address of a server that you started.",
            money="",
        )
    return tuple(words)
