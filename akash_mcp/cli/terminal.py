"""What is asked of a person at a terminal, and of nobody else: a program that pipes answers in is refused."""

from __future__ import annotations

import shutil
import signal
import sys
import textwrap
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from types import FrameType

from rich.cells import chop_cells

from akash_mcp.cli.output import is_terminal, printable
from akash_mcp.errors import AkashError
from akash_mcp.sanitize.unicode import visible

_FRAME = "  | "
"""Stands before each line of a text that others wrote, so that no line of it can be taken for one of ours."""


def check_terminal(command: str) -> None:
    """Raise `AkashError` unless a person can read what is written and type the answer."""
    if not is_terminal():
        raise AkashError(
            f"{command} asks a person, so it runs in a terminal only: its input and output cannot be redirected.",
            next_step="Run it in a terminal of your own.",
            money="",
        )


def framed(text: str) -> str:
    """A text that others had a hand in, whole, each line of it behind a mark and without what could steer a terminal.

    Lines are broken here, since a terminal would begin the rest of a long one without the mark.
    """
    width = max(shutil.get_terminal_size().columns - len(_FRAME) - 1, 20)
    return "".join(
        f"{_FRAME}{part}\n"
        for line in text.split("\n")
        for broken in _at_words(visible(printable(line)), width)
        for part in chop_cells(broken, width) or [""]
    )


def _at_words(line: str, width: int) -> list[str]:
    return textwrap.wrap(line, width, drop_whitespace=False, break_on_hyphens=False) or [""]


def ask_for_word(question: str, words: Collection[str]) -> str | None:
    """One of `words`, typed whole; asked for again until it is. None where the input ends."""
    _forget_typed_ahead()
    while True:
        sys.stdout.write(question)
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            sys.stdout.write("\n")
            return None
        if (word := line.strip().lower()) in words:
            return word
        sys.stdout.write(f"Type {' or '.join(words)} as a whole word.\n")


@contextmanager
def lasting_interrupt() -> Iterator[Callable[[], None]]:
    """Ctrl-C as ever, and a function that raises it again where it was lost.

    One that comes while Python finalizes an object is reported and forgotten. Of the main thread only.
    """
    was_interrupted = False

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        nonlocal was_interrupted
        was_interrupted = True
        raise KeyboardInterrupt

    def raise_again() -> None:
        if was_interrupted:
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield raise_again
    finally:
        signal.signal(signal.SIGINT, before)


def _forget_typed_ahead() -> None:
    """Let go of what was typed before the question was there: it answers nothing."""
    if sys.platform == "win32":
        import msvcrt

        while msvcrt.kbhit():
            msvcrt.getwch()
    else:
        import termios

        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
