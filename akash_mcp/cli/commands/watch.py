"""The words of `akash-mcp watch`."""

from __future__ import annotations

import argparse

from akash_mcp.cli.command_parser import CommandParser
from akash_mcp.cli.common_flags import add_state_dir
from akash_mcp.cli.readers import speed, whole


def add_arguments(parser: CommandParser) -> None:
    """Add its flags."""
    parser.short_usage()
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--once", action="store_true", help="look one time, for cron; 1 where something is left open"
    )
    how.add_argument(
        "--install", action="store_true", help="have this system keep it running (systemd, launchd, schtasks)"
    )
    how.add_argument("--uninstall", action="store_true", help="take back what --install did")
    parser.add_argument(
        "--print", action="store_true", help="with --install: show what would be written, and write nothing"
    )
    parser.add_argument(
        "--every",
        type=whole(1, 59, "a whole number of minutes"),
        metavar="MIN",
        help="minutes between two looks (half a minute)",
    )
    parser.add_argument(
        "--for",
        dest="seconds",
        type=whole(0, 86_400, "a whole number of seconds"),
        default=120,
        metavar="SECONDS",
        help="with --once: how long to wait until what it took up has ended (120)",
    )
    add_state_dir(parser)
    add_speed(parser)
    parser.examples("akash-mcp watch", "akash-mcp watch --once", "akash-mcp watch --install --every 5")


def add_speed(parser: CommandParser) -> None:
    """`--speed`, for an embedded network that runs elsewhere."""
    parser.add_argument(
        "--speed", type=speed, default=1.0, metavar="X", help="an embedded network runs X times faster (1)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Watch, or have the system keep the watch running."""
    if arguments.install or arguments.uninstall:
        from akash_mcp.cli import watch_install

        if arguments.uninstall:
            return watch_install.uninstall()
        return watch_install.install(every=arguments.every, only_print=arguments.print)
    from akash_mcp.cli import watch
    from akash_mcp.cli.state_dir import settings_of

    return watch.run(
        settings_of(arguments),
        once=arguments.once,
        seconds=arguments.seconds,
        every=arguments.every,
        speed=arguments.speed,
    )
