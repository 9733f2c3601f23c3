"""NVIDIA GPUs: the names that providers use, and what one costs to the order of magnitude. No network is asked.

Both grow old, so they only warn, and a warning says how old they are. What GPUs were bid for lately the Console knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

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
"""How old the names are: commit 2d04f4f of akash-network/provider-configs (devices/pcie/gpus.json), which providers
read and the Console's `/v1/gpu-models` repeats."""

_CATALOGUE = """
a100:40/64/80 a40:48 a5000:24 a800:80 gt1030:2 gtx1050:2/3 gtx1050ti:4 gtx1060:3/5/6 gtx1070:8 gtx1070ti:8 gtx1080:8
gtx1080ti:11 gtx1650s:4 gtx1650ti:4 gtx1660:6 gtx1660ti:6 gtx960:2/4 gtx970:4 gtx980:4 gtx980ti:6 h100:80 h200:141
h200nvl:141 m4000:8 mx150:2 p100:16 p2000:4/5 p4:8 p40:24 p4000:8 p5000:16 p6000:24 pro6000mq:96 pro6000se:96
pro6000we:96 rtx2000eada:16 rtx2060:6 rtx2060s:8 rtx2070:8 rtx2070s:8 rtx2080:8 rtx2080s:8 rtx2080ti:11 rtx3060:12
rtx3060m:6 rtx3060ti:8 rtx3070:8 rtx3080:10 rtx3090:24 rtx3090ti:24 rtx4000:8 rtx4000ada:20 rtx4000sada:20 rtx4060:8
rtx4060ti:16 rtx4070:12 rtx4070s:12 rtx4070ti:12 rtx4080:16 rtx4080s:16 rtx4090:24 rtx5000:16 rtx5070:12 rtx5080:16
rtx5090:32 rtx5090m:24 rtx6000:24 rtx8000:48 rtxa2000:6 rtxa6000:48 t4:16 v100:16/32
"""
"""Each model with the sizes of its memory, in Gi."""
_MEMORY: Mapping[str, frozenset[int]] = {
    name: frozenset(map(int, sizes.split("/")))
    for name, _, sizes in (entry.partition(":") for entry in _CATALOGUE.split())
}
_INTERFACES: Mapping[str, tuple[str, ...]] = {
    "a100": ("pcie", "sxm"),
    "a800": ("sxm",),
    "h100": ("pcie", "sxm"),
    "h200": ("sxm",),
    "v100": ("pcie", "sxm"),
}
"""Those of the catalogue that come otherwise than by PCIe alone."""
_CONSOLE = ("a10", "a16", "a30", "gh200", "l4", "l40", "l40s", "rtxa4000")
"""What the Console has a label for beside the catalogue (akash-network/console apps/api, gpu-formatting.service.ts)."""
_ALSO = {"rtxa5000": "a5000"}
"""The whole names of those that the catalogue cuts short."""
ANY_MODEL = "*"
"""What an SDL may write in a model's place."""
NAMES = frozenset((*_MEMORY, *_USD_AN_HOUR, *_CONSOLE))
"""What providers' software and the Console call the GPUs that they know, and what is listed."""

_LONGEST_NAME = 48
_NOT_IN_NAMES = re.compile("[^a-z0-9]+")
_BRAND = frozenset(("nvidia", "geforce", "tesla", "quadro"))
_RAM = re.compile(r"(\d+)gi?b?")
_INTERFACE = re.compile(r"(pcie|sxm)\d?")
_BESIDE = re.compile(r"(?:(pcie|sxm)\d?)?(?:([1-9]\d{0,3})(?:gi?b?)?)?(?:(pcie|sxm)\d?)?")
_NO_DIGITS = re.compile("[^0-9]+")
_SERIES = re.compile("[a-z]*")
_MAKES_ANOTHER = "smx"
"""What at the end of a name says that it is another GPU: Super, Mobile, and the like."""
_SHORTER = {"super": "s", "mobile": "m", "laptop": "m"}


def usd_an_hour(model: str) -> tuple[Usd, Usd] | None:
    """The lowest and the highest listed price of one GPU of a model, an hour; None where none is listed."""
    listed = [Usd(price) for price in _USD_AN_HOUR.get(model, ())]
    return (min(listed), max(listed)) if listed else None


CHEAPEST, DEAREST = (
    end(Usd(price) for each in _USD_AN_HOUR.values() for price in each) for end in (min, max)
)
"""What the cheapest and the most expensive listed GPU cost an hour."""


