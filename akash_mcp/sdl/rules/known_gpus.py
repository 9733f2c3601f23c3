"""NVIDIA GPUs: the names that providers use, and what one costs to the order of magnitude. No network is asked.

Both grow old, so they only warn, and a warning says how old they are. What GPUs were bid for lately the Console knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from akash_mcp.money import Usd

LISTED_ON = "20 September 2026"
"""When akash.network/pricing/gpus said so."""

_USD_AN_HOUR: Mapping[str, tuple[str, ...]] = {
    "a100": ("1.71",),
    "b200": ("5.00",),
    "b300": ("6.00",),
    "gtx1050": ("0.05",),
    "gtx1050ti": ("0.03",),
    "gtx1070ti": ("0.08",),
    "h100": ("2.71",),
    "h200": ("4.45",),
    "m4000": ("0.06",),
    "p2000": ("0.25",),
    "p4": ("0.03",),
    "p40": ("0.08",),
    "pro6000se": ("2.04",),
    "pro6000we": ("1.45",),
    "rtx3060": ("0.14",),
    "rtx3090": ("0.16",),
    "rtx3090ti": ("0.25",),
    "rtx4000ada": ("0.41",),
    "rtx4080": ("0.15",),
    "rtx4090": ("0.39",),
    "rtx5090": ("0.67",),
    "rtx6000": ("0.17",),
    "rtx8000": ("0.21",),
    "t4": ("0.15",),
    "v100": ("0.17", "0.36"),
}
"""What one is let for from, in US dollars an hour, for each size and interface of a model that is listed."""

CATALOGUED = "June 2026"
"""How old the names are: commit 2d04f4f of akash-network/provider-configs (devices/pcie/gpus.json)."""

_CATALOGUE = """
a100 a40 a5000 a800 gt1030 gtx1050 gtx1050ti gtx1060 gtx1070 gtx1070ti gtx1080 gtx1080ti gtx1650s gtx1650ti gtx1660
gtx1660ti gtx960 gtx970 gtx980 gtx980ti h100 h200 h200nvl m4000 mx150 p100 p2000 p4 p40 p4000 p5000 p6000 pro6000mq
pro6000se pro6000we rtx2000eada rtx2060 rtx2060s rtx2070 rtx2070s rtx2080 rtx2080s rtx2080ti rtx3060 rtx3060m rtx3060ti
rtx3070 rtx3080 rtx3090 rtx3090ti rtx4000 rtx4000ada rtx4000sada rtx4060 rtx4060ti rtx4070 rtx4070s rtx4070ti rtx4080
rtx4080s rtx4090 rtx5000 rtx5070 rtx5080 rtx5090 rtx5090m rtx6000 rtx8000 rtxa2000 rtxa6000 t4 v100
"""
ANY_MODEL = "*"
"""What an SDL may write in a model's place."""
NAMES = frozenset((*_CATALOGUE.split(), *_USD_AN_HOUR))
"""What providers' software calls the GPUs that it knows, and what is listed."""

_LONGEST_NAME = 48
_NOT_IN_NAMES = re.compile("[^a-z0-9]+")
_BESIDE_THE_NAME = re.compile(r"nvidia|geforce|tesla|quadro|pcie|sxm\d?|\d+gi?b?")
_SHORTER = {"super": "s", "mobile": "m", "laptop": "m"}


def usd_an_hour(model: str) -> tuple[Usd, Usd] | None:
    """The lowest and the highest listed price of one GPU of a model, an hour; None where none is listed."""
    listed = [Usd(price) for price in _USD_AN_HOUR.get(model, ())]
    return (min(listed), max(listed)) if listed else None


CHEAPEST, DEAREST = (
    end(Usd(price) for each in _USD_AN_HOUR.values() for price in each) for end in (min, max)
)
"""What the cheapest and the most expensive listed GPU cost an hour."""


def meant_by(name: str) -> str | None:
    """The known name that another is a spelling of: `rtx4090` for `4090`, `RTX 4090`, `nvidia-geforce-rtx-4090`.

    None where it may be another GPU, however much alike the names are.
    """
    words = (word for word in _NOT_IN_NAMES.split(name[:_LONGEST_NAME].lower()) if word)
    plain = "".join(_SHORTER.get(word, word) for word in words if not _BESIDE_THE_NAME.fullmatch(word))
    return next((each for each in (plain, f"rtx{plain}", f"gtx{plain}") if plain and each in NAMES), None)
