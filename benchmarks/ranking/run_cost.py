"""What a run costs in the end, at providers whose hidden values are known, and the order that is best for it.

Everything is an expectation over what may go wrong, worked out and not drawn, so two orders that differ little are
told apart by few markets. Costs are US dollars as floats: nothing here is paid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

ATTEMPTS = 5
"""Leases that a run is tried with; what none of them finished is finished elsewhere and counts as failed."""

PARTS = 8
"""What is kept of the work when a lease ends is counted in so many parts of it, rounded down."""

STEPS = 4
"""Parts of a run in the middle of which it may end: enough that more move no figure by much."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to run: `hours` of work at full speed, and what trouble costs.

    `checkpoint_hours` is how often progress is saved, 0 for never. `patience_hours` is how long an outage may last
    before somebody gives the lease up, paid for until then. `elsewhere_usd_per_hour` is a well-known cloud's rate.
    """

    hours: float
    checkpoint_hours: float
    start_hours: float
    patience_hours: float
    trouble_usd: float
    elsewhere_usd_per_hour: float


@dataclass(frozen=True, slots=True)
class Hidden:
    """What only the oracle knows of a provider. `speed` is the share of what was promised that is delivered.

    Outages come at a steady rate and last a lognormal time. Leases end for other reasons too, the younger the more
    often (a Weibull law with `drop_shape` up to 1).
    """

    usd_per_hour: float
    start_fails: float
    speed: float
    outages_per_hour: float
    outage_median_hours: float
    outage_spread: float
    drop_scale_hours: float
    drop_shape: float


@dataclass(frozen=True, slots=True)
class Expected:
    """`usd` to have the work done, and `failed`, the probability that it was not done here."""

    usd: float
    failed: float


@dataclass(frozen=True, slots=True)
class _Lease:
    """How one job fares at one provider."""

    hidden: Hidden
    stretch: float
    """Hours that an hour of work takes, with throttling and the outages that are sat out."""
    lethal: float
    """Outages an hour that last longer than anybody waits."""

    def survives(self, hours: float) -> float:
        drops: float = (hours / self.hidden.drop_scale_hours) ** self.hidden.drop_shape
        return math.exp(-self.lethal * hours - drops)


def expected(order: Sequence[Hidden], job: Job) -> Expected:
    """What the job costs when providers are tried in that order, and from its beginning again after the last."""
    leases = [_lease(hidden, job) for hidden in order[:ATTEMPTS]]

    @cache
    def from_here(tried: int, parts: int) -> tuple[float, float]:
        """Dollars, and the probability of failure, with so many of the `PARTS` of the work to do."""
        work = job.hours * parts / PARTS
        if tried == ATTEMPTS or not leases:
            return work * job.elsewhere_usd_per_hour, 1.0
        lease = leases[tried % len(leases)]
        rate, never = lease.hidden.usd_per_hour, lease.hidden.start_fails
        usd, failed = from_here(tried + 1, parts)
        usd = never * (rate * job.patience_hours + job.trouble_usd + usd)
        failed *= never
        length = work * lease.stretch
        alive = 1.0
        for step in range(STEPS):
            left = lease.survives(length * (step + 1) / STEPS)
            ends, alive = (1 - never) * (alive - left), left
            done = (step + 0.5) / STEPS
            usd_then, failed_then = from_here(tried + 1, parts - _saved(done * parts, job))
            spent = rate * (job.start_hours + done * length + job.patience_hours) + job.trouble_usd
            usd += ends * (spent + usd_then)
            failed += ends * failed_then
        usd += (1 - never) * alive * rate * (job.start_hours + length)
        return usd, failed

    return Expected(*from_here(0, PARTS))


def alone(providers: Sequence[Hidden], job: Job) -> list[float]:
    """What the job costs when each provider in turn is taken, and taken again, whatever happens."""
    return [expected([hidden], job).usd for hidden in providers]


def least(providers: Sequence[Hidden], costs: Sequence[float], job: Job) -> float:
    """What the job costs in the best order: whichever first, then by `costs`, what each costs alone."""
    best = sorted(range(len(providers)), key=costs.__getitem__)
    orders = ([one, *(i for i in best[:ATTEMPTS] if i != one)] for one in best)
    return min(expected([providers[i] for i in order], job).usd for order in orders)


def _saved(done: float, job: Job) -> int:
    """How many parts of the work are kept of those that were done, rounded down to a checkpoint and to a part."""
    if not job.checkpoint_hours:
        return 0
    each = job.hours / PARTS
    return int(done * each // job.checkpoint_hours * job.checkpoint_hours / each + 1e-9)


def _lease(hidden: Hidden, job: Job) -> _Lease:
    middle, spread = math.log(hidden.outage_median_hours), hidden.outage_spread
    reach = (math.log(job.patience_hours) - middle) / spread
    sat_out = math.exp(middle + spread**2 / 2) * _normal(
        reach - spread
    )  # the mean of an outage, up to patience
    return _Lease(
        hidden,
        stretch=(1 + hidden.outages_per_hour * sat_out) / hidden.speed,
        lethal=hidden.outages_per_hour * (1 - _normal(reach)),
    )


def _normal(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2
