"""Made-up markets: bids with what Console shows of their providers, and beside them what it hides.

Nothing here was measured, and nothing was taken from the formula that is judged: outages come in bad weeks and last
a lognormal time, leases end for reasons that no status page tells, records are short, late or missing, and in the
adversarial kind up to two thirds of the bidders mean to deceive. `Assumptions` names what could be otherwise.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias, get_args

from run_cost import Hidden, Job

from akash_mcp.ids import ProviderAddress
from akash_mcp.market.offers import Offer
from akash_mcp.money import Usd, uact_per_block

Kind: TypeAlias = Literal["plenty", "thin", "adversarial"]
KINDS: tuple[Kind, ...] = get_args(Kind)

MONTH_HOURS = 720.0
WINDOWS_HOURS = (24.0, 168.0, 720.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What a world is like. The defaults are the benchmark; the sweep changes one at a time.

    `price_spread`: of honest prices, as a standard deviation of their logarithm. `quality_costs`: by how much a
    provider that is better by one standard deviation is dearer. `outages_a_month`, `drops_a_month`: the median
    provider's. `audit_tells`: how much better the audited ones are, in logits. `missing`: providers without an
    uptime, `unrecorded`: those that Console does not know, and `cellars`: poor amateurs, each by kind. `green`: how
    much worse a provider of less than a month is. `hostile`: share of bidders in the adversarial kind, of whom
    `hostile_young` are young. `hostile_audited`: times as many of them audited.
    """

    price_spread: float = 0.28
    quality_costs: float = 0.10
    outages_a_month: float = 1.2
    outage_median_hours: float = 0.7
    drops_a_month: float = 0.4
    throttle: float = 0.05
    audit_tells: float = 1.2
    missing: tuple[float, float, float] = (0.05, 0.10, 0.20)
    unrecorded: tuple[float, float, float] = (0.01, 0.02, 0.05)
    cellars: tuple[float, float, float] = (0.15, 0.30, 0.15)
    green: float = 0.7
    missed_checks: float = 0.002
    hours: tuple[float, float] = (2.0, 120.0)
    trouble_usd: tuple[float, float] = (0.05, 2.0)
    never_saves: float = 0.4
    elsewhere: float = 3.0
    hostile: tuple[float, float] = (0.3, 0.65)
    hostile_young: float = 0.8
    hostile_audited: float = 1.0


@dataclass(frozen=True, slots=True)
class Bidder:
    """One bid: the `offer` as it is ranked, what else others rank by, and what is `hidden`.

    `response_seconds`, `active_leases` and `location` are what provider-intelligence reads; `memory` is what the
    provider says of its machine, which clouddeck reads. `recorded` is whether Console knows the provider at all.
    """

    offer: Offer
    hidden: Hidden
    recorded: bool
    response_seconds: float
    active_leases: int
    location: str
    memory: str


@dataclass(frozen=True, slots=True)
class Market:
    kind: Kind
    job: Job
    planned_hours: Decimal
    """How long the agent thinks that the job runs."""
    bidders: tuple[Bidder, ...]


def market(kind: Kind, seed: int, world: Assumptions | None = None) -> Market:
    """The market of that kind and seed, always the same."""
    return _Maker(kind, random.Random(f"{kind} {seed}"), world or Assumptions()).market()


@dataclass(slots=True)
class _Operator:
    """Who bids, before it is known what it asks and what is seen of it."""

    quality: float
    hidden_price: float
    start_fails: float
    speed: float
    outages_per_hour: float
    outage_median_hours: float
    drops_per_hour: float
    drop_shape: float
    days: float
    audited: bool
    recorded: bool
    memory: str
    leases: int
    always_answers: bool = False
    """Its status page is not where it fails."""


