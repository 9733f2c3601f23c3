"""A service that is to become SDL, as values: what a draft has of its arguments, and a conversion of a compose file."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from akash_mcp.money import Usd, usd_per_hour, usd_per_month
from akash_mcp.sdl.rules.ceiling import DEAREST_GPU, list_price

MIB, GIB = 2**20, 2**30

WEB_PORT = 80
"""The outer port that gives a web address; every other one gets a port of the provider's choosing."""

NOT_WEB = 10_080
"""The outer port for raw TCP on port 80, which would be taken for a web address."""

SERVICE_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
"""Names that are a host name too: what the provider takes, and no longer than Kubernetes does."""

USUAL_TIMES = 3
"""A ceiling leaves room: some providers ask more than their default price list says."""

_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_AMOUNT_STEP = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Opening:
    """A port that others reach: `everyone`, or the `services` named. `outside` is what `as` says, None for nothing."""

    port: int
    outside: int | None = None
    proto: str = "TCP"
    everyone: bool = False
    services: tuple[str, ...] = ()


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
    """NVIDIA GPUs of one replica: any of `models`, or any at all. `ram` is written like `80Gi`, empty for any."""

    count: int
    models: tuple[str, ...] = ()
    ram: str = ""


@dataclass(frozen=True, slots=True)
class Workload:
    """One service. `cpu` is in millicores, `memory` and `root` (the root disk) in bytes, `env` holds NAME=VALUE."""

    name: str
    image: str
    openings: tuple[Opening, ...] = ()
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


def usual_amount(workload: Workload) -> Decimal:
    """A price ceiling in whole uact per block and replica, from what providers usually ask for its size.

    Three times their default price list; a GPU counts once, with what the dearest models go for.
    """
    size = list_price(
        millicores=workload.cpu,
        memory=workload.memory,
        volumes=[("", workload.root), *((disk.kind, disk.size) for disk in workload.disks)],
        endpoints=sum(opening.everyone for opening in workload.openings),
    )
    gpus = Usd(DEAREST_GPU) * (workload.gpus.count if workload.gpus else 0)
    exact = (size * USUAL_TIMES + gpus).amount / usd_per_month(1).amount
    return exact.to_integral_value(ROUND_CEILING)


def amount_within(per_hour: Usd, count: int) -> Decimal:
    """The uact per block and replica that `count` replicas may cost within `per_hour` dollars together.

    Rounded down to a millionth of a uact, so that the ceiling is never above what was named; 0 where it is too little.
    """
    exact = per_hour.amount / usd_per_hour(1).amount / count
    return exact.quantize(_AMOUNT_STEP, ROUND_FLOOR)


def is_carried(text: str) -> bool:
    """Whether a text reaches the container as it is.

    Control characters do not, lone surrogates are no text, and at a Unicode line separator the provider would compute
    another hash than Console.
    """
    return all(
        char in "\n\r\t" or unicodedata.category(char) not in ("Cc", "Cs", "Zl", "Zp") for char in text
    ) and ("\ufffe" not in text and "\uffff" not in text)


def is_variable(name: str) -> bool:
    """Whether a provider takes this as the name of an environment variable."""
    return _ENV_NAME.fullmatch(name) is not None and name != "." and not name.startswith("..")
