"""What the tools that list and show deployments answer: trimmed, in dollars and hours, cleaned."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from akash_mcp.clients.console.models import Lease, ProviderRecord
from akash_mcp.guard.books.evidence import Kept
from akash_mcp.guard.books.holds import UnderWay
from akash_mcp.guard.books.job_ends import JobEnd
from akash_mcp.guard.books.journal import Operation, State
from akash_mcp.guard.plans.contents import IMAGE_BYTES
from akash_mcp.money import usd_per_hour
from akash_mcp.sanitize.text import field, quoted
from akash_mcp.tools.results import DeploymentList, DeploymentResult, DeploymentRow, LeaseResult
from akash_mcp.tools.service_results import service_results, services_left_out
from akash_mcp.workflow.gpus import LeaseGpus
from akash_mcp.workflow.operations import Running
from akash_mcp.workflow.overview import ListedDeployment, Overview
from akash_mcp.workflow.status import DeploymentStatus, EndedBy, Funds, hours_text

_MOST_DEPLOYMENTS = 50
_MOST_LEASES = 10
_MOST_SERVICES = 4
"""Of one line of the list."""
_MOST_ERRORS = 3
_ENDED_BY = {
    EndedBy.RUNTIME_LIMIT: "Akash, by its runtime limit",
    EndedBy.WATCH: "this server or akash-mcp watch",
    EndedBy.ESCROW: "its money is used up",
}
_LATEST = 4_102_444_800  # seconds, the year 2100: a later time is not a date


def deployment_list(now: Overview) -> DeploymentList:
    """The answer of `list_deployments`."""
    rows = now.rows
    shown = [_row(row) for row in rows[:_MOST_DEPLOYMENTS]]
    if not rows and now.is_whole:
        next_step = "Nothing runs and nothing costs money. deploy starts something."
    elif now.is_whole and all(row.is_colleagues for row in rows):
        next_step = "Nothing of this account runs, and nothing costs it money. deploy starts something."
    elif len(rows) > len(shown):
        next_step = (
            f"These are the newest {len(shown)}; the others cost money too. close_deployment ends one."
        )
    elif not now.is_whole:
        next_step = (
            "What is unknown may run and cost money: call list_deployments again in a minute, or get_deployment with "
            "its dseq or op_id. close_deployment ends one."
        )
    else:
        next_step = "get_deployment shows one; close_deployment ends one."
    return DeploymentList(
        deployments=shown,
        total=len(rows),
        usd_per_hour=now.usd_per_hour,
        at_least=not now.is_whole or None,
        problem=field(" ".join(now.problems), 600) or None,
        next_step=next_step,
    )


def _row(row: ListedDeployment) -> DeploymentRow:
    funds = row.funds
    return DeploymentRow(
        dseq=row.dseq,
        name=field(row.name) or None,
        op_id=row.op_id,
        state=field(row.state),
        ours=row.ours,
        services=_services(row) or None,
        leases=row.leases,
        usd_per_hour=funds.usd_per_hour if funds else None,
        escrow_left_usd=funds.escrow_left if funds else None,
        hours_left=hours_text(funds.hours_left) if funds else None,
        ends_at=_utc(row.end.at) if row.end else None,
        ended_by=_ENDED_BY[row.end.by] if row.end else None,
        held_usd=row.held,
        progress=field(row.progress, 400) or None,
        problem=field(row.problem, 400) or None,
    )


def _services(row: ListedDeployment) -> list[str]:
    """`web: nginx:1.29`, each a few words that somebody else chose; how many more there are is said."""
    apps = [
        f"{field(app.name, 63)}: {field(app.image, IMAGE_BYTES)}"
        + (f" x{app.replicas}" if app.replicas != 1 else "")
        for app in row.services[:_MOST_SERVICES]
    ]
    more = len(row.services) - len(apps)
    return [*apps, f"{more} more"] if more else apps


def deployment_result(
    now: DeploymentStatus, problem: str = "", under_way: UnderWay | None = None
) -> DeploymentResult:
    """The answer of `get_deployment` for a dseq. `problem` is put before the problems found in `now`.

    `under_way` has it in hand: others are refused until that is over.
    """
    detail = now.detail
    desired = now.desired if detail.state == "active" else None
    ready = now.readiness.is_ready if detail.active_leases else None
    leases = sorted(detail.leases, key=lambda lease: not lease.is_active)
    return DeploymentResult(
        dseq=detail.dseq,
        name=field(now.name) or None,
        state=field(detail.state),
        ours=now.ours,
        ready=ready,
        services=service_results(now.readiness, desired) or None,
        leases=[
            _lease(
                lease,
                now.providers.get(lease.id.provider),
                now.gpus.get(lease.lease_id),
                alone=len(leases) == 1,
            )
            for lease in leases[:_MOST_LEASES]
        ],
        usd_per_hour=now.usd_per_hour,
        escrow_left_usd=now.escrow_left,
        spent_usd=now.spent,
        hours_left=hours_text(now.hours_left),
        ends_at=_utc(now.end.at) if now.end else None,
        ended_by=_ENDED_BY[now.end.by] if now.end else None,
        services_not_shown=services_left_out(now.readiness) or None,
        op_id=under_way.op_id if under_way else None,
        progress=field(f"In the hands of {under_way}.", 400) if under_way else None,
        problem=field(" ".join(part for part in (problem, *_problems(now)) if part), 600) or None,
        next_step=f"Call {under_way.call}." if under_way else _next_step(now, ready),
    )


def _lease(
    lease: Lease, provider: ProviderRecord | None, gpus: LeaseGpus | None, *, alone: bool
) -> LeaseResult:
    return LeaseResult(
        provider=field(lease.id.provider, 64),
        name=_name(provider),
        group=lease.id.gseq,
        state=field(lease.state, 40),
        # The rate of an only lease is the deployment's rate, which is in the answer anyway.
        usd_per_hour=usd_per_hour(price) if (price := lease.price_uact) is not None and not alone else None,
        # The chain gives running leases a reason too, an invalid one.
        reason=field(lease.reason) or None if not lease.is_active else None,
        gpus=field(gpus, 300) or None,
    )


def _name(provider: ProviderRecord | None) -> str | None:
    if provider is None:
        return None
    return field(provider.name or provider.host_uri.removeprefix("https://"), 80) or None


def _problems(now: DeploymentStatus) -> list[str]:
    """What is missing from the answer, what was seen before a lease ended, and notices of providers that end one."""
    problems = [f"A GPU is not the one that is paid for: {how}." for how in _other_gpus(now)[:1]]
    problems.append(now.readiness.problem)
    if now.kept is not None and now.kept.findings:
        problems.append(_seen(now.kept))
    problems += [f"Nothing listens behind its ingress: {silence}." for silence in now.readiness.silent[:1]]
    problems += [f"Whether it answers could not be seen: {unseen}." for unseen in now.readiness.unseen[:1]]
    for lease_id, status in now.readiness.statuses.items():
        problems += [f"{lease_id.provider} says: {quoted(error)}." for error in status.errors[:_MOST_ERRORS]]
        if status.unread_services:
            unread = ", ".join(field(name, 63) for name in status.unread_services[:_MOST_ERRORS])
            problems.append(
                f"What {lease_id.provider} says of {unread} cannot be read, so it counts as not ready."
            )
    if not now.funds.rate_is_known:
        problems.append("A lease has no price in dollars that can be read, so it costs more than this.")
    if now.escrow_left is None:
        problems.append("What is left in its escrow is not known.")
    problems += _end_problems(now.funds)
    for lease in now.detail.leases:
        notice = lease.reclamation.deadline if lease.reclamation else 0
        if lease.state != "closed" and 0 < notice < _LATEST:
            until = _utc(datetime.fromtimestamp(notice, UTC))
            problems.append(f"{lease.id.provider} takes its lease back at {until}.")
    return problems


def _end_problems(funds: Funds) -> list[str]:
    """Why a runtime limit is not the end that is told."""
    if funds.shortfall is None or funds.limit_hours is None:
        return []
    limit = f"its runtime limit in {hours_text(funds.limit_hours)} h"
    if funds.hours_left is None:
        return [f"Whether the account's credit lasts until {limit} is not known."]
    if funds.hours_left < funds.limit_hours:
        return [f"Its escrow and the account's credit end before {limit}."]
    return []


def _other_gpus(now: DeploymentStatus) -> list[str]:
    return [how for gpus in now.gpus.values() for how in gpus.other]


def _utc(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%MZ") if moment else None


def operation_result(operation: Operation, running: Running[object] | None) -> DeploymentResult:
    """The answer of `get_deployment` for an operation without a deployment yet, or one that is still in progress.

    Of one that another process carries out, or will, its last step is told.
    """
    is_ours = running is not None and not running.is_done
    is_in_hand = not operation.is_over and operation.lease_until is not None
    under_way = is_ours or (is_in_hand and operation.state is not State.UNKNOWN)
    stage = running.stage if running is not None and is_ours else operation.note
    return DeploymentResult(
        dseq=operation.dseq or (running.dseq if running is not None else None),
        name=field(operation.name) or None,
        op_id=operation.op_id,
        state="under way" if under_way else operation.state.value,
        ours=True,
        usd_per_hour=running.usd_per_hour if running is not None and is_ours else None,
        progress=field(stage, 400) or None if under_way else None,
        problem=None if under_way else field(stage, 400) or None,
        next_step=f'Call get_deployment(id="{operation.op_id}", wait_for="ready") again.'
        if under_way
        else "If its state is unknown, look for it with list_deployments before you try anything again.",
    )


def earlier_words(before: Sequence[Operation]) -> str:
    """What was tried before at other providers, and what became of that."""
    return " ".join(
        f"Before that, deployment {operation.dseq} (operation {operation.op_id}) was closed because its provider "
        f"failed: {field(operation.note, 200)}."
        for operation in before
    )


def unrecorded_result(launch: Operation, kept: Kept | None) -> DeploymentResult:
    """The answer of `get_deployment` for a deployment of ours that the Console has no record of."""
    closed = launch.state is State.CLOSED
    problems = ["The Console has no record of it (404), and this server created it."]
    if kept is not None and kept.findings:
        problems.append(_seen(kept))
    return DeploymentResult(
        dseq=launch.dseq,
        name=field(launch.name) or None,
        op_id=launch.op_id,
        state="closed" if closed else "unknown",
        ours=True,
        problem=field(" ".join(problems), 600),
        next_step="It was proven closed and costs nothing more."
        if closed
        else "It may run and cost money: look again in a minute. close_deployment is harmless to repeat.",
    )


def _seen(kept: Kept) -> str:
    seen = _utc(datetime.fromtimestamp(kept.at, UTC))
    return f"While it still ran, at {seen}, this was seen: {kept.findings[0].what}"


def _next_step(now: DeploymentStatus, ready: bool | None) -> str:
    dseq = now.detail.dseq
    if now.detail.state == "closed":
        return "It is closed and costs nothing more."
    if ready is None:
        return f"It has no running lease: list_bids(dseq={dseq}), diagnose_deployment or close_deployment."
    if not ready:
        return f'Call get_deployment(id={dseq}, wait_for="ready"), or diagnose_deployment(dseq={dseq}).'
    if _other_gpus(now):
        return (
            f"Tell the user that its GPU is not what is paid for: diagnose_deployment(dseq={dseq}) says more. "
            "It costs money until close_deployment ends it."
        )
    return "It runs, and costs money until close_deployment ends it."


def with_end(result: DeploymentResult, end: JobEnd) -> DeploymentResult:
    """The answer of `get_deployment`, with how its run ended."""
    told = {"run_ended": end.what, "exit_code": end.exit_code, "last_lines": list(end.lines) or None}
    return result.model_copy(update=told)
