"""The ranking in a few of the benchmark's made-up markets: `benchmarks/ranking` has the whole of it."""

from __future__ import annotations

import pytest
from figures import outcomes
from markets import KINDS, Kind, market
from rivals import OURS, RANKERS, RIVALS
from run_cost import alone, expected

MARKETS = 200
MOST = {"plenty": 1.3, "thin": 1.3, "adversarial": 0.7}
"""Of the regret of taking the cheapest. Where nobody deceives, nothing that is shown tells much of who will fail."""


@pytest.mark.parametrize("kind", KINDS)
def test_balanced_is_far_from_the_worst_and_saves_where_bidders_deceive(kind: Kind) -> None:
    regret = {name: sum(one.regret for one in some) for name, some in outcomes(kind, MARKETS).items()}
    assert regret["balanced"] < MOST[kind] * regret["cheapest"]
    assert regret["balanced"] < 0.8 * max(regret[name] for name in RIVALS)


def test_what_the_doubt_costs_in_ten_honest_markets_it_saves_in_one_that_is_not() -> None:
    def saved(kind: Kind) -> float:
        found = outcomes(kind, MARKETS, rankers={name: RANKERS[name] for name in OURS})
        with_, without = (sum(one.regret for one in found[name]) for name in ("balanced", "without doubt"))
        return without - with_

    assert saved("adversarial") > 10 * -min(saved("plenty"), saved("thin"))


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_knew_what_is_hidden_would_pay_the_least(kind: Kind) -> None:
    for some in outcomes(kind, 10).values():
        assert all(one.regret >= 0 for one in some)


def test_a_market_is_the_same_every_time() -> None:
    assert market("thin", 7) == market("thin", 7)


def test_retrying_a_provider_costs_what_it_costs_alone() -> None:
    made = market("plenty", 1)
    providers = [bidder.hidden for bidder in made.bidders]
    assert alone(providers, made.job)[0] == expected([providers[0]] * 5, made.job).usd
