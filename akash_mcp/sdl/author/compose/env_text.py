"""The text of a `.env` file: NAME=VALUE lines, read as Compose reads them.

Source: compose-spec/compose-go `dotenv`. Blank lines, comments, `export`, `NAME: VALUE`; a value in single quotes as it
stands, one in double quotes with escapes, both over several lines where they need it; `${…}` inside all but single
quotes, from what is given and from the lines before. A name alone has no value here. Unlike Compose, a `$` that names
nothing we know is an error and not an empty text: it is most often part of a password.

No error repeats anything of a line: a file that cannot be read may be a private key.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable, Mapping

from akash_mcp.errors import BadArgument
from akash_mcp.sdl.author.compose.interpolation import BadExpression, Unresolved, interpolate, raised
from akash_mcp.sdl.yaml.loader import MAX_CHARACTERS

_NAME = re.compile(
    r"(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)[ \t]*(?:(?P<sign>[=:])[ \t]*|(?=\n|\Z))", re.ASCII
)
_QUOTED = {
    "'": re.compile(r"'((?:[^'\\]|\\.)*+)'", re.DOTALL),
    '"': re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL),
}
_IDLE = re.compile(r"[ \t\n]+|#[^\n]*")
_REST = re.compile(r"[ \t]*(?:#[^\n]*)?(?=\n|\Z)")
_LINE = re.compile(r"[^\n]*")
_ESCAPE = re.compile(r'\\(?:([abfnrtv$"\\])|0([0-9]{0,3}))')
_OCTAL = re.compile("[0-3][0-7]{2}")
_CONTROLS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def read_env_text(
    text: str,
    file: str,
    given: Mapping[str, str],
    *,
    unset: Callable[[Unresolved], str] = raised,
    raw: bool = False,
) -> dict[str, str]:
    """The variables of a file's text, where the later of two lines of one name wins.

    `file` is its name for errors. `unset` says what stands for a variable that nothing gives a value. With `raw` a
    value is what stands behind the `=`, and nothing in it means anything. Raises `BadArgument` with the number of the
    line.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    found: dict[str, str] = {}
    known = ChainMap(dict(given), found)
    at, line, length = 0, 1, 0

    def filled(value: str) -> str:
        try:
            return interpolate(value, known, set(), unset=unset)
        except (Unresolved, BadExpression):
            # from None, because the name behind the dollar may be a part of a password
            raise _bad(file, line, "has a $ that names no variable with a value") from None

    while at < len(text):
        if idle := _IDLE.match(text, at):
            line += idle[0].count("\n")
            at = idle.end()
            continue
        match = _NAME.match(text, at)
        if match is None:
            raise _bad(file, line, "is not NAME=VALUE")
        at, name = match.end(), match["name"]
        if match["sign"] is None:
            if name in given:
                found[name] = given[name]
            continue
        value, end = _value(text, at, file, line, None if raw else filled)
        line += text.count("\n", at, end)
        found[name], at = value, end
        length += len(value)
        if length > MAX_CHARACTERS:
            raise _bad(
                file, line, f"is where the file, with its variables, passes {MAX_CHARACTERS} characters"
            )
    return found


def _value(text: str, at: int, file: str, line: int, filled: Callable[[str], str] | None) -> tuple[str, int]:
    """The value that begins at `at`, its variables `filled`, and where what follows it begins. Without `filled` it is
    the rest of the line."""
    quote = text[at : at + 1]
    if filled is None or quote not in _QUOTED:
        rest = _LINE.match(text, at)
        assert rest is not None
        value = rest[0] if filled is None else filled(rest[0].partition(" #")[0].rstrip())
        return value, rest.end()
    quoted = _QUOTED[quote].match(text, at)
    if quoted is None:
        raise _bad(file, line, "has a quote that is never closed")
    rest = _REST.match(text, quoted.end())
    if rest is None:
        raise _bad(file, line, "goes on behind its closing quote")
    if quote == "'":
        return quoted[1].replace("\\'", "'"), rest.end()
    return filled(_ESCAPE.sub(_unescaped, quoted[1])), rest.end()


def _unescaped(match: re.Match[str]) -> str:
    if (digits := match[2]) is not None:
        # Compose takes the zero away before it looks whether an octal number is left
        return chr(int(digits, 8)) if _OCTAL.fullmatch(digits) else f"\\{digits}"
    return "$$" if match[1] == "$" else _CONTROLS.get(match[1], match[1])


def _bad(file: str, line: int, problem: str) -> BadArgument:
    return BadArgument(
        f"Line {line} of {file} {problem}.",
        next_step="Write it as NAME=VALUE, and a value with $, # or spaces in single quotes.",
    )
