"""The answers of the toolset `account`: each figure under the name of who says it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from pydantic import Field

from akash_mcp.clients.console.account_models import Alert, DeploymentAlert, DeploymentAlerts
from akash_mcp.guard.books.runs import in_utc
from akash_mcp.money import Usd
from akash_mcp.sanitize.text import field
from akash_mcp.tools.arguments import UsdLeft, UsdOut, UsdRate
from akash_mcp.tools.results import Result
from akash_mcp.workflow.account.funding import Funding, TopUp
from akash_mcp.workflow.account.usage import Usage
from akash_mcp.workflow.overview import ListedDeployment
from akash_mcp.workflow.status import hours_text

MOST_SHOWN = 20
_NAME_BYTES = 80


class SpendingRow(Result):
    """One deployment that costs money now, or may."""

    dseq: str | None = None
    name: str | None = None
    usd_per_hour: UsdRate | None = None
    hours_left: str | None = None
    problem: str | None = None


class UsageResult(Result):
    """What the account spent and spends. What is not there is not known, and `unknown` says why.

    Days and weeks are UTC. `spent_…`: the Console's history of the whole account. `ledger_…`: what this server, for
    all its agents, spent and settled, and holds for what still runs.
    """

    as_of: str = Field(description="UTC")
    spent_today_usd: UsdOut | None = None
    spent_this_week_usd: UsdOut | None = Field(None, description="Since Monday")
    spent_this_month_usd: UsdOut | None = None
    usd_per_hour: UsdRate | None = Field(None, description="What runs now costs")
    at_least: bool | None = Field(None, description="More may run, and cost more")
    deployments: list[SpendingRow]
    not_shown: int | None = None
    credit_usd: UsdLeft | None = None
    credit_lasts_hours: str | None = Field(None, description="With the escrows of what runs, at this rate")
    credit_lasts_until: str | None = None
    ledger_spent_last_24h_usd: UsdOut | None = None
    ledger_spent_this_month_usd: UsdOut | None = None
    ledger_held_usd: UsdOut | None = None
    disagreements: list[str] | None = None
    unknown: list[str] | None = None
    next_step: str


def usage_result(now: Usage) -> UsageResult:
    """The answer of `get_usage`."""
    hours, ledger = now.credit_hours, now.ledger
    until = None if hours is None else datetime.fromtimestamp(now.at, UTC) + timedelta(hours=float(hours))
    return UsageResult(
        as_of=in_utc(now.at),
        spent_today_usd=now.spending.of_today,
        spent_this_week_usd=now.spending.this_week,
        spent_this_month_usd=now.spending.this_month,
        usd_per_hour=now.usd_per_hour,
        at_least=None if now.is_whole else True,
        deployments=[_row(each) for each in now.running[:MOST_SHOWN]],
        not_shown=max(len(now.running) - MOST_SHOWN, 0) or None,
        credit_usd=now.credit,
        credit_lasts_hours=hours_text(hours),
        credit_lasts_until=None if until is None else in_utc(until.timestamp()),
        ledger_spent_last_24h_usd=ledger.spent_today if ledger else None,
        ledger_spent_this_month_usd=ledger.spent_month if ledger else None,
        ledger_held_usd=ledger.held if ledger else None,
        disagreements=list(now.disagreements) or None,
        unknown=list(now.unknown) or None,
        next_step="Nothing needs doing. The history reckons with leases up to their expected ends; credit is seconds "
        "old, and a card that refills it makes it last longer.",
    )


def _row(each: ListedDeployment) -> SpendingRow:
    return SpendingRow(
        dseq=each.dseq,
        name=field(each.name, _NAME_BYTES) or None,
        usd_per_hour=each.funds.usd_per_hour if each.funds is not None else None,
        hours_left=hours_text(each.funds.hours_left) if each.funds is not None else None,
        problem=each.problem or None,
    )


class DeploymentSettingsResult(Result):
    """How a deployment is funded. Nothing was changed by asking."""

    dseq: str
    auto_top_up: str = Field(description="on, off, unknown, always (not to be switched) or none")
    runtime_limit_hours: str | None = None
    runtime_ends_at: str | None = None
    meaning: str
    next_step: str


_MEANING = {
    TopUp.ON: "The Console adds credit whenever its escrow runs low, so its deposit does not bound what it costs.",
    TopUp.OFF: "Nothing is added by itself: it ends when its escrow is used up, or earlier.",
    TopUp.UNKNOWN: "Not known. This server did not make its settings, and where there are none the Console's own read "
    "would switch automatic top-up on, so it was not asked.",
    TopUp.ALWAYS: "The Console funds it from the account's credit by itself, until its runtime limit.",
    TopUp.NONE: "This Console adds nothing by itself: it ends when its escrow is used up, or earlier.",
}


def settings_result(found: Funding) -> DeploymentSettingsResult:
    """The answer of `get_deployment_settings`."""
    meaning, next_step = _MEANING[found.top_up], "Nothing needs doing."
    if found.top_up is TopUp.ALWAYS and found.limit_hours is None:
        meaning = (
            "The Console funds it from the account's credit by itself, and no runtime limit of it can be read: "
            "it may be funded without end."
        )
        next_step = f"Tell the user. close_deployment(dseq={found.dseq}) ends it."
    elif found.top_up is TopUp.UNKNOWN:
        next_step = f"set_auto_top_up(dseq={found.dseq}, enabled=false) switches it off for certain."
    elif found.top_up is TopUp.ON:
        next_step = f"set_auto_top_up(dseq={found.dseq}, enabled=false) switches it off."
    elif found.top_up is TopUp.ALWAYS:
        next_step = "add_funds with hours raises the limit."
    return DeploymentSettingsResult(
        dseq=found.dseq,
        auto_top_up=found.top_up.value,
        runtime_limit_hours=hours_text(found.limit_hours),
        runtime_ends_at=field(found.limit_ends_at, 40) or None,
        meaning=meaning,
        next_step=next_step,
    )


class AlertRow(Result):
    """One condition that the user is warned of. `enabled` is left out where that is not known."""

    what: str
    enabled: bool | None = None
    status: str | None = None
    below_usd: UsdOut | None = Field(None, description="Warns when its escrow is below")


class AlertList(Result):
    """What the user is warned of, by the Console and to an address of theirs."""

    alerts: list[AlertRow]
    more: bool | None = Field(None, description="There may be more than are here")
    next_step: str


def alert_list(
    alerts: Iterable[Alert], of_deployment: DeploymentAlerts | None, *, may_be_more: bool
) -> AlertList:
    """The answer of `list_alerts`. `of_deployment`: the two that the Console sets for one deployment."""
    rows, known = [], set()
    if of_deployment is not None:
        for what, alert in (
            ("Its escrow runs low", of_deployment.deployment_balance),
            ("It was closed", of_deployment.deployment_closed),
        ):
            if alert is not None:
                known.add(alert.id)
                rows.append(_deployment_row(what, alert))
    rows += [_alert_row(alert) for alert in alerts if alert.id not in known]
    return AlertList(
        alerts=rows,
        more=True if may_be_more else None,
        next_step="Only the user can change them, at https://console.akash.network (Alerts)."
        if rows
        else "The user is warned of nothing by the Console; they can change that at https://console.akash.network.",
    )


def _deployment_row(what: str, alert: DeploymentAlert) -> AlertRow:
    threshold = alert.threshold
    return AlertRow(
        what=what,
        enabled=alert.enabled,
        status=field(alert.status, 40) or None,
        below_usd=None if threshold is None or threshold < 0 else Usd.from_uact(threshold),
    )


def _alert_row(alert: Alert) -> AlertRow:
    words = ": ".join(filter(None, (field(alert.name, 80), field(alert.summary, 160))))
    return AlertRow(
        what=words or field(alert.type, 40) or "not told",
        enabled=alert.enabled,
        status=field(alert.status, 40) or None,
    )
