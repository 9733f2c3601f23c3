"""Extended regular expressions of POSIX, as `grep` looks for them: whether a line has one, in time that is bounded.

Python's own try one way after the other, and there are scripts whose patterns have more ways than anybody could wait
for. This goes all ways at once: a line costs its length times the size of the pattern (Thompson's construction).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

MOST_STATES = 2_000
"""A longer pattern, or one that repeats too much, is not played."""
_MOST_REPEATED = 4
"""Repetitions of repetitions, and"""
_DEEPEST = 50
"""groups in groups."""
_COUNTS = re.compile(r"\{([0-9]{1,3})(,([0-9]{0,3}))?\}")
_BRACKET = re.compile(r"\[(\^?)(\]?[^\]\\]*)\]")


class NotKnown(Exception):
    """A pattern that is mistaken, or that we do not play."""


@dataclass(eq=False, slots=True)
class _State:
    """A place in a pattern. `takes` says which characters lead on from it; without it, none is needed, but that the
    line begins (`^`) or ends (`$`) here where `at` says so."""

    takes: Callable[[str], object] | None = None
    at: str = ""
    to: list[_State] = field(default_factory=list)


_Build = Callable[[_State], _State]
"""Makes a part of the pattern before the state that follows it: where that part begins."""


class Expression:
    """One pattern. Raises `NotKnown`."""

    def __init__(self, text: str, *, ignores_case: bool = False) -> None:
        self._text, self._place, self._depth = text, 0, 0
        self._flags = re.DOTALL | (re.IGNORECASE if ignores_case else 0)
        self.states = 0
        self._end = _State()
        build = self._choice()
        if self._place < len(text):
            raise NotKnown(text)
        self._start = build(self._end)

    def is_in(self, line: str) -> bool:
        """Whether any part of a line fits the pattern."""
        here: list[_State] = []
        for place, char in enumerate((*line, None)):
            reached: dict[_State, None] = {}
            self._reach([*here, self._start], reached, is_start=place == 0, is_end=char is None)
            if self._end in reached:
                return True
            here = [
                to
                for state in reached
                if state.takes is not None and char is not None and state.takes(char)
                for to in state.to
            ]
        return False

    @staticmethod
    def _reach(begin: list[_State], reached: dict[_State, None], *, is_start: bool, is_end: bool) -> None:
        """Every state that these lead to without a character."""
        left = begin
        while left:
            state = left.pop()
            if state in reached or (state.at == "^" and not is_start) or (state.at == "$" and not is_end):
                continue
            reached[state] = None
            if state.takes is None:
                left += state.to

    def _state(self, *to: _State, takes: Callable[[str], object] | None = None, at: str = "") -> _State:
        self.states += 1
        if self.states > MOST_STATES:
            raise NotKnown(self._text)
        return _State(takes, at, list(to))

    # Reading.

    def _choice(self) -> _Build:
        ways = [self._sequence()]
        while self._took("|"):
            ways.append(self._sequence())
        return ways[0] if len(ways) == 1 else lambda after: self._state(*(way(after) for way in ways))

    def _sequence(self) -> _Build:
        parts = list(self._parts())

        def build(after: _State) -> _State:
            for part in reversed(parts):
                after = part(after)
            return after

        return build

    def _parts(self) -> Iterator[_Build]:
        while self._place < len(self._text) and self._text[self._place] not in "|)":
            part = self._atom()
            for _ in range(_MOST_REPEATED):
                part = self._repeated(part) or part
            yield part

    def _repeated(self, part: _Build) -> _Build | None:
        """The part with the repetition that stands behind it, if one does."""
        counts = _COUNTS.match(self._text, self._place)
        if counts is not None:
            self._place = counts.end()
            least = int(counts[1])
            most = least if counts[2] is None else int(counts[3]) if counts[3] else None
            if most is not None and most < least:
                raise NotKnown(self._text)
            return self._times(part, least, most)
        if self._took("*"):
            return self._times(part, 0, None)
        if self._took("+"):
            return self._times(part, 1, None)
        if self._took("?"):
            return self._times(part, 0, 1)
        return None

    def _times(self, part: _Build, least: int, most: int | None) -> _Build:
        def build(after: _State) -> _State:
            if most is None:
                again = self._state(after)
                again.to.append(part(again))
                after = again
            else:
                end = after
                for _ in range(most - least):
                    after = self._state(part(after), end)
            for _ in range(least):
                after = part(after)
            return after

        return build

    def _atom(self) -> _Build:
        char = self._text[self._place]
        self._place += 1
        if char == "(":
            self._depth += 1
            if self._depth > _DEEPEST:
                raise NotKnown(self._text)
            inner = self._choice()
            if not self._took(")"):
                raise NotKnown(self._text)
            self._depth -= 1
            return inner
        if char in "^$":
            return lambda after: self._state(after, at=char)
        if char in "*+?{":
            raise NotKnown(self._text)
        one = re.escape(char)
        if char == ".":
            one = "."
        elif char == "\\":
            one = re.escape(self._text[self._place : self._place + 1])
            self._place += 1
        elif char == "[":
            bracket = _BRACKET.match(self._text, self._place - 1)
            if bracket is None:
                raise NotKnown(self._text)
            members = re.sub(r"[][&~|]", r"\\\g<0>", bracket[2])
            one = f"[{bracket[1]}{members}]"
            self._place = bracket.end()
        try:
            takes = re.compile(one, self._flags).fullmatch
        except re.error as error:
            raise NotKnown(self._text) from error
        return lambda after: self._state(after, takes=takes)

    def _took(self, char: str) -> bool:
        if self._text[self._place : self._place + 1] != char:
            return False
        self._place += 1
        return True
