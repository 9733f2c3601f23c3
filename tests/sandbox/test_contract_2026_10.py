"""The embedded Console of `2026-11` against the Console's own document of October 2026, which nobody here wrote.

A tenant lives its whole life over the wire (`console_life`), and each answer is held to the document. What differs is
on one short list, each with its reason.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

import httpx2
import pytest
import shared_data
from autumn_world import create, lease
from console_contract import OCTOBER, Operation
from console_life import Life
from console_world import new_world

from akash_mcp.sandbox.console.provider_proxy import ProviderProxy

pytestmark = [pytest.mark.anyio, shared_data.needed]

UNDECLARED = {
    r".*: 401": "no operation but those of activities declares it, and every one answers it",
    r".*: 429": "the edge and the streak of refusals answer it anywhere",
    r"POST /v1/deployments: 402": "credit: known from the source and the agent documentation",
    r"(GET|DELETE) /v1/deployments/\{dseq\}: 404": "what is not there is not there",
    r"(GET|DELETE) .*: 400": "paths and queries are validated everywhere",
    r"POST /v1/leases: (400|422|503)": "a bid that is not open, no manifest, a provider's own status: the source",
    r"POST /v1/create-jwt-token: 400": "the schema of claims is checked by whoever signs",
    r"(POST|PATCH) /v1/alerts.*: 405": "alerts of one's own are behind a flag that is off",
    r"POST /v1/deployment-alerts/\{dseq\}: 404": "as for a deployment that is not there",
    r"GET /v1/alerts 403: .*": "strangers meet Console's proxy and not the service behind it",
}
"""What the document does not know and a client must, with the reason to think so. Null in place of what is empty in
`forwarded_ports`, `ips` and `uris` is let pass in `console_contract` (gateways are written in Go), unless strict."""

NOT_PLAYED = (
    "/v1/addresses/", "/v1/blockchain-status", "/v1/blocks/", "/v1/market-data", "/v1/network-capacity",
    "/v1/gpu-breakdown", "/v1/provider-attributes-schema", "/v1/providers/{provider}/deployments/",
    "/v1/providers/{providerAddress}/",
)  # fmt: skip
"""A block explorer's and an operator's reads, which no tenant's client asks for."""


@dataclass
class Judge:
    """What was answered, by operation and status, and everything in it that the document knows otherwise.

    `closed`: it may not hold more than the document names, either.
    """

    closed: bool = False
    answered: Counter[tuple[str, int]] = field(default_factory=Counter)
    complaints: set[str] = field(default_factory=set)

    async def hear(self, response: httpx2.Response) -> None:
        await response.aread()
        request, status = response.request, response.status_code
        operation = OCTOBER.operation_of(request.method, request.url.path)
        if operation is None:
            return
        if response.text == "404 Not Found":
            self.complaints.add(f"{operation.name}: not played")
            return
        self.answered[operation.name, status] += 1
        if not OCTOBER.declares(operation, status):
            self.complaints.add(f"{operation.name}: {status} is not declared")
        for told in OCTOBER.complaints(operation, status, response.text, closed=self.closed):
            self.complaints.add(f"{operation.name} {status}: {told}")


def is_played(operation: Operation) -> bool:
    return not operation.path.startswith(NOT_PLAYED)


def is_excused(complaint: str) -> bool:
    return any(re.match(pattern, complaint) for pattern in UNDECLARED)


@pytest.mark.parametrize("strict", [False, True])
async def test_every_answer_of_a_whole_life_is_what_the_document_says(
    capfd: pytest.CaptureFixture[str], strict: bool
) -> None:
    """Strict, it is no more than that."""
    judge = Judge(closed=strict)
    async with new_world("2026-11", providers=10, repeated_refusals=False, strict=strict) as world:
        world.http.event_hooks["response"].append(judge.hear)
        await Life(world).live()
    covered = {name for name, _ in judge.answered}
    left = sorted(complaint for complaint in judge.complaints if not is_excused(complaint))
    with capfd.disabled():
        print(
            f"\n{len(covered)} of {len(OCTOBER.operations)} operations answered in "
            f"{len(judge.answered)} ways, {sum(judge.answered.values())} times; {len(judge.complaints)} "
            f"disagreements, {len(left)} of them without a reason"
        )
    assert not left, "\n".join(left)
    excused = [pattern for pattern in UNDECLARED if any(re.match(pattern, each) for each in judge.complaints)]
    assert excused == list(UNDECLARED), "an excuse that nothing needs any more"
    assert {operation.name for operation in OCTOBER.operations if is_played(operation)} == covered


@pytest.mark.parametrize("status", [None, [], {}, {"services": None}, {"services": {"web": None}, "ips": []}])
async def test_a_strict_network_passes_on_whatever_a_provider_says(
    status: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def said(*_: object) -> object:
        return status

    async with new_world("2026-11", strict=True) as world:
        world.http.event_hooks = {}
        dseq = await create(world)
        await lease(world, dseq)
        monkeypatch.setattr(ProviderProxy, "lease_status", said)
        assert (await world.http.get(f"/v1/deployments/{dseq}")).status_code == 200
