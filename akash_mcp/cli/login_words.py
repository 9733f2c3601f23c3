"""The words of `akash-mcp login` and `logout`. What carries them out is imported when they are run."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from akash_mcp.cli.flags import SETTINGS

Run = Callable[[argparse.Namespace], int]


def add_arguments(command: Callable[[str, Run, str], argparse.ArgumentParser]) -> None:
    """Add both commands by `command`, which makes one from its name, what it runs and a line of help."""
    login = command(
        "login", _login, "store the Console API key, so that no host application needs it in a file"
    )
    login.add_argument(
        "--unchecked", action="store_true", help="store it also where the Console cannot be asked about it"
    )
    login.add_argument(
        "--status", action="store_true", help="only say where the key comes from that is in force"
    )
    logout = command("logout", _logout, "forget the stored Console API key")
    for each in (login, logout):
        each.add_argument("--console-url", metavar="URL", help="the Console whose key it is")
    login.add_argument("--ca-file", metavar="FILE", help=SETTINGS["ca_file"][1])


def _login(arguments: argparse.Namespace) -> int:
    from akash_mcp import config
    from akash_mcp.cli import login

    named = {name: getattr(arguments, name) for name in ("console_url", "ca_file")}
    settings = config.load({name: value for name, value in named.items() if value is not None})
    if arguments.status:
        return login.show(settings)
    return login.login(settings, unchecked=arguments.unchecked)


def _logout(arguments: argparse.Namespace) -> int:
    from akash_mcp import config
    from akash_mcp.cli import login

    given = {} if arguments.console_url is None else {"console_url": arguments.console_url}
    return login.logout(config.load(given))
