"""Which offer comes first, and why."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from akash_mcp.errors import BadArgument
from akash_mcp.ids import ProviderAddress
from akash_mcp.market.offers import Offer
from akash_mcp.market.ranking import (
    Prefer,
    Ranking,
    Requirements,
    rank,
)
from akash_mcp.market.risk import expected_uptime, interruption_probability
from akash_mcp.money import Usd
from akash_mcp.track_record import NOT_KNOWN, TrackRecord

A, B, C = (ProviderAddress(f"akash1{letter * 38}") for letter in "acd")
DAY = Requirements(hours=Decimal(24))


def offer(provider: ProviderAddress = A, price: int | str = 1_000, **known: Any) -> Offer:
    base = Offer(
        provider=provider,
        gseq=1,
        price_uact_per_block=Decimal(price),
        age_seconds=Decimal(10),
        country_code="US",
        places=frozenset({"us", "north america"}),
        audited=True,
        registered_days=Decimal(1_000),
        online=True,
        valid_version=True,
    )
    return replace(base, **known)


def up(share: str) -> dict[str, Any]:
    return {f"uptime_{window}": Decimal(share) for window in ("1d", "7d", "30d")}


def order(ranking: Ranking) -> list[ProviderAddress]:
    return [ranked.offer.provider for ranked in ranking.ranked]


# ── what a person sees ──────────────────────────────────────────────────────────────────────────────────────


def test_a_little_more_for_much_more_reliable_is_worth_it() -> None:
    offers = [offer(A, 1_000, **up("0.90")), offer(B, 1_050, **up("0.999"))]
    assert order(rank(offers, requirements=DAY)) == [B, A]
    assert order(rank(offers, requirements=DAY, prefer="cheapest")) == [A, B]


def test_the_example_in_the_documentation_is_true() -> None:
    page = (Path(__file__).parents[2] / "docs" / "ranking.md").read_text("utf-8").replace("*", "")
    offers = [offer(A, 1_000, **up("0.90")), offer(B, 1_050, **up("0.999"))]
    for ranked in rank(offers, requirements=DAY).ranked:
        loss = Usd(ranked.expected_cost.amount - ranked.bill.amount)
        assert f"| {ranked.bill} | {loss} | {ranked.expected_cost} |" in page


def test_twice_the_price_is_not_worth_it_unless_asked_for() -> None:
    offers = [offer(A, 1_000, **up("0.95")), offer(B, 1_600, **up("1"))]
    assert order(rank(offers, requirements=DAY)) == [A, B]
    assert order(rank(offers, requirements=DAY, prefer="reliable")) == [B, A]


def test_each_offer_says_what_it_costs_and_why() -> None:
    ranking = rank([offer(A, 1_000, **up("0.995")), offer(B, 2_000)], requirements=DAY)
    first, second = ranking.ranked
    assert (first.rank, second.rank) == (1, 2)
    assert first.bill == first.usd_per_hour * 24
    assert first.expected_cost > first.bill
    assert "the lowest price of 2 acceptable bids" in first.reasons
    assert any("answered 99.5 % of status checks over 30 days" in reason for reason in first.reasons)
    assert "$0.591 more an hour than the lowest of 2 acceptable bids" in second.reasons
    assert 2 <= len(first.reasons) <= 3


def test_an_unknown_uptime_is_said_to_be_unknown_and_never_perfect() -> None:
    (ranked,) = rank([offer()], requirements=DAY).ranked
    assert "uptime" in ranked.unknowns
    assert any("uptime unknown, counted as the usual 97 %" in reason for reason in ranked.reasons)
    assert expected_uptime(offer()) == Decimal("0.97")


def test_a_perfect_record_is_still_not_certain() -> None:
    perfect = offer(**up("1"))
    assert expected_uptime(perfect) < 1
    assert interruption_probability(perfect, Decimal(24)) > 0


def test_nearly_all_checks_are_not_called_all() -> None:
    (ranked,) = rank([offer(**up("0.99999"))], requirements=DAY).ranked
    assert any("answered 99.9 %" in reason for reason in ranked.reasons)


def test_a_missing_window_may_be_a_day_of_outage_and_is_named() -> None:
    (ranked,) = rank([offer(uptime_7d=Decimal("0.9"), uptime_30d=Decimal("0.97"))], requirements=DAY).ranked
    assert "uptime over 1 day (unknown, or zero)" in ranked.unknowns


def test_incidents_of_the_week_count() -> None:
    offers = [offer(A, **up("0.99"), incidents_7d=9), offer(B, **up("0.99"), incidents_7d=0)]
    assert order(rank(offers, requirements=DAY)) == [B, A]


def test_equal_offers_are_ordered_by_audit_then_notice_then_address() -> None:
    offers = [offer(A, audited=False), offer(C), offer(B), offer(C, oseq=2, reclamation_seconds=86_400)]
    assert order(rank(offers, requirements=DAY)) == [C, B, C, A]


def test_groups_are_ranked_each_by_itself() -> None:
    ranking = rank([offer(A, 5), offer(B, 9, gseq=2), offer(C, 7), offer(A, 8, gseq=2)], requirements=DAY)
    places = [(r.offer.gseq, r.rank, r.offer.provider) for r in ranking.ranked]
    assert places == [(1, 1, A), (1, 2, C), (2, 1, A), (2, 2, B)]


def test_a_dearer_offer_that_comes_first_says_what_tipped_it() -> None:
    offers = [offer(A, 1_000, **up("0.95")), offer(B, 1_600, **up("1"))]
    first, second = rank(offers, requirements=DAY, prefer="reliable").ranked
    assert first.offer.provider == B
    assert re.fullmatch(
        r"\$8\.51 more rent in 24 h than the next one, and before it: \$1\.\d+ is expected to be lost here"
        r" and \$4\.\d+ there, where interruptions count 5 times",
        first.before_next,
    ), first.before_next
    assert second.before_next == ""
    cheapest, _ = rank(offers, requirements=DAY, prefer="cheapest").ranked
    assert cheapest.before_next == ""


def test_our_own_history_is_told_and_moves_the_risk() -> None:
    good = TrackRecord(leases=4, ran=4, ready_seconds=Decimal("40.2"), hours=Decimal(96))
    offers = [offer(A, **up("0.99")), offer(B, **up("0.99"), record=good)]
    first, second = rank(offers, requirements=DAY).ranked
    assert first.offer.provider == B
    assert first.interruption < second.interruption
    assert any("; ran 4 times for us, ready within 41 s in the median: an" in each for each in first.reasons)
    bad = replace(good, closed_by_provider=1, interruptions=1)
    offers = [offer(A, **up("0.99")), offer(B, **up("0.99"), record=bad)]
    assert order(rank(offers, requirements=DAY)) == [A, B]


def test_one_bad_lease_of_ours_moves_a_risk_little() -> None:
    once = TrackRecord(leases=1, failed=1, interruptions=1)
    unknown, known = (interruption_probability(offer(record=each), Decimal(24)) for each in (NOT_KNOWN, once))
    assert unknown < known < unknown + Decimal("0.1")


# ── gates ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("bad", "wanted", "reason"),
    [
        ({"state": "closed"}, {}, "no longer open"),
        ({"age_seconds": Decimal(300)}, {}, "expired"),
        ({"price_uact_per_block": Decimal(0)}, {}, "not a positive amount"),
        ({}, {"max_usd_per_hour": Usd("0.5")}, "it costs $0.591 an hour, more than the $0.50 allowed"),
        ({}, {"allowed": frozenset({B})}, "not on the allow list"),
        ({}, {"denied": frozenset({A})}, "on the deny list"),
        ({}, {"excluded": frozenset({A})}, "among those to leave out"),
        ({}, {"failed": {A: "it closed a lease"}}, "failed us lately: it closed a lease"),
        ({"online": False}, {}, "offline"),
        ({"valid_version": False}, {}, "no longer valid"),
        ({"audited": False}, {"audited_only": True}, "not audited"),
        (
            {},
            {"regions": frozenset({"de", "finland"})},
            'in none of the regions asked for: "de", "finland"',
        ),
        ({"places": frozenset()}, {"regions": frozenset({"us"})}, "where the provider is, is unknown"),
        (
            {"gpu_models": ("nvidia/t4",)},
            {"gpu_models": frozenset({"nvidia/h100"})},
            'none of the GPU models asked for: "nvidia/h100"',
        ),
        (
            {"other_gpu": "t4 16Gi, and h100 is asked for (another model)"},
            {},
            "it offers another GPU: t4 16Gi",
        ),
    ],
)
def test_what_rules_an_offer_out_is_said(bad: dict[str, Any], wanted: dict[str, Any], reason: str) -> None:
    ranking = rank([offer(**bad)], requirements=replace(DAY, **wanted))
    assert ranking.ranked == ()
    assert [reason in said for said in ranking.rejected[0].reasons] == [True]


def test_every_reason_is_given_not_only_the_first() -> None:
    (rejected,) = rank([offer(state="lost", online=False)], requirements=DAY).rejected
    assert len(rejected.reasons) == 2


def test_one_of_its_places_is_enough() -> None:
    wanted = replace(DAY, regions=frozenset({"us", "fi"}))
    assert rank([offer()], requirements=wanted).ranked


def test_a_price_at_the_cap_is_allowed() -> None:
    wanted = replace(DAY, max_usd_per_hour=offer().usd_per_hour)
    assert rank([offer()], requirements=wanted).ranked


@pytest.mark.parametrize("hours", ["0", "-1", "NaN", "Infinity", "87601"])
def test_hours_that_make_no_sense_are_refused(hours: str) -> None:
    with pytest.raises(BadArgument):
        Requirements(hours=Decimal(hours))


# ── properties ──────────────────────────────────────────────────────────────────────────────────────────────

PREFERENCES: st.SearchStrategy[Prefer] = st.sampled_from(("balanced", "cheapest", "reliable"))
FRACTIONS = st.none() | st.decimals(0, 1, places=4)
ADDRESSES = st.integers(0, 30).map(lambda n: ProviderAddress(f"akash1{n:038}"))
RECORDS = st.just(NOT_KNOWN) | st.builds(
    TrackRecord,
    leases=st.integers(1, 50),
    ran=st.integers(0, 50),
    hours=st.decimals(0, 3_000, places=2),
    interruptions=st.integers(0, 10),
)
OFFERS = st.builds(
    Offer,
    provider=ADDRESSES,
    gseq=st.integers(1, 2),
    oseq=st.integers(1, 2),
    price_uact_per_block=st.decimals("0.000001", 10_000, places=6),
    age_seconds=st.none() | st.decimals(0, 299, places=1),
    audited=st.booleans(),
    online=st.sampled_from((None, True)),
    valid_version=st.sampled_from((None, True)),
    uptime_1d=FRACTIONS,
    uptime_7d=FRACTIONS,
    uptime_30d=FRACTIONS,
    incidents_7d=st.none() | st.integers(0, 20),
    reclamation_seconds=st.none() | st.integers(0, 10**6),
    record=RECORDS,
)
ANY_NUMBER = st.decimals(allow_nan=False, allow_infinity=False)
WILD = st.builds(
    Offer,
    provider=ADDRESSES,
    gseq=st.integers(),
    oseq=st.integers(),
    price_uact_per_block=ANY_NUMBER | st.just(Decimal("1e999999")) | st.just(Decimal("1e-999999")),
    state=st.sampled_from(("open", "closed", "", "\x00")),
    age_seconds=st.none() | ANY_NUMBER,
    name=st.text(),
    region=st.text(),
    country=st.text(),
    audited=st.booleans(),
    online=st.sampled_from((None, True, False)),
    valid_version=st.sampled_from((None, True, False)),
    uptime_1d=st.none() | ANY_NUMBER,
    uptime_7d=st.none() | ANY_NUMBER,
    uptime_30d=st.none() | ANY_NUMBER,
    incidents_7d=st.none() | st.integers(-(10**30), 10**30),
    reclamation_seconds=st.none() | st.integers(),
    gpu_models=st.lists(st.text(), max_size=2).map(tuple),
)
WANTED = st.builds(
    Requirements,
    hours=st.decimals("0.01", 87_600),
    max_usd_per_hour=st.none() | st.decimals(0, 5).map(Usd),
    denied=st.frozensets(ADDRESSES, max_size=3),
    audited_only=st.booleans(),
)
HOURS = st.decimals("0.1", 1_000, places=1).map(lambda hours: Requirements(hours=hours))


def place(ranking: Ranking, wanted: Offer) -> int | None:
    return next((ranked.rank for ranked in ranking.ranked if ranked.offer == wanted), None)


@given(st.lists(WILD, max_size=8), WANTED, PREFERENCES)
def test_whatever_bids_come_each_is_ranked_or_rejected_with_a_reason(
    offers: list[Offer], wanted: Requirements, prefer: Prefer
) -> None:
    ranking = rank(offers, requirements=wanted, prefer=prefer)
    assert len(ranking.ranked) + len(ranking.rejected) == len(offers)
    assert all(rejected.reasons for rejected in ranking.rejected)
    assert all(2 <= len(ranked.reasons) <= 3 for ranked in ranking.ranked)
    assert all(0 <= ranked.interruption <= 1 for ranked in ranking.ranked)
    assert all(ranked.expected_cost >= ranked.bill for ranked in ranking.ranked)


@given(st.lists(OFFERS, max_size=8), HOURS, PREFERENCES, st.randoms(use_true_random=False))
def test_the_order_in_which_bids_arrive_does_not_matter(
    offers: list[Offer], wanted: Requirements, prefer: Prefer, shuffler: random.Random
) -> None:
    shuffled = offers.copy()
    shuffler.shuffle(shuffled)
    assert [
        (r.offer.provider, r.rank, r.reasons)
        for r in rank(shuffled, requirements=wanted, prefer=prefer).ranked
    ] == [
        (r.offer.provider, r.rank, r.reasons) for r in rank(offers, requirements=wanted, prefer=prefer).ranked
    ]


@given(st.lists(OFFERS, min_size=1, max_size=8), HOURS, PREFERENCES, st.decimals("0.000001", 100, places=6))
def test_raising_a_price_never_improves_a_rank(
    offers: list[Offer], wanted: Requirements, prefer: Prefer, more: Decimal
) -> None:
    dearer = replace(offers[0], price_uact_per_block=offers[0].price_uact_per_block + more)
    before = place(rank(offers, requirements=wanted, prefer=prefer), offers[0])
    after = place(rank([dearer, *offers[1:]], requirements=wanted, prefer=prefer), dearer)
    assert before is not None
    assert after is not None
    assert after >= before


WORSE = st.sampled_from(
    ("price", "uptime_1d", "uptime_7d", "uptime_30d", "audited", "incidents_7d", "reclamation", "record")
)


@given(st.lists(OFFERS, min_size=1, max_size=6), HOURS, PREFERENCES, st.sets(WORSE, min_size=1), ADDRESSES)
def test_an_offer_that_is_worse_in_some_way_and_better_in_none_is_never_first(
    offers: list[Offer], wanted: Requirements, prefer: Prefer, ways: set[str], address: ProviderAddress
) -> None:
    best = replace(offers[0], gseq=1, audited=True, incidents_7d=2, reclamation_seconds=60)
    worse = replace(best, provider=address)
    for way in ways:
        if way == "price":
            worse = replace(worse, price_uact_per_block=best.price_uact_per_block + 1)
        elif way == "audited":
            worse = replace(worse, audited=False)
        elif way == "incidents_7d":
            worse = replace(worse, incidents_7d=3)
        elif way == "record":
            record = replace(best.record, interruptions=best.record.interruptions + 1)
            worse = replace(worse, record=record)
        elif way == "reclamation":
            worse = replace(worse, reclamation_seconds=None)
        else:
            uptime = getattr(best, way)
            assume(uptime)  # known, and not yet zero
            worse = replace(worse, **{way: uptime / 2})
    ranking = rank([worse, best, *offers[1:]], requirements=wanted, prefer=prefer)
    above, below = place(ranking, best), place(ranking, worse)
    assert above is not None
    assert below is not None
    assert above < below


@given(OFFERS, HOURS, PREFERENCES, ADDRESSES, st.decimals("0.97", 1, places=4))
def test_an_unknown_uptime_never_beats_an_equal_bid_with_a_good_one(
    known: Offer, wanted: Requirements, prefer: Prefer, address: ProviderAddress, uptime: Decimal
) -> None:
    assume(address != known.provider)
    known = replace(known, uptime_1d=uptime, uptime_7d=uptime, uptime_30d=uptime, incidents_7d=None)
    unknown = replace(known, provider=address, uptime_1d=None, uptime_7d=None, uptime_30d=None)
    assert order(rank([unknown, known], requirements=wanted, prefer=prefer))[0] == known.provider


@given(OFFERS, HOURS, RECORDS)
def test_a_provider_without_a_lease_of_ours_is_as_usual_and_one_without_interruptions_no_worse(
    known: Offer, wanted: Requirements, record: TrackRecord
) -> None:
    usual = interruption_probability(replace(known, record=NOT_KNOWN), wanted.hours)
    ours = interruption_probability(replace(known, record=record), wanted.hours)
    assert ours <= usual or record.interruptions > 0


@given(st.lists(OFFERS, min_size=1, max_size=6), HOURS, PREFERENCES, st.text(), st.text())
def test_what_a_provider_says_of_itself_does_not_change_its_rank(
    offers: list[Offer], wanted: Requirements, prefer: Prefer, name: str, host: str
) -> None:
    renamed = [replace(o, name=name, host_uri=host, organization=name, gpu_models=(host,)) for o in offers]
    plain, loud = (rank(some, requirements=wanted, prefer=prefer).ranked for some in (offers, renamed))
    assert [replace(r, offer=offers[0]) for r in plain] == [replace(r, offer=offers[0]) for r in loud]


@given(
    st.lists(OFFERS, min_size=2, max_size=6, unique_by=lambda o: (o.provider, o.gseq, o.oseq)),
    HOURS,
    PREFERENCES,
)
def test_who_else_bids_does_not_change_the_order_of_two(
    offers: list[Offer], wanted: Requirements, prefer: Prefer
) -> None:
    def order_of(some: list[Offer]) -> list[Offer]:
        return [r.offer for r in rank(some, requirements=wanted, prefer=prefer).ranked]

    pair = offers[:2]
    assert [o for o in order_of(offers) if o in pair] == order_of(pair)
