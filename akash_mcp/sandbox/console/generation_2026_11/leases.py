"""Leases with the manifest that Console keeps: what can be refused is refused before anything is on chain.

The order is that of akash-network/console `LeaseService`: a manifest to send, bids that are open, providers that
answer, one transaction for all, then one manifest after another; the first that fails ends it.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.chain import Deployment
from akash_mcp.sandbox.console import leases as earlier
from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.generation_2026_11.definitions import Definitions
from akash_mcp.sandbox.console.generation_2026_11.deployments import Deployments
from akash_mcp.sandbox.console.responses import Problem, answer, internal_error
from akash_mcp.sandbox.console.signer import LOST_BID


class Leases(earlier.Leases):
    """Offers, and taking them, one for each group in the same call."""

    def __init__(self, backend: Backend, deployments: Deployments, definitions: Definitions) -> None:
        super().__init__(backend, deployments)
        self._kept = deployments
        self._definitions = definitions

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        lease = schema.obj(
            dseq=schema.dseq, gseq=schema.number, oseq=schema.number, provider=schema.akash_address
        )
        create = schema.obj(leases=schema.array(lease, minimum=1), manifest=schema.optional(schema.string))
        new = Endpoint("POST", "/v1/leases", self.create, body_schema=create)
        return [new, *(endpoint for endpoint in super().endpoints() if endpoint.path != new.path)]

    async def create(self, call: Call) -> Response:
        """Create the leases unless there is one, then send the kept manifest.

        502 `provider_unreachable`: no lease was made. `manifest_not_delivered`, with the status that the provider
        answered: one was made, and it bills.
        """
        backend, wanted = self._backend, call.body["leases"]
        if backend.faults.take("chain-down", call.line):
            raise internal_error()
        deployment = backend.deployment(wanted[0]["dseq"])
        manifest = self._manifest(deployment, call.body.get("manifest"))
        if self.wanting(deployment.dseq):
            _refuse_closed_bids(deployment, wanted)
            await self._refuse_unreachable(wanted)
            await self.land(call, deployment.dseq)
        shown = self._kept.unasked(deployment)
        for lease in wanted:
            await self._deliver(lease, manifest)
        return answer({"data": shown})

    def _manifest(self, deployment: Deployment, sent: str | None) -> str:
        """What is kept, else what was sent with the request. Raises `Problem` 422 where there is neither."""
        definition = self._definitions.find(deployment.dseq)
        manifest = definition.judged.manifest if definition else sent
        if not manifest:
            raise Problem(
                422,
                f"No manifest to send for lease {deployment.dseq}. Please provide a manifest in the request body "
                "or re-create deployment from scratch",
            )
        return manifest

    async def _refuse_unreachable(self, wanted: list[dict[str, Any]]) -> None:
        for address in dict.fromkeys(lease["provider"] for lease in wanted):
            provider = self._backend.chain.providers.get(address)
            if provider and not await self._backend.proxy.answers(provider):
                message = f"Provider {provider.host_uri} cannot be reached"
                raise Problem(502, message, code="provider_unreachable")

    async def _deliver(self, lease: dict[str, Any], manifest: str) -> None:
        backend, dseq, address = self._backend, lease["dseq"], lease["provider"]
        provider = backend.chain.providers.get(address)
        if provider is None:
            raise Problem(404, f"Provider {address} not found")
        try:
            await backend.proxy.send_manifest(provider, dseq, manifest)
        except Problem as problem:
            if problem.status == 500:
                raise  # what is not an answer of the provider's is passed on as it is
            raise Problem(
                problem.status,
                f"The lease for deployment {dseq} exists, but provider {address} did not receive its manifest. Send "
                "this request again to retry, or close the deployment to stop paying for it.",
                code="manifest_not_delivered",
                data={"dseq": dseq, "provider": address, "reason": problem.message},
            ) from problem


def _refuse_closed_bids(deployment: Deployment, wanted: list[dict[str, Any]]) -> None:
    """Raises `Problem` 400. A bid that is not known is left to the chain."""
    for lease in wanted:
        chosen = (lease["provider"], lease["gseq"], lease["oseq"])
        bids = [bid for bid in deployment.bids if (bid.provider, bid.gseq, bid.oseq) == chosen]
        if bids and all(bid.state != "open" for bid in bids):
            raise Problem(400, LOST_BID)
