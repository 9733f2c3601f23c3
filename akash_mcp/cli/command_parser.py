"""What reads the words of one command: it refuses in one plain line, and says what is right."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from akash_mcp.cli.output import wrapped

WRONG_USAGE = 2
"""Exit status where the command line cannot be taken: nothing was begun then."""


class CommandParser(argparse.ArgumentParser):
    """argparse with our words: a wrong one is answered with what is right, and not with thirty lines of usage.

    What was parsed has the parser that read it as `parser`. Values are shown where they were meant to be one of a few
    words or a number, and never where they could be a secret.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_Formatter, **options)
        # From Python 3.14 on argparse colours the words that are its own, and those alone: a page half in colour.
        self.color = False
        self.set_defaults(parser=self)

    def examples(self, *lines: str) -> None:
        """Command lines that are shown under the help."""
        self.epilog = "\n".join(["examples:", *(f"  {line}" for line in lines)])

    def below(self) -> Mapping[str, CommandParser]:
        """The commands that it has of its own, by name."""
        for action in self._actions:  # there is no public way through a parser
            if isinstance(action, argparse._SubParsersAction):
                return action.choices
        return {}

    def add_debug(self, text: str) -> None:
        """`--debug`, here and on each command below."""
        self.add_argument("--debug", action="store_true", default=None, help=text)
        for each in self.below().values():
            each.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=text)

    def short_usage(self) -> None:
        """Show one line of usage, where all flags in a row would be many lines."""
        self.usage = f"{self.prog} [FLAG ...] {self._words()}".rstrip()

    def _words(self) -> str:
        """What it takes beside flags, as usage has it."""
        return " ".join(
            _SHAPES.get(action.nargs, "{}").format(action.metavar)
            for action in self._get_positional_actions()
        )

    def error(self, message: str) -> NoReturn:
        """Refuse the command line: a line for what is wrong, and where the help is."""
        said = f"{self.prog}: {message.removeprefix('argument ').rstrip('.')}"
        said += "" if said.endswith("?") else "."
        self.exit(WRONG_USAGE, f"{wrapped(said, sys.stderr)}\n{self.prog} --help shows what it takes.\n")

    def refuse_words(self, left: Iterable[str]) -> NoReturn:
        """Refuse words that nothing takes. A value is never repeated: it may be a secret in the wrong place."""
        flags = [word.partition("=")[0] for word in left if word.startswith("-") and word != "-"]
        if not flags:
            self.error(f"there is a word too many: it takes {self._words() or 'flags'} alone")
        flag = flags[0]
        if flag in _SECRETS:
            self.error(
                f"there is no flag {flag}, since other users of a machine can see a command line: "
                f"{_SECRETS[flag]}"
            )
        known = [each for action in self._get_optional_actions() for each in action.option_strings]
        self.error(f"there is no flag {flag}{did_you_mean(flag, known)}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        # argparse asks this of every flag and command with choices; its own words know no "did you mean".
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(action, not_one_of(str(value), map(str, action.choices)))


_SHAPES: dict[int | str | None, str] = {"?": "[{}]", "+": "{} ..."}
"""How a word is written that may be left out, or repeated."""

_ASKED_FOR = "akash-mcp login asks for it, or set AKASH_API_KEY in the environment"
_SECRETS = {
    "--api-key": _ASKED_FOR,
    "--key": _ASKED_FOR,
    "--token": "set AKASH_MCP_TOKEN in the environment",
    "--notify-url": "set AKASH_MCP_NOTIFY_URL in the environment",
}
"""Flags that somebody expects, and what to do in their place."""


def not_one_of(word: str, known: Iterable[str]) -> str:
    """What is said of a word that is none of those that are known."""
    known = list(known)
    *most, last = known
    listed = f"{', '.join(most)} or {last}" if most else last
    return f"{word[:40]!r} is not {'one of ' if most else ''}{listed}{did_you_mean(word, known)}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?` where one of them is near, else nothing."""
    from difflib import get_close_matches  # for a wrong word only

    near = get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Help whose examples stand as they were written, and whose flags begin where there is room for their words."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, max_help_position=28, **options)
