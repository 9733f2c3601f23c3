"""Which tools a server has, by one rule: for the server that is built, and for what is answered before it is.

Imports next to nothing, since it is asked before anything else is imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

TYPE_CHECKING = False  # importing typing for it would cost more than all the rest
if TYPE_CHECKING:
    from typing import Protocol, TypeVar

    class Choosable(Protocol):
        """A tool as far as this rule asks: whether it only reads, and whether it makes plans to be confirmed."""

        @property
        def reads(self) -> bool: ...
        @property
        def plans(self) -> bool: ...

    Tool = TypeVar("Tool", bound=Choosable)


def choose(
    toolsets: Mapping[str, Sequence[Tool]], named: Iterable[str], *, read_only: bool, confirm: Tool
) -> list[Tool]:
    """The tools of the named toolsets, in their order; on a read-only server those that only read. With a tool that
    makes plans comes `confirm`, which carries them out."""
    chosen = [tool for name in named for tool in toolsets[name] if tool.reads or not read_only]
    if confirm not in chosen and any(tool.plans for tool in chosen):
        chosen.append(confirm)
    return chosen


def is_of_akua(toolset: str) -> bool:
    """Whether the tools of it are about Akua, and need nothing of Akash."""
    return toolset.startswith("akua")


def serves_akua(toolsets: Iterable[str]) -> bool:
    """Whether tools about Akua are among them."""
    return any(map(is_of_akua, toolsets))


class Serving:
    """What is served: the toolsets, whether it is read-only, and whether on an embedded network."""

    __slots__ = ("read_only", "sandbox", "toolsets")

    def __init__(self, toolsets: tuple[str, ...], *, read_only: bool, sandbox: bool) -> None:
        self.toolsets = toolsets
        self.read_only = read_only
        self.sandbox = sandbox

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Serving) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    def __hash__(self) -> int:
        return hash((self.toolsets, self.read_only, self.sandbox))
