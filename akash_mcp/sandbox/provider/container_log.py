"""What one run of a container has written, of which the first lines may be numbered ones that take no memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload


class ContainerLog(Sequence[str]):
    """Lines, oldest first: `numbered` lines that are made when they are looked at, and those that were appended."""

    def __init__(self, numbered: int = 0) -> None:
        self._numbered = numbered
        self._written: list[str] = []

    def append(self, line: str) -> None:
        """Write one more line."""
        self._written.append(line)

    def __len__(self) -> int:
        return self._numbered + len(self._written)

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> list[str]: ...

    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, int):
            return self._line(range(len(self))[at])
        return [self._line(number) for number in range(len(self))[at]]

    def _line(self, number: int) -> str:
        if number >= self._numbered:
            return self._written[number - self._numbered]
        return f'10.233.64.7 - - "GET /items/{number} HTTP/1.1" 200 {number % 9973} "-" "curl/8.5.0" {number % 97} ms'
