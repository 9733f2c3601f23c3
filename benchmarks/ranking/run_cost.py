"""What a run costs in the end, at providers whose hidden values are known, and the order that is best for it.

What fails costs the rent until it is noticed, the work that was not saved, a redeploy's trouble, and for what serves
the worth of the hours that it is down or slow. What fails for good costs the worth of the run: its owner wanted it
done, so a cheap failure is not a saving.

Everything is an expectation over what may go wrong, worked out and not drawn, so two orders that differ little are
told apart by few markets. Costs are US dollars as floats: nothing here is paid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

ATTEMPTS = 3
"""Leases that a run is tried with: after the third, its owner has had enough, and the run has failed for good."""

CLOSED_HOURS = 2.0
"""How long an outage lasts before the lease is gone: providers closed theirs after minutes, since 2025 after two hours
(akash-network/support issue 245)."""

PARTS = 8
"""What is kept of the work when a lease ends is counted in so many parts of it, rounded down."""

STEPS = 4
"""Parts of a run in the middle of which it may end: enough that more move no figure by much."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to run: `hours` of work at full speed, or of serving, and what trouble costs.

    `checkpoint_hours` is how often work is saved, 0 for never. `notice_hours` pass before somebody sees that a lease
    has ended or never started, paid for until then. `worth_usd` is what the whole run is worth to its owner, and
    `attention_usd` what it costs beside that to be told that it failed for good.
    """

    hours: float
    serves: bool
    checkpoint_hours: float
    start_hours: float
    notice_hours: float
    trouble_usd: float
    worth_usd: float
    attention_usd: float


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
    """`usd`, with the worth of what was not done, and `failed`, the probability that it failed for good."""

    usd: float
    failed: float


@dataclass(frozen=True, slots=True)
class _Lease:
    """How one job fares at one provider."""

    hidden: Hidden
    stretch: float
    """Hours that an hour of work takes, with throttling and the outages that are sat out; one for what serves."""
    idle: float
    """Share of the worth of an hour that is lost to the same, for what serves."""
    lethal: float
    """Outages an hour that last until the lease is gone."""

    def survives(self, hours: float) -> float:
        drops: float = (hours / self.hidden.drop_scale_hours) ** self.hidden.drop_shape
        return math.exp(-self.lethal * hours - drops)


def expected(order: Sequence[Hidden], job: Job) -> Expected:
    """What the job costs when providers are tried in that order, and from its beginning again after the last."""
    leases = [_lease(hidden, job) for hidden in order[:ATTEMPTS]]
    hourly = job.worth_usd / job.hours if job.serves else 0.0

    @cache
    def from_here(tried: int, parts: int) -> tuple[float, float]:
        """Dollars, and the probability of failure, with so many of the `PARTS` of the work to do."""
        if tried == ATTEMPTS or not leases:
            return job.attention_usd + job.worth_usd * (parts / PARTS if job.serves else 1), 1.0
        work = job.hours * parts / PARTS
        lease = leases[tried % len(leases)]
        rate, never = lease.hidden.usd_per_hour, lease.hidden.start_fails
        usd_then, failed_then = from_here(tried + 1, parts)
        gone = (rate + hourly) * job.notice_hours + job.trouble_usd
        usd, failed = never * (gone + usd_then), never * failed_then
        length = work * lease.stretch
        alive = 1.0
        for step in range(STEPS):
            left = lease.survives(length * (step + 1) / STEPS)
            ends, alive = (1 - never) * (alive - left), left
            done = (step + 0.5) / STEPS
            usd_then, failed_then = from_here(tried + 1, parts - _saved(done * parts, job))
            spent = rate * (job.start_hours + done * length) + hourly * lease.idle * done * work
            usd += ends * (spent + gone + usd_then)
            failed += ends * failed_then
        usd += (1 - never) * alive * (rate * (job.start_hours + length) + hourly * lease.idle * work)
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
    """How many parts of the work are kept of those that were done, rounded down to a checkpoint and to a part.

    An hour that was served is served.
    """
    if job.serves:
        return int(done)
    if not job.checkpoint_hours:
        return 0
    each = job.hours / PARTS
    return int(done * each // job.checkpoint_hours * job.checkpoint_hours / each + 1e-9)


def _lease(hidden: Hidden, job: Job) -> _Lease:
    middle, spread = math.log(hidden.outage_median_hours), hidden.outage_spread
    reach = (math.log(CLOSED_HOURS) - middle) / spread
    # The mean of an outage, of those that are sat out, counted over all.
    sat_out = math.exp(middle + spread**2 / 2) * _normal(reach - spread)
    stretch = (1 + hidden.outages_per_hour * sat_out) / hidden.speed
    return _Lease(
        hidden,
        stretch=1.0 if job.serves else stretch,
        idle=1 - 1 / stretch,
        lethal=hidden.outages_per_hour * (1 - _normal(reach)),
    )


def _normal(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2
