"""The Console's own OpenAPI documents: answers are held to them, and requests are made from them.

They lie beside the checkout and not in it: that of August 2026, which generation `reference` is held to, and that of
October, which is the judge of `2026-11`. What a document says of answers is what was written down; the source sends
more, so additional keys are fine unless an answer is held to exactly its shape.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import jsonschema
import shared_data

_FORMATS = jsonschema.FormatChecker(formats=())


@_FORMATS.checks("uuid", ValueError)
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or bool(uuid.UUID(value))


@_FORMATS.checks("date-time", ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    method: str
    path: str
    described: dict[str, Any] = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def pattern(self) -> re.Pattern[str]:
        """Its path, each parameter by its name; one that may be missing has a question mark."""
        path = re.sub(r"/\\{(\w+)\\\?\\}", r"(?:/(?P<\1>[^/]+))?", re.escape(self.path))
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", path))

    @property
    def body(self) -> dict[str, Any] | None:
        content = self.described.get("requestBody", {}).get("content", {})
        schema: dict[str, Any] | None = content.get("application/json", {}).get("schema")
        return schema


@dataclass(frozen=True)
class Document:
    """One document, by the name of its file. Where that is absent it has no operations.

    `as_sent`: keys of which it does not know that they, or what is in them, can be null.
    """

    file: str
    as_sent: tuple[str, ...] = ()

    def __hash__(self) -> int:
        return hash(self.file)

    @cached_property
    def content(self) -> dict[str, Any]:
        path = shared_data.find(self.file)
        return json.loads(path.read_text(encoding="utf-8")) if path else {}

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        """All of them, those with the fewest parameters first."""
        found = [
            Operation(method.upper(), path, described)
            for path, methods in self.content.get("paths", {}).items()
            for method, described in methods.items()
        ]
        return tuple(sorted(found, key=lambda operation: operation.path.count("{")))

    def operation_of(self, method: str, path: str) -> Operation | None:
        """Which operation a request is one of."""
        for operation in self.operations:
            if operation.method == method and operation.pattern.fullmatch(path):
                return operation
        return None

    def declares(self, operation: Operation, status: int) -> bool:
        """Whether this status is among the answers."""
        return str(status) in operation.described["responses"]

    @cache  # noqa: B019  # there are two documents, and they live as long as the process
    def validator(
        self, operation: Operation, status: int, *, closed: bool = False
    ) -> jsonschema.Draft7Validator | None:
        """What judges the answer, or None where the document says nothing of its body. `closed`: no other keys."""
        content = operation.described["responses"].get(str(status), {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        if schema is None:
            return None
        judged = self.draft7(schema)
        return jsonschema.Draft7Validator(_closed(judged) if closed else judged, format_checker=_FORMATS)

    def complaints(
        self, operation: Operation, status: int, text: str, *, closed: bool = False
    ) -> Sequence[str]:
        """What of an answer is not as the document has it: `$.data[].name: what is wrong`."""
        validator = self.validator(operation, status, closed=closed)
        if validator is None:
            return ()
        errors = validator.iter_errors(json.loads(text))
        every = [leaf for error in errors for leaf in _leaves(error)]
        return sorted({_told(each) for each in every if closed or not self._is_as_sent(each)})

    def objections(
        self, method: str, target: str, headers: Mapping[str, str], body: Any
    ) -> Iterator[tuple[str, Sequence[str]]]:
        """Each check of a request and what is wrong by it. `target` is its path with the query, `body` parsed JSON.

        A body and a query hold what the document names, and nothing else.
        """
        operation = self.operation_of(method, urlsplit(target).path)
        if operation is None:
            yield f"{method} {urlsplit(target).path}", ["the document has no such operation"]
            return
        yield operation.name, ()
        yield from self._parameters(operation, target)
        wanted = operation.body
        if wanted is None:
            yield "no body", [] if body is None else [f"a body: {body!r:.100}"]
        else:
            yield (
                "type of the body",
                [] if headers.get("content-type") == "application/json" else ["another type"],
            )
            errors = jsonschema.Draft7Validator(
                _closed(self.draft7(wanted)), format_checker=_FORMATS
            ).iter_errors(body)
            yield "the body", sorted({_told(leaf) for error in errors for leaf in _leaves(error)})
        keyed = any("ApiKeyAuth" in each for each in operation.described.get("security") or [])
        yield "the key", ["no key"] if keyed and "x-api-key" not in headers else []
        yield "one credential", ["authorization"] if "authorization" in headers else []

    def _parameters(self, operation: Operation, target: str) -> Iterator[tuple[str, Sequence[str]]]:
        parts = urlsplit(target)
        in_path = operation.pattern.fullmatch(parts.path)
        assert in_path is not None
        declared = {
            (each["in"], each["name"].rstrip("?")): each for each in operation.described.get("parameters", [])
        }
        given = [
            ("path", name, unquote(value)) for name, value in in_path.groupdict().items() if value is not None
        ]
        given += [("query", name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True)]
        for where, name, value in given:
            parameter = declared.get((where, name))
            yield f"{name} is declared", [] if parameter else [f"no {where} parameter {name}"]
            if parameter:
                schema = self.draft7(parameter["schema"])
                is_number = not {"number", "integer"}.isdisjoint(_types(schema))
                errors = jsonschema.Draft7Validator(schema).iter_errors(float(value) if is_number else value)
                yield f"{name} is valid", [error.message for error in errors]
        missing = {
            name for (where, name), each in declared.items() if where == "query" and each.get("required")
        }
        missing -= {name for _, name, _ in given}
        yield "what is required is given", sorted(missing)

    def _is_as_sent(self, error: jsonschema.ValidationError) -> bool:
        return error.instance is None and any(step in self.as_sent for step in error.absolute_path)

    def draft7(self, schema: Any) -> Any:
        """OpenAPI 3.0's dialect as JSON Schema: references resolved, nullable spelled out."""
        if isinstance(schema, list):
            return [self.draft7(each) for each in schema]
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            return self.draft7(self.content["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
        plain = {
            key: self.draft7(value) for key, value in schema.items() if key not in ("nullable", "example")
        }
        for bound in ("Minimum", "Maximum"):  # a bound is exclusive by a flag there, and by itself here
            if plain.get(f"exclusive{bound}") in (True, False) and plain.pop(f"exclusive{bound}"):
                plain[f"exclusive{bound}"] = plain.pop(bound.lower())
        if plain.get("pattern") == "^d+$":
            plain["pattern"] = r"^\d+$"  # the document lost a backslash on its way
        if schema.get("nullable"):
            if "type" in plain:
                return {**plain, "type": [plain["type"], "null"]}
            return {"anyOf": [plain, {"type": "null"}]}
        return plain


AUGUST = Document(
    "console-openapi.json",
    # A provider's own word on a lease is passed on as it comes, with the nulls of Go; of a provider itself much is
    # unknown.
    as_sent=("status", "statusPage", "hardwareGpuVendor", "networkProvider"),
)
OCTOBER = Document(
    "console-openapi-2026-10.json",
    # Gateways are written in Go, which writes what is empty as null, and Console passes a provider's word on as it is.
    as_sent=("forwarded_ports", "ips", "uris"),
)


def _types(schema: Mapping[str, Any]) -> Sequence[str]:
    told = schema.get("type", ())
    return [told] if isinstance(told, str) else told


def _closed(schema: Any) -> Any:
    """The schema without room for what it does not name."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        closed["additionalProperties"] = False
    return closed


def _leaves(error: jsonschema.ValidationError) -> Iterator[jsonschema.ValidationError]:
    """The errors inside of those that only say that none of several ways fits."""
    inner = error.context or ()
    if not inner:
        yield error
        return
    # The way that fits best is the one that was meant.
    ways: dict[object, list[jsonschema.ValidationError]] = {}
    for each in inner:
        ways.setdefault(each.schema_path[0], []).append(each)
    for each in min(ways.values(), key=len):
        yield from _leaves(each)


def _told(error: jsonschema.ValidationError) -> str:
    where = "".join("[]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
    return f"${where}: {error.message[:160]}"


@dataclass
class Ledger:
    """What was held to a document, by operation and status."""

    document: Document
    checked: dict[str, int] = field(default_factory=dict)
    undescribed: dict[str, int] = field(default_factory=dict)

    def check(self, method: str, path: str, status: int, text: str) -> None:
        """Raises `AssertionError` where an answer is not what the document says."""
        operation = self.document.operation_of(method, path)
        name = f"{operation.name if operation else method} {status}"
        if operation is None or status >= 300 or self.document.validator(operation, status) is None:
            self.undescribed[name] = self.undescribed.get(name, 0) + 1
            return
        told = self.document.complaints(operation, status, text)
        assert not told, f"{name}: {told[:5]}"
        self.checked[name] = self.checked.get(name, 0) + 1


LEDGER = Ledger(AUGUST)
