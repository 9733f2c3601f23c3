"""The ranking in a few of the benchmark's made-up markets: `benchmarks/ranking` has the whole of it."""

from __future__ import annotations

import pytest
from figures import outcomes
from markets import KINDS, Kind, market
from rivals import RIVALS
from run_cost import alone, expected

MARKETS = 200
MOST = {"plenty": 1.2, "thin": 1.2, "adversarial": 0.7}
"""Of the regret of taking the cheapest. Where nobody deceives, little that is shown tells who will fail."""


@pytest.fixture(scope="module")
def regret() -> dict[Kind, dict[str, float]]:
    """The sum over the markets of each kind, by ranker."""
    return {
        kind: {name: sum(one.regret for one in some) for name, some in outcomes(kind, MARKETS).items()}
        for kind in KINDS
    }


@pytest.mark.parametrize("kind", KINDS)
def test_balanced_is_far_from_the_worst_and_saves_where_bidders_deceive(
    regret: dict[Kind, dict[str, float]], kind: Kind
) -> None:
    found = regret[kind]
    assert found["balanced"] < MOST[kind] * found["cheapest"]
    assert found["balanced"] < 0.75 * max(found[name] for name in RIVALS)


def test_doubt_costs_far_less_where_nobody_deceives_than_it_saves_where_some_do(
    regret: dict[Kind, dict[str, float]],
) -> None:
    saved = {kind: found["without doubt"] - found["balanced"] for kind, found in regret.items()}
    assert saved["adversarial"] > 3 * max(-saved["plenty"], -saved["thin"], 0)


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
