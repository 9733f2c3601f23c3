"""Akua as an ASGI application: what happens to a request before and after its handler.

A request is refused in this order: no such route, token, workspace, headers, query, body, then what its handler finds.
A key that was used before is answered from memory before anything of the resource is looked at, since by then the
resource has changed by that very request.
"""

from __future__ import annotations

import inspect
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from akash_mcp.sandbox.akua.distortions import distorted, giant
from akash_mcp.sandbox.akua.endpoint import Answer, Call, Endpoint, Template
from akash_mcp.sandbox.akua.errors import (
    NO_CONTEXT,
    NO_SUCH_ROUTE,
    Envelope,
    Refused,
    as_json,
    invalid,
)
from akash_mcp.sandbox.akua.records import Workspace
from akash_mcp.sandbox.akua.replays import Replays
from akash_mcp.sandbox.akua.schemas import bounded, judge, whole
from akash_mcp.sandbox.akua.unplayed import unplayed
from akash_mcp.sandbox.faults import Faults
from akash_mcp.sandbox.schedule import Schedule
from akash_mcp.sandbox.severing import SeveringApp, sever

PREFIX = "/v1"
_MOST_BODY = 1 << 20
_PAGED = {"cursor": bounded(2_000), "limit": whole(1, 100)}
_HTML = (
    "<!DOCTYPE html><html><head><title>akua.example</title></head><body><h1>Bad gateway</h1></body></html>"
)


