"""Names of GPUs, as people, drivers and providers write them, and as the Console and an SDL do: `h100`, `rtx4090`.

The names are those of the catalogue that the Console and providers share (akash-network/provider-configs `gpus.json`):
lower-case letters and digits, the memory apart as `80Gi`, and the interface as `pcie` or `sxm`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches

MIB_A_GIB = 1024

_LONGEST_NAME = 200
_LONGEST_MODEL = 24
_MOST_NEAR = 4

_BRAND = r"nvidia|tesla|geforce|quadro|amd|radeon|instinct|advanced micro devices"
_ARCHITECTURE = r"blackwell|hopper|ampere|ada|lovelace"
_EDITION = r"server|edition|graphics|generation"
_PACKAGING = r"\d+ ?g(?:i|b|ib)?|hbm\d*e?|gddr\d*x?|sxm\d*|oam|pcie"

_NOT_THE_MODEL = re.compile(rf"\b({_BRAND}|{_ARCHITECTURE}|{_EDITION}|{_PACKAGING})\b")
_NOT_THE_NAME = re.compile(rf"\b({_BRAND}|lovelace|{_EDITION}|{_PACKAGING})\b")
_MEMORY = re.compile(r"\b(\d{1,4}) ?g(?:i|b|ib)?\b")
_INTERFACE = re.compile(r"\b(sxm\d*|pcie)\b")
_SERIES = ("rtx", "gtx")
"""What people leave out in front of a name."""


@dataclass(frozen=True, slots=True)
class GpuName:
    """What somebody calls a GPU: their words, in small letters. Empty and None are what they do not tell."""

    words: str
    gib: int | None = None
    interface: str = ""


def read_name(written: str) -> GpuName:
    """`NVIDIA H100 80GB SXM5` read as a model, memory and interface. Any text is taken."""
    text = _spaced(written)
    memory = _MEMORY.search(text)
    form = _INTERFACE.search(text)
    return GpuName(text, int(memory[1]) if memory else None, interface(form[1]) if form else "")


def known_model(name: GpuName, known: Collection[str]) -> str | None:
    """Which of the `known` models it is; None where it is none of them, or could be several.

    The architecture counts where a known name has it (`rtx6000ada`), and `rtx` or `gtx` may be left out.
    """
    for bare in dict.fromkeys((_squeezed(_NOT_THE_NAME.sub(" ", name.words)), bare_model(name.words))):
        if not bare:
            continue
        if bare in known:
            return bare
        with_series = [series + bare for series in _SERIES if series + bare in known]
        if len(with_series) == 1:
            return with_series[0]
    return None


def near_models(name: GpuName, known: Collection[str]) -> list[str]:
    """The known models whose names are nearest, the nearest first."""
    bare = _squeezed(_NOT_THE_NAME.sub(" ", name.words))
    if not bare:
        return []
    parts = sorted(model for model in known if bare in model or model in bare)
    parts.sort(key=lambda model: abs(len(model) - len(bare)))
    return list(dict.fromkeys((*parts, *get_close_matches(bare, sorted(known), n=_MOST_NEAR))))[:_MOST_NEAR]


def bare_model(name: str) -> str:
    """The letters and digits of a model, without brand, architecture, memory and packaging: what a driver's name and
    the catalogue's have in common."""
    return _squeezed(_NOT_THE_MODEL.sub(" ", _spaced(name)))[:_LONGEST_MODEL]


def gib(ram: str) -> int | None:
    """GiB of `80Gi`; None for another text."""
    found = re.fullmatch(r"(\d{1,5})Gi", ram)
    return int(found[1]) if found else None


def interface(name: str) -> str:
    """`pcie`, `sxm` (providers say `sxm5`, tenants `sxm`) or another word; empty for what is not one."""
    found = re.fullmatch(r"(sxm)\d*|[a-z]{3,4}", name.lower())
    return (found[1] or found[0]) if found else ""


def _spaced(name: str) -> str:
    return re.sub(r"[-_/]", " ", name[:_LONGEST_NAME].lower())


def _squeezed(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name)
