"""The toolset `account`: what the account spends, how its deployments are funded, and what its owner is warned of."""

from __future__ import annotations

from akash_mcp.clients.console.account_reader import MOST_ALERTS
from akash_mcp.tools.account_results import (
    AlertList,
    DeploymentSettingsResult,
    UsageResult,
    alert_list,
    settings_result,
    usage_result,
)
from akash_mcp.tools.approval import AppContext, runtime
from akash_mcp.tools.arguments import DseqArg
from akash_mcp.tools.tool import Effect, ToolSpec
from akash_mcp.workflow.account.funding import funding_of
from akash_mcp.workflow.account.usage import usage


async def get_usage(ctx: AppContext) -> UsageResult:
    """Show what the account spent today, this week and month, what runs costs an hour, and how long its credit
    lasts."""
    return usage_result(await usage(runtime(ctx)))


async def get_deployment_settings(ctx: AppContext, dseq: DseqArg) -> DeploymentSettingsResult:
    """Show whether a deployment is topped up automatically, and its runtime limit. Changes nothing."""
    return settings_result(await funding_of(runtime(ctx), dseq))


async def list_alerts(ctx: AppContext, dseq: DseqArg | None = None) -> AlertList:
    """List what the user is warned of: low escrow, closed deployments."""
    reader = runtime(ctx).reader
    alerts = await reader.alerts(dseq)
    of_deployment = await reader.deployment_alerts(dseq) if dseq is not None else None
    return alert_list(alerts, of_deployment, may_be_more=len(alerts) >= MOST_ALERTS)


TOOLS = (
    ToolSpec(get_usage, "Get usage", Effect.READS),
    ToolSpec(get_deployment_settings, "Get deployment settings", Effect.READS),
    ToolSpec(list_alerts, "List alerts", Effect.READS),
)
