"""From a tool's arguments to a plan, or to the reason why there can be none. What touches the network here is a read.

What can be refused for free is refused here, before a person is asked: an SDL that some judge would not take, a
deposit under the chain's minimum, an amount over the budget.
"""

from __future__ import annotations

from decimal import Decimal

from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.limits import FIRST_RUNTIME_HOURS, MINIMUM_DEPOSIT
from akash_mcp.errors import BadArgument, InvalidSdl, OverBudget
from akash_mcp.guard.plans import ClosePlan, FundPlan, LaunchPlan, LeasePlan, UpdatePlan
from akash_mcp.ids import Dseq, ProviderAddress
from akash_mcp.market.ranking import Prefer
from akash_mcp.money import Usd, usd_per_hour
from akash_mcp.sdl import Finding, Report, check, diff
from akash_mcp.workflow.runtime import Runtime

_SHOWN_FINDINGS = 6


async def launch_plan(
    rt: Runtime,
    *,
    tool: str,
    sdl: str,
    deposit: Usd,
    max_usd_per_hour: Usd | None,
    prefer: Prefer = "balanced",
) -> LaunchPlan:
    """The plan for a new deployment. Raises `InvalidSdl`, `BadArgument` or `OverBudget`, and `Unreachable`."""
    report = accepted(sdl)
    generation = await rt.reader.generation()
    least = MINIMUM_DEPOSIT[generation]
    if deposit < least:
        raise BadArgument(
            f"A deposit of {deposit} is below the minimum of {least}.",
            next_step=f"Use at least {least}; what is not used comes back.",
        )
    ceiling = usd_per_hour(sum((group.price for group in report.groups), Decimal(0)))
    rate = _rate(rt, ceiling, max_usd_per_hour)
    funds_itself = generation is Generation.V2026_11
    plan = LaunchPlan(
        tool=tool,
        sdl=sdl,
        manifest=report.manifest or "",
        contents=contents(report),
        deposit=deposit,
        max_usd_per_hour=rate,
        groups=len(report.groups),
        prefer=prefer,
        runtime_limit_hours=_hours_for(deposit, rate, FIRST_RUNTIME_HOURS) if funds_itself else None,
    )
    rt.ledger.check(plan.exposure, dseq=None)
    return plan


def lease_plan(
    rt: Runtime, *, dseq: Dseq, providers: tuple[ProviderAddress, ...], max_usd_per_hour: Usd
) -> LeasePlan:
    """The plan to lease offers. Raises `OverBudget` for a rate over the user's limit."""
    rate = _rate(rt, max_usd_per_hour, max_usd_per_hour)
    return LeasePlan(tool="create_lease", dseq=dseq, providers=providers, max_usd_per_hour=rate)


async def fund_plan(rt: Runtime, *, dseq: Dseq, amount: Usd) -> FundPlan:
    """The plan to add money, or hours where the Console funds by itself. Raises `OverBudget` and `BadArgument`."""
    rt.ledger.check(amount, dseq=dseq)
    more_hours = None
    if await rt.reader.generation() is Generation.V2026_11:
        price = (await rt.reader.get_deployment(dseq)).rate_uact
        if price is None:
            raise BadArgument(f"What deployment {dseq} costs an hour is not known, so no hours can be added.")
        rate = usd_per_hour(price)
        if not rate:
            raise BadArgument(f"Deployment {dseq} has no running lease, so it cannot be made to run longer.")
        more_hours = _hours_for(amount, rate, FIRST_RUNTIME_HOURS)
    return FundPlan(
        tool="add_funds", dseq=dseq, amount=amount, ours=rt.gate.owns(dseq), more_hours=more_hours
    )


def update_plan(rt: Runtime, *, dseq: Dseq, sdl: str) -> UpdatePlan:
    """The plan to replace an SDL. Raises `InvalidSdl`, and `BadArgument` for what cannot change in place.

    On the chain only the manifest's hash changes, so a provider refuses other resources than it leased. For a
    deployment that we did not create there is nothing to compare with, and the provider will say.
    """
    report = accepted(sdl)
    running = rt.journal.sources(dseq)
    if running is not None and (obstacles := diff(check(running.sdl), report)):
        raise BadArgument(
            f"Deployment {dseq} cannot become this SDL in place: {'; '.join(obstacles)}.",
            next_step="Deploy it as a new deployment, and close the old one when the new one runs.",
        )
    return UpdatePlan(
        tool="update_deployment",
        dseq=dseq,
        sdl=sdl,
        manifest=report.manifest or "",
        contents=contents(report),
        ours=rt.gate.owns(dseq),
    )


def close_plan(rt: Runtime, *, dseq: Dseq) -> ClosePlan:
    """The plan to close a deployment."""
    return ClosePlan(tool="close_deployment", dseq=dseq, ours=rt.gate.owns(dseq))


def accepted(sdl: str) -> Report:
    """The report on an SDL that console, chain and providers take. Raises `InvalidSdl` with line and fix."""
    report = check(sdl)
    if not report.ok:
        shown = "\n".join(f"- {describe(finding)}" for finding in report.errors[:_SHOWN_FINDINGS])
        rest = len(report.errors) - _SHOWN_FINDINGS
        more = f"\n- and {rest} more" if rest > 0 else ""
        raise InvalidSdl(
            f"The SDL would be refused:\n{shown}{more}\n",
            next_step="Fix these and call again; validate_sdl checks without any cost.",
        )
    return report


def describe(finding: Finding) -> str:
    """One finding in one line: where, what, and how to fix it."""
    where = f"line {finding.line}, column {finding.column}" if finding.line else finding.path
    fix = f" Fix: {finding.fix.rstrip('.')}." if finding.fix else ""
    return f"{where}: {finding.message.rstrip('.')}.{fix}"


def contents(report: Report) -> str:
    """What an SDL deploys, in words: `web (nginx:1.29), db (postgres:17)`."""
    sdl = report.model
    if sdl is None:
        return ""
    services = [
        (sdl.services[name], placed.count)
        for group in report.groups
        for name in sorted(sdl.services)
        if (placed := sdl.deployment[name].get(group.name))
    ]
    named = [_named(service.name, service.image, count) for service, count in services[:5]]
    if len(services) > len(named):
        named.append(f"{len(services) - len(named)} more")
    return ", ".join(named)


def _named(name: str, image: str, count: int) -> str:
    return f"{name} ({image}{f', {count} times' if count > 1 else ''})"


def _hours_for(amount: Usd, rate: Usd, most: int) -> int:
    """The whole hours that an amount pays for at a rate. Raises `BadArgument` where it does not pay for one."""
    hours = int(amount.amount / rate.amount) if rate else most
    if hours < 1:
        raise BadArgument(
            f"At up to {rate} an hour, {amount} does not pay for one hour.",
            next_step="Name a lower max_usd_per_hour, or a larger amount.",
        )
    return min(hours, most)


def _rate(rt: Runtime, ceiling: Usd, asked: Usd | None) -> Usd:
    """The highest rate we take: what was asked for, the SDL's ceiling and the user's limit, whichever is least."""
    limit = rt.policy.max_usd_per_hour
    if asked is not None and limit is not None and asked > limit:
        raise OverBudget(
            f"{asked} an hour is over the user's limit of {limit} an hour.",
            next_step="Ask for less. Only the user can raise the limit (AKASH_MCP_MAX_USD_PER_HOUR).",
        )
    return min(rate for rate in (ceiling, asked, limit) if rate is not None)
