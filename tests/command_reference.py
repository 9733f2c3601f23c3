"""The reference of the command line, as docs/commands.md has it, from the parser: each command with all it takes."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from akash_mcp.cli.command_parser import CommandParser
from akash_mcp.cli.parser import SECTIONS, build_parser


def reference() -> str:
    """The generated part of the page."""
    commands = build_parser().below()
    lines: list[str] = []
    for title, names in SECTIONS.items():
        lines += [f"## {title}", ""]
        for name in names:
            lines += _command(commands[name], "###")
    return "\n".join(lines).rstrip()


def _command(parser: CommandParser, level: str) -> Iterator[str]:
    yield f"{level} {parser.prog}"
    yield f"{parser.description}"
    yield ""
    rows = [
        f"| {_words(action)} | {_text(action.help)} |"
        for action in parser._actions
        if action.dest not in ("help", "debug") and not isinstance(action, argparse._SubParsersAction)
    ]
    if rows:
        yield from ("| | |", "|---|---|", *rows, "")
    if parser.epilog:
        yield from ("```", *(line.strip() for line in parser.epilog.splitlines()[1:]), "```", "")
    for inner in parser.below().values():
        yield from _command(inner, level + "#")


def _words(action: argparse.Action) -> str:
    """A flag with what it takes, or the name of a word; what may be left out or repeated as usage has it."""
    metavar = str(action.metavar or action.dest.upper())
    if action.choices is not None and not metavar.startswith("{") and action.option_strings:
        metavar = "{" + ",".join(map(str, action.choices)) + "}"
    metavar = metavar.replace("|", "\\|")
    if not action.option_strings:
        return f"`{ {'?': f'[{metavar}]', '+': f'{metavar} ...'}.get(str(action.nargs), metavar) }`"
    takes = "" if action.nargs == 0 else f" {metavar}"
    return ", ".join(f"`{word}{takes}`" for word in action.option_strings)


def _text(text: str | None) -> str:
    return (text or "").replace("|", "\\|").replace("${NAME}", "`${NAME}`")
