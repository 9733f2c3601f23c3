"""The providers of the embedded market, as a seed makes them, with what they have to sell and what they ask for it.

Sites and hardware are fixed so that every network has something of everything; the seed moves prices, uptimes
and delays. Prices are those of the real market in late 2026, to the order of magnitude.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random

from akash_mcp.ids import bech32_encode
from akash_mcp.sandbox.chain import Provider

AUDITOR = "akash1365yvmc4s7awdyj3n2sav7xfx76adc6dnmlx63"
"""The one auditor whose providers Console shows and leases."""

OTHER_AUDITOR = "akash18qa2a2ltfyvkyj0ggj3hkvuj6twzyumuaru9s4"
"""An auditor that Console does not know of."""

GI = 2**30
TI = 2**40


@dataclass(frozen=True, slots=True)
class Gpu:
    """A model as providers advertise it. `usd_hour` is what one costs on the market."""

    model: str
    ram: str
    interface: str
    usd_hour: Decimal
    vendor: str = "nvidia"


@dataclass(frozen=True, slots=True)
class Node:
    """One machine. `cpu` in millicores, `memory` in bytes."""

    cpu: int
    memory: int
    gpus: int = 0


@dataclass(frozen=True, slots=True)
class Seller:
    """A provider and what its bidding engine knows. Sizes in bytes, `delay` in s, `margin` is a factor."""

    provider: Provider
    node: Node
    nodes: int
    gpu: Gpu | None
    ephemeral: int
    persistent: int
    storage_class: str | None
    leased_ips: bool
    margin: Decimal
    delay: float

    @property
    def gpus(self) -> int:
        """GPUs of all nodes together."""
        return self.node.gpus * self.nodes

    @property
    def audited(self) -> bool:
        """Whether Console's auditor vouches for it."""
        return AUDITOR in self.provider.signed_by


H100 = Gpu("h100", "80Gi", "sxm5", Decimal("2.10"))
A100 = Gpu("a100", "80Gi", "pcie", Decimal("1.15"))
RTX4090 = Gpu("rtx4090", "24Gi", "pcie", Decimal("0.42"))
RTX3090 = Gpu("rtx3090", "24Gi", "pcie", Decimal("0.24"))
T4 = Gpu("t4", "16Gi", "pcie", Decimal("0.17"))
L40S = Gpu("l40s", "48Gi", "pcie", Decimal("0.85"))


@dataclass(frozen=True, slots=True)
class _Site:
    name: str
    region: str
    country: tuple[str, str]  # code, name
    state: tuple[str, str]  # code, name of the region its address is in
    city: str
    timezone: str
    place: tuple[str, str]  # latitude, longitude
    gpu: Gpu | None
    gpus_a_node: int
    storage_class: str | None
    leased_ips: bool
    audited: bool
    measured: bool  # whether anyone has watched its uptime


_US = ("US", "United States")
_SITES = (
    _Site("cedar", "us-west", _US, ("OR", "Oregon"), "Hillsboro", "utc-8", ("45.52", "-122.99"),
          H100, 8, "beta3", True, True, True),
    _Site("aspen", "us-central", _US, ("CO", "Colorado"), "Denver", "utc-7", ("39.74", "-104.99"),
          None, 0, "beta2", True, True, True),
    _Site("linden", "eu-central", ("DE", "Germany"), ("HE", "Hesse"), "Frankfurt", "utc+1", ("50.11", "8.68"),
          A100, 8, "beta3", False, True, True),
    _Site("birch", "eu-north", ("FI", "Finland"), ("18", "Uusimaa"), "Helsinki", "utc+2", ("60.17", "24.94"),
          None, 0, "beta3", False, True, True),
    _Site("maple", "us-east", _US, ("VA", "Virginia"), "Ashburn", "utc-5", ("39.04", "-77.49"),
          RTX4090, 4, "beta2", True, True, False),
    _Site("olive", "eu-south", ("ES", "Spain"), ("MD", "Madrid"), "Madrid", "utc+1", ("40.42", "-3.70"),
          T4, 2, "beta1", False, True, True),
    _Site("poplar", "eu-west", ("NL", "Netherlands"), ("NH", "North Holland"), "Amsterdam",
          "utc+1", ("52.37", "4.90"), RTX3090, 4, None, False, False, True),
    _Site("bamboo", "ap-southeast", ("SG", "Singapore"), ("01", "Singapore"), "Singapore",
          "utc+8", ("1.35", "103.82"), A100, 4, "beta3", True, True, True),
    _Site("willow", "us-west", _US, ("CA", "California"), "San Jose", "utc-8", ("37.34", "-121.89"),
          H100, 8, "beta3", True, True, True),
    _Site("rowan", "eu-west", ("GB", "United Kingdom"), ("ENG", "England"), "London",
          "utc+0", ("51.51", "-0.13"), L40S, 4, "beta2", False, False, False),
    _Site("laurel", "ca-east", ("CA", "Canada"), ("QC", "Quebec"), "Montreal", "utc-5", ("45.50", "-73.57"),
          RTX4090, 8, "beta3", False, True, True),
    _Site("cypress", "sa-east", ("BR", "Brazil"), ("SP", "Sao Paulo"), "Sao Paulo",
          "utc-3", ("-23.55", "-46.63"), None, 0, "beta2", False, True, True),
)  # fmt: skip


