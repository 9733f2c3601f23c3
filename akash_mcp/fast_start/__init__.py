"""Fast start: a client's first questions are answered from a record while the SDK is imported.

`initialize`, `server/discover` and `tools/list` have the same answers each time, and importing what makes them takes a
second. So they are recorded, byte for byte, when a version is made. Where there is any doubt the SDK answers.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping, Sequence

TYPE_CHECKING = False  # importing typing for it would cost more than all the rest
if TYPE_CHECKING:
    from akash_mcp.stdio_wire import StdioWire

LINGER_SECONDS = 0.02
"""How long a client has for its next question before the import begins, which would make its answer late."""


def start(words: Sequence[str], environ: Mapping[str, str]) -> StdioWire | None:
    """Take over stdin and stdout and answer early, where the words of the command line and the environment certainly
    mean that stdio is served. Else None, and nothing was touched."""
    if not _is_piped():
        return None
    from akash_mcp.fast_start.certain import certain
    from akash_mcp.fast_start.early_answers import FirstAnswers
    from akash_mcp.fast_start.record import is_made_with, load
    from akash_mcp.stdio_wire import StdioWire

    try:
        record = load()
    except (OSError, ValueError):
        return None
    serving = certain(words, environ, record.toolsets)
    if serving is None or not is_made_with(record.made_with, sys.path):
        return None
    early = FirstAnswers(record.versions, record.results(serving))
    return StdioWire.claim(early, serving)


def _is_piped() -> bool:
    """Whether a program, not a person or a file, is at the other end of stdin."""
    if sys.platform == "win32":  # select does not know pipes there
        return False
    try:
        modes = [os.fstat(fd).st_mode for fd in (0, 1, 2)]
    except OSError:
        return False
    return all(stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) for mode in modes[:2])
