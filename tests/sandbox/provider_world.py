"""A chain with one tenant, one provider and its gateway, and real clients for them."""

from __future__ import annotations

import contextlib
import functools
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import httpx2
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from akash_mcp.ids import Dseq, LeaseId, ProviderAddress
from akash_mcp.sandbox import transactions
from akash_mcp.sandbox.certificates import Authority, IssuedCertificate, issue
from akash_mcp.sandbox.chain import Account, Certificate, Chain, Deployment, Lease, Provider
from akash_mcp.sandbox.clock import Clock
from akash_mcp.sandbox.faults import Faults
from akash_mcp.sandbox.gateway_faults import GatewayFaults, issue_on_chain
from akash_mcp.sandbox.provider.gateway import Gateway
from akash_mcp.sandbox.provider.manifest import decode
from akash_mcp.sandbox.tokens import address_of, mint
from akash_mcp.sdl import Attribute, Endpoint, GroupSpec, ResourceUnit, Storage

WEB_PORT = {"port": 80, "externalPort": 80}
FULL = {"access": "full"}


def service(name: str = "web", image: str = "nginx:1.29", **changes: Any) -> dict[str, Any]:
    """One service of a manifest, global on port 80 unless told otherwise."""
    return {
        "name": name,
        "image": image,
        "command": None,
        "args": None,
        "env": None,
        "resources": {
            "id": 1,
            "cpu": {"units": {"val": "500"}},
            "memory": {"size": {"val": "536870912"}},
            "storage": [{"name": "default", "size": {"val": "1073741824"}}],
            "gpu": {"units": {"val": "0"}},
            "endpoints": [{"sequence_number": 0}],
        },
        "count": 1,
        "expose": [expose(**WEB_PORT)],
        "credentials": None,
    } | changes


def expose(**changes: Any) -> dict[str, Any]:
    options = {
        "maxBodySize": 1048576,
        "readTimeout": 60000,
        "sendTimeout": 60000,
        "nextTries": 3,
        "nextTimeout": 0,
        "nextCases": ["error", "timeout"],
    }
    return {
        "port": 80,
        "externalPort": 0,
        "proto": "TCP",
        "service": "",
        "global": True,
        "hosts": None,
        "httpOptions": options,
        "ip": "",
        "endpointSequenceNumber": 0,
    } | changes


def manifest(*services: dict[str, Any], name: str = "akash") -> bytes:
    return json.dumps([{"name": name, "services": list(services)}]).encode()


def group_for(*services: dict[str, Any], name: str = "akash") -> GroupSpec:
    """The group that orders what these services need, all of them from one resource unit."""
    resources = services[0]["resources"]
    endpoints = [e for s in services for e in s["resources"]["endpoints"]]
    unit = ResourceUnit(
        id=1,
        cpu=500,
        cpu_attributes=(),
        memory=536870912,
        storage=tuple(
            Storage(
                volume["name"],
                int(volume["size"]["val"]),
                tuple(Attribute(a["key"], a["value"]) for a in volume.get("attributes", ())),
            )
            for volume in resources["storage"]
        ),
        gpu=0,
        gpu_attributes=(),
        endpoints=tuple(Endpoint(e.get("kind", 0), e["sequence_number"]) for e in endpoints),
        count=sum(s["count"] for s in services),
        price=Decimal(1000),
        denom="uact",
    )
    return GroupSpec(name=name, attributes=(), all_of=(), any_of=(), resources=(unit,))


def stateful(name: str, image: str) -> dict[str, Any]:
    """A service with a persistent volume that is mounted."""
    attributes = [{"key": "class", "value": "beta2"}, {"key": "persistent", "value": "true"}]
    volume = {"name": "data", "size": {"val": "1073741824"}, "attributes": attributes}
    params = {"storage": [{"name": "data", "mount": "/data", "readOnly": False}]}
    plain = service(name, image, params=params)
    return plain | {"resources": plain["resources"] | {"storage": [volume]}}


