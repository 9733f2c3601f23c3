"""What holds of every ranking, beyond what `test_ranking.py` has: names, units, absurd prices, unknowns, sums, time."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from types import FrameType
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from test_ranking import ADDRESSES, FRACTIONS, HOURS, OFFERS, PREFERENCES, place

from akash_mcp.ids import ProviderAddress
from akash_mcp.market.offers import HIGHEST_PRICE, Offer
from akash_mcp.market.ranking import (
    REDEPLOY_COST,
    Prefer,
    RankedOffer,
    Ranking,
    Requirements,
    rank,
)
from akash_mcp.market.risk import NEW_DAYS, doubt, expected_interruptions

AGED = st.builds(replace, OFFERS, registered_days=st.none() | st.decimals(0, 2_000, places=1))
MANY = st.lists(AGED, min_size=1, max_size=8)


def without_names(ranked: RankedOffer) -> tuple[object, ...]:
    offer = ranked.offer
    return offer.gseq, ranked.rank, ranked.expected_cost, ranked.interruption, offer.audited, ranked.reasons


def found(ranking: Ranking) -> list[tuple[object, ...]]:
    return [without_names(ranked) for ranked in ranking.ranked]


def other_address(address: ProviderAddress) -> ProviderAddress:
    """A bijection that turns the order of the addresses round."""
    return ProviderAddress(f"akash1{99 - int(address[-2:]):038}")


# ── names and units ─────────────────────────────────────────────────────────────────────────────────────────


@given(MANY, HOURS, PREFERENCES)
def test_other_addresses_change_nothing_but_who_of_equals_comes_first(
    offers: list[Offer], wanted: Requirements, prefer: Prefer
) -> None:
    renamed = [replace(offer, provider=other_address(offer.provider)) for offer in offers]
    after, before = (found(rank(each, requirements=wanted, prefer=prefer)) for each in (renamed, offers))
    assert [costs for _, _, costs, *_ in after] == [costs for _, _, costs, *_ in before]
    # Equals cost the same and may yet be told in other words.
    assert Counter((gseq, *rest) for gseq, _, *rest in after) == Counter(
        (gseq, *rest) for gseq, _, *rest in before
    )


@given(MANY, st.decimals("0.1", 1_000, places=1), PREFERENCES)
def test_how_a_number_is_written_changes_nothing(offers: list[Offer], hours: Decimal, prefer: Prefer) -> None:
    def padded(number: Decimal) -> Decimal:
        return number.quantize(Decimal("1e-9"))

    same = [replace(o, price_uact_per_block=padded(o.price_uact_per_block)) for o in offers]
    plain = rank(offers, requirements=Requirements(hours=hours), prefer=prefer)
    assert found(rank(same, requirements=Requirements(hours=padded(hours)), prefer=prefer)) == found(plain)


@given(MANY, HOURS, st.integers(2, 1_000))
def test_the_order_by_rent_does_not_depend_on_the_unit_of_the_price(
    offers: list[Offer], wanted: Requirements, times: int
) -> None:
    scaled = [replace(o, price_uact_per_block=o.price_uact_per_block * times) for o in offers]
    before, after = (
        [ranked.offer.provider for ranked in rank(some, requirements=wanted, prefer="cheapest").ranked]
        for some in (offers, scaled)
    )
    assert after == before


# ── absurd prices ───────────────────────────────────────────────────────────────────────────────────────────

ABSURD = st.one_of(
    st.sampled_from(
        [Decimal(word) for word in ("NaN", "sNaN", "Infinity", "-Infinity", "0", "-0", "1e999999")]
    ),
    st.decimals(max_value=0, allow_nan=False),
    st.decimals(min_value=HIGHEST_PRICE, allow_nan=False).filter(lambda price: price > HIGHEST_PRICE),
)


@given(ABSURD, MANY, HOURS, PREFERENCES)
def test_an_absurd_price_is_a_gate_and_spoils_no_other_offer(
    price: Decimal, offers: list[Offer], wanted: Requirements, prefer: Prefer
) -> None:
    ranking = rank(
        [*offers, replace(offers[0], price_uact_per_block=price)], requirements=wanted, prefer=prefer
    )
    (rejected,) = ranking.rejected
    assert any("its price is not a positive amount" in reason for reason in rejected.reasons)
    assert ranking.ranked == rank(offers, requirements=wanted, prefer=prefer).ranked


# ── unknown ─────────────────────────────────────────────────────────────────────────────────────────────────

GOOD: dict[str, Any] = {
    "uptime_1d": Decimal(1),
    "uptime_7d": Decimal("0.99"),
    "uptime_30d": Decimal("0.98"),
    "incidents_7d": 0,
    "registered_days": Decimal(NEW_DAYS),
    "online": True,
    "valid_version": True,
    "age_seconds": Decimal(10),
    "reclamation_seconds": 60,
}
"""What is known and good: up for at least as long as is usual, no outage, and registered long enough."""


@given(
    st.decimals("0.000001", 10_000, places=6),
    st.booleans(),
    st.sets(st.sampled_from(sorted(GOOD)), min_size=1),
    HOURS,
    PREFERENCES,
)
def test_unknown_never_beats_equal_and_known_good(
    price: Decimal, audited: bool, missing: set[str], wanted: Requirements, prefer: Prefer
) -> None:
    first, last = (ProviderAddress(f"akash1{n:038}") for n in (1, 2))
    unknowns: dict[str, Any] = dict.fromkeys(missing)
    known = Offer(provider=last, gseq=1, price_uact_per_block=price, audited=audited, **GOOD)
    unknown = replace(known, provider=first, **unknowns)
    ranking = rank([unknown, known], requirements=wanted, prefer=prefer)
    assert ranking.ranked[0].offer.provider == last


@given(
    AGED,
    HOURS,
    PREFERENCES,
    ADDRESSES,
    st.decimals(0, NEW_DAYS, places=1),
    st.decimals("0.1", NEW_DAYS, places=1),
)
def test_a_newer_provider_never_comes_before_an_equal_one_that_has_been_there_longer(
    offer: Offer, wanted: Requirements, prefer: Prefer, address: ProviderAddress, days: Decimal, more: Decimal
) -> None:
    assume(address != offer.provider)
    assume(days < NEW_DAYS and prefer != "cheapest")
    older = replace(offer, registered_days=days + more)
    newer = replace(offer, registered_days=days, provider=address)
    ranking = rank([newer, older], requirements=wanted, prefer=prefer)
    before, after = place(ranking, older), place(ranking, newer)
    assert before is not None
    assert after is not None
    assert before < after


# ── sums ────────────────────────────────────────────────────────────────────────────────────────────────────


@given(MANY, HOURS, PREFERENCES)
def test_what_is_shown_adds_up(offers: list[Offer], wanted: Requirements, prefer: Prefer) -> None:
    for ranked in rank(offers, requirements=wanted, prefer=prefer).ranked:
        expected = expected_interruptions(ranked.offer, wanted.hours)
        assert ranked.usd_per_hour == ranked.offer.usd_per_hour
        assert ranked.bill == ranked.usd_per_hour * wanted.hours
        loss = ranked.expected_cost - ranked.bill
        doubted = ranked.bill * doubt(ranked.offer)
        assert loss >= doubted + REDEPLOY_COST * expected
        assert any(f"an expected loss of {loss - doubted}" in reason for reason in ranked.reasons)
        assert any(f"doubt counted as {doubted}" in reason for reason in ranked.reasons) == bool(doubted)
        assert ranked.interruption == 1 - (-expected).exp()


@given(FRACTIONS, FRACTIONS, FRACTIONS, st.integers(0, 10**30), st.decimals("0.1", 87_600))
def test_no_record_is_so_bad_that_outages_overlap(
    day: Decimal | None, week: Decimal | None, month: Decimal | None, incidents: int, hours: Decimal
) -> None:
    offer = Offer(
        provider=ProviderAddress(f"akash1{1:038}"),
        gseq=1,
        price_uact_per_block=Decimal(1),
        uptime_1d=day,
        uptime_7d=week,
        uptime_30d=month,
        incidents_7d=incidents,
    )
    assert 0 < expected_interruptions(offer, hours) <= hours / 2


# ── time ────────────────────────────────────────────────────────────────────────────────────────────────────


def calls_of(work: Callable[[], object]) -> int:
    """How many Python functions it calls: a busy machine changes nothing."""
    calls = 0

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal calls
        calls += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize("prefer", ["balanced", "cheapest", "reliable"])
def test_twice_as_many_bids_take_twice_the_work(prefer: Prefer) -> None:
    def bids(count: int) -> list[Offer]:
        return [
            Offer(
                provider=ProviderAddress(f"akash1{n:038}"),
                gseq=1,
                price_uact_per_block=Decimal(1_000 + n),
                uptime_7d=Decimal(n % 100) / 100,
            )
            for n in range(count)
        ]

    def work(count: int) -> int:
        offers = bids(count)
        return calls_of(lambda: rank(offers, requirements=Requirements(hours=Decimal(24)), prefer=prefer))

    few, many = work(200), work(400)
    assert many < few * 2.2
