"""What a shell knows: its variables, parameters, functions, options and open descriptors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

from akash_mcp.sandbox.provider.shell.budget import Budget
from akash_mcp.sandbox.provider.shell.files import Files
from akash_mcp.sandbox.provider.shell.process import Host
from akash_mcp.sandbox.provider.shell.streams import Descriptors, Sink, sink_of
from akash_mcp.sandbox.provider.shell.syntax import Command


@dataclass
class ShellState:
    """What one shell knows, or a subshell of it."""

    host: Host
    budget: Budget
    descriptors: Descriptors
    folder: str
    name: str = "sh"
    parameters: Sequence[str] = ()
    variables: dict[str, str] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)
    functions: dict[str, Command] = field(default_factory=dict)
    exits_on_error: bool = False
    refuses_unset: bool = False
    is_bash: bool = False
    status: int = 0
    line: int = 1
    loops: int = 0
    depth: int = 0
    is_in_function: bool = False
    is_tested: bool = False
    substituted: int | None = None

    @property
    def files(self) -> Files:
        return self.host.files

    @property
    def stderr(self) -> Sink:
        return sink_of(self.descriptors, 2)

    def environment(self) -> dict[str, str]:
        """The variables that programs get."""
        return {name: value for name, value in self.variables.items() if name in self.exported}

    def special(self, name: str) -> str:
        """A special parameter."""
        match name:
            case "?":
                return str(self.status)
            case "#":
                return str(len(self.parameters))
            case "0":
                return self.name
            case "$":
                return "1"
            case "-":
                return "e" * self.exits_on_error + "u" * self.refuses_unset
        return ""

    def fork(self, descriptors: Descriptors | None = None) -> Self:
        """A subshell, with some descriptors of its own."""
        return replace(
            self,
            descriptors={**self.descriptors, **(descriptors or {})},
            variables=dict(self.variables),
            exported=set(self.exported),
            functions=dict(self.functions),
            loops=0,
        )

    def complain(self, text: str) -> None:
        """Write an error as the shell does."""
        self.stderr.write(f"{self.name}: {self.line}: {text}\n")
