"""The gateway's routes, and the order in which a request is judged before its handler sees it.

    route · method · authorization header · token · this provider · ids · this lease · query · scope

Authorization is judged on public routes too where a header is present, so a stale token breaks even `/status`.
Answers and their order are those of akash-network/provider `gateway/rest`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec

from akash_mcp.sandbox.chain import Chain
from akash_mcp.sandbox.market import Node
from akash_mcp.sandbox.provider import gojson, status
from akash_mcp.sandbox.provider.cluster import Cluster, Served
from akash_mcp.sandbox.provider.http1 import (
    Hangup,
    Request,
    Response,
    Upgrade,
    error_response,
    json_response,
)
from akash_mcp.sandbox.provider.shell import BadCommand, command_from, shell
from akash_mcp.sandbox.provider.streams import BadParameter, kubeevents, logs, stream_parameters
from akash_mcp.sandbox.provider.validation import ManifestRefused
from akash_mcp.sandbox.provider.websocket import PING_SECONDS
from akash_mcp.sandbox.provider.workload import LeaseKey, Workload
from akash_mcp.sandbox.tokens import Claims, TokenRefused, verify

Answer: TypeAlias = "Response | Upgrade"

_UNAUTHORIZED = TokenRefused(401, "unauthorized access")
_LEASE = "/lease/(?P<dseq>[^/]+)/(?P<gseq>[^/]+)/(?P<oseq>[^/]+)"


@dataclass(frozen=True)
class Call:
    """A request that may go on to its handler. `gseq` and `oseq` are 0 where a whole deployment is meant."""

    request: Request
    key: LeaseKey
    service: str


@dataclass(frozen=True)
class Route:
    """`scope` is None for routes that any token of the lease opens. `check` judges the query before the scope."""

    method: str | None
    pattern: str
    handle: Callable[[Call], Awaitable[Answer]]
    is_public: bool = False
    scope: str | None = None
    check: Callable[[Request], object] | None = None


class Routes:
    """Answers the requests of one gateway."""

    def __init__(
        self,
        cluster: Cluster,
        nodes: Sequence[Node],
        storage: dict[str, int],
        ping_seconds: float = PING_SECONDS,
    ) -> None:
        self._cluster = cluster
        self._nodes = nodes
        self._storage = storage
        self._ping_seconds = ping_seconds
        check = stream_parameters
        self._routes = [
            Route("GET", "/version", self._version, is_public=True),
            Route("GET", "/address", self._address, is_public=True),
            Route("GET", "/status", self._status, is_public=True),
            Route("PUT", "/deployment/(?P<dseq>[^/]+)/manifest", self._put_manifest, scope="send-manifest"),
            Route("GET", f"{_LEASE}/manifest", self._get_manifest, scope="get-manifest"),
            Route("GET", f"{_LEASE}/status", self._lease_status, scope="status"),
            Route("GET", f"{_LEASE}/service/(?P<service>[^/]+)/status", self._service_status),
            Route("GET", f"{_LEASE}/logs", self._logs, scope="logs", check=check),
            Route("GET", f"{_LEASE}/kubeevents", self._kubeevents, scope="events", check=check),
            Route(None, f"{_LEASE}/shell", self._shell, scope="shell"),
        ]

    async def answer(self, request: Request) -> Answer:
        """Judge a request and answer it. Raises `Hangup` where the real gateway panics."""
        if "//" in request.path:
            return _moved(request)
        matches = [(route, re.fullmatch(route.pattern, request.path)) for route in self._routes]
        found = [(route, match) for route, match in matches if match]
        if not found:
            return error_response(404, "404 page not found")
        route, match = found[0]
        if route.method not in (None, request.method):
            return Response(405)
        try:
            claims = self._claims(request)
            names = match.groupdict()
            if route.is_public:
                return await route.handle(Call(request, LeaseKey("", "", 0, 0, ""), ""))
            return await route.handle(self._authorized(route, request, claims, names))
        except TokenRefused as refused:
            body = gojson.encode({"message": refused.message}).encode()
            return Response(refused.status, body, (("Content-Type", "application/json"),))
        except ManifestRefused as refused:
            return error_response(refused.status, refused.message)
        except BadParameter as error:
            return error_response(400, str(error))
        except BadCommand:
            return Response(400)

    def _claims(self, request: Request) -> Claims | None:
        header = request.header("authorization")
        if not header:
            return None
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token or " " in token:
            raise TokenRefused(400, "invalid authorization header")
        chain = self._cluster.chain
        return verify(
            token,
            provider=self._cluster.provider,
            now=chain.clock.wall(),
            public_key_of=partial(_public_key, chain),
        )

    def _authorized(
        self, route: Route, request: Request, claims: Claims | None, names: dict[str, str]
    ) -> Call:
        if claims is None:
            raise _UNAUTHORIZED
        dseq = _unsigned(names["dseq"], 64)
        gseq, oseq = (_unsigned(names[name], 32) if name in names else None for name in ("gseq", "oseq"))
        if not claims.grant.reaches(dseq, gseq, oseq):
            raise _UNAUTHORIZED
        if route.check is not None:
            route.check(request)
        if route.scope is not None and not claims.grant.permits(route.scope, dseq, gseq, oseq):
            raise _UNAUTHORIZED
        key = LeaseKey(claims.issuer, str(dseq), gseq or 0, oseq or 0, self._cluster.provider)
        return Call(request, key, names.get("service", ""))

    async def _version(self, call: Call) -> Answer:
        return json_response(status.version())

    async def _address(self, call: Call) -> Answer:
        return json_response({"address": self._cluster.provider})

    async def _status(self, call: Call) -> Answer:
        return json_response(status.provider_status(self._cluster, self._nodes, self._storage))

    async def _put_manifest(self, call: Call) -> Answer:
        self._cluster.receive(call.key.owner, call.key.dseq, call.request.body)
        return Response(200)

    async def _get_manifest(self, call: Call) -> Answer:
        served = self._cluster.served(call.key)
        if served is None:
            return error_response(404, "lease not found")
        return json_response(status.stored_manifest(served))

    async def _lease_status(self, call: Call) -> Answer:
        served = self._cluster.served(call.key)
        if served is None:
            return Response(404)
        if not served.workload.is_created:
            return error_response(404, "kube: no deployments for lease")
        return json_response(status.lease_status(served))

    async def _service_status(self, call: Call) -> Answer:
        served = self._cluster.served(call.key)
        if served is None:
            return error_response(404, f"kube: {self._absence(call.key)}")
        if call.service not in served.workload.services:
            return error_response(404, "kube: no service for that lease")
        if not served.workload.is_created:
            return error_response(404, f'kube: internal error: deployments.apps "{call.service}" not found')
        return json_response(status.service_status(served, call.service))

    async def _logs(self, call: Call) -> Answer:
        served, parameters = self._cluster.served(call.key), stream_parameters(call.request)
        workload = _workload(served)
        return Upgrade(lambda socket: logs(socket, workload, parameters, ping_seconds=self._ping_seconds))

    async def _kubeevents(self, call: Call) -> Answer:
        served, parameters = self._cluster.served(call.key), stream_parameters(call.request)
        workload = _workload(served)
        return Upgrade(
            lambda socket: kubeevents(socket, workload, parameters, ping_seconds=self._ping_seconds)
        )

    async def _shell(self, call: Call) -> Answer:
        command = command_from(call.request)
        workload = _workload(self._cluster.served(call.key))
        return Upgrade(lambda socket: shell(socket, workload, command, ping_seconds=self._ping_seconds))

    def _absence(self, key: LeaseKey) -> str:
        lease = self._cluster.chain.lease(key.owner, key.dseq, key.gseq, key.oseq, key.provider)
        return "no manifest for lease" if lease is not None and lease.state == "active" else "lease not found"


def _workload(served: Served | None) -> Workload | None:
    return served.workload if served else None


def _public_key(chain: Chain, address: str) -> ec.EllipticCurvePublicKey | None:
    key = chain.public_key(address)
    if key is None and address in chain.accounts:
        raise Hangup  # an account that never signed has no key on chain, and the gateway panics over that
    return key


def _unsigned(text: str, bits: int) -> int:
    """A number as Go's `strconv.ParseUint` reads it."""
    if not re.fullmatch(r"[0-9]+", text):
        raise BadParameter(f'strconv.ParseUint: parsing "{text}": invalid syntax')
    if int(text) >= 2**bits:
        raise BadParameter(f'strconv.ParseUint: parsing "{text}": value out of range')
    return int(text)


def _moved(request: Request) -> Response:
    """Double slashes are cleaned away by a redirect, as gorilla/mux does."""
    path, mark, query = request.target.partition("?")
    clean = re.sub("/{2,}", "/", path) + mark + query
    phrase = HTTPStatus.MOVED_PERMANENTLY.phrase
    body = f'<a href="{clean}">{phrase}</a>.\n\n'.encode() if request.method == "GET" else b""
    return Response(301, body, (("Content-Type", "text/html; charset=utf-8"), ("Location", clean)))
