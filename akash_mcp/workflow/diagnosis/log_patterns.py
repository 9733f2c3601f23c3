"""What the last lines of a log say about why a container ended: killed for its memory, wrong processor, exit code.

The texts are those of shells, the JVM, Python, Node.js, C++ and PyTorch. Providers report no exit code and no OOM kill,
so this is often all there is (docs/diagnosis.md).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from akash_mcp.workflow.diagnosis import causes
from akash_mcp.workflow.diagnosis.causes import CauseKind

LOG_PATTERNS = (
    (
        causes.OUT_OF_GPU_MEMORY,
        re.compile(r"(?:CUDA|HIP)(?: error)?: ?out of memory|OutOfMemoryError: (?:CUDA|HIP)", re.I),
    ),
    (causes.IMAGE_FOR_OTHER_PLATFORM, re.compile(r"exec format error", re.I)),
    (
        causes.PROBABLY_OUT_OF_MEMORY,
        re.compile(
            r"^(?:.*: )?(?:line \d+: +\d+ )?Killed\b|OOM-?Killed|java\.lang\.OutOfMemoryError|\bMemoryError\b"
            r"|heap out of memory|std::bad_alloc|cannot allocate memory|exit(?:ed)? (?:with )?(?:code|status) 137",
            re.I,
        ),
    ),
)
"""The kinds of cause that the end of a log can show. The first that fits any line counts."""

_FAILURE = re.compile(
    r"error|exception|traceback|panic|fatal|fail|abort|segmentation|core dumped|\bkilled|denied|refused|not found"
    r"|no such|cannot|can't|could not|unable|missing|invalid|undefined|unexpected|unknown|required",
    re.I,
)
"""What a log that tells of a failure has somewhere in its end, in whatever language it is written."""

_MATCHED_CHARACTERS = 2_000
"""So much of a line is searched: no known text is longer, and a hostile line may be."""

_REQUEST = re.compile(r"\"(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) [^\"]* HTTP/\d")
"""A request, in the line that a web server writes about it: in the common log format, and those of most frameworks."""

_EXIT_CODE = re.compile(r"\bexit(?:ed|ing)?(?: with)?(?: exit)? (?:code|status)[ :=]+(\d{1,3})\b", re.I)


def kind_in_log(lines: Sequence[str]) -> CauseKind | None:
    """The kind of cause that the last lines of a crashing container's log point to, or None."""
    searched = [line[:_MATCHED_CHARACTERS] for line in lines]
    return next((kind for kind, text in LOG_PATTERNS if any(map(text.search, searched))), None)


def shows_no_failure(lines: Sequence[str]) -> bool:
    """Whether a container that ended seems to have done what it should: its log says exit code 0, or something, and
    nothing of a failure. That it was visited, as it is by each look of ours, says neither."""
    code = exit_code_in(lines)
    if code is not None:
        return int(code) == 0
    said = [line[:_MATCHED_CHARACTERS] for line in lines]
    said = [line for line in said if not _REQUEST.search(line)]
    return bool(said) and not any(map(_FAILURE.search, said))


def tells_of_failure(line: str) -> bool:
    """Whether a line of a log tells of a failure, in whatever words."""
    return _FAILURE.search(line[:_MATCHED_CHARACTERS]) is not None


def exit_code_in(lines: Sequence[str]) -> str | None:
    """The last exit code that the lines mention, or None."""
    codes = [match[1] for line in lines if (match := _EXIT_CODE.search(line[:_MATCHED_CHARACTERS]))]
    return codes[-1] if codes else None
