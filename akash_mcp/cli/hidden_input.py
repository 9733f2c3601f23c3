"""A secret as a person gives it: typed without being shown, or piped; never an argument, which others can see."""

from __future__ import annotations

import getpass
import sys

from akash_mcp.errors import BadArgument


def hidden_input(prompt: str) -> str:
    """What is typed at a terminal after `prompt`, or all of standard input less its line end. Raises `BadArgument`."""
    if sys.stdin.isatty():
        try:
            return getpass.getpass(prompt)
        except EOFError as ended:
            raise BadArgument("Nothing was typed.", money="") from ended
    try:
        # One line end is the pipe's: `echo value |`.
        return sys.stdin.buffer.read().decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise BadArgument("Standard input is not UTF-8 text.", money="") from error
