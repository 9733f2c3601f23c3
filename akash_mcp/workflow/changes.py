"""What changes of that which this server shows, at the moment when it changes. Nothing of it is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from akash_mcp.ids import Dseq


@dataclass(frozen=True, slots=True)
class Change:
    """Something happened to a deployment, or to no certain one. `is_notice`: it is a new notice that says so."""

    dseq: Dseq | None
    is_notice: bool = False


class Changes:
    """Tells changes to whoever listens in this process."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Change], None]] = []

    @contextmanager
    def heard_by(self, listener: Callable[[Change], None]) -> Iterator[None]:
        """Within the block `listener` is called with each change. It must not raise, and not wait."""
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def tell(self, change: Change) -> None:
        """Something changed."""
        for listener in self._listeners:
            listener(change)
