"""Bids and leases (akash-network/console `BidService`, `LeaseService`)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from akash_mcp.ids import Dseq, LeaseId, ProviderAddress
from akash_mcp.sandbox import transactions
from akash_mcp.sandbox.console import chain_records, schema, trial
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.deployments import Deployments
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.responses import Problem, answer, internal_error


class Leases:
    """What providers offer, and taking an offer."""

    def __init__(self, backend: Backend, deployments: Deployments) -> None:
        self._backend = backend
        self._deployments = deployments

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        by_dseq = {"dseq": schema.dseq}
        lease = schema.obj(
            dseq=schema.dseq, gseq=schema.number, oseq=schema.number, provider=schema.akash_address
        )
        create = schema.obj(manifest=schema.string, leases=schema.array(lease))
        return [
            Endpoint("GET", "/v1/bids", self.bids, query_schema=by_dseq, unborn=_no_bids),
            Endpoint("GET", "/v1/bids/{dseq}", self.bids, path_schema=by_dseq, unborn=_no_bids),
            Endpoint("POST", "/v1/leases", self.create, body_schema=create),
        ]

    async def bids(self, call: Call) -> Response:
        """Bids in every state, but only of audited providers; none for a dseq that is not the user's."""
        if self._backend.faults.take("chain-down", call.line):
            raise internal_error()
        return answer({"data": self.shown(call.path.get("dseq") or call.query["dseq"])})

    def shown(self, dseq: str) -> list[dict[str, Any]]:
        """The bids that the user gets to see."""
        backend = self._backend
        deployment = backend.chain.deployment(backend.account.address, dseq)
        if deployment is None:
            return []
        bids = [(bid, backend.market[bid.provider]) for bid in deployment.bids]
        return [
            chain_records.bid_record(deployment, bid, seller)
            for bid, seller in bids
            if seller.audited and not (backend.trial and trial.hides(seller, deployment.groups[bid.gseq - 1]))
        ]

    async def create(self, call: Call) -> Response:
        """Create the leases unless there is one already, then send the manifest to each provider.

        When a manifest cannot be delivered the answer is an error, and the lease is there and costs rent all
        the same. Sending the same request again only sends the manifests.
        """
        backend, body = self._backend, call.body
        if not body["leases"]:
            raise internal_error()
        if backend.faults.take("chain-down", call.line):
            raise internal_error()
        dseq: str = body["leases"][0]["dseq"]
        if self.wanting(dseq):
            await self.land(call, dseq)
        for lease in body["leases"]:
            provider = backend.chain.providers.get(lease["provider"])
            if provider is None:
                raise Problem(404, f"Provider {lease['provider']} not found")
            await backend.proxy.send_manifest(provider, lease["dseq"], body["manifest"])
        return answer({"data": await self._deployments.detail(dseq)})

    def wanting(self, dseq: str) -> bool:
        """Whether a lease is still to be made: any that is not closed makes the request one for manifests only."""
        known = self._backend.chain.deployment(self._backend.account.address, dseq)
        return known is None or all(lease.state == "closed" for lease in known.leases)

    async def land(self, call: Call, dseq: str) -> None:
        """Make the leases, all or none. Raises `Problem`."""
        backend = self._backend
        if backend.faults.take("provider-unknown", call.line):
            raise Problem(404, f"Provider {call.body['leases'][0]['provider']} not found")
        chosen = []
        for lease in call.body["leases"]:
            seller = backend.market.get(lease["provider"])
            if seller is None:
                raise Problem(404, f"Provider {lease['provider']} not found")
            if not seller.audited:
                raise Problem(403, "Provider not authorized.")
            if backend.trial:
                trial.refuse_bid(
                    backend.chain.deployment(backend.account.address, lease["dseq"]),
                    seller,
                    dseq=lease["dseq"],
                    gseq=lease["gseq"],
                    oseq=lease["oseq"],
                )
            chosen.append(
                LeaseId(Dseq(lease["dseq"]), lease["gseq"], lease["oseq"], ProviderAddress(lease["provider"]))
            )
        backend.signer.check_spending(call.line)
        owner = backend.account.address
        await backend.signer.land(
            "create-lease", dseq, lambda: transactions.create_leases(backend.chain, owner, chosen)
        )
        for each in {lease.dseq for lease in chosen}:
            backend.funding.after_lease(backend.deployment(each))


def _no_bids() -> Response:
    return answer({"data": []})
