"""What of an SDL could not be read, or points nowhere: stand-ins take its place, and nothing is said of those.

So every judge speaks at once. A fault hides nothing but what rests on the very place where it is, and no finding is
told that only follows from an earlier one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from akash_mcp.sdl.report import Fault
from akash_mcp.sdl.yaml.loader import Path


@dataclass(frozen=True, slots=True)
class Unread:
    """The places where a stand-in is, each with all that is below it."""

    paths: frozenset[Path] = frozenset()

    @classmethod
    def after(cls, faults: Iterable[Fault]) -> Unread:
        """What cannot be read in an SDL in which `check_schema` found these faults."""
        return cls(frozenset(path for fault in faults for path in _unread_after(fault)))

    def covers(self, path: Path) -> bool:
        """Whether what is at `path` is a stand-in, or in one."""
        return any(path[: len(unread)] == unread for unread in self.paths)

    def touches(self, path: Path) -> bool:
        """Whether what is at `path` is a stand-in, is in one or has one in it."""
        return self.covers(path) or any(unread[: len(path)] == path for unread in self.paths)

    def without_follow_ups(self, faults: Iterable[Fault]) -> Iterator[Fault]:
        """The faults that hold whatever stands where the stand-ins are."""
        if not self.paths:
            return iter(faults)
        return (fault for fault in faults if not self.covers(fault.path) and not self._hides(fault))

    def _hides(self, fault: Fault) -> bool:
        return any(self.touches(path) for path in fault.rests_on)


def _unread_after(fault: Fault) -> tuple[Path, ...]:
    """An unknown field is no part of what is read; a missing one is at its own path, not at that of its map."""
    return fault.lacks if fault.rule in ("S01", "S02") else (fault.path,)
