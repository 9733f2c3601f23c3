"""What to change in an SDL so that somebody bids: candidates, the smallest change first.

A candidate goes in steps, each of which asks for less than the one before: if one brings bids, so do all after it. The
order of candidates is how little they take away: what a container does not notice comes before a smaller machine, that
before another place, and the money and the user's own settings come last.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_UP, Decimal

from akash_mcp.market.asked import PLAIN_VALUE, Asked
from akash_mcp.market.changes import Candidate, Change, Edit
from akash_mcp.market.matching import Kind
from akash_mcp.market.smaller_sizes import (
    fewer_gpus,
    fewer_volumes,
    less_cpu,
    less_memory,
    not_persistent,
    other_classes,
    other_models,
    smaller_disks,
    without_form,
)
from akash_mcp.money import uact_per_block
from akash_mcp.sanitize.text import quoted
from akash_mcp.sdl.yaml.loader import Path

_MOST_VALUES = 3
_PLACES = re.compile(r"region|country|city|zone|continent", re.I)


def candidates(asked: Asked) -> list[Candidate]:
    """The ways to bring bids, the smallest change first. Those that cannot be made are left out."""
    kinds = {each.kind for each in asked.obstacles}
    node = Kind.NODE in kinds
    found: list[Candidate] = []
    if Kind.GPU_FORM in kinds:
        found += without_form(asked)
    if Kind.NOTICE in kinds:
        notice = Change("ask for no notice", (Edit(("reclamation",)),))
        found.append(Candidate(Kind.NOTICE, (notice,)))
    if Kind.ATTRIBUTE in kinds:
        found += _without_attributes(asked)
    if Kind.AUDITOR in kinds:
        found.append(_without_auditors(asked))
    if Kind.VOLUMES in kinds:
        found.append(fewer_volumes(asked))
    if Kind.STORAGE_CLASS in kinds:
        found += other_classes(asked)
    if Kind.DISK in kinds:
        found.append(smaller_disks(asked, lasting=False))
    if Kind.PERSISTENT in kinds:
        found.append(smaller_disks(asked, lasting=True))
    if Kind.CPU in kinds or node:
        found.append(less_cpu(asked))
    if Kind.MEMORY in kinds or node:
        found.append(less_memory(asked))
    if Kind.GPUS in kinds or node:
        found.append(fewer_gpus(asked))
    if kinds & {Kind.GPU_MODEL, Kind.GPU_FORM, Kind.GPUS}:
        found.append(other_models(asked))
    if Kind.LEASED_IP in kinds:
        found.append(_without_ips(asked))
    if Kind.STORAGE_CLASS in kinds or Kind.PERSISTENT in kinds:
        found.append(not_persistent(asked))
    if Kind.CEILING in kinds:
        found += _higher_ceiling(asked)
    if Kind.REGION in kinds:
        found.append(_other_regions(asked))
    found += _settings(asked, kinds)
    return [candidate for candidate in found if candidate.steps]


def _without_attributes(asked: Asked) -> Iterator[Candidate]:
    at: Path = ("profiles", "placement", asked.placement.name, "attributes")
    keys = list(dict.fromkeys(each.about for each in asked.obstacles if each.kind is Kind.ATTRIBUTE))
    for key in keys:
        if key == "tee/type" and key not in asked.placement.attributes:
            edits = tuple(
                Edit(("services", service.name, "params", "tee")) for service in asked.services if service.tee
            )
            yield Candidate(Kind.ATTRIBUTE, (Change("ask for no trusted execution environment", edits),))
            continue
        if _PLACES.search(key):
            for value in _values(asked, key):
                change = Change(
                    f"{key}: {value} in place of {_asked_value(asked, key)}", (Edit((*at, key), value),)
                )
                yield Candidate(Kind.ATTRIBUTE, (change,))
        whole = set(asked.placement.attributes) <= {key}
        change = Change(f"ask for no attribute {quoted(key, 60)}", (Edit(at if whole else (*at, key)),))
        yield Candidate(Kind.ATTRIBUTE, (change,))
    if len(keys) > 1:
        whole = set(asked.placement.attributes) <= set(keys)
        edits = (
            (Edit(at),)
            if whole
            else tuple(Edit((*at, key)) for key in keys if key in asked.placement.attributes)
        )
        yield Candidate(Kind.ATTRIBUTE, (Change("ask for none of these attributes", edits),))


def _asked_value(asked: Asked, key: str) -> str:
    return quoted(asked.placement.attributes.get(key, ""), 40)


def _values(asked: Asked, key: str) -> list[str]:
    """Values of an attribute that most providers have whom nothing else rules out, those like the asked one first."""
    wish = str(asked.placement.attributes.get(key, "")).casefold()
    counts = Counter(
        each.value
        for record in asked.sellers({Kind.ATTRIBUTE}, key)
        for each in record.attributes
        if each.key == key and PLAIN_VALUE.fullmatch(each.value)
    )
    return sorted(counts, key=lambda value: (-_alike(value.casefold(), wish), -counts[value], value))[
        :_MOST_VALUES
    ]


def _alike(one: str, other: str) -> int:
    """With how many equal characters two words begin."""
    return next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def _without_auditors(asked: Asked) -> Candidate:
    at: Path = ("profiles", "placement", asked.placement.name, "signedBy")
    failing = {each.about for each in asked.obstacles if each.kind is Kind.AUDITOR}
    left = [each for each in asked.placement.all_of if each not in failing]
    edit = Edit((*at, "allOf"), left) if left else Edit((*at, "allOf") if asked.placement.any_of else at)
    return Candidate(Kind.AUDITOR, (Change("ask for no auditor of your own: the Console has one", (edit,)),))


def _without_ips(asked: Asked) -> Candidate:
    edits = []
    left = set(asked.sdl.endpoints)
    for service in asked.services:
        for i, expose in enumerate(service.expose):
            for j, to in enumerate(expose.to):
                if to.ip:
                    edits.append(Edit(("services", service.name, "expose", i, "to", j, "ip")))
                    left.discard(to.ip)
    gone = [name for name in asked.sdl.endpoints if name not in left]
    edits += [Edit(("endpoints", name)) for name in gone] if left else [Edit(("endpoints",))]
    words = "no leased IP: it is reached at the provider's address and another port"
    return Candidate(Kind.LEASED_IP, (Change(words, tuple(edits)),))


def _higher_ceiling(asked: Asked) -> Iterator[Candidate]:
    """A ceiling at what such a group was let for at the most: bids compete below it."""
    known = asked.wanted.price_range(asked.group)
    if known is None:
        return
    price = uact_per_block(known.high)
    replicas = sum(unit.count for unit in asked.group.resources)
    factor = price / asked.group.price if asked.group.price else None
    edits = []
    for profile in asked.profiles:
        now = Decimal(str(asked.placement.pricing[profile.name]))
        amount = now * factor if factor is not None else price / replicas
        at: Path = ("profiles", "placement", asked.placement.name, "pricing", profile.name, "amount")
        edits.append(Edit(at, int(amount.to_integral_value(ROUND_UP))))
    yield Candidate(Kind.CEILING, (Change(f"a price ceiling of {known.high} an hour", tuple(edits)),))


def _other_regions(asked: Asked) -> Candidate:
    """One more country, those with most providers whom nothing else rules out first, then any place."""
    policy = asked.wanted.policy
    counts = Counter(
        record.ip_country.casefold() for record in asked.sellers({Kind.REGION}) if record.ip_country
    )
    best = sorted(counts.keys() - policy.regions, key=lambda name: (-counts[name], name))[:1]
    steps = []
    for name in best:
        wider = policy.regions | {name}
        setting = ("regions", json.dumps(sorted(wider)))
        steps.append(
            Change(f"also take {quoted(name, 60)}", policy=replace(policy, regions=wider), setting=setting)
        )
    anywhere = replace(policy, regions=frozenset())
    steps.append(Change("take any region", policy=anywhere, setting=("regions", "[]")))
    return Candidate(Kind.REGION, tuple(steps))


def _settings(asked: Asked, kinds: set[Kind]) -> Iterator[Candidate]:
    """What only the user can change."""
    policy = asked.wanted.policy
    known = asked.wanted.price_range(asked.group)
    if Kind.RATE_LIMIT in kinds and known is not None:
        most = known.high
        words = f"allow {most} an hour" + ("" if asked.rate_limit.islower() else ", which only the user can")
        yield Candidate(
            Kind.RATE_LIMIT,
            (
                Change(
                    words,
                    policy=replace(policy, max_usd_per_hour=most),
                    setting=(asked.rate_limit, most.plain()),
                ),
            ),
        )
    own = {Kind.ALLOWED, Kind.DENIED}
    best = [one for one in asked.matches if one.kinds and one.kinds <= own and not one.unknown]
    if best and kinds & own:
        one = min(best, key=lambda each: (len(each.kinds), each.provider))
        name, value, wider = (
            (
                "AKASH_MCP_ALLOWED_PROVIDERS",
                sorted({*policy.allowed, one.provider}),
                replace(
                    policy, allowed=policy.allowed | {one.provider}, denied=policy.denied - {one.provider}
                ),
            )
            if Kind.ALLOWED in one.kinds
            else (
                "AKASH_MCP_DENIED_PROVIDERS",
                sorted(policy.denied - {one.provider}),
                replace(policy, denied=policy.denied - {one.provider}),
            )
        )
        words = f"let {one.provider} have it, which only the user can allow"
        yield Candidate(Kind.ALLOWED, (Change(words, policy=wider, setting=(name, ",".join(value))),))
