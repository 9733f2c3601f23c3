"""Answers that say the same in other types, other units, or far too many bytes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from anyio.lowlevel import checkpoint

from akash_mcp.sandbox.faults import Faults

_CHUNK = "x" * (1 << 20)


def distorted(told: Any, faults: Faults, line: str) -> Any:
    """What is told, as the faults have it that are on."""
    if faults.take("milliseconds", line):
        told = _in_milliseconds(told)
    if fault := faults.take("wrong-types", line):
        told = _nulled(told) if fault.value == "null" else _as_text(told)
    return told


async def giant(told: Any, megabytes: int) -> AsyncIterator[str]:
    """The JSON of an object, with so much padding before what it holds."""
    yield '{"padding":"'
    for _ in range(megabytes):
        yield _CHUNK
        await checkpoint()
    inner = json.dumps(told)[1:-1] if isinstance(told, dict) else ""
    yield f'",{inner}}}' if inner else '"}'


def _in_milliseconds(told: Any) -> Any:
    if isinstance(told, list):
        return [_in_milliseconds(each) for each in told]
    if not isinstance(told, dict):
        return told
    return {
        name: value * 1000 if name.endswith("_at") and isinstance(value, int) else _in_milliseconds(value)
        for name, value in told.items()
    }


def _as_text(told: Any) -> Any:
    """Numbers and booleans are text, wherever they stand."""
    if isinstance(told, list):
        return [_as_text(each) for each in told]
    if isinstance(told, dict):
        return {name: _as_text(value) for name, value in told.items()}
    return json.dumps(told) if isinstance(told, bool | int | float) else told


def _nulled(told: Any) -> Any:
    """Everything is null but ids, and but the objects and lists in which they stand."""
    if isinstance(told, list):
        return [_nulled(each) for each in told]
    if isinstance(told, dict):
        return {
            name: value if name == "id" or name.endswith("_id") else _nulled(value)
            for name, value in told.items()
        }
    return None
