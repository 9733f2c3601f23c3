"""The values of an install or a package as they are told: to whoever approves them, and never a secret among them.

A value is a secret where its name sounds like one, where its package says so, or where it has the shape of one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from akash_mcp.guard.plans.contents import label, listed
from akash_mcp.sanitize.secrets import sounds_secret

HIDDEN = "(hidden)"
_NAME_BYTES = 64
_VALUE_BYTES = 80
_MOST_VALUES = 20


def values_words(text: str, secret_paths: Collection[str] = ()) -> str:
    """`, with "replicas" = 2, "db.password" = (hidden)`: what values hold, for whoever approves them. "" for none."""
    if not text:
        return ""
    values = list(_flat(json.loads(text), secret_paths))
    shown = listed(values, lambda each: f"{label(each.path, _NAME_BYTES)} = {_shown(each)}", _MOST_VALUES)
    return f", with {shown}" if values else ""


def values_whole(text: str, secret_paths: Collection[str] = ()) -> str:
    """All values, one a line and none of them cut, without the secrets."""
    values = _flat(json.loads(text), secret_paths)
    return "\n".join(
        f"{each.path} = {HIDDEN if each.is_secret else json.dumps(each.value, ensure_ascii=False)}"
        for each in values
    )


def secret_values(text: str, secret_paths: Collection[str] = ()) -> list[str]:
    """The secrets that values hold."""
    if not text:
        return []
    return [each.value for each in _flat(json.loads(text), secret_paths) if each.is_secret and each.is_text]


@dataclass(frozen=True, slots=True)
class _Value:
    path: str
    value: Any
    is_secret: bool

    @property
    def is_text(self) -> bool:
        return isinstance(self.value, str)


def _flat(
    values: Any, secret_paths: Collection[str], path: str = "", is_secret: bool = False
) -> Iterator[_Value]:
    """What values hold, each by its path. What stands anywhere below a name that sounds secret is one, and so is the
    value of a variable whose name does: `{"name": "DB_PASSWORD", "value": …}`.
    """
    if isinstance(values, dict) and values:
        named = values.get("name", values.get("key"))
        is_secret_variable = isinstance(named, str) and sounds_secret(named)
        for name, value in values.items():
            below = f"{path}.{name}" if path else name
            hides = sounds_secret(name) or below in secret_paths or (is_secret_variable and name == "value")
            yield from _flat(value, secret_paths, below, is_secret or hides)
    elif isinstance(values, list) and (is_secret or any(isinstance(each, dict | list) for each in values)):
        for number, value in enumerate(values):
            yield from _flat(value, secret_paths, f"{path}[{number}]", is_secret)
    else:
        # Whether there is a secret is none.
        yield _Value(path, values, is_secret and not (values is None or isinstance(values, bool)))


def _shown(each: _Value) -> str:
    if each.is_secret:
        return HIDDEN
    if each.is_text:
        return label(each.value, _VALUE_BYTES)
    if isinstance(each.value, list | dict):
        return label(json.dumps(each.value, ensure_ascii=False), _VALUE_BYTES)
    return json.dumps(each.value)
