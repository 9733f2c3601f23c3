"""One line of what `akash-mcp doctor` found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked: what was found, and how to fix it where it is wrong.

    `warns`: it works, and its owner should know.
    """

    subject: str
    ok: bool
    message: str
    fix: str = ""
    warns: bool = False

    indent: ClassVar[str] = " " * 15
    """What stands before each line of it but the first."""

    def __str__(self) -> str:
        mark = "WRONG" if not self.ok else "WARN" if self.warns else "ok"
        lines = [f"{mark:<6}{self.subject:<9}{self.message}"]
        if self.fix:
            lines.append(f"{self.indent}→ {self.fix}")
        return "\n".join(lines)
