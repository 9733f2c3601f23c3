"""What Console makes of an SDL before it spends anything: its manifest, its groups, or why not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from akash_mcp.sandbox.console.chain_words import chain_refusal
from akash_mcp.sandbox.console.responses import Problem
from akash_mcp.sandbox.console.sdl_words import refusal
from akash_mcp.sandbox.sellers import AUDITOR
from akash_mcp.sandbox.transactions import ChainError
from akash_mcp.sdl import GroupSpec, Report, check
from akash_mcp.sdl.output.orders import orders

_MUCH_USD = Decimal(10**12)


@dataclass(frozen=True)
class Judged:
    """An SDL that Console takes. `groups` have Console's auditor added; `version` is the manifest's SHA-256."""

    report: Report
    manifest: str
    groups: tuple[GroupSpec, ...]

    @property
    def version(self) -> bytes:
        """What the chain keeps of the manifest."""
        return bytes.fromhex(self.report.manifest_sha256 or "")

    def let_chain_judge(self) -> None:
        """Raises `ChainError` for what only the chain refuses, in the chain's words."""
        if self.report.model and (said := chain_refusal(orders(self.report.model))):
            raise ChainError(said)


def judge(sdl: str) -> Judged:
    """What Console makes of an SDL that it takes. Raises `Problem` 400 in the words of Console's validator."""
    report = check(sdl)
    if not report.console_ok or report.manifest is None:
        raise Problem(400, f"Invalid SDL: {refusal(sdl, report)}")
    groups = tuple(replace(group, any_of=(*group.any_of, AUDITOR)) for group in report.groups)
    return Judged(report, report.manifest, groups)


def uact_of(usd: float | int) -> int:
    """A JSON number of USD in whole uact, within what anybody has."""
    # JSON can spell infinity (1e999).
    bounded = max(-_MUCH_USD, min(_MUCH_USD, Decimal(str(usd))))
    return int((bounded * 10**6).to_integral_value(ROUND_HALF_UP))
