"""The Console API as an ASGI application: what happens to a request before and after its handler.

The order is that of akash-network/console `rest-app.ts` and `createRoute`, and it matters: a wrong key is 401
even on public routes, while a missing key is only noticed after the request was found valid.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import compile_path
from starlette.types import Receive, Scope, Send

from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.keyring import Key, Keyring
from akash_mcp.sandbox.console.refusals import Refusals
from akash_mcp.sandbox.console.responses import (
    Problem,
    Unanswered,
    answer,
    internal_error,
    plain,
    validation_error,
)
from akash_mcp.sandbox.console.schema import UNDEFINED, Issues, Parser, Repeated
from akash_mcp.sandbox.console.strict import as_declared
from akash_mcp.sandbox.faults import Faults
from akash_mcp.sandbox.severing import SeveringApp, gone, sever

_HTML = (
    "<!DOCTYPE html><html><head><title>console-api.akash.network</title></head>"
    "<body><h1>Temporarily unavailable</h1></body></html>"
)


class ConsoleApp(SeveringApp):
    """Serves `endpoints` to whoever has a key of `keyring`. `requests` counts what reached a route, by its name.

    `background`: work that goes on between requests, and ends with the application. `refusals`: who makes a user wait
    that is refused again and again, if anybody does. `strict`: nothing is told that the document does not name.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        keyring: Keyring,
        faults: Faults,
        background: Set[asyncio.Task[None]] = frozenset(),
        refusals: Refusals | None = None,
        *,
        strict: bool = False,
    ) -> None:
        super().__init__()
        self._routes = [(endpoint, compile_path(endpoint.path)[0]) for endpoint in endpoints]
        self._keyring = keyring
        self._faults = faults
        self._background = background
        self._refusals = refusals
        self._strict = strict
        self._answered: dict[str, Response] = {}
        self.requests: Counter[str] = Counter()

    def stop(self) -> None:
        """Cut off every request under way, and the work between them."""
        super().stop()
        for task in self._background:
            task.cancel()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        line = f"{request.method} {request.url.path}"
        drop = self._faults.take("drop-connection", line)
        if drop and drop.value != "after":
            await sever(scope, receive)
            return
        try:
            response = await self._at_the_edge(line) or await self._respond(request, line)
        except Unanswered as silence:
            with anyio.move_on_after(silence.seconds):
                await gone(receive)
                return
            response = internal_error().answer()
        if drop:
            await sever(scope, receive)
        else:
            await response(scope, receive, send)

    async def _at_the_edge(self, line: str) -> Response | None:
        """What a proxy in front of Console may do to any request."""
        if fault := self._faults.take("slow", line):
            await anyio.sleep(fault.seconds(2))
        if fault := self._faults.take("503-html", line):
            return HTMLResponse(_HTML, int(fault.value or 503))
        if fault := self._faults.take("429", line):
            body = Problem(429, "Too Many Requests").answer()
            body.headers["Retry-After"] = fault.value or "1"
            return body
        return None

    async def _respond(self, request: Request, line: str) -> Response:
        try:
            key = self._authenticate(request)
            if self._refusals is None or key is None:
                return await self._dispatch(request, line, key)
            with self._refusals.watch(request.method, request.url.path) as outcome:
                response = await self._dispatch(request, line, key)
                outcome.status = response.status_code
        except Problem as problem:
            return problem.answer()
        return response

    async def _dispatch(self, request: Request, line: str, key: Key | None) -> Response:
        found = self._route(request)
        if found is None:
            return plain("404 Not Found", 404)
        response = await self._answer(request, line, *found, key)
        return as_declared(found[0], response) if self._strict else response

    async def _answer(
        self, request: Request, line: str, endpoint: Endpoint, path: dict[str, str], key: Key | None
    ) -> Response:
        signed_in = key is not None
        self.requests[f"{endpoint.method} {endpoint.path}"] += 1
        try:
            if endpoint.proxied:
                _turn_strangers_away(request, signed_in)
            call = await self._validate(request, line, endpoint, path, key)
            if isinstance(call, Response):
                return call
            if endpoint.protected and not signed_in:
                raise Problem(401, "Unauthorized")
            response = await self._handle(request, endpoint, call)
        except Problem as problem:
            return problem.answer()
        if request.method == "GET" and response.status_code == 200:
            age = (
                "max-age={}, stale-while-revalidate={}".format(*endpoint.cache)
                if endpoint.cache
                else "no-store"
            )
            response.headers["Cache-Control"] = f"{'private' if signed_in else 'public'}, {age}"
        return response

    def _authenticate(self, request: Request) -> Key | None:
        """The key that a request came with, if any. A bearer token of the web client is never good here."""
        key = request.headers.get("x-api-key")
        if key and request.headers.get("authorization"):
            raise Problem(400, "Authorization and X-Api-Key headers are mutually exclusive")
        revoked = key and self._faults.take("key-revoked", f"{request.method} {request.url.path}")
        if not key:
            return None
        found = None if revoked else self._keyring.find(key)
        if found is None:
            raise Problem(401, "Invalid API key")
        return found

    def _route(self, request: Request) -> tuple[Endpoint, dict[str, str]] | None:
        for endpoint, pattern in self._routes:
            match = pattern.match(request.url.path)
            if match and endpoint.method == request.method:
                return endpoint, match.groupdict()
        return None

    async def _validate(
        self, request: Request, line: str, endpoint: Endpoint, path: dict[str, str], key: Key | None
    ) -> Call | Response:
        """The request as its handler gets it, or what is wrong with it."""
        raw = b""
        if request.method != "GET":
            raw = await _read(request, endpoint.max_body)
            if len(raw) > endpoint.max_body:
                return Problem(413, "", name="Error").answer()
        if endpoint.body_schema:
            content_type = request.headers.get("content-type", "")
            if not content_type:
                return answer({"error": "Content-Type header is required"}, 400)
            if content_type.split(";")[0].strip() != "application/json":
                return answer({"error": "Unsupported Content-Type"}, 400)
        parts: list[Any] = []
        for schema, values in (
            (endpoint.query_schema, _query(request)),
            (endpoint.path_schema, path),
        ):
            issues: Issues = []
            parts.append(_parse(schema, values, issues))
            if issues:
                return validation_error(issues)
        body: Any = None
        if endpoint.body_schema:
            issues = []
            body = endpoint.body_schema(_json(raw), (), issues)
            if issues:
                return validation_error(issues)
        return Call(
            line,
            key is not None,
            path=parts[1],
            query=parts[0],
            body=body,
            key=key,
            headers=request.headers,
        )

    async def _handle(self, request: Request, endpoint: Endpoint, call: Call) -> Response:
        if endpoint.unborn is None:
            return await endpoint.handler(call)
        key = f"{request.url.path}?{request.url.query}"
        if self._faults.take("stale-reads", call.line):
            return self._answered.get(key) or endpoint.unborn()
        response = await endpoint.handler(call)
        self._answered[key] = response
        return response


def _turn_strangers_away(request: Request, signed_in: bool) -> None:
    """A proxy looks at rights before it asks who is there, so a stranger gets 403."""
    for header in ("x-user-id", "x-owner-address"):
        if header in request.headers:
            raise Problem(403, f"{header} header is not allowed")
    if not signed_in:
        raise Problem(403, "Forbidden")


async def _read(request: Request, limit: int) -> bytes:
    """The body, or as much of it as shows that it is too long."""
    body = bytearray()
    async for chunk in request.stream():
        if len(body) <= limit:
            body += chunk
    return bytes(body)


def _json(raw: bytes) -> object:
    def refuse(constant: str) -> object:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(raw, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "Malformed JSON in request body", name="Error") from error


def _query(request: Request) -> dict[str, str]:
    given = request.query_params
    return {name: Repeated(given.getlist(name)) for name in given}


def _parse(schema: Mapping[str, Parser], values: Mapping[str, str], issues: Issues) -> dict[str, Any]:
    parsed = {name: parse(values.get(name, UNDEFINED), (name,), issues) for name, parse in schema.items()}
    return {name: value for name, value in parsed.items() if value is not UNDEFINED}
