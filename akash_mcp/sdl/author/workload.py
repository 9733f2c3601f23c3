"""A service that an SDL is written for: what `draft` makes of its arguments, and `convert` of a compose file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from akash_mcp.money import HOURS_PER_MONTH, ZERO, Usd, usd_per_hour, usd_per_month
from akash_mcp.sdl.rules import known_gpus
from akash_mcp.sdl.rules.price_lists import TODAY

MIB, GIB = 2**20, 2**30

WEB_PORT = 80
"""The outer port that gives a web address; every other one gets a port of the provider's choosing."""

LASTING = 10 * GIB
"""A disk that lasts as long as the lease, of which nobody says the size."""
SHM = "/dev/shm"
"""Where programs of one container share memory."""

RAW_TCP_PORT = 10_080
"""The outer port for raw TCP on container port 80: without one it would get a web address."""

SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
"""Service names that a provider takes, no longer than a Kubernetes name may be."""

LIST_PRICE_TIMES = 3
"""How many times the list price a ceiling is. Some providers ask more than their default price list says."""
GPU_PRICE_TIMES = 2
"""The same for a GPU, whose model is listed at what it is let for from."""
UNLISTED_GPU = Usd(3_000)
"""The ceiling for a GPU of a model that is not listed, or of any, a month: more than most cost."""

_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_AMOUNT_STEP = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class ExposedPort:
    """A port that others reach: everyone where `is_global`, and the `services` named.

    `external` is what an SDL says under `as`, None where it says nothing. `hosts` are the names under which the world
    reaches it beside the provider's own.
    """

    port: int
    external: int | None = None
    proto: str = "TCP"
    is_global: bool = False
    services: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Disk:
    """A volume beside the root disk. `size` is in bytes, `kind` its class: beta1, beta2, beta3 last, ram does not."""

    name: str
    size: int
    kind: str
    mount: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Gpus:
    """NVIDIA GPUs of one replica: any of `models`, or any at all. `ram` is written like `80Gi`, `interface` like `sxm`;
    empty for any."""

    count: int
    models: tuple[str, ...] = ()
    ram: str = ""
    interface: str = ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a provider shows the registry at `host`. `password` names a secret; `username` may."""

    host: str
    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Workload:
    """One service. `cpu` is in millicores, `memory` and `root` (the root disk) in bytes, `env` holds NAME=VALUE."""

    name: str
    image: str
    exposed: tuple[ExposedPort, ...] = ()
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    cpu: int = 500
    memory: int = GIB
    root: int = GIB
    disks: tuple[Disk, ...] = ()
    gpus: Gpus | None = None
    count: int = 1
    credentials: Credentials | None = None


def default_ceiling(workload: Workload) -> Decimal:
    """A price ceiling in whole uact per block and replica, from what providers usually ask for its size.

    Three times their default price list, and for each GPU twice what the dearest of its models is listed at.
    """
    size = TODAY.month(
        millicores=workload.cpu,
        memory=workload.memory,
        volumes=[("", workload.root), *((disk.kind, disk.size) for disk in workload.disks)],
        endpoints=sum(port.is_global for port in workload.exposed),
    )
    gpus = _gpu_ceiling(workload.gpus.models) * workload.gpus.count if workload.gpus else ZERO
    exact = (size * LIST_PRICE_TIMES + gpus).amount / usd_per_month(1).amount
    return exact.to_integral_value(ROUND_CEILING)


def _gpu_ceiling(models: Sequence[str]) -> Usd:
    listed = [known_gpus.usd_an_hour(model) for model in models] or [None]
    return max(price[1] * HOURS_PER_MONTH * GPU_PRICE_TIMES if price else UNLISTED_GPU for price in listed)


def amount_within(per_hour: Usd, count: int) -> Decimal:
    """The uact per block and replica that `count` replicas may cost within `per_hour` dollars together.

    Rounded down to a millionth of a uact, so that the ceiling is never above what was named; 0 where it is too little.
    """
    exact = per_hour.amount / usd_per_hour(1).amount / count
    return exact.quantize(_AMOUNT_STEP, ROUND_FLOOR)


def is_carried(text: str) -> bool:
    """Whether a text reaches the container as it is.

    Control characters do not, lone surrogates are not text, and at a Unicode line separator the provider would compute
    another hash than Console.
    """
    return all(
        char in "\n\r\t" or unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp") for char in text
    ) and ("\ufffe" not in text and "\uffff" not in text)


def is_variable_name(name: str) -> bool:
    """Whether a provider takes this as the name of an environment variable."""
    return _ENV_NAME.fullmatch(name) is not None and name != "." and not name.startswith("..")
