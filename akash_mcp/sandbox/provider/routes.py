"""The gateway's routes, and the order in which a request is judged before its handler sees it.

    route · method · authorization header · certificate or token · this provider · ids · this lease · query · scope

Credentials are judged on public routes too where there are any, so a stale token breaks even `/status`.
Answers and their order are those of akash-network/provider `gateway/rest`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Protocol, TypeAlias

from akash_mcp.sandbox.faults import Fault, Faults
from akash_mcp.sandbox.provider import status_bodies
from akash_mcp.sandbox.provider.authorization import bearer_token, identify
from akash_mcp.sandbox.provider.cluster import Cluster, Served
from akash_mcp.sandbox.provider.error_style import CURRENT, LEGACY, ErrorStyle
from akash_mcp.sandbox.provider.http1 import (
    Hangup,
    Request,
    Response,
    Upgrade,
    error_response,
    json_response,
)
from akash_mcp.sandbox.provider.migrate import ENDPOINTS, HOSTNAMES, Migration, migrate
from akash_mcp.sandbox.provider.shell_session import BadCommand, command_from, shell
from akash_mcp.sandbox.provider.streams import (
    BadParameter,
    StreamParameters,
    kubeevents,
    logs,
    stream_parameters,
)
from akash_mcp.sandbox.provider.validation import ManifestRefused
from akash_mcp.sandbox.provider.websocket import PING_SECONDS, WebSocket
from akash_mcp.sandbox.provider.workload import LeaseKey, Workload
from akash_mcp.sandbox.sellers import Node
from akash_mcp.sandbox.tokens import Claims, TokenRefused

Answer: TypeAlias = "Response | Upgrade"

_UNAUTHORIZED = TokenRefused(401, "unauthorized access")
_LEASE = "/lease/(?P<dseq>[^/]+)/(?P<gseq>[^/]+)/(?P<oseq>[^/]+)"

MANIFEST_SECONDS = 120
"""How long a gateway works on a manifest before it gives up, in simulated seconds."""

HANG_SECONDS = 600.0
"""How long a request hangs whose issuer's key cannot be looked up, in real seconds: longer than any client waits."""

_CLUSTER_UNREACHABLE = (
    'Get "https://10.233.0.1:443/apis/akash.network/v2beta2/namespaces/lease/manifests": '
    "dial tcp 10.233.0.1:443: connect: connection refused"
)


class ClusterUnreachable(Exception):
    """The Kubernetes API behind the gateway does not answer it."""


@dataclass(frozen=True)
class Call:
    """A request that may go on to its handler. `gseq` and `oseq` are 0 where a whole deployment is meant."""

    request: Request
    key: LeaseKey
    service: str


