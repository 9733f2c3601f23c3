"""`akash-mcp draft`: an SDL from an image and a few numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from akash_mcp.cli.output import pairs, save, say
from akash_mcp.errors import BadArgument
from akash_mcp.money import NotMoney, Usd
from akash_mcp.sdl.author.draft import draft


def run(
    given: Mapping[str, Any], *, attributes: Sequence[str], max_usd_per_hour: str | None, output: Path | None
) -> int:
    """Write the SDL to standard output or to `output`, and what was decided to standard error.

    `given` are arguments of `sdl.draft.draft`. Returns 0: what cannot be drafted is a `BadArgument`.
    """
    drafted = draft(
        **given,
        attributes=pairs("--attribute", attributes),
        max_usd_per_hour=None if max_usd_per_hour is None else _usd(max_usd_per_hour),
    )
    save(drafted.sdl, output)
    for note in drafted.notes:
        say(f"note: {note}")
    for each in drafted.report.exposed:
        say(f"open to the Internet: {each.words}")
    for warning in drafted.report.warnings:
        say(f"warning {warning.rule}: {warning.message}: {warning.fix}")
    return 0


def _usd(text: str) -> Usd:
    try:
        return Usd.parse(text)
    except NotMoney as error:
        raise BadArgument(f"--max-usd-per-hour must be US dollars, such as 0.5: {error}.") from error
