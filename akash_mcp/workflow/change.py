"""The changes that are one request: create alone, fund, update, close. Each runs as work that the server owns."""

from __future__ import annotations

from akash_mcp.clients.console.models import DeploymentDetail
from akash_mcp.guard.close_permit import Closed, ClosePermit
from akash_mcp.guard.fund_permit import FundPermit
from akash_mcp.guard.launch_permit import LaunchPermit
from akash_mcp.guard.update_permit import UpdatePermit
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


async def update(permit: UpdatePermit, running: Running[DeploymentDetail]) -> DeploymentDetail:
    """Replace the SDL."""
    running.progress("sending the new manifest")
    return await permit.update()


async def close(permit: ClosePermit, running: Running[Closed]) -> Closed:
    """Close, and prove it."""
    running.progress("closing, and reading back that it is closed")
    return await permit.close()
