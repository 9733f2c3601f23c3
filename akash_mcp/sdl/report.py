"""What `check` says of an SDL: faults with their places, and the verdict they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from akash_mcp.money import Usd
from akash_mcp.sdl.exposure import Exposed
from akash_mcp.sdl.model import Sdl
from akash_mcp.sdl.output.groups import GroupSpec
from akash_mcp.sdl.yaml.javascript import Value
from akash_mcp.sdl.yaml.loader import Path

Judge: TypeAlias = Literal["console", "chain", "provider", "akash-mcp", "cli", "market", "runtime"]
"""Who refuses: the Console API (free), the chain or the provider (after a deposit), this server (what it could not fill
in), the Go command line, or nobody in particular: the market simply does not bid, or it runs and is not what was meant.
The last three only warn."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an SDL, before its place in the text is known.

    `path` leads through the parsed YAML; `at_key` says that the key there is wrong rather than its value. `fix` says
    what to do about it, and may be empty. `beside` is another place that it is about, which the message names by its
    line. `rests_on`: what it is judged by besides what is at `path`; it is told only where all of that could be read.
    `lacks`: the paths of fields that are missing, or may be meant by the one that is wrong.
    """

    rule: str
    path: Path
    message: str
    fix: str = ""
    judge: Judge = "console"
    at_key: bool = False
    beside: Path | None = None
    rests_on: tuple[Path, ...] = ()
    lacks: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with an SDL, and where. `line` and `column` count from 1; `path` is a JSON pointer.

    `rule` is its number, such as `S02`; `fix` says what to do about it, and may be empty.
    """

    rule: str
    judge: Judge
    message: str
    path: str
    line: int
    column: int
    fix: str


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict on one SDL.

    `ok`: Console, chain and provider would all take it, and its secrets can be filled in. `console_ok`: Console would.
    `manifest` is the text that Console returns, there only when `console_ok`; `manifest_sha256` its hash in hex. The
    ceilings are the most that all replicas may cost together, None where the chain would refuse the price. `secrets`
    are the names of the secrets that it refers to, each with the service that it goes to. `exposed` is what is open to
    the Internet, what anyone gets into first. `data` is the parsed YAML, None where the text is not YAML; `model` its
    values, None where its fields are wrong.
    """

    ok: bool
    console_ok: bool
    errors: tuple[Finding, ...]
    warnings: tuple[Finding, ...] = ()
    groups: tuple[GroupSpec, ...] = ()
    manifest: str | None = None
    manifest_sha256: str | None = None
    ceiling_usd_hour: Usd | None = None
    ceiling_usd_month: Usd | None = None
    secrets: tuple[tuple[str, str], ...] = ()
    exposed: tuple[Exposed, ...] = ()
    data: Value = None
    model: Sdl | None = None

    @property
    def services(self) -> tuple[str, ...]:
        """The names of the services, in the order of the SDL; empty where its fields are wrong."""
        return tuple(self.model.services) if self.model else ()
