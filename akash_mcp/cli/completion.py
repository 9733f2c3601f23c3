"""`akash-mcp completion`: a script by which a shell completes commands, flags, choices and file names.

It is written once from the parser and asks nothing of this program afterwards, so completing is instant.
"""

from __future__ import annotations

import sys
from pathlib import Path

import shtab

from akash_mcp.cli import readers
from akash_mcp.cli.command_parser import CommandParser
from akash_mcp.cli.parser import build_parser
from akash_mcp.sandbox.faults import CATALOGUE


def run(shell: str) -> int:
    """Print the script for `shell`. Always 0."""
    parser = build_parser()
    _tell_files(parser)
    sys.stdout.write(shtab.complete(parser, shell) + "\n")
    return 0


def _tell_files(parser: CommandParser) -> None:
    """Say of each argument what the shell can offer: files, folders, names of faults."""
    for command in parser.below().values():
        _tell_files(command)
    for action in parser._actions:  # there is no public way through a parser
        if action.type is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # shtab reads it there
        elif action.type is readers.folder:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]  # shtab reads it there
        elif action.type is readers.fault:
            action.choices = list(CATALOGUE)
