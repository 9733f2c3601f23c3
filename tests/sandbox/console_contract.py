"""The Console's own OpenAPI document: answers are held to it, and requests are made from it.

The document lies beside the checkout and not in it. What it says of answers is what was written down; the source sends
more, so additional keys are fine everywhere.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import hypothesis.strategies as st
import jsonschema
import shared_data

DOCUMENT = shared_data.find("console-openapi.json")

AS_SENT = ("status", "statusPage", "hardwareGpuVendor", "networkProvider")
"""Keys of which the document does not know that they, or what is in them, can be null.

A provider's own word on a lease is passed on as it comes, with the nulls of Go; of a provider itself much is unknown.
"""


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    described: dict[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(
            re.sub(r"/\\{\w+\\\?\\}", "(?:/[^/]+)?", re.sub(r"\\{\w+\\}", "[^/]+", re.escape(self.path)))
        )

    @property
    def body(self) -> dict[str, Any] | None:
        content = self.described.get("requestBody", {}).get("content", {})
        schema: dict[str, Any] | None = content.get("application/json", {}).get("schema")
        return schema


@cache
def _document() -> dict[str, Any]:
    """The document, or nothing where it is absent."""
    return json.loads(DOCUMENT.read_text(encoding="utf-8")) if DOCUMENT else {}


@cache
def operations() -> tuple[Operation, ...]:
    """All of the document, or nothing where it is absent."""
    paths = _document().get("paths", {})
    found = [
        Operation(method.upper(), path, described)
        for path, methods in paths.items()
        for method, described in methods.items()
    ]
    return tuple(sorted(found, key=lambda operation: operation.path.count("{")))


def operation_of(method: str, path: str) -> Operation | None:
    """Which operation a request is one of."""
    for operation in operations():
        if operation.method == method and operation.pattern.fullmatch(path):
            return operation
    return None


@cache
def _validator(name: str, status: str) -> jsonschema.Draft7Validator | None:
    operation = next(each for each in operations() if each.name == name)
    content = operation.described["responses"].get(status, {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    return None if schema is None else jsonschema.Draft7Validator(_draft7(schema))


def _draft7(schema: Any) -> Any:
    """OpenAPI 3.0's dialect as JSON Schema: references resolved, nullable spelled out."""
    if isinstance(schema, list):
        return [_draft7(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _draft7(_document()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    boolean_bounds = ("exclusiveMinimum", "exclusiveMaximum")
    plain = {
        key: _draft7(value)
        for key, value in schema.items()
        if key not in ("nullable", "example", *boolean_bounds)
    }
    if plain.get("pattern") == "^d+$":
        plain["pattern"] = r"^\d+$"  # the document lost a backslash on its way
    if schema.get("nullable") and "type" in plain:
        return {**plain, "type": [plain["type"], "null"]}
    return plain


@dataclass
class Ledger:
    """What was held to the document, by operation and status."""

    checked: dict[str, int] = field(default_factory=dict)
    undescribed: dict[str, int] = field(default_factory=dict)

    def check(self, method: str, path: str, status: int, text: str) -> None:
        """Raises `AssertionError` where an answer is not what the document says."""
        operation = operation_of(method, path)
        name = f"{operation.name if operation else method} {status}"
        validator = _validator(operation.name, str(status)) if operation else None
        if operation is None or validator is None or status >= 300:
            self.undescribed[name] = self.undescribed.get(name, 0) + 1
            return
        answer = json.loads(text)
        errors = [error for error in validator.iter_errors(answer) if not _as_sent(error)]
        told = [f"{error.json_path}: {error.message[:200]}" for error in errors[:5]]
        assert not told, f"{name}: {told}"
        self.checked[name] = self.checked.get(name, 0) + 1


LEDGER = Ledger()


def _as_sent(error: jsonschema.ValidationError) -> bool:
    return error.instance is None and any(step in AS_SENT for step in error.absolute_path)


JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
"""Any JSON at all."""


def requests(
    chosen: Operation, known: dict[str, list[Any]], *, sound: bool
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
            value = make.of(_draft7(parameter["schema"]), parameter["name"])
            (needed if certain else optional)[parameter["name"]] = value
    parameters = st.fixed_dictionaries(needed, optional=optional)
    body = st.none() if chosen.body is None else make.of(_draft7(chosen.body))
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
