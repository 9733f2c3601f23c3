"""What `check` says of an SDL: faults with their places, and the verdict they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from akash_mcp.money import Usd
from akash_mcp.sdl.output.groups import GroupSpec
from akash_mcp.sdl.yaml.loader import Path

Judge: TypeAlias = Literal["console", "chain", "provider", "cli", "market"]
"""Who refuses: the Console API (free), the chain or the provider (after a deposit), the Go command line, or nobody
in particular: the market simply does not bid. Only the first three make an error."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong, before its place in the text is known. `at_key`: the key at `path` is wrong, not its value."""

    rule: str
    path: Path
    message: str
    official: str = ""
    hint: str = ""
    judge: Judge = "console"
    at_key: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with an SDL. `line` and `column` count from 1; `path` is a JSON pointer such as `/services/web`.

    `hint` is how to mend it (may be empty). `official` is the judge's own text where it is known.
    """

    rule: str
    judge: Judge
    message: str
    path: str
    line: int
    column: int
    hint: str
    official: str


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict on one SDL.

    `ok`: Console, chain and provider would all take it. `console_ok`: Console would. `manifest` is the text that
    Console returns, there only when `console_ok`; `manifest_sha256` its hash in hex. The ceilings are the most
    that all replicas may cost together, None where the chain would refuse the price. `console_message` is what
    follows `Invalid SDL: ` in Console's answer, empty when `console_ok`.
    """

    ok: bool
    console_ok: bool
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...]
    groups: tuple[GroupSpec, ...]
    manifest: str | None
    manifest_sha256: str | None
    services: tuple[str, ...]
    ceiling_usd_hour: Usd | None
    ceiling_usd_month: Usd | None
    console_message: str
