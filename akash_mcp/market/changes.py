"""A change to an SDL: in words for a person, and as fields and values that a model or a program can apply."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from akash_mcp.market.matching import Kind
from akash_mcp.market.ranking import Requirements
from akash_mcp.sdl import Report, check
from akash_mcp.sdl.rules.schema_types import pointer
from akash_mcp.sdl.yaml.loader import Path


@dataclass(frozen=True, slots=True)
class Edit:
    """One field of the SDL: its path, and what to write there as JSON. None removes it."""

    path: Path
    value: Any = None

    @property
    def pointer(self) -> str:
        """The path as a JSON pointer."""
        return pointer(self.path)

    @property
    def text(self) -> str | None:
        """The value in YAML; None where the field is to be removed."""
        return None if self.value is None else json.dumps(self.value)


@dataclass(frozen=True, slots=True)
class Change:
    """One change: in words, and what to write where. One of the user's settings has `policy`, as it would be then.

    `setting` is the name of that setting and its new value, in place of edits.
    """

    words: str
    edits: tuple[Edit, ...] = ()
    policy: Requirements | None = None
    setting: tuple[str, str] | None = None

    def __add__(self, other: Change) -> Change:
        """Both changes. The second one's settings count, where both have some."""
        return Change(
            f"{self.words}, and {other.words}",
            in_order((*self.edits, *other.edits)),
            other.policy or self.policy,
            other.setting or self.setting,
        )


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to ask for less, in steps from the smallest change to the largest."""

    kind: Kind
    steps: tuple[Change, ...]

    def goes_with(self, other: Candidate) -> bool:
        """Whether the two change different things."""
        mine, others = ({edit.path for edit in each.steps[-1].edits} for each in (self, other))
        settings = (self.steps[-1].policy, other.steps[-1].policy)
        return self.kind is not other.kind and mine.isdisjoint(others) and None in settings


def changed(data: Any, change: Change) -> Report:
    """The report on the SDL with a change made to its parsed `data`."""
    return check(changed_text(data, change))


def changed_text(data: Any, change: Change) -> str:
    """That SDL. It is JSON, which is YAML, and has the comments of the one before no more."""
    after = copy.deepcopy(data)
    for edit in change.edits:
        _write(after, edit)
    return json.dumps(after, default=str)


def in_order(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """The edits so that none moves what a later one means: an item is removed from a list after those behind it.

    What lies inside of something that is removed is left out.
    """
    written = {each.path: each for each in edits if each.value is not None}
    removed = sorted(
        (each for each in edits if each.value is None),
        key=lambda each: [(-step, "") if isinstance(step, int) else (0, step) for step in each.path],
    )
    kept = {each.path: each for each in removed}
    inside = {path for path in kept if any(path[:length] in kept for length in range(len(path)))}
    return (*written.values(), *(each for path, each in kept.items() if path not in inside))


def _write(data: Any, edit: Edit) -> None:
    for step in edit.path[:-1]:
        data = data[step]
    last = edit.path[-1]
    if edit.value is None:
        del data[last]
    else:
        data[last] = edit.value
