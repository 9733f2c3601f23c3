"""Generation `2025`: the Console API of its first references, where the deposit is all that bounds the spending.

Held to public descriptions, not to source: the minimum deposit is 5 USD (kept by the chain here), there are no
settings and no automatic funding, certificates are handed out in place of tokens, and the list of deployments comes in
tens.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.certificates import issue
from akash_mcp.sandbox.chain import Certificate
from akash_mcp.sandbox.console import reference, schema
from akash_mcp.sandbox.console.account import AccountApi
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.bid_screening import Screening
from akash_mcp.sandbox.console.deployments import Deployments
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.judgement import judge, uact_of
from akash_mcp.sandbox.console.leases import Leases
from akash_mcp.sandbox.console.responses import answer

MIN_DEPOSIT_UACT = 5_000_000
_PAGE = 10


def endpoints(backend: Backend) -> list[Endpoint]:
    """All routes of this generation."""
    deployments = _Deployments(backend)
    certificates = Endpoint("POST", "/v1/certificates", _Certificates(backend).create)
    not_yet = {certificates.path, "/v1/create-jwt-token"}
    account = [endpoint for endpoint in AccountApi(backend).endpoints() if endpoint.path not in not_yet]
    return [
        *deployments.endpoints(),
        *_Leases(backend, deployments).endpoints(),
        *account,
        certificates,
        *Screening(backend).endpoints(),
        *reference.shared(backend),
    ]


class _Deployments(Deployments):
    def endpoints(self) -> list[Endpoint]:
        amount = schema.obj(amount=schema.number)
        by_dseq = {"dseq": schema.dseq}
        path = "/v1/deployments/deposit/{dseq}"
        return [
            Endpoint("POST", path, self.deposit_to, path_schema=by_dseq, body_schema=amount),
            *super().endpoints(),
        ]

    async def create(self, call: Call) -> Response:
        """As later, but the answer does not tell the transaction."""
        data = call.body["data"]
        uact = uact_of(data["deposit"]) if "deposit" in data else None
        created = await self.open(call, judge(data["sdl"]), uact)
        return answer({"data": {"dseq": created.dseq, "manifest": created.manifest}}, 201)

    async def list(self, call: Call) -> Response:
        """The active deployments, ten at a time, and no word on whether there are more."""
        active = [d for d in self._owned() if d.state == "active"]
        skip, limit = call.query.get("skip", 0), call.query.get("limit", _PAGE)
        items = self.records(active[skip : skip + limit], call.line)
        pagination = {"total": len(items), "skip": skip, "limit": limit}
        return answer({"data": {"deployments": items, "pagination": pagination}})

    async def deposit_to(self, call: Call) -> Response:
        """More money into the escrow, the way of the lifecycle guide: USD, without an envelope."""
        return await self.add_funds(call, call.path["dseq"], uact_of(call.body["amount"]))


class _Leases(Leases):
    def endpoints(self) -> list[Endpoint]:
        pems = schema.optional(schema.obj(certPem=schema.string, keyPem=schema.string))
        lease = schema.obj(
            dseq=schema.dseq, gseq=schema.number, oseq=schema.number, provider=schema.akash_address
        )
        create = schema.obj(manifest=schema.string, certificate=pems, leases=schema.array(lease))
        old = Endpoint("POST", "/v1/leases", self.create, body_schema=create)
        return [old, *(endpoint for endpoint in super().endpoints() if endpoint.path != old.path)]

    def shown(self, dseq: str) -> list[dict[str, Any]]:
        return [{**bid, "isCertificateRequired": True} for bid in super().shown(dseq)]


class _Certificates:
    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def create(self, call: Call) -> Response:
        """A new client certificate, put on chain. The key is called encrypted and is not."""
        backend = self._backend
        owner = backend.account.address
        made = issue(owner, hosts=[], now=backend.chain.clock.wall())
        certificate = Certificate(owner, made.serial, made.pem, made.pubkey_pem)
        await backend.signer.land(
            "create-certificate", "", lambda: backend.chain.certificates.append(certificate)
        )
        pems = {"certPem": made.pem, "pubkeyPem": made.pubkey_pem, "encryptedKey": made.key_pem}
        return answer({"data": {name: pem.decode("ascii") for name, pem in pems.items()}}, 201)
