"""The public side of one lease: what really listens, on ports of this machine.

A provider serves web services under hostnames of its own domain. Not every machine resolves subdomains of localhost
(glibc without systemd-resolved does not), so each web service has a port to itself and its URI is `localhost:PORT`.
"""

from __future__ import annotations

import asyncio
import hashlib
import html
import socket
import struct
import zlib
from collections.abc import Iterator

from akash_mcp.sandbox.provider import voices
from akash_mcp.sandbox.provider.http1 import Connection, Request, Response
from akash_mcp.sandbox.provider.listener import Listener, Serve
from akash_mcp.sandbox.provider.manifest import Expose, Service
from akash_mcp.sandbox.provider.workload import Workload

_HTML = (("Content-Type", "text/html; charset=utf-8"),)
_CLIENT = "10.233.64.1"  # a web server in a pod sees the ingress and not the visitor
_FIRST_NODE_PORT, _NODE_PORTS = 30000, 2768


class Ingress:
    """Every listener of a lease. Needs a running event loop."""

    def __init__(self, host: str, workload: Workload) -> None:
        self._host = host
        self._workload = workload
        self._web: dict[str, Listener] = {}
        self._node_ports: dict[tuple[str, Expose], Listener] = {}
        self._ended: list[Listener] = []
        self.refresh()

    def refresh(self) -> None:
        """Follow the workload's services: new ports for new ones, the same ones for those that stay."""
        services = self._workload.services
        web = {name for name, service in services.items() if any(e.is_ingress for e in service.expose)}
        ports = {(service.name, expose) for service in services.values() for expose in _forwarded(service)}
        for name in self._web.keys() - web:
            self._end(self._web.pop(name))
        for key in self._node_ports.keys() - ports:
            self._end(self._node_ports.pop(key))
        for name in sorted(web - self._web.keys()):
            self._web[name] = self._begin(_Site(self._workload, name).serve)
        for key in sorted(ports - self._node_ports.keys(), key=str):
            if key[1].proto == "TCP":
                self._node_ports[key] = self._begin(_NodePort(self._workload, *key).serve)

    def close(self) -> None:
        """Stop listening everywhere. `wait_closed` waits until that is done."""
        for listener in (*self._web.values(), *self._node_ports.values()):
            self._end(listener)
        self._web.clear()
        self._node_ports.clear()

    async def wait_closed(self) -> None:
        for listener in self._ended:
            await listener.wait_closed()

    def uris(self, service: Service) -> list[str]:
        """The bare names under which the web service answers: its own hostnames, then the provider's."""
        listener = self._web.get(service.name)
        if listener is None:
            return []
        hosts = [host for expose in service.expose if expose.is_ingress for host in expose.hosts]
        return [*hosts, f"localhost:{listener.port}"]

    def forwarded_ports(self) -> dict[str, list[dict[str, object]]] | None:
        """The `forwarded_ports` of the lease status: None unless something global is not on port 80.

        As the provider decides it, `externalPort` 0 counts as not 80 even where the port itself is 80.
        """
        services = self._workload.services.values()
        if not any(
            expose["global"] and expose["externalPort"] != 80
            for service in services
            for expose in service.decoded["expose"] or ()
        ):
            return None
        forwarded: dict[str, list[dict[str, object]]] = {}
        for service in services:
            for expose in _forwarded(service):
                forwarded.setdefault(service.name, []).append(
                    {
                        "host": "localhost",
                        "port": expose.port,
                        "externalPort": self._node_port(service, expose),
                        "proto": expose.proto,
                        "name": service.name,
                    }
                )
        return forwarded

    def ips(self) -> dict[str, list[dict[str, object]]] | None:
        """The `ips` of the lease status, whose fields are capitalised. None unless a leased IP is used."""
        ips: dict[str, list[dict[str, object]]] = {}
        for service in self._workload.services.values():
            for expose in service.expose:
                if expose.ip:
                    ips.setdefault(service.name, []).append(
                        {
                            "Port": expose.port,
                            "ExternalPort": expose.external_port,
                            "Protocol": expose.proto,
                            "IP": _leased_ip(self._workload, expose.ip),
                        }
                    )
        return ips or None

    def _node_port(self, service: Service, expose: Expose) -> int:
        listener = self._node_ports.get((service.name, expose))
        if listener is not None:
            return listener.port
        # Nothing listens for UDP, where silence and a closed port look alike.
        return (
            _FIRST_NODE_PORT
            + zlib.crc32(f"{self._workload.key} {service.name} {expose}".encode()) % _NODE_PORTS
        )

    def _begin(self, serve: Serve) -> Listener:
        listener = Listener(self._host, serve)
        listener.start()
        return listener

    def _end(self, listener: Listener) -> None:
        listener.close()
        self._ended.append(listener)


class _Site:
    """A web service as its visitors see it: a page of its own once its port answers, 502 until then."""

    def __init__(self, workload: Workload, service: str) -> None:
        self._workload = workload
        self._service = service
        self._visits = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Connection(reader, writer, self._answer).run()

    async def _answer(self, request: Request) -> Response:
        now = self._workload.clock.elapsed()
        pods = [
            pod
            for pod in self._workload.pods(self._service)
            if any(expose.is_ingress and pod.listens(expose.port, now) for expose in pod.service.expose)
        ]
        if not pods:
            return Response(502, _page("502 Bad Gateway", "<hr><center>nginx</center>"), _HTML)
        pod = pods[self._visits % len(pods)]
        self._visits += 1
        service = pod.service
        body = _page(f"{service.name} on Akash", f"<p>{html.escape(service.image)} in {pod.name}</p>")
        line = voices.access_line(
            at=self._workload.clock.now(),
            client=_CLIENT,
            request=f"{request.method} {request.target} HTTP/1.1",
            status=200,
            size=len(body),
            agent=request.header("user-agent") or "-",
        )
        if pod.container is not None:
            pod.container.log.append(line)
        return Response(200, b"" if request.method == "HEAD" else body, _HTML)


class _NodePort:
    """A port whose protocol the embedded network does not speak: it takes a connection and closes it, and resets it
    where nothing in the containers listens."""

    def __init__(self, workload: Workload, service: str, expose: Expose) -> None:
        self._workload = workload
        self._service = service
        self._port = expose.port

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        now = self._workload.clock.elapsed()
        if not any(pod.listens(self._port, now) for pod in self._workload.pods(self._service)):
            # Without it the connection would be closed in good order, like that of a program which has nothing to say.
            peer = writer.get_extra_info("socket")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()


def _forwarded(service: Service) -> Iterator[Expose]:
    return (
        expose for expose in service.expose if expose.is_global and not expose.is_ingress and not expose.ip
    )


def _leased_ip(workload: Workload, endpoint: str) -> str:
    """An address of TEST-NET-3, which routes nowhere, the same for every port of one endpoint."""
    digest = hashlib.sha256(f"{workload.key} {endpoint}".encode()).digest()
    return f"203.0.113.{1 + digest[0] % 254}"


def _page(title: str, content: str) -> bytes:
    return (
        f"<html><head><title>{title}</title></head><body><h1>{title}</h1>{content}</body></html>\n".encode()
    )