class _Maker:
    def __init__(self, kind: Kind, chance: random.Random, world: Assumptions) -> None:
        self.kind, self.chance, self.world = kind, chance, world
        self.fair = self.between(0.02, 2.0)
        self.shows_incidents = chance.random() < 0.5

    def market(self) -> Market:
        chance, world = self.chance, self.world
        bids = chance.randint(*{"plenty": (12, 24), "thin": (3, 5), "adversarial": (8, 16)}[self.kind])
        hostile = round(bids * chance.uniform(*world.hostile)) if self.kind == "adversarial" else 0
        honest = [self.honest() for _ in range(bids - hostile)]
        lowest = min(operator.hidden_price for operator in honest)
        schemes = (self.bait, self.undercutter, self.pretender)
        operators = honest + [chance.choice(schemes)(lowest) for _ in range(hostile)]
        chance.shuffle(operators)
        hours = self.between(*world.hours)
        job = Job(
            hours=hours,
            checkpoint_hours=0.0 if chance.random() < world.never_saves else self.between(0.25, 12),
            start_hours=chance.uniform(0.05, 0.5),
            patience_hours=self.between(0.25, 4),
            trouble_usd=self.between(*world.trouble_usd) if world.trouble_usd[1] else 0.0,
            elsewhere_usd_per_hour=self.fair * world.elsewhere,
        )
        planned = Decimal(f"{hours * math.exp(chance.gauss(0, 0.2)):.2f}")
        bidders = tuple(self.bidder(number, operator) for number, operator in enumerate(operators))
        return Market(self.kind, job, planned, bidders)

    # ── who bids ────────────────────────────────────────────────────────────────────────────────────────────

    def honest(self) -> _Operator:
        """Most are ordinary; some are somebody's cellar."""
        chance, world = self.chance, self.world
        quality = (
            chance.gauss(0, 1)
            if chance.random() >= world.cellars[KINDS.index(self.kind)]
            else chance.gauss(-2, 0.7)
        )
        days = math.exp(chance.gauss(math.log(250), 1.4))
        green = days < 30
        quality -= world.green * green
        modern = chance.random() < 0.45
        speed = (1 if modern else 0.92) * max(0.6, 1 - abs(chance.gauss(0, world.throttle)))
        price = self.fair * math.exp(
            chance.gauss(0, world.price_spread) + world.quality_costs * quality + 0.06 * modern
        )
        return _Operator(
            quality=quality,
            hidden_price=price,
            start_fails=_logistic(chance.gauss(-3.5, 0.8) - 1.0 * quality),
            speed=speed,
            outages_per_hour=world.outages_a_month / MONTH_HOURS * self.about(0.8, -1.3 * quality),
            outage_median_hours=world.outage_median_hours * self.about(0.5, -0.4 * quality),
            drops_per_hour=world.drops_a_month / MONTH_HOURS * self.about(0.8, -1.1 * quality),
            drop_shape=chance.uniform(0.6, 1),
            days=days,
            audited=chance.random() < _logistic(0.9 + world.audit_tells * quality - green),
            recorded=chance.random() >= world.unrecorded[KINDS.index(self.kind)],
            memory=("ddr5" if modern else "ddr4") if chance.random() < 0.6 else "",
            leases=int(12 * self.about(1.0, 0.5 * quality) * min(1.5, days / 250) ** 0.5),
        )

    def bait(self, lowest: float) -> _Operator:
        """A price that nobody can keep: the lease never starts, or ends within the day to be asked more for."""
        operator = self.hostile(audited=0.05)
        operator.hidden_price = self.fair * self.chance.uniform(0.35, 0.7)
        if self.chance.random() < 0.5:
            operator.start_fails = self.chance.uniform(0.5, 0.9)
        else:
            operator.drops_per_hour = 1 / self.between(4, 24)
        return operator

    def undercutter(self, lowest: float) -> _Operator:
        """A little below the cheapest honest bid, with a clean record and four to eight tenths of the machine."""
        operator = self.hostile(audited=0.20)
        operator.hidden_price = lowest * self.chance.uniform(0.85, 0.99)
        operator.speed = self.chance.uniform(0.4, 0.8)
        operator.recorded = True
        return operator

    def pretender(self, lowest: float) -> _Operator:
        """A cellar whose status page stands elsewhere, and always answers."""
        operator = self.hostile(audited=0.10)
        operator.hidden_price = self.fair * self.chance.uniform(0.65, 0.95)
        operator.drops_per_hour = 1 / self.between(24, 240)
        operator.outages_per_hour = 1 / self.between(24, 240)
        operator.outage_median_hours = self.between(0.5, 6)
        return operator

    def hostile(self, audited: float) -> _Operator:
        """An ordinary provider that means to deceive: young or unknown, and perfect as far as it can be seen."""
        operator, chance = self.honest(), self.chance
        operator.always_answers = True
        operator.days = (
            self.between(1, 12) if chance.random() < self.world.hostile_young else self.between(12, 900)
        )
        operator.recorded = chance.random() >= 0.25
        operator.audited = chance.random() < min(1.0, audited * self.world.hostile_audited)
        operator.memory = "ddr5" if chance.random() < 0.9 else ""
        operator.leases = int(self.between(20, 150)) if chance.random() < 0.3 else chance.randint(0, 5)
        return operator

    # ── what is seen ────────────────────────────────────────────────────────────────────────────────────────

    def bidder(self, number: int, operator: _Operator) -> Bidder:
        chance = self.chance
        spread = chance.uniform(0.8, 1.5)
        moods = [chance.gammavariate(2, 0.5) for _ in range(5)]  # bad weeks are worse than chance
        ends = self.outages(operator, spread, moods)
        price = uact_per_block(Usd(f"{operator.hidden_price:.9f}"))
        known = operator.recorded
        measured = known and chance.random() >= self.world.missing[KINDS.index(self.kind)]
        uptimes = [self.uptime(ends, hours, operator) if measured else None for hours in WINDOWS_HOURS]
        week = min(WINDOWS_HOURS[1], operator.days * 24)
        offer = Offer(
            provider=ProviderAddress(f"akash1{chance.getrandbits(180):038x}"[:44]),
            gseq=1,
            price_uact_per_block=price,
            age_seconds=Decimal(chance.randint(6, 60)),
            country_code=chance.choice(("US", "DE", "FI", "SG")) if known else "",
            audited=known and operator.audited,
            registered_days=Decimal(f"{operator.days:.1f}") if known else None,
            online=True if known else None,
            valid_version=True if known else None,
            uptime_1d=uptimes[0],
            uptime_7d=uptimes[1],
            uptime_30d=uptimes[2],
            incidents_7d=sum(ago < week for ago, _ in ends) if known and self.shows_incidents else None,
        )
        lasting = math.sqrt(moods[0] * chance.gammavariate(2, 0.5))  # last week's mood, and chance
        hidden = Hidden(
            usd_per_hour=operator.hidden_price,
            start_fails=operator.start_fails,
            speed=operator.speed,
            outages_per_hour=operator.outages_per_hour * lasting,
            outage_median_hours=operator.outage_median_hours,
            outage_spread=spread,
            drop_scale_hours=1 / (operator.drops_per_hour * self.about(0.3)),
            drop_shape=operator.drop_shape,
        )
        return Bidder(
            offer,
            hidden,
            recorded=known,
            response_seconds=0.4 * self.about(0.7, -0.1 * operator.quality),
            active_leases=operator.leases,
            location=chance.choice(("us-west-1", "us-east-1", "us-central-1", "eu-west-1", "")),
            memory=operator.memory,
        )

    def outages(self, operator: _Operator, spread: float, moods: list[float]) -> list[tuple[float, float]]:
        """The last thirty days as the status page had them: hours ago that each outage began, and its hours."""
        if operator.always_answers:
            return []
        outages = []
        for week, mood in enumerate(moods):
            mean = operator.outages_per_hour * mood * WINDOWS_HOURS[1]
            for _ in range(self.poisson(mean)):
                ago = WINDOWS_HOURS[1] * (week + self.chance.random())
                outages.append((ago, operator.outage_median_hours * self.about(spread)))
        return outages

    def uptime(self, outages: list[tuple[float, float]], hours: float, operator: _Operator) -> Decimal | None:
        """The share of the window's checks that were answered; a provider that is younger has fewer checks."""
        if self.chance.random() < 0.03:
            return None
        window = min(hours, operator.days * 24)
        down = sum(max(0.0, min(ago, window) - max(0.0, ago - length)) for ago, length in outages)
        missed = 0.0 if operator.always_answers else self.chance.expovariate(1) * self.world.missed_checks
        share = max(0.0, 1 - down / window - missed)
        return Decimal(f"{share:.4f}") if share else None  # Console writes zero as unknown

    # ── chance ──────────────────────────────────────────────────────────────────────────────────────────────

    def between(self, low: float, high: float) -> float:
        """Evenly by its logarithm."""
        return math.exp(self.chance.uniform(math.log(low), math.log(high)))

    def about(self, spread: float, shift: float = 0.0) -> float:
        return math.exp(self.chance.gauss(shift, spread))

    def poisson(self, mean: float) -> int:
        count, time = 0, self.chance.expovariate(1)
        while time < mean and count < 200:
            count, time = count + 1, time + self.chance.expovariate(1)
        return count


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))
