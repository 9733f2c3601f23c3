"""Every request that we send, and what we make of the answers, held to the Console's own OpenAPI document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
import shared_data
from console_contract import AUGUST, Operation
from console_requests import DSEQ, OTHER_READS, READS, WRITES, reader, writer
from wire_servers import Request, Server, reply

from akash_mcp.clients.console.generation import Generation
from akash_mcp.errors import AkashError

pytestmark = [pytest.mark.anyio, shared_data.needed]

CALLS = {**dict.fromkeys(READS, "read"), **dict.fromkeys(WRITES, "write")}


def findings(request: Request) -> Iterator[tuple[str, Sequence[str]]]:
    """Each check of a request, and what is wrong by it."""
    body = request.json if request.body else None
    return AUGUST.objections(request.method, request.path, request.headers, body)


def operation(request: Request) -> Operation | None:
    return AUGUST.operation_of(request.method, urlsplit(request.path).path)


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
    operations = {operation(request) for request in requests}
    print(f"{checks} checks of {len(requests)} requests to {len(operations)} operations of the document")
    record_testsuite_property("openapi_checks", checks)
    assert checks > 175
    assert len(operations) > 28


LATER = {"find_deployments", "runtime_limit", "own_addresses", "paying_address", "is_anothers"}
"""What the document has too, and not for this: it knows no names, no runtime limits and no colleagues."""


@pytest.mark.parametrize("name", sorted(OTHER_READS.keys() - LATER))
async def test_what_is_called_undocumented_is_so(name: str) -> None:
    async with Server(reply(200, None)) as server:
        with suppress(AkashError):
            await OTHER_READS[name](reader(server, Generation.V2026_11))
        assert operation(server.requests[0]) is None


def sample(schema: Any, *, sparse: bool) -> Any:
    """A value of a schema; `sparse`: with null wherever that is allowed, and without what is optional."""
    schema = {**schema}
    if "$ref" in schema:
        return sample(
            AUGUST.content["components"]["schemas"][schema["$ref"].rpartition("/")[2]], sparse=sparse
        )
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
    asked = operation((await sent(name))[0])
    assert asked is not None
    described = asked.described["responses"]
    schema = next(described[code] for code in ("200", "201") if code in described)
    answer = sample(schema["content"]["application/json"]["schema"], sparse=sparse)
    if name == "balances":
        answer["data"] |= {"deployments": 0}  # else they are compared with deployments
    async with Server(reply(200, answer)) as server:
        await made(name, server)
