"""JSON as Go's `encoding/json` writes it: compact, and with `<`, `>`, `&`, U+2028 and U+2029 escaped."""

from __future__ import annotations

import json

_ESCAPES = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})


def encode(value: object, *, sort_keys: bool = False) -> str:
    """`value` as Go would encode it, keys in the order they have or sorted as the chain sorts them."""
    text = json.dumps(value, sort_keys=sort_keys, separators=(",", ":"), ensure_ascii=False)
    return text.translate(_ESCAPES)
