"""What the ways to ask for less follow from: an SDL, one group of it, the market, and what speaks against whom."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal

from akash_mcp.clients.console.market_models import ProviderRecord
from akash_mcp.market.matching import Kind, Match, Obstacle, Wanted
from akash_mcp.sdl import GroupSpec
from akash_mcp.sdl.model import Placement, Profile, Sdl, Service

PLAIN_VALUE = re.compile(r"[A-Za-z0-9][\w./+-]{0,63}")
"""A value of a provider's that may be written into an SDL."""

_NEVER = frozenset({Kind.OFFLINE, Kind.NOT_AUDITED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the candidates of one group follow from: the SDL, the group, the market, and what speaks against whom.

    `gpu_memory`: GiB by GPU model, as far as the Console's catalogue tells. `rate_limit`: whose limit the highest rate
    is, as the name of an argument or a setting.
    """

    sdl: Sdl
    group: GroupSpec
    records: Sequence[ProviderRecord]
    matches: Sequence[Match]
    wanted: Wanted
    gpu_memory: Mapping[str, Decimal]
    rate_limit: str = "AKASH_MCP_MAX_USD_PER_HOUR"

    @property
    def placement(self) -> Placement:
        """The group's placement."""
        return self.sdl.placements[self.group.name]

    @property
    def profiles(self) -> list[Profile]:
        """The profiles that it orders."""
        return [
            self.sdl.profiles[name]
            for name in dict.fromkeys(
                places[self.group.name].profile
                for places in self.sdl.deployment.values()
                if self.group.name in places
            )
        ]

    @property
    def services(self) -> list[Service]:
        """The services that run in it."""
        return [
            self.sdl.services[name]
            for name, places in self.sdl.deployment.items()
            if self.group.name in places
        ]

    def using(self, profile: Profile) -> list[Service]:
        """Those of them that use this profile."""
        return [
            each
            for each in self.services
            if self.sdl.deployment[each.name][self.group.name].profile == profile.name
        ]

    def sellers(self, kinds: Set[Kind], about: str = "") -> list[ProviderRecord]:
        """The providers whom nothing bars but these kinds of obstacles; where there are none, those who bid at all."""

        def is_of_these(each: Obstacle) -> bool:
            return each.kind in kinds and about in ("", each.about)

        free = {one.provider for one in self.matches if all(map(is_of_these, one.obstacles))}
        free = free or {one.provider for one in self.matches if not one.kinds & _NEVER}
        return [record for record in self.records if record.owner in free]

    @property
    def obstacles(self) -> list[Obstacle]:
        """What rules anybody out, what rules out most first."""
        counts = Counter(each for one in self.matches for each in one.obstacles)
        return [each for each, _ in counts.most_common()]