class AkuaApp(SeveringApp):
    """Serves `endpoints` to whoever has one of `tokens`, each of which sees some workspaces.

    `requests` counts what reached a route, by `METHOD /template`. `missing_header` is the status for one that is
    required and is not there.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        tokens: Mapping[str, tuple[Workspace, ...]],
        faults: Faults,
        schedule: Schedule,
        *,
        envelope: Envelope,
        missing_header: int,
    ) -> None:
        super().__init__()
        self._routes = [(endpoint, Template(endpoint.path)) for endpoint in endpoints]
        self._unplayed = [(method, path, Template(path)) for method, path in unplayed()]
        self._tokens = tokens
        self._faults = faults
        self._schedule = schedule
        self._envelope: Envelope = envelope
        self._missing_header = missing_header
        self.requests: Counter[str] = Counter()
        self.replays = Replays()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._schedule.catch_up()
        request = Request(scope, receive)
        line = f"{request.method} {request.url.path.removeprefix(PREFIX)}"
        drop = self._faults.take("drop-connection", line)
        if drop and drop.value != "after":
            await sever(scope, receive)
            return
        if fault := self._faults.take("slow", line):
            await anyio.sleep(fault.seconds(2))
        try:
            response = self._at_the_edge(line) or await self._answer(request, line)
        except Refused as refusal:
            response = refusal.answer(self._envelope)
        if drop:
            await sever(scope, receive)
        else:
            await response(scope, receive, send)

    def _at_the_edge(self, line: str) -> Response | None:
        """What a proxy in front of Akua, or a part of it that broke, may answer to any request."""
        if fault := self._faults.take("429", line):
            raise Refused(429, "Too many requests.", headers={"Retry-After": fault.value or "1"})
        if self._faults.take("501", line):
            raise _not_played()
        if fault := self._faults.take("html", line):
            return HTMLResponse(_HTML, int(fault.seconds(502)))
        if fault := self._faults.take("message-shape", line):
            return as_json({"message": "Something went wrong."}, int(fault.seconds(500)))
        if fault := self._faults.take("tag-shape", line):
            return as_json({"_tag": "HttpApiDecodeError", "issues": []}, int(fault.seconds(500)))
        return None

    async def _answer(self, request: Request, line: str) -> Response:
        late = self._unavailable(line)
        endpoint, path = self._route(request, line)
        self.requests[endpoint.name] += 1
        call = await self._call(request, line, endpoint, path)
        answer = self.replays.recall(endpoint, call)
        if answer is None:
            made = endpoint.handler(call)
            answer = await made if inspect.isawaitable(made) else made
            self.replays.keep(endpoint, call, answer)
        if late is not None:
            raise late
        if answer.stream is not None:
            return StreamingResponse(answer.stream, media_type="text/event-stream")
        return self._told(answer, line)

    def _unavailable(self, line: str) -> Refused | None:
        """The refusal that comes once all was done. Raises the one that comes before."""
        late = None
        for status in (503, 504):
            if fault := self._faults.take(str(status), line):
                refusal = Refused(status, "The service is unavailable." if status == 503 else "Timed out.")
                if fault.value != "after":
                    raise refusal
                late = refusal
        return late

    def _told(self, answer: Answer, line: str) -> Response:
        if self._faults.take("empty-body", line):
            return Response(status_code=answer.status)
        if fault := self._faults.take("huge-body", line):
            return StreamingResponse(
                giant(answer.tell(), int(fault.seconds(64))), answer.status, media_type="application/json"
            )
        return as_json(distorted(answer.tell(), self._faults, line), answer.status)

    def _route(self, request: Request, line: str) -> tuple[Endpoint, dict[str, str]]:
        raw = request.scope["raw_path"].decode("ascii", "replace").partition("?")[0]
        if not raw.startswith(f"{PREFIX}/"):
            raise Refused(404, "No such route.", code=NO_SUCH_ROUTE)
        raw = raw.removeprefix(PREFIX)
        for endpoint, template in self._routes:
            if endpoint.method == request.method and (path := template.match(raw)) is not None:
                return endpoint, path
        for method, unplayed_path, template in self._unplayed:
            if method == request.method and template.match(raw) is not None:
                self.requests[f"{method} {unplayed_path}"] += 1
                self._workspaces_of(request, line)
                raise _not_played()
        raise Refused(404, "No such route.", code=NO_SUCH_ROUTE)

    async def _call(self, request: Request, line: str, endpoint: Endpoint, path: dict[str, str]) -> Call:
        workspaces = self._in_context(request, endpoint, self._workspaces_of(request, line))
        if_match = self._header(request, "If-Match", endpoint.if_match, 256)
        key = self._header(request, "Idempotency-Key", endpoint.key, 64)
        query = _query(endpoint, request)
        body = await _body(endpoint, request)
        accept = request.headers.get("accept", "*/*")
        return Call(line, workspaces, path, query, body, if_match, key, accept)

    def _workspaces_of(self, request: Request, line: str) -> tuple[Workspace, ...]:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        workspaces = self._tokens.get(token.strip())
        if scheme.lower() != "bearer" or workspaces is None or self._faults.take("key-revoked", line):
            raise Refused(401, "Invalid or missing bearer token.")
        return workspaces

    def _in_context(
        self, request: Request, endpoint: Endpoint, workspaces: tuple[Workspace, ...]
    ) -> tuple[Workspace, ...]:
        wanted = request.headers.get("akua-context")
        if wanted is None:
            if len(workspaces) > 1 and endpoint.context == "required":
                raise Refused(403, "Akua-Context header is required", code=NO_CONTEXT)
            return workspaces
        chosen = tuple(workspace for workspace in workspaces if workspace.id == wanted)
        if not chosen:
            raise Refused(403, "The token does not reach this workspace.")
        return chosen

    def _header(self, request: Request, name: str, need: str, most: int) -> str | None:
        value = request.headers.get(name)
        if need == "none":
            return None
        if value is None:
            if need == "required":
                raise Refused(self._missing_header, f"{name} header is required", path=("headers", name))
            return None
        if not 1 <= len(value) <= most:
            raise Refused(
                self._missing_header, f"{name} is of 1 to {most} characters", path=("headers", name)
            )
        return value


def _not_played() -> Refused:
    return Refused(501, "This operation is not implemented.")


def _query(endpoint: Endpoint, request: Request) -> dict[str, Any]:
    """The parameters that the endpoint knows; others are ignored, as Akua does."""
    readers = {**endpoint.query, **_PAGED} if endpoint.paged else endpoint.query
    read: dict[str, Any] = {}
    for name, reader in readers.items():
        if name in request.query_params:
            try:
                read[name] = reader(request.query_params[name])
            except ValueError as error:
                raise invalid(f"{name} is {error}", "query", name) from error
    return read


async def _body(endpoint: Endpoint, request: Request) -> dict[str, Any]:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > _MOST_BODY:
            raise Refused(413, "The body is too large.")
    if not raw:
        body: object = {}
    elif request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refused(400, "The body is not application/json.")
    else:
        try:
            body = json.loads(bytes(raw), parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise Refused(400, "Malformed JSON in request body") from error
    if not isinstance(body, dict):
        raise invalid("The body is not an object.", "body")
    judge(endpoint.body or {"maxProperties": 0}, body, "body")
    return body


def _refuse_constant(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")
