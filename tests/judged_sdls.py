"""SDLs that the official judges were asked about, and what they said: our own probes, and other people's SDLs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import shared_data

from akash_mcp.sdl import Report, check

PROBES = Path(__file__).parent / "data" / "probes"


@dataclass(frozen=True, eq=False)
class JudgedSdl:
    """One SDL and the verdicts on it. data/README.md says what the keys of `verdict` mean."""

    file: str
    text: str
    verdict: dict[str, Any]

    @property
    def report(self) -> Report:
        """What `check` says of it; each SDL is checked once a process."""
        return _checked(self)


@cache
def _checked(sdl: JudgedSdl) -> Report:
    return check(sdl.text)


@cache
def probes() -> tuple[JudgedSdl, ...]:
    """The SDLs of data/probes: each is the good one (`base__ok`) with a few changes."""
    rows = [json.loads(line) for path in sorted(PROBES.glob("*.jsonl")) for line in _lines(path)]
    (base,) = (row["text"] for row in rows if row["name"] == "base__ok")
    return tuple(JudgedSdl(f"probes/{row['name']}.yaml", _text(row, base), row) for row in rows)


def everything() -> tuple[JudgedSdl, ...]:
    """The probes, and other people's SDLs where they are: for benchmarks, which run outside pytest."""
    return probes() if shared_data.find("sdl") is None else probes() + other_peoples()


def _text(row: dict[str, Any], base: str) -> str:
    if "text" in row:
        return str(row["text"])
    text = base
    for old, new in row["changes"]:
        assert old in text, f"{row['name']}: {old!r} is not in the good SDL"
        text = text.replace(old, new, 1)
    return text


def other_peoples() -> tuple[JudgedSdl, ...]:
    """The SDLs of public projects beside the checkout; skips the test without them."""
    return _other_peoples(shared_data.require("sdl/verdicts.jsonl"))


@cache
def _other_peoples(verdicts: Path) -> tuple[JudgedSdl, ...]:
    rows = [row for row in map(json.loads, _lines(verdicts)) if not row["file"].startswith("probes/")]
    return tuple(JudgedSdl(row["file"], _read(f"sdl/{row['file']}"), row) for row in rows)


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as file:
        yield from file


def _read(name: str) -> str:
    return shared_data.require(name).read_bytes().decode()


def parser_errors(verdict: dict[str, Any]) -> list[str]:
    """The parser's own errors: other people's SDLs have them in a key of their own, a probe where they differ."""
    found: list[str] = verdict.get("parser_errors") or verdict["parser"]["errors"]
    return found


Judged = Callable[[], tuple[JudgedSdl, ...]]

each_source = pytest.mark.parametrize("judged", [probes, other_peoples])
"""Runs a test on the probes and, where they are, on other people's SDLs. `judged()` gives them."""
