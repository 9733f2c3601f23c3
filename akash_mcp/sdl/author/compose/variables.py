"""The variables that a caller gave for one file: their values, the defaults that were used, and keeping them unseen."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from akash_mcp.sanitize.secrets import MASK, SHORTEST_KNOWN, sounds_secret
from akash_mcp.sdl.author.compose.interpolation import Unresolved

_SHORTEST_NAMED = 4
"""Characters of the shortest value that is hidden because its name sounds like a secret."""
_BEGINNING = 8
"""Characters by which a value is known where it was cut, and `_SHORTEST_NAMED` at the end of a text."""


class Variables:
    """Values by name. Those in `allow_missing` are `empty` where they have neither a value nor a default, as Compose
    has them.

    `said` is the text of the file: a value that it says itself, such as `postgres`, is not hidden.
    """

    def __init__(self, given: Mapping[str, str], allow_missing: Collection[str] = (), said: str = "") -> None:
        self._said = said
        self.given = given
        self.empty = frozenset(allow_missing)
        self.defaulted: set[str] = set()
        self._hidden: list[str] = []  # the longest first, since one may begin another
        self.hide(given)

    def unset(self, variable: Unresolved) -> str:
        """What stands for a variable without a value and a default. Raises it where it must not be missing."""
        if variable.required or variable.name not in self.empty:
            raise variable
        return ""

    def hide(self, values: Mapping[str, str]) -> None:
        """Hide these values from now on. One that is too short to be told from a word is shown, and so is one that the
        file says."""
        known = set(self._hidden)
        for name, value in values.items():
            shortest = _SHORTEST_NAMED if sounds_secret(name) else SHORTEST_KNOWN
            if len(value) >= shortest and value not in self._said:
                known.add(value)
        self._hidden = sorted(known, key=len, reverse=True)

    def without_values(self, text: str) -> str:
        """A text for people, with every value that it repeats hidden, also one of which only the beginning is left."""
        for value in self._hidden:
            text = text.replace(value, MASK)
            at = text.find(value[:_BEGINNING])
            while len(value) > _BEGINNING and at >= 0:
                end = at + _BEGINNING
                while end < len(text) and text[end] == value[end - at]:
                    end += 1
                if text[at:end] not in self._said:
                    text = text[:at] + MASK + text[end:]
                    end = at + len(MASK)
                at = text.find(value[:_BEGINNING], end)
            for length in range(min(_BEGINNING, len(value)) - 1, _SHORTEST_NAMED - 1, -1):
                if text.endswith(value[:length]) and value[:length] not in self._said:
                    text = text[:-length] + MASK
        return text
