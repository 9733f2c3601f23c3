"""Which offer to take, and why: the lowest expected total cost among the offers that nothing speaks against.

An offer that fails a gate is rejected, with every reason. The others are ordered by

    rate x hours x (1 + doubt)
    + interruptions x (rate x (hours down + hours of work lost) + cost of redeploying)

How many interruptions to expect, and how much doubt, is in `market.risk`. What is unknown is said to be unknown.
Nothing that a provider says of itself has any influence. benchmarks/ranking holds the rule against markets in which
what is hidden is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_UP, Decimal
from itertools import groupby
from statistics import median
from typing import Literal, TypeAlias

from akash_mcp.errors import BadArgument
from akash_mcp.ids import ProviderAddress
from akash_mcp.market.offers import Offer
from akash_mcp.market.risk import (
    NEW_DAYS,
    OUTAGE_HOURS,
    USUAL_UPTIME,
    WINDOW_WEIGHTS,
    doubt,
    expected_interruptions,
    expected_uptime,
    interruption_probability,
    known_uptimes,
    unknown_facts,
)
from akash_mcp.money import Usd, told_apart
from akash_mcp.sanitize.text import quoted

Prefer: TypeAlias = Literal["balanced", "cheapest", "reliable"]

BID_LIFETIME_SECONDS = 300
"""An open bid is closed by the chain about five minutes after it was made."""

LOST_HOURS_MOST = 12
"""An interruption loses half of the work so far, at most this much: somebody will have looked by then."""

REDEPLOY_COST = Usd("0.10")
"""What redeploying costs beside rent: an agent's tokens, a person's glance."""

RISK_WEIGHT: dict[Prefer, int] = {"cheapest": 0, "balanced": 1, "reliable": 5}
"""How often interruptions are counted when offers are ordered; doubt once, or not at all. What is shown counts both
once."""

LONGEST_HOURS = 87_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What an offer must meet. Empty sets ask for nothing. Raises `BadArgument` for hours outside 0 to ten years.

    `hours`: how long the deployment is to run. `max_usd_per_hour`: for one group's offer. `regions`: names of places,
    as `market.regions.resolve` gives them. `gpu_models`: `vendor/model`, any of them. `excluded`: of whom the caller
    wants none. `failed`: providers that failed us lately, and how, in our words.
    """

    hours: Decimal
    max_usd_per_hour: Usd | None = None
    allowed: frozenset[ProviderAddress] = frozenset()
    denied: frozenset[ProviderAddress] = frozenset()
    excluded: frozenset[ProviderAddress] = frozenset()
    regions: frozenset[str] = frozenset()
    audited_only: bool = False
    gpu_models: frozenset[str] = frozenset()
    failed: Mapping[ProviderAddress, str] = field(default_factory=dict)

    @property
    def leaves_out(self) -> bool:
        """Whether any provider is left out for what it is, whatever it bids."""
        return bool(
            self.allowed or self.denied or self.excluded or self.regions or self.audited_only or self.failed
        )

    def __post_init__(self) -> None:
        if not (self.hours.is_finite() and 0 < self.hours <= LONGEST_HOURS):
            raise BadArgument("The hours to rank for are more than 0 and at most ten years.")


