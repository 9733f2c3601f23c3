"""The ranking in a few of the benchmark's made-up markets: `benchmarks/ranking` has the whole of it."""

from __future__ import annotations

import pytest
from figures import outcomes
from markets import KINDS, Kind, market
from rivals import RANKERS, RIVALS
from run_cost import alone, expected

MARKETS = 150


@pytest.mark.parametrize("kind", KINDS)
def test_balanced_costs_clearly_less_than_the_cheapest_and_is_not_the_worst(kind: Kind) -> None:
    rankers = {name: RANKERS[name] for name in ("balanced", *RIVALS)}
    found = outcomes(kind, MARKETS, rankers=rankers)
    regret = {name: sum(one.regret for one in some) for name, some in found.items()}
    assert regret["balanced"] < 0.75 * regret["cheapest"]
    assert regret["balanced"] < max(regret[name] for name in RIVALS)


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_knew_what_is_hidden_would_pay_the_least(kind: Kind) -> None:
    for ranker in RANKERS:
        assert all(one.regret >= 0 for one in outcomes(kind, 10, rankers={ranker: RANKERS[ranker]})[ranker])


def test_a_market_is_the_same_every_time() -> None:
    assert market("thin", 7) == market("thin", 7)


def test_retrying_a_provider_costs_what_it_costs_alone() -> None:
    made = market("plenty", 1)
    providers = [bidder.hidden for bidder in made.bidders]
    assert alone(providers, made.job)[0] == expected([providers[0]] * 5, made.job).usd
