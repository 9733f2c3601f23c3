"""Deployments: create, read, list, update, fund and close (akash-network/console `DeploymentWriterService`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox import transactions
from akash_mcp.sandbox.chain import Deployment, Transaction
from akash_mcp.sandbox.console import chain_records, schema, trial
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.judgement import Judged, judge, uact_of
from akash_mcp.sandbox.console.responses import Problem, Unanswered, answer, internal_error

FIXED_DEPOSIT_UACT = 500_000
_LANDED_UNSEEN = "Sign and broadcast succeeded but the transaction could not be found on-chain"


@dataclass(frozen=True)
class Created:
    """A deployment that has landed, and how."""

    dseq: str
    manifest: str
    landed: Transaction

    def record(self) -> dict[str, Any]:
        """What a create answers with."""
        tx = self.landed.hash
        signed = {"code": 0, "hash": tx, "transactionHash": tx, "rawLog": ""}
        return {"dseq": self.dseq, "manifest": self.manifest, "signTx": signed}


class Deployments:
    """The user's deployments, as the generation `reference` has them; the others differ in a method or two."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
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
        data = call.body["data"]
        judged = judge(data["sdl"])
        uact: int | None = uact_of(data["deposit"]) if "deposit" in data else None
        if self._backend.faults.take("fixed-deposit", call.line):
            uact = FIXED_DEPOSIT_UACT
        created = await self.open(call, judged, uact)
        return answer({"data": created.record()}, 201)

    async def open(
        self,
        call: Call,
        judged: Judged,
        uact: int | None,
        keep: Callable[[Deployment], None] = lambda deployment: None,
    ) -> Created:
        """Put the deployment on chain. Raises `Problem`, or `Unanswered` where a fault swallows the answer.

        `keep` is called when it has landed, whatever comes of its answer.
        """
        backend, faults = self._backend, self._backend.faults
        account, signer = backend.account, backend.signer
        if backend.trial:
            trial.refuse_groups(judged.groups)
        if uact is None:
            raise Problem(400, "deposit is required")
        if backend.trial:
            await trial.close_unleased(backend.chain, account, signer)
        dseq = str(int(backend.chain.clock.wall() * 1000))
        signer.check_spending(call.line, deposit_uact=uact)

        def message() -> Deployment:
            judged.let_chain_judge()
            return transactions.create_deployment(
                backend.chain,
                account.address,
                dseq,
                groups=judged.groups,
                version=judged.version,
                deposit_uact=uact,
            )

        deployment, landed = await signer.land("create-deployment", dseq, message)
        keep(deployment)
        if fault := faults.take("create-500-but-landed", call.line):
            raise Problem(500, fault.value or _LANDED_UNSEEN)
        if fault := faults.take("create-timeout-but-landed", call.line):
            raise Unanswered(fault.seconds(600))
        return Created(dseq, judged.manifest, landed)

    async def read(self, call: Call) -> Response:
        """One deployment in any state, with what each provider says of its leases right now."""
        return answer({"data": await self.detail(call.path["dseq"])})

    async def list(self, call: Call) -> Response:
        """The active deployments. Totals are what the node counts, which is hardly ever the truth."""
        active = [d for d in self._owned() if d.state == "active"]
        skip, limit = call.query.get("skip"), call.query.get("limit")
        first = skip or 0
        shown = active if skip is None and limit is None else active[first : first + (limit or 1000)]
        items = self.records(shown, call.line)
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
        judged = judge(call.body["data"]["sdl"])
        dseq = call.path["dseq"]
        if self._backend.trial:
            trial.refuse_groups(judged.groups)
        await self.replace(self._backend.deployment(dseq), judged)
        return answer({"data": await self.detail(dseq)})

    async def replace(self, deployment: Deployment, judged: Judged) -> None:
        """The new hash and the new manifest. Raises `Problem`; by then the hash may have changed already."""
        backend, dseq = self._backend, deployment.dseq
        await self.set_version(deployment, judged)
        for address in dict.fromkeys(lease.provider for lease in deployment.leases):
            await backend.proxy.send_manifest(backend.chain.providers[address], dseq, judged.manifest)

    async def set_version(self, deployment: Deployment, judged: Judged) -> None:
        """Put the manifest's hash on chain, unless it is there. Raises `Problem`."""
        backend, dseq, owner = self._backend, deployment.dseq, deployment.owner
        if judged.version != deployment.version:
            await backend.signer.land(
                "update-deployment",
                dseq,
                lambda: transactions.update_deployment(backend.chain, owner, dseq, version=judged.version),
            )

    async def close(self, call: Call) -> Response:
        """Close a deployment; one that is closed already is a success too."""
        await self.end(self._backend.deployment(call.path["dseq"]), call.line)
        return answer({"data": {"success": True}})

    async def end(self, deployment: Deployment, line: str) -> Transaction | None:
        """Close it, and give the transaction, unless it is closed.

        Raises `Problem`, after which it may be closed all the same.
        """
        backend = self._backend
        if deployment.state == "closed":
            return None
        fault = backend.faults.take("close-fails", line)
        if fault and fault.value == "unsettled":
            raise Problem(400, "Deployment escrow cannot be settled yet")
        if fault and fault.value != "landed":
            raise internal_error()
        if slow := backend.faults.take("close-slow", line):
            await backend.chain.clock.sleep(slow.seconds(60))
        _, landed = await backend.signer.land(
            "close-deployment", deployment.dseq, lambda: self._close_unless_closed(deployment)
        )
        if fault:
            raise internal_error()
        return landed

    async def deposit(self, call: Call) -> Response:
        """More money into the escrow. Nothing is checked beforehand: the chain says whether it is there."""
        data = call.body["data"]
        return await self.add_funds(call, data["dseq"], uact_of(data["deposit"]))

    async def add_funds(self, call: Call, dseq: str, uact: int) -> Response:
        """Deposit, and show the deployment as it is then."""
        backend = self._backend
        backend.deployment(dseq)
        backend.signer.check_spending(call.line)
        owner = backend.account.address
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
        record = self.record(deployment)
        for lease, status in zip(record["leases"], statuses, strict=False):
            lease["status"] = status
        line = f"GET /v1/deployments/{dseq}"
        if backend.faults.take("unknown-hash", line) or backend.faults.take("chain-down", line):
            _as_indexed(record)
        return record

    def records(self, deployments: Sequence[Deployment], line: str) -> Sequence[dict[str, Any]]:
        """Several deployments, without the live status of leases."""
        faults = self._backend.faults
        items = [self.record(deployment) for deployment in deployments]
        if faults.take("lying-list", line):
            del items[-1:]
        if faults.take("swapped-leases", line) and items:
            leases = [item["leases"] for item in items]
            for item, others in zip(items, (*leases[1:], leases[0]), strict=True):
                item["leases"] = others
        if faults.take("chain-down", line):
            for item in items:
                _as_indexed(item)
        return items

    def record(self, deployment: Deployment) -> dict[str, Any]:
        """One deployment, without the live status of leases."""
        return {
            "deployment": chain_records.deployment_record(deployment),
            "leases": [chain_records.lease_record(deployment.owner, lease) for lease in deployment.leases],
            "escrow_account": chain_records.escrow_record(deployment),
        }

    def _owned(self) -> Sequence[Deployment]:
        return self._backend.chain.deployments_of(self._backend.account.address)

    def _close_unless_closed(self, deployment: Deployment) -> None:
        if deployment.state == "active":
            transactions.close_deployment(self._backend.chain, deployment.owner, deployment.dseq)


def _as_indexed(record: dict[str, Any]) -> None:
    """Leave out what only the node knows and the indexer does not."""
    record["deployment"]["hash"] = "unknown_value"
    for lease in record["leases"]:
        lease.pop("reason", None)


def _no_deployments() -> Response:
    pagination = {"total": 0, "skip": 0, "limit": 0, "hasMore": False}
    return answer({"data": {"deployments": [], "pagination": pagination}})


def _not_found() -> Response:
    return Problem(404, "Deployment not found").answer()