@dataclass(frozen=True, slots=True)
class RankedOffer:
    """An acceptable offer. `rank` counts from 1 within its group. `interruption` is a probability.

    `bill` is the rent for all the hours, `expected_cost` that and the expected loss. `reasons` come largest first.
    `before_next`: what put it before an offer that is cheaper an hour, in a sentence; empty where the next one is not.
    """

    offer: Offer
    rank: int
    usd_per_hour: Usd
    bill: Usd
    expected_cost: Usd
    interruption: Decimal
    reasons: tuple[str, ...]
    unknowns: tuple[str, ...]
    before_next: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An offer that must not be taken, and everything that speaks against it.

    `too_dear`: that of the reasons which is its price; empty where it is not over what is allowed.
    """

    offer: Offer
    reasons: tuple[str, ...]
    too_dear: str = ""

    @property
    def is_only_too_dear(self) -> bool:
        """Whether it could be taken if more were allowed an hour."""
        return self.reasons == (self.too_dear,)


@dataclass(frozen=True, slots=True)
class Ranking:
    """All offers, each once. `ranked` goes by group (`gseq`), then by rank; `rejected` by group, then by address."""

    ranked: tuple[RankedOffer, ...]
    rejected: tuple[Rejected, ...]


def rank(offers: Iterable[Offer], *, requirements: Requirements, prefer: Prefer = "balanced") -> Ranking:
    """Order `offers` for `requirements`, each group by itself. The order of the input has no influence.

    `prefer`: `balanced` by expected cost, `cheapest` by rent alone, `reliable` with the expected loss counted
    five times.
    """
    accepted: list[_Judged] = []
    rejected: list[Rejected] = []
    for offer in offers:
        if reasons := _against(offer, requirements):
            rejected.append(Rejected(offer, reasons, _too_dear(offer, requirements)))
        else:
            accepted.append(_judge(offer, requirements, RISK_WEIGHT[prefer]))
    accepted.sort(key=lambda judged: (judged.offer.gseq, judged.order))
    rejected.sort(key=lambda r: (r.offer.gseq, r.offer.provider, r.offer.oseq, r.reasons))
    ranked = [
        _explained(judged, place, group, middle, requirements, RISK_WEIGHT[prefer])
        for _, members in groupby(accepted, key=lambda judged: judged.offer.gseq)
        for group in [list(members)]
        for middle in [_middle(group)]
        for place, judged in enumerate(group, 1)
    ]
    return Ranking(tuple(ranked), tuple(rejected))


# ── gates ──────────────────────────────────────────────────────────────────────────────────────────────────


def _against(offer: Offer, wanted: Requirements) -> tuple[str, ...]:
    """Every reason to reject the offer. None of them quotes the provider."""
    too_dear = _too_dear(offer, wanted)
    age = offer.age_seconds
    models = {model.casefold() for model in offer.gpu_models}
    gates: tuple[tuple[bool, str], ...] = (
        (offer.state != "open", "the bid is no longer open"),
        (
            age is not None and not (age.is_finite() and age < BID_LIFETIME_SECONDS),
            f"the bid is older than {BID_LIFETIME_SECONDS} seconds, so it has expired",
        ),
        (not offer.has_price, "its price is not a positive amount in a currency that can be compared"),
        (bool(too_dear), too_dear),
        (
            bool(wanted.allowed) and offer.provider not in wanted.allowed,
            "the provider is not on the allow list",
        ),
        (offer.provider in wanted.denied, "the provider is on the deny list"),
        (offer.provider in wanted.excluded, "the provider is among those to leave out"),
        (
            offer.provider in wanted.failed,
            f"the provider failed us lately: {wanted.failed.get(offer.provider)}",
        ),
        (offer.online is False, "the provider is offline"),
        (offer.valid_version is False, "the provider runs a version that is no longer valid"),
        (wanted.audited_only and not offer.audited, "the provider is not audited"),
        (
            bool(wanted.regions) and offer.places.isdisjoint(wanted.regions),
            f"the provider is in none of the regions asked for: {_listed(wanted.regions)}"
            if offer.places
            else "where the provider is, is unknown",
        ),
        (
            bool(wanted.gpu_models and models) and models.isdisjoint(m.casefold() for m in wanted.gpu_models),
            f"the provider has none of the GPU models asked for: {_listed(wanted.gpu_models)}",
        ),
        (bool(offer.other_gpu), f"it offers another GPU: {offer.other_gpu}"),
    )
    return tuple(reason for applies, reason in gates if applies)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(quoted(word, 40) for word in sorted(words))


def _too_dear(offer: Offer, wanted: Requirements) -> str:
    """The reason against an offer over the allowed rate; empty where it is not."""
    most = wanted.max_usd_per_hour
    if not offer.has_price or most is None or offer.usd_per_hour <= most:
        return ""
    cost, allowed = told_apart(offer.usd_per_hour, most)
    return f"it costs {cost} an hour, more than the {allowed} allowed"


# ── cost ───────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Judged:
    offer: Offer
    rate: Usd
    bill: Usd
    interruption: Decimal
    outage_loss: Usd
    """What interruptions are expected to cost."""
    doubt_loss: Usd
    """What is expected to be lost because little about the provider is proven."""
    order: tuple[object, ...]

    @property
    def loss(self) -> Usd:
        return self.outage_loss + self.doubt_loss


def _judge(offer: Offer, wanted: Requirements, risk_weight: int) -> _Judged:
    rate = offer.usd_per_hour
    hours = wanted.hours
    uptime = expected_uptime(offer)
    interruptions = expected_interruptions(offer, hours)
    bill = rate * hours
    lost_hours = OUTAGE_HOURS + min(hours / 2, Decimal(LOST_HOURS_MOST))
    outage_loss = (rate * lost_hours + REDEPLOY_COST) * interruptions
    doubt_loss = bill * doubt(offer)
    # All that decides, most important first. A better value never gives a larger entry, so an offer that is worse
    # in one thing and better in none cannot come before the other. The address only makes the order total.
    order = (
        bill + doubt_loss * min(risk_weight, 1) + outage_loss * risk_weight,
        not offer.audited,
        interruptions,
        -uptime,
        offer.incidents_7d or 0,
        offer.record.interruptions,
        -offer.record.hours,
        unknown_facts(offer),
        -(offer.reclamation_seconds or 0),
        rate,
        offer.provider,
        offer.oseq,
    )
    interruption = interruption_probability(offer, hours)
    return _Judged(offer, rate, bill, interruption, outage_loss, doubt_loss, order)


# ── words ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Middle:
    """What the offers of one group are compared with when they are explained."""

    lowest: Usd
    bill: Decimal
    loss: Decimal


def _middle(group: list[_Judged]) -> _Middle:
    return _Middle(
        lowest=min(judged.rate for judged in group),
        bill=median(judged.bill.amount for judged in group),
        loss=median(judged.outage_loss.amount for judged in group),
    )


def _explained(
    judged: _Judged,
    place: int,
    group: list[_Judged],
    middle: _Middle,
    wanted: Requirements,
    risk_weight: int,
) -> RankedOffer:
    offer = judged.offer
    # A reason is as large as what it moves the cost away from the middle of its group.
    reasons = [
        (abs(judged.bill.amount - middle.bill), _about_price(judged, middle.lowest, len(group))),
        (abs(judged.outage_loss.amount - middle.loss), _about_risk(judged, wanted.hours)),
    ]
    reasons.sort(key=lambda reason: -reason[0])
    texts = [text for _, text in reasons]
    texts.append(_about_doubt(judged))
    return RankedOffer(
        offer=offer,
        rank=place,
        usd_per_hour=judged.rate,
        bill=judged.bill,
        expected_cost=judged.bill + judged.loss,
        interruption=judged.interruption,
        reasons=tuple(texts),
        unknowns=_unknowns(offer, wanted),
        before_next=_before(judged, group[place], wanted.hours, risk_weight) if place < len(group) else "",
    )


def _before(judged: _Judged, following: _Judged, hours: Decimal, risk_weight: int) -> str:
    """Why an offer comes before a cheaper one: only an expected loss can weigh more than rent."""
    if judged.bill <= following.bill:
        return ""
    counted = f", where interruptions count {risk_weight} times" if risk_weight > 1 else ""
    return (
        f"{judged.bill - following.bill} more rent in {_hours(hours)} than the next one, and before it: {judged.loss} "
        f"is expected to be lost here and {following.loss} there{counted}"
    )


def _about_price(judged: _Judged, lowest: Usd, count: int) -> str:
    if count == 1:
        return "the only acceptable bid for its group"
    if judged.rate == lowest:
        return f"the lowest price of {count} acceptable bids"
    return f"{judged.rate - lowest} more an hour than the lowest of {count} acceptable bids"


def _about_risk(judged: _Judged, hours: Decimal) -> str:
    known = known_uptimes(judged.offer)
    if known:
        window, uptime = list(known.items())[-1]
        record = f"answered {_percent(uptime)} of status checks over {window}"
    else:
        record = f"uptime unknown, counted as the usual {_percent(USUAL_UPTIME)}"
    if incidents := judged.offer.incidents_7d:
        record += f", {incidents} outage{'s' * (incidents > 1)} in 7 days"
    if judged.offer.record.leases:
        record += f"; {judged.offer.record}"
    likely = f"an interruption within {_hours(hours)} is {_percent(judged.interruption, ROUND_UP)} likely"
    return f"{record}: {likely}, an expected loss of {judged.outage_loss}"


def _about_doubt(judged: _Judged) -> str:
    offer, days = judged.offer, judged.offer.registered_days
    audit = "audited" if offer.audited else "not audited"
    if days is None:
        audit += ", on the chain since nobody knows when"
    elif days < NEW_DAYS:
        audit += f", on the chain for {max(int(days), 0)} days"
    return f"{audit}: doubt counted as {judged.doubt_loss}" if judged.doubt_loss else audit


def _hours(hours: Decimal) -> str:
    return f"{hours.normalize():f} h"


def _percent(share: Decimal, rounding: str = ROUND_DOWN) -> str:
    # An uptime is rounded down and a risk up, so that nothing short of it reads as 100 %, or as 0 %.
    return f"{(share * 100).quantize(Decimal('0.1'), rounding).normalize():f} %"


def _unknowns(offer: Offer, wanted: Requirements) -> tuple[str, ...]:
    known = known_uptimes(offer)
    missing = [window for window in WINDOW_WEIGHTS if window not in known]
    # The Console writes an uptime of zero as if it were unknown.
    gap = f"uptime over {', '.join(missing)} (unknown, or zero)" if known else "uptime"
    doubts = (
        (bool(missing), gap),
        (offer.online is None, "whether the provider is online"),
        (offer.valid_version is None, "whether its version is valid"),
        (offer.age_seconds is None, "how old the bid is"),
        (offer.registered_days is None, "how long it has been on the chain"),
        (not (offer.region or offer.country or offer.country_code), "where the provider is"),
        (bool(wanted.gpu_models) and not offer.gpu_models, "which GPU models it has"),
    )
    return tuple(words for applies, words in doubts if applies)
