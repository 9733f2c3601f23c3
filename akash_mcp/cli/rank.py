"""`akash-mcp rank`: offers in, ranking out, as `list_bids` would have it. It asks nobody and needs no account."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from akash_mcp.cli.command_parser import did_you_mean
from akash_mcp.cli.output import printable, read
from akash_mcp.errors import BadArgument
from akash_mcp.ids import parse_provider
from akash_mcp.market.offers import Offer
from akash_mcp.market.ranking import Prefer, RankedOffer, Ranking, Rejected, Requirements, rank
from akash_mcp.money import Usd

FIELDS = tuple(each.name for each in fields(Offer) if each.name not in ("places", "record"))
"""What a file may say of an offer: all but what is reckoned from it, and what only this machine's ledger knows."""

_MOST_REASONS = 2


def run(
    file: Path,
    *,
    prefer: Prefer,
    hours: int,
    max_usd_per_hour: str | None,
    audited_only: bool,
    as_json: bool,
) -> int:
    """Rank the offers in `file` (`-` is standard input), a JSON array of objects with `FIELDS`.

    Prints a table, or with `as_json` one object. Returns 0 where one of them could be taken, else 1. Raises
    `BadArgument` for what is not an offer, by its place in the array.
    """
    ranking = rank(
        offers_in(read(file)),
        requirements=Requirements(
            hours=Decimal(hours),
            max_usd_per_hour=None if max_usd_per_hour is None else Usd.parse(max_usd_per_hour),
            audited_only=audited_only,
        ),
        prefer=prefer,
    )
    if as_json:
        record = {
            "ranked": [_ranked(each) for each in ranking.ranked],
            "rejected": [_rejected(each) for each in ranking.rejected],
        }
        sys.stdout.write(json.dumps(record) + "\n")
    else:
        _show(ranking)
    return 0 if ranking.ranked else 1


def offers_in(text: str) -> list[Offer]:
    """The offers of a JSON array. Raises `BadArgument`."""
    try:
        tree = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:  # the second for what nests without end
        raise BadArgument(f"That is not JSON: {error}.", money="") from error
    if not isinstance(tree, list) or not all(isinstance(each, dict) for each in tree):
        raise BadArgument("That is not a JSON array of offers.", next_step=_SHAPE, money="")
    return [_offer(number, each) for number, each in enumerate(tree, 1)]


_SHAPE = 'Write [{"provider": "akash1…", "gseq": 1, "price_uact_per_block": "10"}, …]: docs/ranking.md has the rest.'
_OFFER = TypeAdapter(Offer)


def _offer(number: int, tree: dict[str, Any]) -> Offer:
    for name in tree:
        if name not in FIELDS:
            raise BadArgument(
                f"Offer {number} has a field {printable(name[:40])!r}, and an offer has none"
                f"{did_you_mean(name, FIELDS) or '.'}",
                next_step=_SHAPE,
                money="",
            )
    try:
        offer = _OFFER.validate_python(tree)
        parse_provider(offer.provider)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise BadArgument(f"Offer {number}, {where}: {fault['msg']}.", next_step=_SHAPE, money="") from error
    except ValueError as error:
        raise BadArgument(f"Offer {number}, provider: {error}.", money="") from error
    return offer


def _ranked(each: RankedOffer) -> dict[str, object]:
    return {
        "gseq": each.offer.gseq,
        "rank": each.rank,
        "provider": each.offer.provider,
        "usd_per_hour": each.usd_per_hour.exact(),
        "bill_usd": each.bill.exact(),
        "expected_usd": each.expected_cost.exact(),
        "interruption": float(round(each.interruption, 6)),
        "reasons": each.reasons,
        "unknowns": each.unknowns,
        "before_next": each.before_next,
    }


def _rejected(each: Rejected) -> dict[str, object]:
    return {"gseq": each.offer.gseq, "provider": each.offer.provider, "reasons": each.reasons}


def _show(ranking: Ranking) -> None:
    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False)
    groups = {each.offer.gseq for each in ranking.ranked}
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for title in (*(["group"] if len(groups) > 1 else []), "#", "provider", "USD/hour", "expected", "why"):
        table.add_column(title, overflow="fold", no_wrap=title in ("#", "USD/hour", "expected"))
    for each in ranking.ranked:
        table.add_row(
            *([str(each.offer.gseq)] if len(groups) > 1 else []),
            str(each.rank),
            printable(each.offer.name or each.offer.provider),
            str(each.usd_per_hour),
            str(each.expected_cost),
            _reasons(each.reasons),
        )
    if ranking.ranked:
        console.print(table)
    else:
        console.print("None of them could be taken.")
    if ranking.rejected:
        console.print(Text("Not taken:", style="bold"))
    for rejected in ranking.rejected:
        who = printable(rejected.offer.name or rejected.offer.provider)
        console.print(f"  {who}: {'; '.join(rejected.reasons)}")


def _reasons(reasons: Sequence[str]) -> str:
    return "; ".join(reasons[:_MOST_REASONS])
