"""One offer for each group, all groups or none."""

from __future__ import annotations

from decimal import Decimal

import pytest

from akash_mcp.errors import Refused
from akash_mcp.ids import ProviderAddress
from akash_mcp.market.choice import best_per_group, enough_per_hour, pick
from akash_mcp.market.offers import Offer
from akash_mcp.market.ranking import Ranking, Requirements, rank
from akash_mcp.money import Usd

CHEAP, DEAR = (ProviderAddress(f"akash1{letter * 38}") for letter in "ac")


def offer(provider: ProviderAddress, price: int, gseq: int = 1, state: str = "open") -> Offer:
    return Offer(provider=provider, price_uact_per_block=Decimal(price), gseq=gseq, state=state)


RANKING = rank(
    [
        offer(CHEAP, 1_000),
        offer(DEAR, 2_000),
        offer(DEAR, 3_000, gseq=2),
        offer(CHEAP, 10, gseq=2, state="lost"),
    ],
    requirements=Requirements(hours=Decimal(24)),
)


def test_each_group_gets_its_best_offer() -> None:
    assert {gseq: r.offer.provider for gseq, r in best_per_group(RANKING).items()} == {1: CHEAP, 2: DEAR}
    assert [r.offer.provider for r in pick(RANKING, [2, 1])] == [CHEAP, DEAR]


def test_a_person_may_choose_another_provider() -> None:
    (picked,) = pick(RANKING, [1], chosen={1: DEAR})
    assert (picked.offer.provider, picked.rank) == (DEAR, 2)


def test_a_group_without_an_offer_refuses_the_whole_choice() -> None:
    with pytest.raises(Refused, match=r"Group 3 has no acceptable bid\. None has arrived"):
        pick(RANKING, [1, 3])


def test_a_chosen_provider_that_was_ruled_out_is_refused_with_the_reason() -> None:
    with pytest.raises(
        Refused, match="cannot have group 2: its bid was ruled out: the bid is no longer open"
    ):
        pick(RANKING, [2], chosen={2: CHEAP})


def test_a_chosen_provider_without_a_bid_is_refused() -> None:
    with pytest.raises(Refused, match="it made no bid"):
        pick(RANKING, [3], chosen={3: CHEAP})


def test_all_groups_together_stay_below_the_limit() -> None:
    with pytest.raises(Refused, match=r"together cost \$2.37 an hour, more than the \$2.00 allowed"):
        pick(RANKING, [1, 2], max_usd_per_hour=Usd(2))
    assert len(pick(RANKING, [1, 2], max_usd_per_hour=Usd("2.37"))) == 2


def frugal(*offers: Offer, usd: str = "0.05", failed: tuple[ProviderAddress, ...] = ()) -> Ranking:
    wanted = Requirements(
        hours=Decimal(24), max_usd_per_hour=Usd(Decimal(usd)), failed=dict.fromkeys(failed, "it was down")
    )
    return rank(offers, requirements=wanted)


def test_bids_over_the_rate_are_told_in_one_range() -> None:
    ranking = frugal(offer(CHEAP, 1_000), offer(DEAR, 2_000), failed=(DEAR,))
    with pytest.raises(Refused) as refused:
        pick(ranking, [1])
    assert str(refused.value).startswith(
        "Group 1 has no acceptable bid. Ruled out: they cost $0.591 to $1.181 an hour, more than is allowed (2); "
        "the provider failed us lately: it was down (1)."
    )


def test_the_least_rate_at_which_bids_could_be_taken_is_known_where_only_the_rate_is_in_the_way() -> None:
    one, two = offer(CHEAP, 1_000), offer(DEAR, 3_000, gseq=2)
    enough = enough_per_hour(frugal(one, offer(DEAR, 2_000), two), [1, 2])
    assert enough is not None
    assert enough.amount == (one.usd_per_hour + two.usd_per_hour).amount
    assert pick(
        frugal(one, two, usd=enough.precise()), [1, 2], max_usd_per_hour=Usd(Decimal(enough.precise()))
    )
    assert enough_per_hour(frugal(one), [1, 2]) is None
    assert enough_per_hour(frugal(one, failed=(CHEAP,)), [1]) is None
    assert enough_per_hour(frugal(), [1]) is None
