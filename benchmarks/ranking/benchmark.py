"""How good the ranking is, in made-up markets where an oracle knows what is hidden.

    .venv/bin/python benchmarks/ranking/benchmark.py [MARKETS] [SWEEP_MARKETS]

Prints, for each kind of market (1,000 of each), what each way of ordering bids costs more than the oracle's, with the
seeds from 10,000 on; then how balanced stands to the cheapest when one assumption after the other is changed (300 of
each, seeds from 1,000,000 on); then how long it takes to rank 1,000 bids.

It is synthetic: nobody has measured Akash's providers this way. The markets were made up without the ranking's
constants and frozen before any ranking was run on them. The constants of the doubt were then chosen, among some sixty
settings, on the seeds from 1,000,000 on; those from 10,000 on were run once, when all was settled.
docs/ranking.md, section 8, has the figures and what they do not show.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from statistics import fmean

from figures import Figures, outcomes, summary
from markets import KINDS, Assumptions, Kind, market
from rivals import RANKERS, RIVALS, Ranker, told_who_fails

from akash_mcp.ids import ProviderAddress
from akash_mcp.market.offers import Offer
from akash_mcp.market.ranking import Requirements, rank

BIDS = 1_000

HELD_OUT = 10_000
TUNED_ON = 1_000_000
"""First seeds. The doubt's constants were chosen on the second, and never on the first."""

USUAL = Assumptions()
SWEEP: dict[str, Assumptions] = {
    "as above": USUAL,
    "prices close together": replace(USUAL, own_price=(0.25, 0.25)),
    "prices far apart": replace(USUAL, own_price=(0.9, 0.8)),
    "quality is paid for": replace(USUAL, quality_costs=0.2),
    "quality is not paid for": replace(USUAL, quality_costs=0.0),
    "providers fail alike": replace(USUAL, frailty=0.5),
    "few cause most failures": replace(USUAL, frailty=2.3),
    "the status page tells nothing": replace(USUAL, common_cause=0.0, harmless=1.0),
    "the status page tells most": replace(USUAL, common_cause=0.9, harmless=0.1),
    "failures a quarter as often": replace(
        USUAL, outages_a_month=0.25, drops_a_month=0.08, start_fails=(0.01, 1.5)
    ),
    "failures four times as often": replace(
        USUAL, outages_a_month=4.0, drops_a_month=1.3, start_fails=(0.10, 1.5)
    ),
    "short outages": replace(USUAL, outage_hours=(0.2, 1.0)),
    "long outages": replace(USUAL, outage_hours=(4.0, 1.9)),
    "audits tell nothing": replace(USUAL, audited=(0.6, 0.0)),
    "audits tell much": replace(USUAL, audited=(0.6, 2.0)),
    "new ones are as good": replace(USUAL, infancy=0.0),
    "new ones are much worse": replace(USUAL, infancy=0.6),
    "machines differ more": replace(USUAL, uneven=0.2, older_lag=0.4),
    "machines do not differ": replace(USUAL, uneven=0.0, older_lag=0.0),
    "half have no uptime": replace(USUAL, missing=(0.5, 0.5, 0.5)),
    "status checks often miss": replace(USUAL, missed_checks=(0.02, 0.02, 0.02)),
    "runs of 1 to 6 hours": replace(USUAL, hours=(1.0, 6.0)),
    "runs of a week to a month": replace(USUAL, hours=(168.0, 720.0)),
    "hours are foreseen": replace(USUAL, misjudged=0.0),
    "services only": replace(USUAL, services=1.0),
    "no services, nothing saved": replace(USUAL, services=0.0, never_saves=1.0),
    "no services, all saved": replace(USUAL, services=0.0, never_saves=0.0),
    "runs are worth their bill": replace(USUAL, worth=(1.0, 1.0), attention_usd=(0.01, 0.1)),
    "runs are worth twenty bills": replace(USUAL, worth=(20.0, 20.0)),
    "noticed at once": replace(USUAL, notice_hours=(0.1, 0.2)),
    "one in ten is hostile": replace(USUAL, hostile=(0.1, 0.1)),
    "most are hostile": replace(USUAL, hostile=(0.8, 0.8)),
    "hostile ones wait to be old": replace(USUAL, hostile_young=0.1),
    "hostile ones get audited": replace(USUAL, hostile_audited=0.5),
}


