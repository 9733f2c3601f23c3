"""The command line. A command's module is imported when it is run, so `--help` and `--version` are instant.

Exit status: 0 fine, 1 something went wrong and stderr says what in plain lines, 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import argparse
import errno
import logging
import os
import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING

from akash_mcp.cli.output import is_terminal, open_what_is_closed, take_any_encoding, wrapped
from akash_mcp.cli.parser import read
from akash_mcp.cli.to_person import to_person
from akash_mcp.errors import AkashError

if TYPE_CHECKING:
    from akash_mcp.stdio_wire import StdioWire


def main(argv: Sequence[str] | None = None, wire: StdioWire | None = None) -> int:
    """Run one command and return its exit status. Wrong usage leaves through argparse's `SystemExit(2)`.

    `wire`: stdin and stdout, where they were taken over already.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    open_what_is_closed()
    take_any_encoding()
    if not words and is_terminal():
        words = ["--help"]  # a person, and no host application, which has a pipe on each side
    arguments = read(words, argparse.Namespace(wire=wire))
    debug = bool(arguments.debug)
    _log_to_stderr(debug=debug)
    sys.excepthook = _log_traceback if debug else _say_plainly
    run: Callable[[argparse.Namespace], int] = arguments.run
    status = 1
    try:
        ended = run(arguments)
        sys.stdout.flush()  # what a full disk does not take is said, and not only when Python ends
        status = ended
    except* AkashError as group:  # a server's task group wraps what its tasks raise
        for error in _leaves(group):
            said = f"akash-mcp: {_without_secrets(to_person(str(error)))}"
            sys.stderr.write(f"{wrapped(said, sys.stderr)}\n")
        if debug:
            logging.getLogger(__name__).debug("the errors above came from here", exc_info=True)
    except* KeyboardInterrupt:
        status = 130  # as a shell reports SIGINT
    except* BrokenPipeError:
        # The reader of our output (`| head`) has left; Python would complain once more when it flushes at
        # exit.
        _write_nowhere()
    except* OSError as group:
        if any(isinstance(leaf, OSError) and leaf.errno not in _UNWRITABLE for leaf in _leaves(group)):
            raise
        sys.stderr.write(f"akash-mcp: What it had to say cannot be written: {_reasons(group)}.\n")
        _write_nowhere()
    return status


_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What a full or broken disk answers to a redirected output."""


def _reasons(group: BaseExceptionGroup[OSError]) -> str:
    return ", ".join(
        sorted({os.strerror(leaf.errno or 0).lower() for leaf in _leaves(group) if isinstance(leaf, OSError)})
    )


def _write_nowhere() -> None:
    """Let go of what standard output did not take, which Python would try to write again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _log_to_stderr(*, debug: bool) -> None:
    """Send all logging to stderr, before anything of the SDK can choose otherwise.

    Only our own loggers go down to DEBUG: HTTP and WebSocket libraries log headers there, and those hold
    keys.
    """
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.WARNING,
        force=True,
    )
    for handler in logging.getLogger().handlers:
        handler.setFormatter(_Hiding("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.getLogger("akash_mcp").setLevel(logging.DEBUG if debug else logging.WARNING)


class _Hiding(logging.Formatter):
    """Formats records, their tracebacks too, without the secrets that this process knows."""

    def format(self, record: logging.LogRecord) -> str:
        return _without_secrets(super().format(record))


def _without_secrets(text: str) -> str:
    from akash_mcp.sanitize import secrets  # for the first line that is written, not for `--help`

    return secrets.known.mask(text)[0]


def _leaves(error: BaseException) -> list[BaseException]:
    """The errors inside nested groups, or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
    return [error]


def _log_traceback(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Show where an error of our own came from, by the log, which hides secrets."""
    logging.getLogger(__name__).critical("an unexpected error", exc_info=(kind, error, trace))


def _say_plainly(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Say one line about an error of our own: its type only, since its text could hold anything."""
    kinds = ", ".join(sorted({type(leaf).__name__ for leaf in _leaves(error)}))
    sys.stderr.write(f"akash-mcp: an unexpected {kinds}. Run it again with --debug to see where.\n")
