"""The changes that are one request: create alone, fund, update, close and the like. Each runs as work that the server
owns.
"""

from __future__ import annotations

from typing import Any

from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.guard.permits.certificate_permit import CertificatePermit
from akash_mcp.guard.permits.close_permit import Closed, ClosePermit
from akash_mcp.guard.permits.fund_permit import FundPermit
from akash_mcp.guard.permits.launch_permit import LaunchPermit
from akash_mcp.guard.permits.top_up_permit import TopUpPermit
from akash_mcp.guard.permits.update_permit import UpdatePermit
from akash_mcp.ids import Dseq
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.reconcile import create_once
from akash_mcp.workflow.runtime import Runtime


async def create(rt: Runtime, permit: LaunchPermit, running: Running[Dseq]) -> Dseq:
    """Create a deployment and leave the choice among its bids to the caller."""
    running.progress("creating the deployment")
    return await create_once(rt, permit, running.progress)


async def fund(permit: FundPermit, running: Running[DeploymentDetail]) -> DeploymentDetail:
    """Add money."""
    running.progress("adding the money")
    return await permit.deposit()


async def update(rt: Runtime, permit: UpdatePermit, running: Running[Any]) -> bool:
    """Change what runs: whether the provider took it.

    A provider learns of a new version from the chain, and refuses the manifest of one that it has not seen: it gets it
    once more, and no third time, which the Console would make all who change this deployment wait for.
    """
    running.progress("sending the new manifest")
    if await permit.update():
        return True
    running.progress("recorded; its provider gets it once more in a minute")
    await rt.sleep(rt.intervals.provider_lag)
    return await permit.update()


async def switch_top_up(permit: TopUpPermit, running: Running[Any]) -> None:
    """Switch automatic top-up, and prove it."""
    running.progress("switching automatic top-up, and reading it back")
    await permit.switch()


async def make_certificate(permit: CertificatePermit, running: Running[Any]) -> None:
    """Make the account's client certificate."""
    running.progress("making the client certificate")
    await permit.make()


async def close(permit: ClosePermit, running: Running[Closed]) -> Closed:
    """Close, and prove it."""
    running.progress("closing, and reading back that it is closed")
    return await permit.close()