def main(markets: int = 1_000, sweep: int = 300) -> None:
    began = time.process_time()
    for kind in KINDS:
        table(kind, markets)
    print(
        f"balanced's regret in the cheapest's, {sweep} markets of each kind; ! over a half, !! over all of it"
    )
    print(f"  {'':30}" + "".join(f"{kind:>14}" for kind in KINDS))
    for name, world in SWEEP.items():
        print(f"  {name:30}" + "".join(f"{_marked(kind, sweep, world):>14}" for kind in KINDS))
    bound = "".join(f"{_marked(kind, sweep, USUAL, told_who_fails):>14}" for kind in KINDS)
    print(f"  {'told who fails, but not speed':30}{bound}")
    print(f"{BIDS} bids ranked in {ranking_ms(BIDS):.0f} ms of CPU time")
    print(f"{time.process_time() - began:.0f} s of CPU time in all")


def table(kind: Kind, markets: int) -> None:
    """Print the figures of each ranker, with the seeds that were held out."""
    all_ = outcomes(kind, markets, first=HELD_OUT)
    found = {name: summary(some, all_["cheapest"]) for name, some in all_.items()}
    oracle = fmean(one.oracle for one in all_["cheapest"])
    print(f"{kind}: {markets} markets, a run costs the oracle ${oracle:.2f}")
    print(
        f"  {'':22}{'regret':>8} {'95 %':>16} {'/ cheapest':>11} {'95 %':>13} {'each':>6}"
        f" {'failed':>7} {'first':>6} {'NDCG@3':>7} {'tau':>6}"
    )
    for name, figures in found.items():
        print(f"  {name:22}{_row(figures)}")
    by_regret = sorted(RIVALS, key=lambda name: found[name].regret)
    print(f"  the best of the others is {by_regret[0]}, the worst {by_regret[-1]}")


def _row(it: Figures) -> str:
    regret, ratio = ("{:.2f} to {:.2f}".format(*between) for between in (it.regret_between, it.ratio_between))
    return (
        f"{f'${it.regret:.2f}':>8} {regret:>16} {it.ratio:>11.2f} {ratio:>13} {it.ratio_each:>6.2f}"
        f" {it.failed:>7.1%} {it.hit:>6.0%} {it.ndcg:>7.3f} {it.tau:>6.2f}"
    )


def _marked(kind: Kind, markets: int, world: Assumptions, ranker: Ranker = RANKERS["balanced"]) -> str:
    found = outcomes(kind, markets, world, {"it": ranker, "cheapest": RANKERS["cheapest"]}, first=TUNED_ON)
    it, cheapest = (sum(one.regret for one in found[name]) for name in ("it", "cheapest"))
    share = it / cheapest
    return f"{share:.2f}{' !!' if share > 1 else ' ! ' if share > 0.5 else '   '}"


def ranking_ms(bids: int) -> float:
    """Least CPU time of three goes at ranking so many bids for one group, in milliseconds."""
    offers = list(islice(_offers(), bids))
    wanted = Requirements(hours=Decimal(24))
    least = float("inf")
    for _ in range(3):
        began = time.process_time()
        rank(offers, requirements=wanted)
        least = min(least, time.process_time() - began)
    return least * 1000


def _offers() -> Iterator[Offer]:
    chance = random.Random(0)
    seed = 0
    while True:
        for bidder in market("plenty", seed).bidders:
            address = ProviderAddress(f"akash1{chance.getrandbits(150):038x}")
            yield replace(bidder.offer, provider=address)
        seed += 1


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
