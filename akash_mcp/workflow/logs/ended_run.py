"""What is told of a run that has ended by itself, once its deployment is closed: how, when, and what it said last."""

from __future__ import annotations

from datetime import UTC, datetime

from akash_mcp.guard.books.job_ends import JobEnd
from akash_mcp.ids import Dseq
from akash_mcp.sanitize.text import Cleaned, fence


def ended_run(dseq: Dseq, end: JobEnd) -> str:
    """A sentence of ours, and the lines that were kept, fenced as data."""
    when = datetime.fromtimestamp(end.at, UTC).strftime("%Y-%m-%dT%H:%MZ")
    sentence = f"{end.what} That was at {when}. Its provider keeps no log of it any more."
    if not end.lines:
        return f"{sentence} No line of it was seen."
    kept = fence(f"last lines of deployment {dseq}", Cleaned("\n".join(end.lines)))
    return f"{sentence} These lines were kept:\n{kept}"