@dataclass(frozen=True, slots=True)
class Spelled:
    """A GPU as an SDL writes it: a known model, its memory (`80Gi`) and its interface, which are empty where unsaid."""

    model: str
    ram: str = ""
    interface: str = ""


def spelled(name: str) -> Spelled | None:
    """The known name that another is a spelling of, with what else it says: `rtx4090` for `4090`, `RTX 4090` and
    `nvidia-geforce-rtx-4090`; model, memory and interface for `A100-SXM4-80GB`, `a10080gb`, `h100sxm`.

    None where it may be another GPU, however much alike the names are.
    """
    plain, ram, interface = _taken_apart(name)
    if not plain:
        return None
    for whole in (plain, _ALSO.get(plain, ""), f"rtx{plain}", f"gtx{plain}"):
        if whole in NAMES:
            return Spelled(whole, ram, interface)
    glued = {read for series in ("", "rtx", "gtx") for read in _glued(series + plain)}
    if len(glued) != 1:
        return None
    (read,) = glued
    return Spelled(read.model, read.ram or ram, read.interface or interface)


def near(name: str) -> list[str]:
    """The known names that are one slip away, but for those of other digits or another series: those are other GPUs."""
    plain, _, _ = _taken_apart(name)
    found = set()
    for whole in (plain, f"rtx{plain}", f"gtx{plain}"):
        alike = {*_BY_DIGITS.get(_digits(whole), ()), *_BY_CHARACTERS.get(_characters(whole), ())}
        found |= {known for known in alike if _is_one_slip(whole, known) and _may_be_one_series(whole, known)}
    return sorted(found)


def sizes_of(model: str) -> list[str]:
    """The sizes of memory that a model is known with, as an SDL writes them; none where that is not known."""
    return [f"{size}Gi" for size in sorted(_MEMORY.get(model, ()))]


def interfaces_of(model: str) -> tuple[str, ...]:
    """The interfaces that a model is known with; none where that is not known."""
    return _INTERFACES.get(model, ("pcie",)) if model in _MEMORY else ()


def _taken_apart(name: str) -> tuple[str, str, str]:
    """A name without its brand, memory and interface, and these two."""
    plain = ram = interface = ""
    for word in _NOT_IN_NAMES.split(name[:_LONGEST_NAME].lower()):
        if size := _RAM.fullmatch(word):
            ram = f"{int(size[1])}Gi"
        elif form := _INTERFACE.fullmatch(word):
            interface = form[1]
        elif word not in _BRAND:
            plain += _SHORTER.get(word, word)
    return plain, ram, interface


def _glued(plain: str) -> Iterator[Spelled]:
    """Each known name that `plain` begins with, where the rest is its memory, its interface or both."""
    for cut in range(2, len(plain)):
        model, rest = plain[:cut], plain[cut:]
        if model not in NAMES or not (beside := _BESIDE.fullmatch(rest)):
            continue
        interface, size = beside[1] or beside[3] or "", beside[2]
        if size is None or int(size) in _MEMORY.get(model, ()):
            yield Spelled(model, f"{size}Gi" if size else "", interface)


def _digits(name: str) -> str:
    return _NO_DIGITS.sub("", name)


def _characters(name: str) -> str:
    return "".join(sorted(name))


def _is_one_slip(one: str, other: str) -> bool:
    """Whether a letter is missing, too many, another one or changed places with its neighbour."""
    shorter, longer = sorted((one, other), key=len)
    if longer[:-1] == shorter:
        return longer[-1] not in _MAKES_ANOTHER
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
    here, there = one[start:], other[start:]
    if here[1:] == there[1:] or here[1:] == there or here == there[1:]:
        return True
    return here[:2] == there[1::-1] and here[2:] == there[2:]


def _may_be_one_series(one: str, other: str) -> bool:
    """Whether one name can be a slip of the other: of a series of one letter another letter is another series."""
    series, known = (match[0] for name in (one, other) if (match := _SERIES.match(name)))
    return series == known or min(len(series), len(known)) > 1


def _by(key: Callable[[str], str]) -> Mapping[str, tuple[str, ...]]:
    groups: dict[str, tuple[str, ...]] = {}
    for name in sorted(NAMES):
        groups[key(name)] = (*groups.get(key(name), ()), name)
    return groups


_BY_DIGITS, _BY_CHARACTERS = _by(_digits), _by(_characters)