@dataclass
class World:
    """The chain, its one tenant and one provider, and a client that trusts that provider's certificates only."""

    chain: Chain
    account: Account
    provider: Provider
    gateway: Gateway
    tls: ssl.SSLContext
    client: httpx2.AsyncClient
    wall: Callable[[], float]
    authority: Authority
    faults: Faults
    _dseqs: int = field(default=1763759482000)

    @property
    def url(self) -> str:
        return self.provider.host_uri

    async def inject(self, name: str, *, count: int | None = None, value: str | None = None) -> None:
        """Switch a fault on, or off with a count of 0, as the embedded network does."""
        await self._gateway_faults.apply(self.faults.set(name, count=count, value=value))

    @functools.cached_property
    def _gateway_faults(self) -> GatewayFaults:
        return GatewayFaults(self.chain, {self.provider.owner: self.gateway})

    def pinned(self) -> ssl.SSLContext:
        """Trusts what is on chain now, and nothing else."""
        return pinning(*(c.pem for c in self.chain.certificates if c.state == "valid"))

    def issue_client(self, owner: str | None = None, *, days: int = 365, age: float = 0) -> IssuedCertificate:
        """A tenant's certificate, put on chain."""
        owner = owner or self.account.address
        issued = issue(owner, hosts=[], now=self.wall() - age, days=days)
        self.chain.certificates.append(Certificate(owner, issued.serial, issued.pem, issued.pubkey_pem))
        return issued

    def token(
        self, leases: dict[str, Any] | None = None, *, ttl: int = 900, account: Account | None = None
    ) -> str:
        return mint(account or self.account, now=self.wall(), ttl=ttl, leases=leases or FULL)

    def auth(self, leases: dict[str, Any] | None = None, *, account: Account | None = None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(leases, account=account)}"}

    def order(self, *services: dict[str, Any], body: bytes | None = None) -> Deployment:
        """A deployment whose hash is that of the manifest of these services."""
        self._dseqs += 1
        body = body or manifest(*services)
        return transactions.create_deployment(
            self.chain,
            self.account.address,
            str(self._dseqs),
            groups=(group_for(*services),),
            version=decode(body).version,
            deposit_uact=5_000_000,
        )

    def lease(self, deployment: Deployment) -> Lease:
        transactions.create_bid(
            self.chain, deployment, provider=self.provider.owner, gseq=1, price=Decimal(10)
        )
        chosen = LeaseId(Dseq(deployment.dseq), 1, 1, ProviderAddress(self.provider.owner))
        return transactions.create_leases(self.chain, self.account.address, [chosen])[0]

    async def put(self, deployment: Deployment, body: bytes, **headers: str) -> httpx2.Response:
        path = f"/deployment/{deployment.dseq}/manifest"
        return await self.client.put(self.url + path, content=body, headers=self.auth() | headers)

    async def get(self, path: str, **options: Any) -> httpx2.Response:
        options.setdefault("headers", self.auth())
        return await self.client.get(self.url + path, **options)

    async def deploy(self, *services: dict[str, Any], settle: float = 60) -> str:
        """Order, lease and deliver; skip the seconds it takes to start. The lease's path."""
        deployment = self.order(*services)
        self.lease(deployment)
        answer = await self.put(deployment, manifest(*services))
        assert (answer.status_code, answer.content) == (200, b"")
        self.chain.clock.skip(settle)
        return f"/lease/{deployment.dseq}/1/1"

    def close(self, lease_path: str) -> None:
        transactions.close_deployment(self.chain, self.account.address, lease_path.split("/")[2])

    def socket(self, path: str, *, leases: dict[str, Any] | None = None, **options: Any) -> connect:
        options.setdefault("ping_interval", None)
        options.setdefault("additional_headers", self.auth(leases))
        return connect(
            f"wss{self.url.removeprefix('https')}{path}",
            ssl=self.tls,
            server_hostname="localhost",
            proxy=None,
            **options,
        )

    async def site(self, lease_path: str, service_name: str = "web") -> str:
        status = (await self.get(f"{lease_path}/status")).json()
        return f"http://{status['services'][service_name]['uris'][-1]}"


def account(*, has_signed: bool = True) -> Account:
    key = ec.generate_private_key(ec.SECP256K1())
    return Account(address_of(key.public_key()), key, allowance_uact=1_000_000_000, has_signed=has_signed)


def pinning(*pems: bytes) -> ssl.SSLContext:
    """Trusts these certificates as they are, under any name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if pems:
        context.load_verify_locations(cadata=b"".join(pems).decode("ascii"))
    return context


def present(context: ssl.SSLContext, certificate: IssuedCertificate, folder: Path) -> ssl.SSLContext:
    """The context, now with a client certificate. The standard library loads one from files only."""
    file = folder / "client.pem"
    file.write_bytes(certificate.pem + certificate.key_pem)
    context.load_cert_chain(file)
    return context


@contextlib.asynccontextmanager
async def a_world(
    *,
    wall: Callable[[], float] = time.time,
    speed: float = 1,
    ping_seconds: float = 10,
    handshake_seconds: float = 10,
    is_public: bool = False,
) -> AsyncIterator[World]:
    clock = Clock(speed=speed, wall=wall)
    chain = Chain(clock)
    tenant = account()
    chain.accounts[tenant.address] = tenant
    owner = account().address
    provider = Provider(owner, "", {}, [])
    chain.providers[owner] = provider
    certificate = issue_on_chain(chain, owner, now=clock.wall())
    authority = Authority(clock.wall())
    tls = pinning(certificate.pem, authority.pem)
    faults = Faults()
    gateway = Gateway(
        chain,
        provider,
        certificate,
        public=authority.certify("localhost") if is_public else None,
        faults=faults,
        ping_seconds=ping_seconds,
        handshake_seconds=handshake_seconds,
    )
    await gateway.start()
    async with httpx2.AsyncClient(verify=tls, trust_env=False) as client:
        try:
            yield World(chain, tenant, provider, gateway, tls, client, clock.wall, authority, faults)
        finally:
            await gateway.stop()


@dataclass(frozen=True)
class Ended:
    """What a stream said until the gateway ended it, and how it did."""

    messages: list[Any]
    code: int | None
    reason: str | None


async def until_end(socket: ClientConnection) -> Ended:
    messages: list[Any] = []
    with contextlib.suppress(ConnectionClosed), anyio.fail_after(20):
        while True:
            messages.append(await socket.recv())
    return Ended(messages, socket.close_code, socket.close_reason)