class Stream(Protocol):
    """Serves one of the two streams of a lease until it ends."""

    def __call__(
        self, socket: WebSocket, workload: Workload, parameters: StreamParameters, *, ping_seconds: float
    ) -> Awaitable[None]: ...


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
    """Answers the requests of one gateway, as well as `faults` let it."""

    def __init__(
        self,
        cluster: Cluster,
        nodes: Sequence[Node],
        storage: dict[str, int],
        faults: Faults,
        ping_seconds: float = PING_SECONDS,
    ) -> None:
        self._cluster = cluster
        self._nodes = nodes
        self._storage = storage
        self._faults = faults
        self._ping_seconds = ping_seconds
        check = stream_parameters
        self._routes = [
            Route("GET", "/version", self._version, is_public=True),
            Route("GET", "/address", self._address, is_public=True),
            Route("GET", "/status", self._status, is_public=True),
            Route("POST", "/hostname/migrate", partial(self._migrate, HOSTNAMES)),
            Route("POST", "/endpoint/migrate", partial(self._migrate, ENDPOINTS)),
            Route("PUT", "/deployment/(?P<dseq>[^/]+)/manifest", self._put_manifest, scope="send-manifest"),
            Route("GET", f"{_LEASE}/manifest", self._get_manifest, scope="get-manifest"),
            Route("GET", f"{_LEASE}/status", self._lease_status, scope="status"),
            Route("GET", f"{_LEASE}/service/(?P<service>[^/]+)/status", self._service_status),
            Route("GET", f"{_LEASE}/logs", self._logs, scope="logs", check=check),
            Route("GET", f"{_LEASE}/kubeevents", self._kubeevents, scope="events", check=check),
            Route(None, f"{_LEASE}/shell", self._shell, scope="shell"),
        ]

    async def answer(self, request: Request, client: str | None = None) -> Answer:
        """Judge a request and answer it. `client` is the account that a client certificate names.

        Raises `Hangup` where the real gateway panics.
        """
        if self._fault("gateway-panics", request):
            raise Hangup
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
            claims = await self._claims(request, client)
            if route.is_public:
                return await route.handle(Call(request, LeaseKey("", "", 0, 0, ""), ""))
            return await route.handle(self._authorized(route, request, claims, match.groupdict()))
        except TokenRefused as refused:
            return self._error_style.token_refused(refused)
        except ManifestRefused as refused:
            return self._error_style.manifest_refused(refused)
        except BadParameter as error:
            return error_response(400, str(error))
        except BadCommand:
            return Response(400)
        except ClusterUnreachable:
            return error_response(self._error_style.kube_status, _CLUSTER_UNREACHABLE)

    @property
    def _error_style(self) -> ErrorStyle:
        return LEGACY if self._faults.at("legacy-errors", self._cluster.provider) else CURRENT

    def _fault(self, name: str, request: Request) -> Fault | None:
        return self._faults.at(name, self._cluster.provider, request.line)

    async def _claims(self, request: Request, client: str | None) -> Claims | None:
        token = bearer_token(request)
        if token and self._fault("token-hangs", request):
            await asyncio.sleep(HANG_SECONDS)
            raise Hangup
        return identify(token, client, chain=self._cluster.chain, provider=self._cluster.provider)

    def _authorized(
        self, route: Route, request: Request, claims: Claims | None, names: dict[str, str]
    ) -> Call:
        if claims is None or claims.grant is None:
            raise _UNAUTHORIZED
        if "dseq" not in names:
            return Call(request, LeaseKey(claims.issuer, "", 0, 0, self._cluster.provider), "")
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
        self._reach_cluster(call)
        fault = self._faults.active("provider-version")
        return json_response(status_bodies.version((fault and fault.value) or self._error_style.version))

    async def _address(self, call: Call) -> Answer:
        return json_response({"address": self._cluster.provider})

    async def _status(self, call: Call) -> Answer:
        return json_response(status_bodies.provider_status(self._cluster, self._nodes, self._storage))

    async def _migrate(self, migration: Migration, call: Call) -> Answer:
        failure = _CLUSTER_UNREACHABLE if self._fault("kube-down", call.request) else None
        return migrate(self._cluster, call.key.owner, migration, call.request.body, failure=failure)

    async def _put_manifest(self, call: Call) -> Answer:
        if slow := self._faults.take("manifest-slow", call.request.line):
            await self._cluster.chain.clock.sleep(min(slow.seconds(60), MANIFEST_SECONDS))
            if slow.seconds(60) > MANIFEST_SECONDS:
                return error_response(500, "context deadline exceeded")
        self._cluster.receive(call.key.owner, call.key.dseq, call.request.body)
        return Response(200)

    async def _get_manifest(self, call: Call) -> Answer:
        self._reach_cluster(call)
        served = self._cluster.served(call.key)
        if served is None:
            return error_response(404, "lease not found")
        return json_response(status_bodies.stored_manifest(served))

    async def _lease_status(self, call: Call) -> Answer:
        self._reach_cluster(call)
        served = self._cluster.served(call.key)
        if served is None:
            return Response(404)
        if not served.workload.is_created:
            return error_response(404, "kube: no deployments for lease")
        return json_response(status_bodies.lease_status(served))

    async def _service_status(self, call: Call) -> Answer:
        self._reach_cluster(call)
        served = self._cluster.served(call.key)
        if served is None:
            return error_response(404, f"kube: {self._absence(call.key)}")
        if call.service not in served.workload.services:
            return error_response(404, "kube: no service for that lease")
        if not served.workload.is_created:
            return error_response(404, f'kube: internal error: deployments.apps "{call.service}" not found')
        return json_response(status_bodies.service_status(served, call.service))

    async def _logs(self, call: Call) -> Answer:
        return self._stream(call, logs)

    async def _kubeevents(self, call: Call) -> Answer:
        return self._stream(call, kubeevents)

    async def _shell(self, call: Call) -> Answer:
        command = command_from(call.request)
        # A cluster that cannot be reached is told like a lease that is gone: not at all.
        is_down = self._fault("kube-down", call.request)
        workload = None if is_down else _workload(self._cluster.served(call.key))
        return Upgrade(lambda socket: shell(socket, workload, command, ping_seconds=self._ping_seconds))

    def _stream(self, call: Call, serve: Stream) -> Upgrade:
        parameters = stream_parameters(call.request)
        if self._fault("kube-down", call.request):
            return _closing(self._error_style.kube_close)
        workload = _workload(self._cluster.served(call.key))
        if workload is None:
            return _closing(self._error_style.gone_close)
        return Upgrade(lambda socket: serve(socket, workload, parameters, ping_seconds=self._ping_seconds))

    def _reach_cluster(self, call: Call) -> None:
        if self._fault("kube-down", call.request):
            raise ClusterUnreachable

    def _absence(self, key: LeaseKey) -> str:
        lease = self._cluster.chain.lease(key.owner, key.dseq, key.gseq, key.oseq, key.provider)
        return "no manifest for lease" if lease is not None and lease.state == "active" else "lease not found"


def _workload(served: Served | None) -> Workload | None:
    return served.workload if served else None


def _closing(code: int) -> Upgrade:
    return Upgrade(lambda socket: socket.close(code))


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
