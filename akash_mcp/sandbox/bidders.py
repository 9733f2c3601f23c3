"""Providers' bidding engines: who can take an order, for how much, and when the bid arrives.

A provider bids when it holds every attribute the group asks for, is vouched for as `signedBy` says, has the
GPU model, storage class and leased IPs, has room, and asks no more than the group's price ceiling (the rules
of akash-network/provider bidengine). Anything else means silence: nobody says why there is no bid.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_UP, Decimal
from fnmatch import fnmatchcase
from random import Random

from akash_mcp.sandbox import transactions
from akash_mcp.sandbox.chain import Chain, Deployment
from akash_mcp.sandbox.faults import Faults
from akash_mcp.sandbox.sellers import GI, Gpu, Seller
from akash_mcp.sandbox.units import BLOCK_SECONDS, HOURS_PER_MONTH, UACT_PER_USD, blocks_per_month
from akash_mcp.sdl import Attribute, GroupSpec, ResourceUnit

LEASED_IP = 2
MAX_VOLUMES = 4
"""A provider declines more volumes in one unit than this (provider's default)."""

_USD_MONTH_CPU = Decimal("1.60")  # per core
_USD_MONTH_MEMORY = Decimal("0.80")  # per Gi
_USD_MONTH_EPHEMERAL = Decimal("0.02")  # per Gi
_USD_MONTH_PERSISTENT = Decimal("0.04")  # per Gi
_USD_MONTH_ENDPOINT = Decimal("0.05")
_USD_MONTH_LEASED_IP = Decimal("5")
_PRICE_STEP = Decimal("1e-18")


class Bidders:
    """Watches the chain for orders and bids on them in each provider's name, each after its own delay."""

    def __init__(self, chain: Chain, market: Mapping[str, Seller], faults: Faults, seed: int) -> None:
        self._chain = chain
        self._market = market
        self._faults = faults
        self._seed = seed
        self._orders = 0
        chain.on_order.append(self._bid_on)

    def _bid_on(self, deployment: Deployment) -> None:
        self._orders += 1
        if self._faults.take("no-bids"):
            return
        late = self._faults.take("late-bids")
        brief = self._faults.take("bids-expire")
        lifetime = brief.seconds(1) if brief else transactions.BID_LIFETIME_SECONDS
        # Seeded by the order's number and not by its dseq, which is wall time.
        random = Random(f"bids {self._seed} {self._orders}")
        for seller in self._market.values():
            for gseq, group in enumerate(deployment.groups, start=1):
                mood = Decimal(random.randint(950, 1050)) / 1000
                delay = min(25.0, max(4.0, seller.delay + random.uniform(-2, 2)))
                used = in_use(self._chain, seller.provider.owner)
                price = quote(seller, group, used, mood, Decimal(str(self._chain.clock.block_seconds)))
                if price is not None:
                    delay += late.seconds(60) if late else 0
                    self._plan(deployment, seller, gseq, price, delay, lifetime)

    def _plan(
        self,
        deployment: Deployment,
        seller: Seller,
        gseq: int,
        price: Decimal,
        delay: float,
        lifetime: float,
    ) -> None:
        provider = seller.provider.owner

        def arrive() -> None:
            transactions.create_bid(
                self._chain, deployment, provider=provider, gseq=gseq, price=price, lifetime=lifetime
            )

        self._chain.schedule.after(delay, arrive)


def in_use(chain: Chain, provider: str) -> list[ResourceUnit]:
    """The resource units that active leases hold at a provider."""
    return [
        unit
        for deployment in chain.deployments.values()
        for lease in deployment.active_leases
        if lease.provider == provider
        for unit in deployment.groups[lease.gseq - 1].resources
    ]


def quote(
    seller: Seller,
    group: GroupSpec,
    used: list[ResourceUnit],
    mood: Decimal,
    block_seconds: Decimal = BLOCK_SECONDS,
) -> Decimal | None:
    """What a provider asks for a group, in uact per block with 18 places, or None when it does not bid."""
    if not can_take(seller, group, used):
        return None
    month = sum((_usd_month(seller, unit) * unit.count for unit in group.resources), Decimal(0))
    uact = month * seller.margin * mood * UACT_PER_USD
    price = (uact / blocks_per_month(block_seconds)).quantize(_PRICE_STEP, ROUND_UP)
    return price if 0 < price <= group.price else None


def can_take(seller: Seller, group: GroupSpec, used: list[ResourceUnit]) -> bool:
    """Whether a provider has what a group asks for, and room for it, whatever the price."""
    return _matches(seller, group) and _fits(seller, group, used)


def offered_gpu_attributes(seller: Seller, unit: ResourceUnit) -> tuple[Attribute, ...]:
    """The GPU attributes of an offer: the very model that the provider would give."""
    if not unit.gpu or seller.gpu is None:
        return ()
    gpu = seller.gpu
    key = f"vendor/{gpu.vendor}/model/{gpu.model}/ram/{gpu.ram}/interface/{gpu.interface}"
    return (Attribute(key, "true"),)


def _matches(seller: Seller, group: GroupSpec) -> bool:
    held = seller.provider.attributes
    if any(a.key not in held or not fnmatchcase(held[a.key], a.value) for a in group.attributes):
        return False
    signers = set(seller.provider.signed_by)
    if not signers.issuperset(group.all_of) or (group.any_of and signers.isdisjoint(group.any_of)):
        return False
    return all(_can_host(seller, unit) for unit in group.resources)


def _can_host(seller: Seller, unit: ResourceUnit) -> bool:
    if len(unit.storage) > MAX_VOLUMES:
        return False
    if unit.gpu and (seller.gpu is None or not _gpu_wanted(seller.gpu, unit.gpu_attributes)):
        return False
    if any(endpoint.kind == LEASED_IP for endpoint in unit.endpoints) and not seller.leased_ips:
        return False
    for volume in unit.storage:
        wanted = {a.key: a.value for a in volume.attributes}
        storage_class = wanted.get("class")
        if storage_class not in (None, "ram", "default", "ephemeral", seller.storage_class):
            return False
        if wanted.get("persistent") == "true" and seller.storage_class is None:
            return False
    return True


def _gpu_wanted(gpu: Gpu, attributes: tuple[Attribute, ...]) -> bool:
    """Whether one of `vendor/V/model/M[/ram/R][/interface/I]` names this GPU. No attribute means any."""
    named = [a.key for a in attributes if a.key.startswith("vendor/")]
    return not named or any(_names(gpu, key.split("/")) for key in named)


def _names(gpu: Gpu, parts: list[str]) -> bool:
    wanted = dict(zip(parts[::2], parts[1::2], strict=False))
    # Providers advertise sxm5, tenants ask for sxm.
    interface = wanted.get("interface", gpu.interface)
    return (
        wanted.get("vendor") == gpu.vendor
        and wanted.get("model", "*") in ("*", gpu.model)
        and wanted.get("ram", gpu.ram) == gpu.ram
        and gpu.interface.startswith(interface)
    )


def _fits(seller: Seller, group: GroupSpec, used: list[ResourceUnit]) -> bool:
    node = seller.node
    if any(u.cpu > node.cpu or u.memory > node.memory or u.gpu > node.gpus for u in group.resources):
        return False
    units = (*used, *group.resources)
    return (
        sum(u.cpu * u.count for u in units) <= node.cpu * seller.nodes
        and sum(u.memory * u.count for u in units) <= node.memory * seller.nodes
        and sum(u.gpu * u.count for u in units) <= node.gpus * seller.nodes
        and sum(stored(u, persistent=False) * u.count for u in units) <= seller.ephemeral
        and sum(stored(u, persistent=True) * u.count for u in units) <= seller.persistent
    )


def stored(unit: ResourceUnit, *, persistent: bool) -> int:
    """Bytes of one replica's volumes that are, or are not, persistent."""
    wanted = Attribute("persistent", "true")
    return sum(volume.size for volume in unit.storage if (wanted in volume.attributes) is persistent)


def _usd_month(seller: Seller, unit: ResourceUnit) -> Decimal:
    gpus = unit.gpu * seller.gpu.usd_hour * HOURS_PER_MONTH if seller.gpu else Decimal(0)
    leased = sum(1 for endpoint in unit.endpoints if endpoint.kind == LEASED_IP)
    return (
        _USD_MONTH_CPU * unit.cpu / 1000
        + _USD_MONTH_MEMORY * unit.memory / GI
        + _USD_MONTH_EPHEMERAL * stored(unit, persistent=False) / GI
        + _USD_MONTH_PERSISTENT * stored(unit, persistent=True) / GI
        + _USD_MONTH_ENDPOINT * (len(unit.endpoints) - leased)
        + _USD_MONTH_LEASED_IP * leased
        + gpus
    )
