"""That something is being done, for a person who waits: on a terminal, on standard error, and nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def working(what: str, *, quiet: bool = False) -> Iterator[None]:
    """Show `what` with a spinner until it is done. Nothing where nobody watches, or with `quiet` (`--json`)."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # for a person who waits only

    with Console(stderr=True).status(f"{what} …"):
        yield
