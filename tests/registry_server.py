"""A registry of container images on loopback: real TLS and HTTP, an API as the distribution specification has it, a
token server, a store for blobs at another host, and every way in which one of them can be wrong.

All its hosts are one server, told apart by the name that they are asked under. `lookup` finds it under all of them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import ssl
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs

import uvicorn
from provider_certificates import authority, issued, trusting
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

HUB, HUB_TOKENS = "registry-1.docker.io", "auth.docker.io"
OWN, OWN_TOKENS, STORE = "registry.example.org", "auth.example.org", "blobs.example.org"
PARENT = "example.org"
HOSTS = (HUB, HUB_TOKENS, OWN, OWN_TOKENS, STORE, PARENT, "ghcr.io", "127.0.0.1")
LOOPBACK = (ip_network("127.0.0.0/8"),)
USER, PASSWORD = "robot", "correct-horse-battery"

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"

RUN = {
    "User": "node",
    "ExposedPorts": {"8080/tcp": {}, "9000/tcp": {}, "53/udp": {}},
    "Volumes": {"/var/lib/app": {}},
    "Env": ["PATH=/bin", "TOKEN=ghp_0123456789abcdefghijklmnopqrstuvwxyz"],
    "Entrypoint": ["/entry.sh"],
    "Cmd": ["serve"],
    "WorkingDir": "/app",
}


def digest_of(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@dataclass
class Asked:
    """One request as it arrived."""

    host: str
    path: str
    query: dict[str, list[str]]
    authorization: str


@dataclass
class Registry:
    """What it holds, how it behaves, and what it was asked. `realm` is where its challenges lead."""

    port: int
    trust: ssl.SSLContext
    authority_file: Path
    manifests: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    private: set[str] = field(default_factory=set)
    challenge: str = ""
    faults: dict[str, Response] = field(default_factory=dict)
    """What is answered instead, by the beginning of a path."""
    redirects: str = ""
    """Where blobs lead to, if not to themselves."""
    asked: list[Asked] = field(default_factory=list)

    def clear(self) -> None:
        """Forget what a test made of it."""
        self.private.clear()
        self.faults.clear()
        self.asked.clear()
        self.redirects = ""
        self.challenge = f'Bearer realm="https://{OWN}/token",service="example"'

    async def lookup(self, host: str, port: int, **_: Any) -> Sequence[Any]:
        """As `getaddrinfo` of a world in which all its hosts are where it is."""
        if host not in HOSTS:
            raise socket.gaierror(socket.EAI_NONAME, "no such host")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", self.port))]

    def push(self, path: str, tag: str, *platforms: str, run: Any = None, kind: str = INDEX) -> str:
        """Push an image for these platforms (`linux/amd64`), and return its digest."""
        found = []
        for platform in platforms:
            system, architecture = platform.split("/")
            config = json.dumps(
                {"os": system, "architecture": architecture, "config": RUN if run is None else run}
            )
            digest = self._blob(config.encode())
            child = MANIFEST if kind == INDEX else DOCKER_MANIFEST
            found.append(
                {
                    **self._manifest(
                        path, "", {"mediaType": child, "config": {"digest": digest}, "layers": []}
                    ),
                    "platform": {"os": system, "architecture": architecture},
                }
            )
        if len(found) == 1 and kind in (MANIFEST, DOCKER_MANIFEST):
            self.manifests[path, tag] = self.manifests[path, found[0]["digest"]]
            return str(found[0]["digest"])
        provenance = {"mediaType": MANIFEST, "platform": {"os": "unknown", "architecture": "unknown"}}
        listed = self._manifest(path, tag, {"mediaType": kind, "manifests": [provenance, *found]})
        return str(listed["digest"])

    def _blob(self, body: bytes) -> str:
        digest = digest_of(body)
        self.blobs[digest] = body
        return digest

    def _manifest(self, path: str, tag: str, content: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps({"schemaVersion": 2, **content}).encode()
        digest = digest_of(body)
        for name in filter(None, (tag, digest)):
            self.manifests[path, name] = content["mediaType"], body
        return {"mediaType": content["mediaType"], "digest": digest, "size": len(body)}

    # ── what it answers ──────────────────────────────────────────────────────────────────────────────────────────

    async def answer(self, request: Request) -> Response:
        authorization = request.headers.get("authorization", "")
        host, path = request.headers["host"], request.url.path
        query = parse_qs(request.url.query)
        self.asked.append(Asked(host, path, query, authorization))
        for begin, fault in self.faults.items():
            if path.startswith(begin):
                return fault
        if path == "/token":
            return self._token(authorization, query)
        if host == STORE:
            return Response(self.blobs[path.removeprefix("/")])
        if path == "/v2/":
            return self._locked() if self.challenge and not authorization else JSONResponse({})
        if self.challenge and not authorization.startswith(("Bearer good", "Basic ")):
            return self._locked()
        image, _, rest = path.removeprefix("/v2/").partition("/manifests/")
        if rest:
            return self._pulled(image, rest, authorization)
        image, _, digest = path.removeprefix("/v2/").partition("/blobs/")
        if digest:
            if self.redirects:
                return RedirectResponse(f"{self.redirects}/{digest}", 307)
            return Response(self.blobs[digest]) if digest in self.blobs else _error(404, "BLOB_UNKNOWN")
        image = path.removeprefix("/v2/").removesuffix("/tags/list")
        return JSONResponse({"name": image, "tags": [tag for name, tag in self.manifests if name == image]})

    def _token(self, authorization: str, query: dict[str, list[str]]) -> Response:
        basic = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
        if authorization and authorization != basic:
            return _error(401, "UNAUTHORIZED")
        return JSONResponse(
            {"token": "good-of-robot" if authorization else "good-of-a-stranger", "expires_in": 300}
        )

    def _pulled(self, image: str, reference: str, authorization: str) -> Response:
        if image in self.private and authorization.endswith("stranger"):
            return self._locked()
        if image not in {name for name, _ in self.manifests}:
            return _error(404, "NAME_UNKNOWN")
        if (image, reference) not in self.manifests:
            return _error(404, "MANIFEST_UNKNOWN")
        kind, body = self.manifests[image, reference]
        return Response(body, headers={"content-type": kind, "docker-content-digest": digest_of(body)})

    def _locked(self) -> Response:
        locked = _error(401, "UNAUTHORIZED")
        locked.headers["www-authenticate"] = self.challenge
        return locked

    def counted(self) -> Counter[str]:
        """How often each host was asked."""
        return Counter(each.host for each in self.asked)


def _error(status: int, code: str) -> Response:
    return JSONResponse({"errors": [{"code": code, "message": "no", "detail": None}]}, status)


def endless(seconds: Event) -> Response:
    """An answer that begins and never ends, until `seconds` is set."""

    def body() -> Iterator[bytes]:
        yield b"{"
        seconds.wait(30)

    return StreamingResponse(body())


@contextmanager
def running(folder: Path) -> Iterator[Registry]:
    """The registry, for as long as the block lasts."""
    ca = authority()
    shown = issued(ca, *HOSTS)
    pem = shown.key_file(folder)
    authority_file = folder / "authority.pem"
    authority_file.write_text(ca.pem)
    listener = socket.create_server(("127.0.0.1", 0))
    registry = Registry(listener.getsockname()[1], trusting(ca), authority_file)
    registry.clear()
    app = Starlette(routes=[Route("/{path:path}", registry.answer)])
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            ssl_certfile=pem,
            ssl_keyfile=pem,
            log_config=None,
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
    )
    thread = Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield registry
    finally:
        server.should_exit = True
        thread.join()
