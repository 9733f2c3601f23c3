"""How a text arrives before it is YAML: as bytes of some encoding, inside a Markdown fence, or as a path in its place.

PowerShell 5 writes UTF-16 where `>` is used; models put YAML between lines of backticks, or send a file's name.
"""

from __future__ import annotations

import codecs
import re

_MARKS = (  # the longer ones first: UTF-32's begins as UTF-16's does
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FENCED = re.compile(
    r"\s*?(?P<fence>`{3,}+|~{3,}+)(?![^\n]*:\s)[^\n`]*\n(?P<inside>.*\n)?[ \t]*(?P=fence)[`~]*\s*", re.DOTALL
)
_FENCE = re.compile(r"^[ \t]*(?:`{3,}|~{3,})", re.MULTILINE)
_PATH = re.compile(
    r"(?:file://|~?[\\/]|\.{1,2}[\\/]|[A-Za-z]:[\\/])?[^\n:{}\"']{1,400}\.(?:ya?ml|json|sdl)", re.IGNORECASE
)


class Undecodable(ValueError):
    """Bytes that are not a text in a known encoding. `fix` says what to do about it."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.fix = fix


def decoded(data: bytes) -> str:
    """The text of a file: UTF-8, or what its byte order mark says, or UTF-16 without one. Raises `Undecodable`.

    A byte order mark of UTF-8 stays, since it is for the readers of YAML to judge.
    """
    encoding = (
        next((name for mark, name in _MARKS if data.startswith(mark)), "")
        or _utf16_without_mark(data)
        or "utf-8"
    )
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Undecodable(
            f"it is not {encoding.upper()} text (line {line})",
            'Save it as UTF-8: in an editor under the encodings of "Save as", in PowerShell with Set-Content '
            "-Encoding utf8.",
        ) from error


def _utf16_without_mark(data: bytes) -> str:
    """Which half of each character is zero in text that is mostly ASCII: no UTF-8 text holds a zero."""
    start = data[:64]
    zeros = [start[half::2].count(0) * 2 for half in (0, 1)]
    if len(start) < 2 or max(zeros) * 2 < len(start):
        return ""
    return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"


def unfenced(text: str) -> str:
    """What stands between the two fences of a Markdown code block, on the lines where it stood; another text as it is.

    Nothing else may stand around the block, nor YAML on the line of its fence: which part is meant, nobody can tell.
    """
    match = _FENCED.fullmatch(text)
    if match is None or _FENCE.search(match["inside"] or ""):
        return text
    before = text.count("\n", 0, match.end("fence")) + 1
    return "\n" * before + (match["inside"] or "")


def is_fence(line: str) -> bool:
    """Whether a line begins or ends a Markdown code block."""
    return _FENCE.match(line) is not None


def is_path(text: str) -> bool:
    """Whether a text is the path of a file that would hold YAML, rather than YAML."""
    return _PATH.fullmatch(text.strip()) is not None
