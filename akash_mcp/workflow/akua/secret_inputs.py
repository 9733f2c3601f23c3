"""Which of a package's inputs are secrets, as its JSON Schema says: passwords, and what is written and never read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_DEEPEST = 20


def secret_paths(schema: Mapping[str, Any], path: str = "", depth: int = 0) -> Iterator[str]:
    """The path of each input that is a secret (`admin_password`, `db.pin`). What a schema hides behind references is
    not found: names that sound secret are hidden in any case.
    """
    properties = schema.get("properties")
    if not isinstance(properties, dict) or depth >= _DEEPEST:
        return
    for name, each in properties.items():
        if not isinstance(each, dict):
            continue
        below = f"{path}.{name}" if path else name
        if _is_secret(each):
            yield below
        else:
            yield from secret_paths(each, below, depth + 1)


def _is_secret(schema: Mapping[str, Any]) -> bool:
    hints = schema.get("x-ui")
    widget = hints.get("widget") if isinstance(hints, dict) else None
    return schema.get("writeOnly") is True or "password" in (schema.get("format"), widget)
