"""Deployments: create, read, list, update, fund and close (akash-network/console `DeploymentWriterService`)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox import transactions
from akash_mcp.sandbox.chain import Deployment
from akash_mcp.sandbox.console import schema, views
from akash_mcp.sandbox.console.answers import Problem, Unanswered, answer, internal_error
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.market import AUDITOR
from akash_mcp.sandbox.transactions import ChainError
from akash_mcp.sdl import GroupSpec, Report, check

FIXED_DEPOSIT_USD = Decimal("0.5")
_MUCH_USD = Decimal(10**12)
_LANDED_UNSEEN = "Sign and broadcast succeeded but the transaction could not be found on-chain"


class Deployments:
    """The user's deployments."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def endpoints(self) -> list[Endpoint]:
        """The routes."""
        one, by_dseq = "/v1/deployments/{dseq}", {"dseq": schema.dseq}
        sdl = schema.obj(data=schema.obj(sdl=schema.string))
        create = schema.obj(data=schema.obj(sdl=schema.string, deposit=schema.optional(schema.number)))
        deposit = schema.obj(data=schema.obj(dseq=schema.dseq, deposit=schema.number))
        page = {
            "skip": schema.optional(schema.query_number(0)),
            "limit": schema.optional(schema.query_number(1)),
        }
        return [
            Endpoint("POST", "/v1/deployments", self.create, body_schema=create),
            Endpoint("GET", "/v1/deployments", self.list, query_schema=page, unborn=_no_deployments),
            Endpoint("GET", one, self.read, path_schema=by_dseq, unborn=_not_found),
            Endpoint("PUT", one, self.update, path_schema=by_dseq, body_schema=sdl),
            Endpoint("DELETE", one, self.close, path_schema=by_dseq),
            Endpoint("POST", "/v1/deposit-deployment", self.deposit, body_schema=deposit),
        ]

    async def create(self, call: Call) -> Response:
        """Judge the SDL, take the deposit, open the orders. The dseq is the server's clock in ms."""
        backend, faults = self._backend, self._backend.faults
        data = call.body["data"]
        report, manifest, groups = _judge(data["sdl"])
        usd: Decimal | None = Decimal(str(data["deposit"])) if "deposit" in data else None
        if faults.take("fixed-deposit", call.line):
            usd = FIXED_DEPOSIT_USD
        if usd is None:
            raise Problem(400, "deposit is required")
        uact = _uact(usd)
        dseq = str(int(backend.chain.clock.wall() * 1000))
        backend.signer.check_spending(call.line, deposit_uact=uact)

        def message() -> Deployment:
            _let_chain_judge(report)
            version = bytes.fromhex(report.manifest_sha256 or "")
            owner = backend.account.address
            return transactions.create_deployment(
                backend.chain, owner, dseq, groups=groups, version=version, deposit_uact=uact
            )

        _, landed = await backend.signer.land("create-deployment", dseq, message)
        if fault := faults.take("create-500-but-landed", call.line):
            raise Problem(500, fault.value or _LANDED_UNSEEN)
        if fault := faults.take("create-timeout-but-landed", call.line):
            raise Unanswered(fault.seconds(600))
        signed = {"code": 0, "hash": landed.hash, "transactionHash": landed.hash, "rawLog": ""}
        return answer({"data": {"dseq": dseq, "manifest": manifest, "signTx": signed}}, 201)

    async def read(self, call: Call) -> Response:
        """One deployment in any state, with what each provider says of its leases right now."""
        return answer({"data": await self.detail(call.path["dseq"])})

    async def list(self, call: Call) -> Response:
        """The active deployments. Totals are what the node counts, which is hardly ever the truth."""
        chain, owner = self._backend.chain, self._backend.account.address
        active = [d for d in chain.deployments_of(owner) if d.state == "active"]
        skip, limit = call.query.get("skip"), call.query.get("limit")
        first = skip or 0
        shown = active if skip is None and limit is None else active[first : first + (limit or 1000)]
        items = [self._record(deployment) for deployment in shown]
        if self._backend.faults.take("swapped-leases", call.line) and items:
            leases = [item["leases"] for item in items]
            for item, others in zip(items, (*leases[1:], leases[0]), strict=True):
                item["leases"] = others
        if skip is None and limit is None:
            pagination = {"total": len(items), "skip": 0, "limit": len(items), "hasMore": False}
        elif skip is None or limit is None:
            pagination = {"total": 0, "skip": first, "limit": limit or 0, "hasMore": False}
        else:
            # The node counts its own page and not the whole, so there never seems to be more.
            total = len(items)
            pagination = {"total": total, "skip": skip, "limit": limit, "hasMore": total > skip + limit}
        return answer({"data": {"deployments": items, "pagination": pagination}})

    async def update(self, call: Call) -> Response:
        """Put another manifest's hash on chain, send it to the provider of every lease, closed ones too."""
        backend = self._backend
        dseq = call.path["dseq"]
        report, manifest, _ = _judge(call.body["data"]["sdl"])
        deployment = backend.deployment(dseq)
        version = bytes.fromhex(report.manifest_sha256 or "")
        if version != deployment.version:
            owner = backend.account.address
            await backend.signer.land(
                "update-deployment",
                dseq,
                lambda: transactions.update_deployment(backend.chain, owner, dseq, version=version),
            )
        for address in dict.fromkeys(lease.provider for lease in deployment.leases):
            await backend.proxy.send_manifest(backend.chain.providers[address], dseq, manifest)
        return answer({"data": await self.detail(dseq)})

    async def close(self, call: Call) -> Response:
        """Close a deployment; one that is closed already is a success too."""
        backend, dseq = self._backend, call.path["dseq"]
        deployment = backend.deployment(dseq)
        if deployment.state == "active":
            fault = backend.faults.take("close-fails", call.line)
            if fault and fault.value == "unsettled":
                raise Problem(400, "Deployment escrow cannot be settled yet")
            if fault and fault.value != "landed":
                raise internal_error()
            await backend.signer.land("close-deployment", dseq, lambda: self._close_unless_closed(deployment))
            if fault:
                raise internal_error()
        return answer({"data": {"success": True}})

    async def deposit(self, call: Call) -> Response:
        """More money into the escrow. Nothing is checked beforehand: the chain says whether it is there."""
        backend, data = self._backend, call.body["data"]
        dseq = data["dseq"]
        backend.deployment(dseq)
        backend.signer.check_spending(call.line)
        owner, uact = backend.account.address, _uact(Decimal(str(data["deposit"])))
        await backend.signer.land(
            "deposit", dseq, lambda: transactions.deposit(backend.chain, owner, dseq, uact=uact)
        )
        return answer({"data": await self.detail(dseq)})

    async def detail(self, dseq: str) -> dict[str, Any]:
        """A deployment as `GET /v1/deployments/{dseq}` shows it. Raises `Problem` 404."""
        backend = self._backend
        deployment = backend.deployment(dseq)
        statuses = await asyncio.gather(
            *(
                backend.proxy.lease_status(backend.chain.providers.get(lease.provider), lease)
                for lease in deployment.leases
            )
        )
        record = self._record(deployment)
        for lease, status in zip(record["leases"], statuses, strict=False):
            lease["status"] = status
        if backend.faults.take("unknown-hash", f"GET /v1/deployments/{dseq}"):
            record["deployment"]["hash"] = "unknown_value"
            for lease in record["leases"]:
                del lease["reason"]
        return record

    def _record(self, deployment: Deployment) -> dict[str, Any]:
        return {
            "deployment": views.deployment_record(deployment),
            "leases": [views.lease_record(deployment.owner, lease) for lease in deployment.leases],
            "escrow_account": views.escrow_record(deployment),
        }

    def _close_unless_closed(self, deployment: Deployment) -> None:
        if deployment.state == "active":
            transactions.close_deployment(self._backend.chain, deployment.owner, deployment.dseq)


def _judge(sdl: str) -> tuple[Report, str, tuple[GroupSpec, ...]]:
    """The SDL's report, manifest and groups, with Console's auditor added. Raises `Problem` 400."""
    report = check(sdl)
    if not report.console_ok or report.manifest is None:
        raise Problem(400, f"Invalid SDL: {report.console_message}")
    groups = tuple(replace(group, any_of=(*group.any_of, AUDITOR)) for group in report.groups)
    return report, report.manifest, groups


def _let_chain_judge(report: Report) -> None:
    for finding in report.errors:
        if finding.judge == "chain":
            raise ChainError(finding.official or finding.message)


def _uact(usd: Decimal) -> int:
    # JSON can spell infinity (1e999), which is more than anybody has.
    bounded = max(-_MUCH_USD, min(_MUCH_USD, usd))
    return int((bounded * 10**6).to_integral_value(ROUND_HALF_UP))


def _no_deployments() -> Response:
    pagination = {"total": 0, "skip": 0, "limit": 0, "hasMore": False}
    return answer({"data": {"deployments": [], "pagination": pagination}})


def _not_found() -> Response:
    return Problem(404, "Deployment not found").answer()
