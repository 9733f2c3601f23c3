"""Every request that we send, and what we make of the answers, held to the Console's own OpenAPI document."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
import shared_data
from console_requests import DSEQ, OTHER_READS, READS, WRITES, reader, writer
from jsonschema import Draft202012Validator
from wire_servers import Request, Server, reply

from akash_mcp.clients.console.generation import Generation
from akash_mcp.errors import AkashError

pytestmark = [pytest.mark.anyio, shared_data.needed]

DOCUMENT = shared_data.find("console-openapi.json")
API: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8")) if DOCUMENT else {}
CALLS = {**dict.fromkeys(READS, "read"), **dict.fromkeys(WRITES, "write")}


def standard(schema: Any) -> Any:
    """A schema of OpenAPI 3.0 as JSON Schema, in which an object has its properties and no others."""
    if isinstance(schema, list):
        return [standard(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return standard(API["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    made = {key: standard(value) for key, value in schema.items() if key != "nullable"}
    for bound in ("Minimum", "Maximum"):
        if made.pop(f"exclusive{bound}", False) is True:
            made[f"exclusive{bound}"] = made.pop(bound.lower())
    if made.get("pattern") == "^d+$":
        made["pattern"] = r"^\d+$"  # the document lost a backslash
    if "properties" in made:
        made.setdefault("additionalProperties", False)
    return {"anyOf": [made, {"type": "null"}]} if schema.get("nullable") else made


def operation(request: Request) -> tuple[str, dict[str, Any], dict[str, str]]:
    """What the document says of a request: the path's template, the operation, the path's parameters."""
    path = urlsplit(request.path).path
    for template, methods in API["paths"].items():
        pattern = re.sub(r"\\{(\w+)\\?\??\\}", r"(?P<\1>[^/]+)", re.escape(template))
        found = re.fullmatch(pattern, path)
        if found and request.method.lower() in methods:
            return template, methods[request.method.lower()], found.groupdict()
    raise AssertionError(f"the document has no {request.method} {path}")


def findings(request: Request) -> Iterator[tuple[str, list[str]]]:
    """Each check of a request, and what is wrong by it."""
    template, described, in_path = operation(request)
    yield f"{request.method} {template}", []
    declared = {(each["in"], each["name"]): each for each in described.get("parameters", [])}
    given = {("path", name): unquote(value) for name, value in in_path.items()}
    given |= {("query", name): value for name, value in parse_qsl(urlsplit(request.path).query)}
    for (where, name), value in given.items():
        parameter = declared.get((where, name.rstrip("?")))
        yield f"{name} is declared", [] if parameter else [f"no {where} parameter {name}"]
        if parameter:
            yield f"{name} is valid", invalid(parameter["schema"], _typed(parameter["schema"], value))
    for (where, name), parameter in declared.items():
        if where == "query" and parameter.get("required"):
            yield f"{name} is given", [] if (where, name) in given else [f"{name} is missing"]
    wanted = described.get("requestBody")
    if wanted is None:
        yield "no body", [f"a body: {request.body!r}"] if request.body else []
    else:
        yield (
            "type of the body",
            [] if request.headers.get("content-type") == "application/json" else ["type"],
        )
        schema = wanted["content"]["application/json"]["schema"]
        yield "the body", invalid(schema, request.json)
    keyed = any("ApiKeyAuth" in each for each in described.get("security") or [])
    yield "the key", [] if "x-api-key" in request.headers or not keyed else ["no key"]
    yield "one credential", ["authorization"] if "authorization" in request.headers else []


def invalid(schema: Any, value: object) -> list[str]:
    return [error.message for error in Draft202012Validator(standard(schema)).iter_errors(value)]


def _typed(schema: dict[str, Any], value: str) -> object:
    return float(value) if schema.get("type") in ("number", "integer") else value


async def sent(name: str, answer: object = None) -> list[Request]:
    """The requests of one call, whatever becomes of their answers."""
    async with Server(reply(200, answer)) as server:
        with suppress(AkashError):
            await made(name, server)
        return server.requests


def made(name: str, server: Server) -> Awaitable[object]:
    if CALLS[name] == "read":
        return READS[name](reader(server))
    return WRITES[name](writer(server))


@pytest.mark.parametrize("name", CALLS)
async def test_a_request_is_exactly_what_the_document_describes(name: str) -> None:
    requests = await sent(name)
    assert requests
    wrong = [f"{check}: {fault}" for each in requests for check, faults in findings(each) for fault in faults]
    assert not wrong


async def test_how_much_was_checked(record_testsuite_property: Callable[[str, object], None]) -> None:
    requests = [request for name in CALLS for request in await sent(name)]
    checks = sum(1 for request in requests for _ in findings(request))
    operations = {(request.method, operation(request)[0]) for request in requests}
    print(f"{checks} checks of {len(requests)} requests to {len(operations)} operations of the document")
    record_testsuite_property("openapi_checks", checks)
    assert checks > 175
    assert len(operations) > 28


LATER = {"find_deployments", "runtime_limit", "own_addresses", "is_anothers"}
"""What the document has too, and not for this: it knows no names, no runtime limits and no colleagues."""


@pytest.mark.parametrize("name", sorted(OTHER_READS.keys() - LATER))
async def test_what_is_called_undocumented_is_so(name: str) -> None:
    async with Server(reply(200, None)) as server:
        with suppress(AkashError):
            await OTHER_READS[name](reader(server, Generation.V2026_11))
        with pytest.raises(AssertionError, match="the document has no"):
            operation(server.requests[0])


def sample(schema: Any, *, sparse: bool) -> Any:
    """A value of a schema; `sparse`: with null wherever that is allowed, and without what is optional."""
    schema = {**schema}
    if "$ref" in schema:
        return sample(API["components"]["schemas"][schema["$ref"].rpartition("/")[2]], sparse=sparse)
    if sparse and schema.get("nullable"):
        return None
    if choices := schema.get("oneOf") or schema.get("anyOf"):
        return sample(choices[-1], sparse=sparse)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object" if "properties" in schema:
            required = schema.get("required", ())
            return {
                # An answer is about the deployment that was asked for.
                key: DSEQ if key == "dseq" and value.get("type") == "string" else sample(value, sparse=sparse)
                for key, value in schema["properties"].items()
                if key in required or not sparse
            }
        case "object":
            inner = schema.get("additionalProperties")
            return {"key": sample(inner, sparse=sparse)} if isinstance(inner, dict) else {}
        case "array":
            return [] if sparse else [sample(schema["items"], sparse=sparse)]
        case "number" | "integer":
            return 1
        case "boolean":
            return True
    return "1"


@pytest.mark.parametrize("sparse", [False, True], ids=["full", "sparse"])
@pytest.mark.parametrize("name", CALLS)
async def test_an_answer_that_the_document_describes_is_understood(name: str, sparse: bool) -> None:
    described = operation((await sent(name))[0])[1]["responses"]
    schema = next(described[code] for code in ("200", "201") if code in described)
    answer = sample(schema["content"]["application/json"]["schema"], sparse=sparse)
    if name == "balances":
        answer["data"] |= {"deployments": 0}  # else they are compared with deployments
    async with Server(reply(200, answer)) as server:
        await made(name, server)
