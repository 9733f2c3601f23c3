"""A compose file where an SDL was expected: one sentence, in place of everything that it is not."""

from __future__ import annotations

from pathlib import Path

from akash_mcp.cli.output import printable
from akash_mcp.sdl import Report
from akash_mcp.sdl.rules.hints import A_COMPOSE_FILE


def is_compose(report: Report) -> bool:
    """Whether what was judged as an SDL is a compose file."""
    return any(error.fix == A_COMPOSE_FILE for error in report.errors)


def instead(file: Path) -> str:
    """What to do with it."""
    name = printable(str(file))
    return f"it is a compose file, and no SDL yet. akash-mcp import {name} -o deploy.yaml makes one of it."
