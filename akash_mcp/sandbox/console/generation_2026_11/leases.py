"""Leases with the manifest that Console keeps: the provider is asked first, and told apart from the delivery."""

from __future__ import annotations

from starlette.responses import Response

from akash_mcp.sandbox.console import leases as earlier
from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.generation_2026_11.definitions import Definitions
from akash_mcp.sandbox.console.generation_2026_11.deployments import Deployments
from akash_mcp.sandbox.console.responses import Problem, answer, internal_error


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
        create = schema.obj(leases=schema.array(lease, minimum=1))
        new = Endpoint("POST", "/v1/leases", self.create, body_schema=create)
        return [new, *(endpoint for endpoint in super().endpoints() if endpoint.path != new.path)]

    async def create(self, call: Call) -> Response:
        """Create the leases unless there is one, then send the kept manifest.

        502 `provider_unreachable`: no lease was made. 502 `manifest_not_delivered`: one was made, and it bills.
        """
        backend, wanted = self._backend, call.body["leases"]
        if backend.faults.take("chain-down", call.line):
            raise internal_error()
        dseq: str = wanted[0]["dseq"]
        definition = self._definitions.get(backend.deployment(dseq).dseq)
        if self.wanting(dseq):
            groups = len(backend.deployment(dseq).groups)
            if len({(lease["dseq"], lease["gseq"]) for lease in wanted}) != groups:
                raise Problem(400, "Exactly one lease for each group of the deployment is required")
            for address in dict.fromkeys(lease["provider"] for lease in wanted):
                provider = backend.chain.providers.get(address)
                if provider and not await backend.proxy.answers(provider):
                    raise Problem(
                        502, f"Provider {provider.host_uri} cannot be reached", code="provider_unreachable"
                    )
            await self.land(call, dseq)
        await self._kept.deliver(backend.deployment(dseq), definition.judged.manifest)
        return answer({"data": await self._kept.detail(dseq)})
