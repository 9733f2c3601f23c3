"""Which commands there are, in the order in which a newcomer meets them, and how a command line is read.

Each command's words are in its module in `commands/`: `add_arguments(parser)` and `run(arguments)`. Only the module of
the command that is run is imported, so that `--help` is instant and serving starts at once.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from importlib import import_module

from akash_mcp import __version__
from akash_mcp.cli.command_parser import CommandParser

SECTIONS: Mapping[str, Mapping[str, str]] = {
    "Try it, without an account": {
        "demo": "deploy on an embedded network, end to end, before your eyes",
        "sandbox": "run the embedded network alone, for any client to try",
    },
    "Say what is to run": {
        "draft": "write the SDL of one container",
        "import": "convert a compose file to an SDL, and list what it leaves out",
        "lint": "check SDL files against Console, chain and provider rules",
        "rank": "put offers in order, and say why",
    },
    "Give it to your agent": {
        "login": "store an API key, which no host needs in a file then",
        "logout": "forget a stored API key",
        "install": "show the configuration for a host application, or write it",
        "uninstall": "take the server out of a host application again",
        "doctor": "check settings, key, network and clock, and say what to do",
        "secret": "store secrets that an SDL names as secret://NAME",
        "serve": "serve MCP (what happens without a command)",
    },
    "While something runs": {
        "approve": "answer what an agent asks for, where approval is terminal",
        "watch": "end what should be ended, and tell what is not as approved",
        "ledger": "show what runs, until when, and what was spent; settle by hand",
        "usage": "show what the account spent by day, and what runs costs",
    },
    "The command line": {
        "completion": "print what makes your shell complete these words",
        "help": "show what a command takes",
    },
}
"""Each command with what it does. A command called NAME is `commands/NAME.py` (`commands/import_.py`)."""

COMMANDS: Mapping[str, str] = {name: text for section in SECTIONS.values() for name, text in section.items()}

_OF_ITS_OWN = ("-h", "--help", "-V", "--version")
"""What comes before any command; another flag there is one of `serve`."""


def read(words: Sequence[str], into: argparse.Namespace | None = None) -> argparse.Namespace:
    """A command line as its arguments, `into` what is known already: `run` among them carries the command out.

    Wrong words leave through `SystemExit(2)`, after a line that says what is right.
    """
    is_named = bool(words) and (words[0] in _OF_ITS_OWN or not words[0].startswith("-"))
    if not is_named:
        words = ["serve", *words]
    arguments, left = build_parser(words[0]).parse_known_args(words, into)
    if left:
        reader: CommandParser = arguments.parser
        if not is_named and (later := [word for word in left if word in COMMANDS]):
            reader.error(f"the command comes first: akash-mcp {later[0]}")
        reader.refuse_words(left)
    return arguments


def build_parser(only: str | None = None) -> CommandParser:
    """The parser of all command lines; with `only` the other commands are there by name alone."""
    parser = _Overview(prog="akash-mcp", description=_DESCRIPTION)
    parser.add_argument("-V", "--version", action="version", version=f"akash-mcp {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=CommandParser)
    for name, text in COMMANDS.items():
        command = subparsers.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        if only in (None, name):
            # `import` is a word of Python's.
            module = import_module(f"akash_mcp.cli.commands.{name}{'_' if name == 'import' else ''}")
            module.add_arguments(command)
            command.add_debug(_DEBUG)
            command.set_defaults(run=module.run)
    return parser


_DESCRIPTION = (
    "Lets an AI agent run workloads on Akash Network without losing its owner's\n"
    "money. Without a command it serves MCP, which is what host applications start."
)
_DEBUG = "log more, with tracebacks, on stderr [AKASH_MCP_DEBUG]"


class _Overview(CommandParser):
    """The parser over all commands. Its help is one screen: a line a command, in sections."""

    def format_help(self) -> str:
        lines = [self.format_usage(), f"{_DESCRIPTION}\n"]
        for title, commands in SECTIONS.items():
            lines += [f"{title}:", *(f"  {name:<12}{text}" for name, text in commands.items()), ""]
        lines.append("akash-mcp COMMAND --help shows what one takes. First: akash-mcp demo\n")
        return "\n".join(lines)
