"""The permit to make the account's client certificate (`2025`): once, kept, and told as what came of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripted_console import Guarded, approved, guarded, refusal

from akash_mcp.clients.console.generation import Generation
from akash_mcp.errors import Interrupted, Refused
from akash_mcp.guard.permits.certificate_permit import CertificatePermit
from akash_mcp.guard.plans.plans import CertificatePlan

pytestmark = pytest.mark.anyio

CERTIFICATE = "POST /v1/certificates"
PLAN = CertificatePlan(tool="create_certificate")
PEMS = {"certPem": "CERT", "encryptedKey": "KEY"}


async def permit_of(guard: Guarded) -> CertificatePermit:
    return await guard.gate.certificate(PLAN, approved(PLAN))


async def test_it_is_made_and_written_down(tmp_path: Path) -> None:
    async with guarded(tmp_path, generation=Generation.V2025) as guard:
        guard.console.on(CERTIFICATE, (201, PEMS))
        await (await permit_of(guard)).make()
        assert len(guard.console.sent(CERTIFICATE)) == 1
        assert guard.written() == [("certificate", "done", "")]
        assert not guard.ledger.status().held


async def test_a_console_that_makes_none_any_more_is_told_as_that(tmp_path: Path) -> None:
    async with guarded(tmp_path, generation=Generation.V2025) as guard:
        guard.console.on(CERTIFICATE, refusal(400, "This endpoint has been removed."))
        with pytest.raises(Refused, match="makes no client certificates any more"):
            await (await permit_of(guard)).make()
        assert guard.written()[0][1] == "refused"


@pytest.mark.parametrize("generation", [Generation.REFERENCE, Generation.V2026_11])
async def test_the_other_generations_are_sent_nothing(tmp_path: Path, generation: Generation) -> None:
    async with guarded(tmp_path, generation=generation) as guard:
        with pytest.raises(Refused):
            await (await permit_of(guard)).make()
        assert not guard.console.sent(CERTIFICATE)


async def test_one_whose_answer_was_lost_is_made_again_by_whoever_carries_it_on(tmp_path: Path) -> None:
    async with guarded(tmp_path, generation=Generation.V2025) as guard:
        guard.console.on(CERTIFICATE, None)
        permit = await permit_of(guard)
        with pytest.raises(Interrupted):
            await permit.make()
        assert guard.written()[0][1] == "unknown"
        guard.console.on(CERTIFICATE, (201, PEMS))
        operation = guard.operation(permit.op_id)
        again = await guard.gate.carry_on(operation, operation.epoch)
        assert isinstance(again, CertificatePermit)
        await again.make()
        assert guard.written()[0][1] == "done"
