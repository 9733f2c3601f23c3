"""One line of an offer: who, where, how much and the largest reason."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.ids import ProviderAddress
from akash_mcp.market.offer_line import offer_line
from akash_mcp.market.offers import Offer
from akash_mcp.market.ranking import Requirements, rank


def line_of(**known: Any) -> str:
    offer = Offer(provider=ProviderAddress("akash1a"), gseq=1, price_uact_per_block=Decimal(1_000), **known)
    (ranked,) = rank([offer], requirements=Requirements(hours=Decimal(24))).ranked
    return offer_line(ranked)


def test_a_line_names_provider_place_price_and_the_largest_reason() -> None:
    known = {"name": "cedar", "region": "Oregon", "country": "United States"}
    start = '"cedar" (Oregon, United States), $0.591 an hour: '
    assert line_of(**known) == f"{start}the only acceptable bid for its group"
    assert line_of().startswith('"akash1a" (unknown), $0.591 an hour: ')


@given(st.text(), st.text())
def test_whatever_a_provider_is_called_it_is_one_line_in_quotes(name: str, region: str) -> None:
    line = line_of(name=name, region=region)
    assert len(line.splitlines()) == 1
    assert line.startswith('"')
