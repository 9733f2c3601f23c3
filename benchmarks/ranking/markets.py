"""Made-up markets: bids with what Console shows of their providers, and beside them what it hides.

Nobody has measured Akash's providers, so each distribution is taken from the nearest thing that was published, and
its reason stands beside it; where nothing is published, it says so. The generator was written before any ranking was
run on it and without the ranking's constants, and no value has been changed since.

Sources: [LANL] Schroeder and Gibson, failures in high-performance computing systems (DSN 2006); [Sahoo] failures of
400 servers (DSN 2004); [SETI] Javadi and others, availability of 230,000 hosts (TPDS 2011); [Schad] variance of
EC2's performance (VLDB 2010); [Resnick] the value of reputation on eBay (2006); [Lemons] Akerlof (1970);
[Pseudonyms] Friedman and Resnick (2001); [Estimates] Mu'alem and Feitelson, users' runtime estimates (TPDS 2001);
[Akash] issues 14, 15, 17, 27, 121, 245 and 270 of akash-network/support, 1662 of akash-network/node, and Console's
public API. The laws, and what [Resnick] found, were checked against the papers' abstracts; other figures of papers are
from memory.
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

BIDS: dict[Kind, tuple[int, int]] = {"plenty": (12, 24), "thin": (3, 5), "adversarial": (8, 16)}
"""The chain takes about 20 bids for an order at most [Akash]; a rare GPU draws a handful."""

MONTH_HOURS = 720.0
WEEK_HOURS = 168.0
WINDOWS_HOURS = (24.0, 168.0, 720.0)
"""Console's uptimes: of a day, a week and thirty days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """What a world is like. The defaults are the benchmark; the sweep changes one at a time."""

    frailty: float = 1.5
    """Standard deviation of the logarithm of a provider's failure rates. A few machines cause most failures: of 400
    servers 4 % had 70 % of them [Sahoo], which is 2.3; a provider is several machines, and with 1.5 the worst fifth
    has three quarters."""
    common_cause: float = 0.5
    """Correlation of a provider's outages, closed leases and failed starts: the same hands, different faults. What
    it is was not published; the status page answering is not the workload running."""
    outages_a_month: float = 1.0
    """The median provider's. Not published for Akash; with the hours below it is up 99.6 % of a month, and some are
    out for days: of 100 web servers the best were out for two hours a year and the worst for twenty days, 99.3 % up in
    the mean (Kalyanakrishnan and others, 1999)."""
    outage_hours: tuple[float, float] = (0.9, 1.9)
    """Median, and standard deviation of the logarithm: repairs took a median of 54 minutes and a mean of six hours,
    best described by a lognormal [LANL]."""
    harmless: float = 0.5
    """Share of outages in which only the status page was gone: it is served by another process than the workload.
    Not published."""
    drops_a_month: float = 0.33
    """Leases closed by the median provider with its status page up: once a quarter, for maintenance, an upgrade or
    trouble with its node, as in most of the issues [Akash]."""
    drop_shape: tuple[float, float] = (0.7, 0.9)
    """Of a Weibull law for the time to a drop: 0.7 to 0.8 was found [LANL], below one also for hosts [SETI]."""
    start_fails: tuple[float, float] = (0.03, 1.5)
    """Median probability that a lease never runs, and the spread of its logit. Not published for Akash."""
    infancy: float = 0.3
    """Failures fall with age as age to the minus this: the hazard of a Weibull law of shape 0.7 [LANL]."""
    age_days: tuple[float, float] = (450.0, 0.8)
    """Scale and shape of a Weibull law for the days since registration, at most the chain's own 2,200: some
    providers are from its first years, and one in nine from the last month. Not published."""
    audited: tuple[float, float] = (0.6, 0.8)
    """Logit for an ordinary provider, and what one standard deviation of care adds. A provider of less than two months
    is audited in proportion, so about 55 % are. An audit is made once, of who it is and what the machine is, not of how
    it runs afterwards. Neither number was published."""
    own_price: tuple[float, float] = (0.5, 0.5)
    """Share that set a price of their own, and the spread of its logarithm; the rest run the price script that
    providers are given, and differ by a tenth. One order drew bids from $0.15 to $1.65 [Akash]."""
    quality_costs: float = 0.04
    """What a standard deviation of care adds to the price: sellers with a reputation got 8 % more than new ones
    [Resnick], and where quality is not seen it is not paid for [Lemons]."""
    uneven: float = 0.08
    """Spread of the logarithm of speed between machines sold as the same, beside the older kind's lag [Schad]."""
    older_lag: float = 0.15
    """How much slower the older half of machines is: EC2's variance was mostly two kinds of processor [Schad]."""
    missing: tuple[float, float, float] = (0.05, 0.05, 0.25)
    """Providers without an uptime, by kind. Console writes nothing for zero and for those it has not watched."""
    unrecorded: tuple[float, float, float] = (0.02, 0.02, 0.10)
    """Providers that Console does not know, by kind."""
    missed_checks: tuple[float, float, float] = (0.002, 0.002, 0.01)
    """Mean share of checks that fail though the provider is up, by kind."""
    fair_usd: tuple[float, float] = (0.01, 2.5)
    """Usual price of an hour: from a web server to a large GPU, as Console's prices have it [Akash]."""
    hours: tuple[float, float] = (1.0, 168.0)
    """A run, from an hour to a week."""
    misjudged: float = 0.5
    """Spread of the logarithm of planned to real hours: people are wrong by factors [Estimates]."""
    services: float = 0.5
    """Share of runs that serve: they lose nothing when moved, and are worth nothing while down."""
    never_saves: float = 0.4
    """Share of the others that start from nothing when a lease ends."""
    notice_hours: tuple[float, float] = (0.25, 8.0)
    """Until somebody sees that it has ended: an agent looks within minutes, an owner in the morning."""
    trouble_usd: tuple[float, float] = (0.05, 1.0)
    """Of one redeploy: the model's tokens and the owner's glance."""
    worth: tuple[float, float] = (2.0, 10.0)
    """What a run is worth, in its usual bills. Whoever could, would pay a big cloud, which costs three to ten times
    as much; whoever runs at all expects more than it costs."""
    attention_usd: tuple[float, float] = (0.5, 10.0)
    """What a run that failed for good costs its owner beside its worth, however small it was: minutes of a day."""
    hostile: tuple[float, float] = (0.2, 0.6)
    """Share of the bids in an adversarial market that mean to deceive. Nobody knows."""
    hostile_young: float = 0.75
    """Who is caught starts again, since names cost nothing [Pseudonyms]; the others waited, or bought one."""
    hostile_audited: float = 0.1
    """An audit needs a person with a name."""
    hostile_unrecorded: float = 0.2


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
    """Who bids, before it is known what is seen of it. `care` is in standard deviations, better when higher."""

    care: float
    usd_per_hour: float
    start_fails: float
    speed: float
    outages_per_hour: float
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
        self.number = KINDS.index(kind)
        self.fair = self.between(*world.fair_usd)
        self.shows_incidents = chance.random() < 0.5  # Console's screening answers, or it does not

    def market(self) -> Market:
        chance, world = self.chance, self.world
        bids = chance.randint(*BIDS[self.kind])
        hostile = round(bids * chance.uniform(*world.hostile)) if self.kind == "adversarial" else 0
        honest = [self.honest() for _ in range(bids - hostile)]
        lowest = min(operator.usd_per_hour for operator in honest)
        schemes = (self.bait, self.undercutter, self.pretender)
        operators = honest + [chance.choice(schemes)(lowest) for _ in range(hostile)]
        chance.shuffle(operators)
        job = self.job()
        planned = Decimal(f"{job.hours * self.about(world.misjudged):.2f}")
        return Market(self.kind, job, planned, tuple(self.bidder(operator) for operator in operators))

    def job(self) -> Job:
        chance, world = self.chance, self.world
        hours = self.between(*world.hours)
        serves = chance.random() < world.services
        saves = chance.random() >= world.never_saves
        return Job(
            hours=hours,
            serves=serves,
            checkpoint_hours=self.between(0.25, 12) if saves else 0.0,
            start_hours=chance.uniform(0.05, 0.5),  # the image is pulled, the model or the data loaded
            notice_hours=self.between(*world.notice_hours),
            trouble_usd=self.between(*world.trouble_usd) if world.trouble_usd[1] else 0.0,
            worth_usd=self.fair * hours * self.between(*world.worth),
            attention_usd=self.between(*world.attention_usd),
        )

    # ── who bids ────────────────────────────────────────────────────────────────────────────────────────────

    def honest(self) -> _Operator:
        chance, world = self.chance, self.world
        care = chance.gauss(0, 1)
        days = min(2_200.0, max(0.5, chance.weibullvariate(*world.age_days)))
        infancy = (days / world.age_days[0]) ** -world.infancy
        usual, spread = world.start_fails
        newer = chance.random() < 0.5
        own, differ = world.own_price
        return _Operator(
            care=care,
            usd_per_hour=self.fair
            * self.about(differ if chance.random() < own else 0.1, world.quality_costs * care),
            start_fails=_logistic(math.log(usual / (1 - usual)) + spread * self.carelessness(care)),
            speed=(1 if newer else 1 - world.older_lag) * min(1.0, self.about(world.uneven)),
            outages_per_hour=infancy * self.rate(world.outages_a_month, care),
            drops_per_hour=infancy * self.rate(world.drops_a_month, care),
            drop_shape=chance.uniform(*world.drop_shape),
            days=days,
            audited=chance.random()
            < min(1.0, days / 60) * _logistic(world.audited[0] + world.audited[1] * care),
            recorded=chance.random() >= world.unrecorded[self.number],
            memory=("ddr5" if newer else "ddr4") if chance.random() < 0.6 else "",  # the field is optional
            leases=int(12 * self.about(1.0, 0.3 * care) * min(1.0, days / 90)),
        )

    def bait(self, lowest: float) -> _Operator:
        """A price that nobody can keep: the lease never starts, or ends within the day to be asked more for."""
        operator = self.hostile()
        operator.usd_per_hour = lowest * self.chance.uniform(0.4, 0.8)
        if self.chance.random() < 0.5:
            operator.start_fails = self.chance.uniform(0.5, 0.95)
        else:
            operator.drops_per_hour = 1 / self.between(4, 24)
        return operator

    def undercutter(self, lowest: float) -> _Operator:
        """A little below the cheapest honest bid, and four to eight tenths of the machine."""
        operator = self.hostile()
        operator.usd_per_hour = lowest * self.chance.uniform(0.85, 0.99)
        operator.speed = self.chance.uniform(0.4, 0.8)
        return operator

    def pretender(self, lowest: float) -> _Operator:
        """Somewhat below the usual price, on machines that fail every few days behind a perfect status page."""
        operator = self.hostile()
        operator.usd_per_hour = self.fair * self.chance.uniform(0.65, 0.95)
        operator.drops_per_hour = 1 / self.between(24, 240)
        return operator

    def hostile(self) -> _Operator:
        """An ordinary provider that means to deceive: mostly young, and perfect as far as it can be seen."""
        operator, chance, world = self.honest(), self.chance, self.world
        operator.always_answers = True
        if chance.random() < world.hostile_young:
            operator.days = self.between(0.5, 30)
        operator.recorded = chance.random() >= world.hostile_unrecorded
        operator.audited = chance.random() < world.hostile_audited
        operator.memory = "ddr5"
        operator.leases = int(self.between(20, 150)) if chance.random() < 0.3 else chance.randint(0, 5)
        return operator

    # ── what is seen ────────────────────────────────────────────────────────────────────────────────────────

    def bidder(self, operator: _Operator) -> Bidder:
        chance, world = self.chance, self.world
        moods = [
            chance.gammavariate(2, 0.5) for _ in range(5)
        ]  # weeks differ: few hosts are stationary [SETI]
        outages = [] if operator.always_answers else self.outages(operator, moods)
        known = operator.recorded
        measured = known and chance.random() >= world.missing[self.number]
        uptimes = [self.uptime(outages, hours, operator) if measured else None for hours in WINDOWS_HOURS]
        week = min(WEEK_HOURS, operator.days * 24)
        offer = Offer(
            provider=ProviderAddress(f"akash1{chance.getrandbits(180):038x}"[:44]),
            gseq=1,
            price_uact_per_block=uact_per_block(Usd(f"{operator.usd_per_hour:.9f}")),
            age_seconds=Decimal(chance.randint(6, 60)),
            country_code=chance.choice(("US", "DE", "FI", "SG")) if known else "",
            audited=known and operator.audited,
            registered_days=Decimal(f"{operator.days:.1f}") if known else None,
            online=True if known else None,
            valid_version=True if known else None,
            uptime_1d=uptimes[0],
            uptime_7d=uptimes[1],
            uptime_30d=uptimes[2],
            incidents_7d=sum(ago < week for ago, _ in outages) if known and self.shows_incidents else None,
        )
        coming = (moods[0] + chance.gammavariate(2, 0.5)) / 2  # half as last week was, half anew
        hidden = Hidden(
            usd_per_hour=operator.usd_per_hour,
            start_fails=operator.start_fails,
            speed=operator.speed,
            outages_per_hour=operator.outages_per_hour * (1 - world.harmless) * coming,
            outage_median_hours=world.outage_hours[0],
            outage_spread=world.outage_hours[1],
            drop_scale_hours=1 / operator.drops_per_hour,
            drop_shape=operator.drop_shape,
        )
        return Bidder(
            offer,
            hidden,
            recorded=known,
            response_seconds=0.4 * self.about(0.7, -0.1 * operator.care),
            active_leases=operator.leases,
            location=chance.choice(("us-west-1", "us-east-1", "us-central-1", "eu-west-1", "")),
            memory=operator.memory,
        )

    def outages(self, operator: _Operator, moods: list[float]) -> list[tuple[float, float]]:
        """The last five weeks' as the prober had them: hours ago that each began, and its hours."""
        median, spread = self.world.outage_hours
        return [
            (WEEK_HOURS * (week + self.chance.random()), median * self.about(spread))
            for week, mood in enumerate(moods)
            for _ in range(self.poisson(operator.outages_per_hour * mood * WEEK_HOURS))
        ]

    def uptime(self, outages: list[tuple[float, float]], hours: float, operator: _Operator) -> Decimal | None:
        """The share of the window's checks that were answered; a provider that is younger has fewer checks."""
        window = min(hours, operator.days * 24)
        down = sum(max(0.0, min(ago, window) - max(0.0, ago - length)) for ago, length in outages)
        missed = self.chance.expovariate(1) * self.world.missed_checks[self.number]
        share = max(0.0, 1 - down / window - (0.0 if operator.always_answers else missed))
        return Decimal(f"{share:.4f}") if share >= 0.00005 else None  # Console writes zero as unknown

    # ── chance ──────────────────────────────────────────────────────────────────────────────────────────────

    def carelessness(self, care: float) -> float:
        """Standard normal, and correlated with care as far as faults have a common cause."""
        common = self.world.common_cause
        return -math.sqrt(common) * care + math.sqrt(1 - common) * self.chance.gauss(0, 1)

    def rate(self, a_month: float, care: float) -> float:
        """Failures an hour of one provider, from the median provider's a month."""
        return a_month / MONTH_HOURS * math.exp(self.world.frailty * self.carelessness(care))

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
