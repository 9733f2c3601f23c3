"""An input schema as plain JSON, bounded in depth: its numbers are read exactly, and are no money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from akash_mcp.clients.api_model import read_json
from akash_mcp.clients.http import Response

LARGEST_SCHEMA = 512 * 2**10
"""Bytes of an answer with a schema that are taken."""
DEEPEST_SCHEMA = 40


def schema_of(answer: Response) -> dict[str, Any]:
    """The JSON Schema that an answer is. Raises what the answer's `lost` makes for anything else."""
    try:
        value = read_json(answer.body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise answer.lost("it is not a JSON Schema")
    try:
        return {name: _plain(entry, 1) for name, entry in value.items()}
    except RecursionError:
        raise answer.lost(f"it is nested more than {DEEPEST_SCHEMA} deep") from None


def _plain(value: object, depth: int) -> Any:
    if depth > DEEPEST_SCHEMA:
        raise RecursionError
    if isinstance(value, dict):
        return {name: _plain(entry, depth + 1) for name, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry, depth + 1) for entry in value]
    if isinstance(value, Decimal):
        return float(value) if value.is_finite() else None
    return value
