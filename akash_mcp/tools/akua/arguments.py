"""The arguments that several tools about Akua share."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema


def _values(value: Any) -> Any:
    """Values as JSON text: some hosts take no schema of an object whose names are free. An object is taken too."""
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    try:
        read = json.loads(value, object_pairs_hook=_once, parse_constant=_refused)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it must be a JSON object ({type(error).__name__})") from None
    if not isinstance(read, dict):
        raise ValueError("it must be a JSON object")
    return read


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a name stands there twice")
    return table


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


LONGEST_ID = 100

InstallArg = Annotated[str, Field(description="From akua_list_installs", min_length=1, max_length=LONGEST_ID)]
ClusterArg = Annotated[str, Field(description="From akua_list_clusters", min_length=1, max_length=LONGEST_ID)]
ValuesArg = Annotated[
    dict[str, Any] | None,
    BeforeValidator(_values),
    WithJsonSchema(
        {"type": "string", "description": "JSON object, as akua_get_package_inputs says; no secrets"}
    ),
]
