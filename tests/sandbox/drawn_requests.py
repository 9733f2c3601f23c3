"""Requests as a document of the Console's allows them, or nearly: what hypothesis draws its calls from."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st
from console_contract import Document, Operation

JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
"""Any JSON at all."""


def requests(
    document: Document, chosen: Operation, known: dict[str, list[Any]], *, sound: bool
) -> st.SearchStrategy[dict[str, Any]]:
    """Requests of this operation, for `httpx2.Client.request`. Those that are not `sound` have junk here and there.

    `known`: values that exist, by the names of the fields and parameters that take them.
    """
    make = _Values(known, sound)
    needed: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for parameter in chosen.described.get("parameters", ()):
        certain = parameter["in"] == "path" or (sound and parameter.get("required"))
        if parameter["in"] != "header":
            value = make.of(document.draft7(parameter["schema"]), parameter["name"])
            (needed if certain else optional)[parameter["name"]] = value
    parameters = st.fixed_dictionaries(needed, optional=optional)
    body = st.none() if chosen.body is None else make.of(document.draft7(chosen.body))
    return st.tuples(parameters, body).map(lambda drawn: _request(chosen, *drawn))


def _request(chosen: Operation, parameters: dict[str, Any], body: Any) -> dict[str, Any]:
    path = chosen.path.replace("?}", "}")
    query = {}
    for name, value in parameters.items():
        text = value if isinstance(value, str) else json.dumps(value)
        if f"{{{name}}}" in path:
            path = path.replace(f"{{{name}}}", re.sub(r"[^\w.,-]", "~", text, flags=re.ASCII) or "~")
        else:
            query[name] = text
    request: dict[str, Any] = {"method": chosen.method, "url": path, "params": query}
    if chosen.body is not None:
        request |= {"content": json.dumps(body).encode(), "headers": {"content-type": "application/json"}}
    return request


@dataclass(frozen=True)
class _Values:
    """What a schema allows, as strategies."""

    known: dict[str, list[Any]]
    sound: bool

    def of(self, schema: dict[str, Any], name: str = "") -> st.SearchStrategy[Any]:
        allowed = self._allowed(schema, name)
        return allowed if self.sound else allowed | allowed | JUNK

    def _allowed(self, schema: dict[str, Any], name: str) -> st.SearchStrategy[Any]:
        if name in self.known:
            return st.sampled_from(self.known[name])
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return st.one_of([self.of(each, name) for each in schema[key]])
        if "enum" in schema:
            return st.sampled_from(schema["enum"])
        kind = schema.get("type")
        if isinstance(kind, list):
            return st.none() | self._allowed({**schema, "type": kind[0]}, name)
        match kind:
            case "object":
                needed = set(schema.get("required", ()))
                fields = {key: self.of(each, key) for key, each in schema.get("properties", {}).items()}
                return st.fixed_dictionaries(
                    {key: each for key, each in fields.items() if key in needed},
                    optional={key: each for key, each in fields.items() if key not in needed},
                )
            case "array":
                least, most = schema.get("minItems", 0), min(schema.get("maxItems", 3), 3)
                return st.lists(self.of(schema["items"], name), min_size=least, max_size=most)
            case "string":
                most = min(schema.get("maxLength", 20), 20)
                return st.text(min_size=min(schema.get("minLength", 0), 3), max_size=most)
            case "boolean":
                return st.booleans()
            case "integer":
                return st.integers(int(schema.get("minimum", -(10**6))), int(schema.get("maximum", 10**6)))
            case "number":
                low, high = schema.get("minimum", -(10**6)), schema.get("maximum", 10**18)
                return st.integers(int(low), int(high)) | st.floats(low, high)
            case _:
                return JUNK
