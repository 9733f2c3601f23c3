"""`estimate_cost`: what an SDL, or a size, will cost, before anything is paid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.limits import MOST_RUNTIME_HOURS
from akash_mcp.errors import BadArgument
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.money import HOURS_PER_MONTH, Usd, told_apart
from akash_mcp.sdl.author.draft import Draft, draft
from akash_mcp.sdl.author.workload import WEB_PORT
from akash_mcp.sdl.output.groups import GroupSpec
from akash_mcp.sdl.rules import known_gpus
from akash_mcp.tools.approval import AppContext, runtime
from akash_mcp.tools.arguments import UsdOut, UsdRate, yaml_text
from akash_mcp.tools.results import Result
from akash_mcp.tools.tool import Effect, ToolSpec
from akash_mcp.workflow.market.prices import MOST_SIZES, Estimate, Payment, estimate, groups_of
from akash_mcp.workflow.sdl_text import sdl_text

_ANY_IMAGE = "image:1"

_GPU_BASIS = "A GPU: what was bid for one in the last 31 days. "
_BASIS = (
    "CPU, memory, disk: from today's default price list of providers' software to an earlier one. Each provider sets "
    "its own prices."
)
_COMPARED_BASIS = " Compared by fixed formulas of the Console, without GPUs: not market prices."


class CostResult(Result):
    """A price, by the hour, the day, the month, and for the hours that were asked for."""

    usd_per_hour: UsdRate
    usd_per_day: UsdOut
    usd_per_month: UsdOut
    usd_in_all: UsdOut = Field(description="For the hours, at most")


class ComparedResult(Result):
    """US dollars a month by fixed formulas of the Console: CPU, memory and disk without GPUs. Not market prices."""

    akash: UsdOut | None = None
    aws: UsdOut | None = None
    gcp: UsdOut | None = None
    azure: UsdOut | None = None


class EstimateResult(Result):
    """What something will cost, as far as that is known.

    `lowest`, `highest`: the likely range, and `basis` what it is made of. `ceiling`: the most that the SDL allows.
    """

    hours: int
    lowest: CostResult | None = None
    highest: CostResult | None = None
    ceiling: CostResult | None = None
    deposit_usd: UsdOut | None = Field(None, description="Pays for the hours at the highest price")
    compared_usd_per_month: ComparedResult | None = Field(
        None, description="By fixed formulas, without GPUs: not market prices"
    )
    basis: str
    not_known: list[str] | None = None
    money: str
    next_step: str


async def estimate_cost(
    ctx: AppContext,
    sdl: Annotated[
        str | None,
        BeforeValidator(yaml_text),
        Field(description="YAML text or sdl_id; else the numbers", max_length=512 * 1024),
    ] = None,
    cpu: Annotated[float | None, Field(description="Cores")] = None,
    memory: Annotated[str | None, Field(description="Such as 2Gi")] = None,
    storage: Annotated[str | None, Field(description="Root disk, such as 10Gi")] = None,
    gpus: Annotated[int | None, Field(description="Of each replica")] = None,
    gpu_model: Annotated[str | None, Field(description="Such as rtx4090")] = None,
    count: Annotated[int | None, Field(description="Replicas")] = None,
    hours: Annotated[
        int | None, Field(ge=1, le=MOST_RUNTIME_HOURS, description="How long it is to run")
    ] = None,
) -> EstimateResult:
    """Estimate for free what an SDL or a size costs: the likely range, the ceiling, the deposit that pays for the
    hours."""
    rt = runtime(ctx)
    numbers = {"cpu": cpu, "memory": memory, "storage": storage, "gpus": gpus, "count": count}
    given = {name: value for name, value in numbers.items() if value is not None}
    if bool(sdl) == bool(given or gpu_model):
        raise BadArgument(
            "Give either an SDL or numbers.",
            next_step="Numbers are cpu, memory, storage, gpus, gpu_model and count.",
        )
    assumed: tuple[str, ...] = ()
    if sdl:
        groups: Sequence[GroupSpec] = groups_of(await sdl_text(rt, sdl))
    else:
        drafted = _drafted(given, gpu_model)
        groups, assumed = drafted.report.groups, drafted.assumed
    found = await estimate(rt, groups, hours or rt.policy.default_hours, has_ceiling=bool(sdl))
    return _result(found, groups, rt.policy, assumed)


def _drafted(numbers: dict[str, Any], gpu_model: str | None) -> Draft:
    """What `draft_sdl` makes of the numbers. Raises `BadArgument`, saying what is accepted."""
    models = [gpu_model] if gpu_model else []
    sized = {"gpus": len(models), **numbers}
    return draft(_ANY_IMAGE, port=WEB_PORT, gpu_models=models, **sized)


def _result(
    found: Estimate, groups: Sequence[GroupSpec], policy: Policy, assumed: Sequence[str]
) -> EstimateResult:
    likely, ceiling, payment = found.likely, found.ceiling_per_hour, found.payment
    has_gpus = any(unit.gpu for group in groups for unit in group.resources)
    return EstimateResult(
        hours=found.hours,
        lowest=_cost(found, likely.low) if likely else None,
        highest=_cost(found, likely.high) if likely else None,
        ceiling=_cost(found, ceiling) if ceiling is not None else None,
        deposit_usd=payment.deposit if payment else None,
        compared_usd_per_month=ComparedResult(**found.compared) if found.compared else None,
        basis=f"{_GPU_BASIS if has_gpus else ''}{_BASIS}{_COMPARED_BASIS if found.compared else ''}",
        not_known=[*_not_known(found), *_taken(assumed)] or None,
        money=f"Nothing was spent. {_deposit(found)}",
        next_step=" ".join(_next_step(found, policy)),
    )


def _cost(found: Estimate, rate: Usd) -> CostResult:
    return CostResult(
        usd_per_hour=rate,
        usd_per_day=rate * 24,
        usd_per_month=rate * HOURS_PER_MONTH,
        usd_in_all=found.at_most(rate),
    )


def _not_known(found: Estimate) -> Iterator[str]:
    yield from found.problems
    for name in found.unpriced:
        listed = known_gpus.usd_an_hour(name.partition(" ")[0])
        beside = f" It was listed from {listed[0]} an hour on {known_gpus.LISTED_ON}." if listed else ""
        yield f"No recent price is known for {name}.{beside}"
    if found.is_not_compared:
        yield f"More than {MOST_SIZES} sizes of replicas are not compared with other clouds."


def _taken(assumed: Sequence[str]) -> Iterator[str]:
    if assumed:
        yield f"Assumed: {'; '.join(assumed)}."


def _deposit(found: Estimate) -> str:
    """What becomes of a deposit, where there is one."""
    payment, least = found.payment, found.least_deposit
    if payment is None:
        return "What pays for it is not known, because its price is not."
    if found.generation is None:
        return f"Which Console API answers is not known, so a deposit of {least} at least is reckoned with."
    if found.generation is not Generation.V2026_11:
        return f"A deposit, of {least} at least, goes into escrow; what is not used comes back."
    longer = (
        f" It begins with {payment.hours} h; add_funds lets it run on." if payment.hours < found.hours else ""
    )
    return (
        "There is no deposit: the account's credit pays while it runs, and deposit_usd bounds its runtime limit."
        + longer
    )


def _next_step(found: Estimate, policy: Policy) -> Iterator[str]:
    payment = found.payment
    if payment is None:
        yield "create_deployment and list_bids show what providers ask; nothing is leased by that."
        return
    if found.likely and found.is_below_the_market:
        yield (
            "The SDL's ceiling is below the lowest price, so few may bid, or nobody: raise its price to "
            f"{found.likely.high} an hour in all."
        )
    if over := list(_over_limits(found, payment, policy)):
        yield from over
        yield "Only the user can raise the limits."
        return
    if found.ceiling is None:
        yield "Write an SDL whose ceiling is at least the highest price."
    rate = f"max_usd_per_hour={payment.usd_per_hour.precise()}"
    deploy = f"deploy(deposit_usd={payment.deposit.plain()}, hours={payment.hours}"
    if found.generation is Generation.V2026_11:
        yield f"{deploy}, {rate}) pays for it: its runtime limit is reckoned with that rate."
    elif payment.deposit > found.least_deposit:
        yield f"{deploy}) pays for it; a dearer bid would end it sooner, and {rate} keeps those out."
    else:
        yield f"{deploy}) pays for it."


def _over_limits(found: Estimate, payment: Payment, policy: Policy) -> Iterator[str]:
    if found.hours > policy.max_hours:
        yield f"{found.hours} hours are over the user's limit of {policy.max_hours}."
    limit = policy.max_usd_per_hour
    if limit is not None and payment.usd_per_hour > limit:
        rate, most = told_apart(payment.usd_per_hour, limit)
        yield f"{rate} an hour is over the user's limit of {most}."
    if payment.deposit > policy.max_usd_per_deployment:
        deposit, most = told_apart(payment.deposit, policy.max_usd_per_deployment)
        hours = found.hours_within(policy.max_usd_per_deployment)
        yield f"{deposit} is over the user's limit of {most} a deployment, which pays for {hours} h at that price."


TOOLS = (ToolSpec(estimate_cost, "Estimate cost", Effect.READS),)
