"""How good an order is, against an oracle that knows what is hidden."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean

from markets import Assumptions, Kind, market
from rivals import RANKERS, Ranker
from run_cost import alone, expected, least


@dataclass(frozen=True, slots=True)
class Outcome:
    """One order in one market. `regret` and `oracle` are US dollars; `failed` is a probability.

    `hit`: the oracle's first choice came first. `ndcg`: of the first three, where an offer gains what the best costs
    divided by what it costs. `tau`: Kendall's, over all bids by what each costs when it is taken first.
    """

    regret: float
    oracle: float
    failed: float
    hit: bool
    ndcg: float
    tau: float


@dataclass(frozen=True, slots=True)
class Figures:
    """Means over markets, and 95 % of the same in markets drawn again from these.

    `ratio` is all the regret in that of another order, and `ratio_each` the same where the regret of each market is
    counted in what the oracle pays there: a few long and dear runs do not decide it.
    """

    regret: float
    regret_between: tuple[float, float]
    ratio: float
    ratio_between: tuple[float, float]
    ratio_each: float
    failed: float
    hit: float
    ndcg: float
    tau: float


def outcomes(
    kind: Kind,
    count: int,
    world: Assumptions | None = None,
    rankers: Mapping[str, Ranker] = RANKERS,
    first: int = 0,
) -> dict[str, list[Outcome]]:
    """How each ranker does in the markets of that kind with `count` seeds from `first` on."""
    found: dict[str, list[Outcome]] = {name: [] for name in rankers}
    for seed in range(first, first + count):
        made = market(kind, seed, world)
        providers = [bidder.hidden for bidder in made.bidders]
        costs = alone(providers, made.job)
        place = {id(bidder): number for number, bidder in enumerate(made.bidders)}
        orders = {name: [place[id(bidder)] for bidder in ranker(made)] for name, ranker in rankers.items()}
        paid = {
            name: expected([providers[each] for each in order], made.job) for name, order in orders.items()
        }
        # An order may beat the best first choice by its second: the oracle is then that order.
        oracle = min(least(providers, costs, made.job), *(cost.usd for cost in paid.values()))
        for name, order in orders.items():
            found[name].append(
                Outcome(
                    regret=paid[name].usd - oracle,
                    oracle=oracle,
                    failed=paid[name].failed,
                    hit=bool(order) and costs[order[0]] == min(costs),
                    ndcg=_ndcg(order, costs),
                    tau=_tau(order, costs),
                )
            )
    return found


def summary(some: Sequence[Outcome], other: Sequence[Outcome], draws: int = 1_000) -> Figures:
    """The means, and the ratio to the regret of another order in the same markets; bootstrap with a fixed seed."""
    pairs = [(one.regret, two.regret) for one, two in zip(some, other, strict=True)]
    chance = random.Random(1)
    drawn = [_sums(chance.choices(pairs, k=len(pairs))) for _ in range(draws)]
    regret, others = _sums(pairs)
    return Figures(
        regret=regret / len(pairs),
        regret_between=_most(sum_ / len(pairs) for sum_, _ in drawn),
        ratio=regret / others,
        ratio_between=_most(sum_ / sum_of_others for sum_, sum_of_others in drawn),
        ratio_each=fmean(one.regret / one.oracle for one in some)
        / fmean(two.regret / two.oracle for two in other),
        failed=fmean(one.failed for one in some),
        hit=fmean(one.hit for one in some),
        ndcg=fmean(one.ndcg for one in some),
        tau=fmean(one.tau for one in some),
    )


def _sums(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return sum(first for first, _ in pairs), sum(second for _, second in pairs)


def _most(values: Iterable[float]) -> tuple[float, float]:
    """Between what and what 95 % of them are."""
    ordered = sorted(values)
    return ordered[round(0.025 * len(ordered))], ordered[round(0.975 * len(ordered)) - 1]


def _ndcg(order: Sequence[int], costs: Sequence[float]) -> float:
    """`order` says which bids come first, second, third."""
    gains = [min(costs) / cost for cost in costs]
    best = sorted(gains, reverse=True)[:3]
    return _discounted([gains[each] for each in order[:3]]) / _discounted(best)


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains))


def _tau(order: Sequence[int], costs: Sequence[float]) -> float:
    """Bids that are not in the order come last, in no order among themselves."""
    places = {each: number for number, each in enumerate(order)}
    last = len(order)
    agree = sum(
        _sign(costs[a] - costs[b]) * _sign(places.get(a, last) - places.get(b, last))
        for a, b in combinations(range(len(costs)), 2)
    )
    return agree / math.comb(len(costs), 2)


def _sign(x: float) -> int:
    return (x > 0) - (x < 0)
