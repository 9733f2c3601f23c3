"""Sizes and cores of a compose file, where every unit counts by 1024: `512m`, `1.5g`, `2gb`, or bytes."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

from akash_mcp.sdl.author.compose.file import ComposeFile
from akash_mcp.sdl.rules.chain_rules import MIN_CPU
from akash_mcp.sdl.yaml.loader import Path

_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,9})?) ?([kmgtp]?)(?:i?b)?", re.ASCII | re.IGNORECASE)
_CORES = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?|\.[0-9]{1,9}", re.ASCII)


def read_size(file: ComposeFile, text: str, path: Path) -> int:
    """The bytes."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise file.bad(path, "must be a size, such as 512m or 2g")
    power = " kmgtp".index(match[2].lower() or " ")
    return int(Decimal(match[1]) * 1024**power)


def read_millicores(file: ComposeFile, text: str, path: Path) -> int:
    """The millicores in a number of cores, at least the 10 that the chain asks for."""
    if not _CORES.fullmatch(text.strip()):
        raise file.bad(path, "must be a number of cores, such as 0.5")
    return max(MIN_CPU, int((Decimal(text) * 1000).to_integral_value(ROUND_CEILING)))
