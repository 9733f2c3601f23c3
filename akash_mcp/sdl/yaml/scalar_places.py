"""Where each scalar stands in a YAML text, without its anchor and its tag: what can be replaced in place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import yaml

from akash_mcp.sdl.yaml.loader import LOADER, forgiven, shield_of

_ESCAPED = re.compile('[\x00-\x1f\x7f-\xa0\u2028\u2029\ufeff\ufffe\uffff"\\\\]')


def scalar_places(source: str) -> tuple[str, list[tuple[int, int, str]]]:
    """The text as it is read, and of each scalar in it where it starts, where it ends and what it says.

    `source` must be one that `load` takes. What that forgives is not in the text that is returned.
    """
    source = source.removeprefix("\ufeff")
    try:
        return source, list(_places(source))
    except yaml.YAMLError:
        forgiving = forgiven(source)
        return forgiving, list(_places(forgiving))


def _places(text: str) -> Iterator[tuple[int, int, str]]:
    shield = shield_of(text)
    unshield = {stand_in: char for char, stand_in in shield.items()}
    for token in yaml.scan(text.translate(shield), Loader=LOADER):
        if isinstance(token, yaml.ScalarToken):
            start, end = token.start_mark.index, token.end_mark.index
            # A block scalar's token ends where the next line begins.
            yield start, start + len(text[start:end].rstrip()), token.value.translate(unshield)


def double_quoted(text: str) -> str:
    """Text as a YAML scalar in double quotes, which every reader of YAML takes for exactly this text."""
    return '"' + _ESCAPED.sub(_escape, text) + '"'


def _escape(found: re.Match[str]) -> str:
    char = found[0]
    short = json.dumps(char)[1:-1]  # where JSON has an escape YAML has the same
    return short if short != char else f"\\u{ord(char):04x}"