def sellers(seed: int, count: int) -> list[Seller]:
    """`count` providers that follow from the seed. Their `host_uri` is empty until a gateway runs."""
    random = Random(f"market {seed}")
    return [_seller(random, index) for index in range(count)]


def _seller(random: Random, index: int) -> Seller:
    site = _SITES[index % len(_SITES)]
    generation = index // len(_SITES)
    name = site.name if generation == 0 else f"{site.name}{generation + 1}"
    gpus = site.gpus_a_node
    node = Node(random.choice((64, 96, 128)) * 1000, random.choice((256, 512)) * GI, gpus)
    storage_class = site.storage_class
    provider = Provider(
        owner=bech32_encode("akash", random.randbytes(20)),
        host_uri="",
        attributes=_attributes(site, name),
        signed_by=[AUDITOR] if site.audited else [OTHER_AUDITOR],
        facts=_facts(random, site, name),
    )
    return Seller(
        provider=provider,
        node=node,
        nodes=random.randint(2, 5),
        gpu=site.gpu,
        ephemeral=random.randint(4, 20) * TI,
        persistent=random.randint(2, 10) * TI if storage_class else 0,
        storage_class=storage_class,
        leased_ips=site.leased_ips,
        margin=Decimal(random.randint(70, 160)) / 100,
        delay=random.uniform(4, 25),
    )


def _attributes(site: _Site, name: str) -> dict[str, str]:
    attributes = {
        "host": "akash",
        "tier": "community",
        "organization": f"{name.capitalize()} Compute",
        "email": f"ops@{name}.example",
        "website": f"https://{name}.example",
        "region": site.region,
        "location-region": site.region,
        "country": site.country[0],
        "city": site.city,
        "timezone": site.timezone,
        "location-type": "datacenter",
        "hosting-provider": f"{name}-hosting",
        "capabilities/cpu": "amd",
        "capabilities/cpu/arch": "x86-64",
        "capabilities/memory": "ddr5ecc",
        "network-speed-down": "10000",
        "network-speed-up": "10000",
        "feat-endpoint-custom-domain": "true",
        "feat-endpoint-ip": "true" if site.leased_ips else "false",
    }
    if site.gpu:
        key = f"capabilities/gpu/vendor/{site.gpu.vendor}/model/{site.gpu.model}"
        attributes[key] = "true"
        attributes[f"{key}/ram/{site.gpu.ram}"] = "true"
        attributes[f"{key}/interface/{site.gpu.interface}"] = "true"
    if site.storage_class:
        attributes["capabilities/storage/1/class"] = site.storage_class
        attributes["capabilities/storage/1/persistent"] = "true"
        attributes["feat-persistent-storage"] = "true"
        attributes["feat-persistent-storage-type"] = site.storage_class
    return attributes


def _facts(random: Random, site: _Site, name: str) -> dict[str, object]:
    """What Console's indexer has found out, under the names that its API uses."""
    uptime = random.choice((1.0, 0.9996, 0.998, 0.991, 0.96)) if site.measured else None
    return {
        "name": f"provider.{name}.example",
        "ipRegion": site.state[1],
        "ipRegionCode": site.state[0],
        "ipCountry": site.country[1],
        "ipCountryCode": site.country[0],
        "ipLat": site.place[0],
        "ipLon": site.place[1],
        "uptime1d": None if uptime is None else 1.0,
        "uptime7d": uptime,
        "uptime30d": None if uptime is None else round(uptime * random.uniform(0.985, 1.0), 6),
    }
