"""Tools over the Console's catalogue of ready-made SDLs. Names, summaries and SDLs in it are other people's text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, Field

from akash_mcp.sanitize.text import clean, fence, field
from akash_mcp.sdl import Report, check
from akash_mcp.sdl.author.placeholders import Gap, Why, gaps, placeholders_elsewhere
from akash_mcp.sdl.author.set_variables import Values, values_of, with_variables
from akash_mcp.sdl.rules.schema_types import pointer
from akash_mcp.sdl.secret_reference import SCHEME
from akash_mcp.tools.approval import AppContext, runtime
from akash_mcp.tools.arguments import UsdOut, UsdRate
from akash_mcp.tools.pages import CursorArg, LimitArg, page
from akash_mcp.tools.present import verdict
from akash_mcp.tools.results import FindingResult, Result
from akash_mcp.tools.tool import Effect, ToolSpec
from akash_mcp.workflow.market.templates import read_catalogue, read_template

MOST_ROWS = 40
"""Of what is to be filled in; how many more there are is said."""
_MOST_FINDINGS = 5
_MOST_TAGS = 40
_TAGS_OF_A_ROW = 5
_SUMMARY_BYTES = 120
_VALUE_BYTES = 120
_SDL_BYTES = 24_000


class TemplateRow(Result):
    """One template of the list."""

    id: str
    name: str
    summary: str | None = None
    tags: list[str] | None = None


class TemplateList(Result):
    """A page of templates. `total` counts all that match. `tags`: those that there are, where none matches."""

    templates: list[TemplateRow]
    total: int
    next_cursor: str | None = None
    tags: list[str] | None = None
    problem: str | None = None
    next_step: str


class GapResult(Result):
    """A variable to fill in. `public`: a secret that everybody can read. `value` is what stands there for one."""

    variable: str
    services: list[str]
    why: Why
    value: str | None = None
    use: str | None = None


class TemplateResult(BaseModel):
    """A template's SDL by its sdl_id, the verdict on it, and what has to be filled in before it is deployed.

    `elsewhere`: placeholders that no variable fills in. `sdl` is fenced: other people's text, secrets masked.
    """

    id: str
    name: str
    sdl_id: str
    ok: bool
    errors: list[FindingResult] | None = None
    warnings: list[FindingResult] | None = None
    services: list[str]
    ceiling_usd_per_hour: UsdRate | None = None
    ceiling_usd_per_month: UsdOut | None = None
    fill_in: list[GapResult] | None = None
    fill_in_not_shown: int | None = None
    elsewhere: list[str] | None = None
    secrets: list[str] | None = None
    sdl: str | None = None
    next_step: str


async def list_templates(
    ctx: AppContext,
    search: Annotated[str | None, Field(description="Words, all of them", max_length=200)] = None,
    tag: Annotated[str | None, Field(description="Tag or category", max_length=100)] = None,
    limit: LimitArg = 10,
    cursor: CursorArg = None,
) -> TemplateList:
    """Find ready-made SDLs by name, tag or words, from Console's catalogue: other people's work."""
    catalogue = await read_catalogue(runtime(ctx))
    found = catalogue.found(search, tag)
    rows, following = page(found, limit, cursor, search, tag)
    next_step = "get_template(id) gives the SDL of one, checked, and what has to be filled in."
    if not catalogue.templates:
        next_step = "Console lists none now, which is unusual: ask again later, or write one with draft_sdl."
    elif not found:
        next_step = "None matches: search for other words or one of these tags, or write one with draft_sdl."
    return TemplateList(
        templates=[
            TemplateRow(
                id=each.id,
                name=field(each.name, 80),
                summary=field(each.summary, _SUMMARY_BYTES) or None,
                tags=[field(tag, 40) for tag in each.tags[:_TAGS_OF_A_ROW]] or None,
            )
            for each in rows
        ],
        total=len(found),
        next_cursor=following,
        tags=None if found else [field(tag, 40) for tag in catalogue.tags[:_MOST_TAGS]] or None,
        problem=_unread(catalogue.unread),
        next_step=next_step,
    )


def _unread(entries: int) -> str | None:
    if not entries:
        return None
    what = "1 entry" if entries == 1 else f"{entries} entries"
    return f"{what} of the catalogue cannot be read, so there may be more."


async def get_template(
    ctx: AppContext,
    id: Annotated[str, Field(description="From list_templates")],
    env: Annotated[
        list[str] | None,
        Field(
            description="NAME=VALUE or SERVICE.NAME=VALUE to set; secrets as NAME=secret://NAME",
            max_length=200,
        ),
    ] = None,
    show_sdl: Annotated[bool, Field(description="Show its text too")] = False,
) -> TemplateResult:
    """A ready-made SDL as an sdl_id, checked, and what to fill in. With env: the same with these variables set."""
    rt = runtime(ctx)
    template = await read_template(rt, id)
    text, values = template.deploy, values_of(template.deploy, env) if env else {}
    if values:
        text = with_variables(text, values)
    return _result(id, template.name, rt.sdls.keep(text), text, check(text), values, show=show_sdl)


def _result(
    id: str, name: str, sdl_id: str, text: str, report: Report, values: Values, *, show: bool
) -> TemplateResult:
    missing = _missing(report, values)
    elsewhere = placeholders_elsewhere(report.model) if report.model else []
    judged = verdict(report)
    services = report.model.services.values() if report.model else ()
    return TemplateResult(
        id=id,
        name=field(name, 80),
        sdl_id=sdl_id,
        ok=report.ok,
        errors=judged.errors[:_MOST_FINDINGS] if judged.errors else None,
        warnings=_warnings(report, judged.warnings or (), values)[:_MOST_FINDINGS] or None,
        services=[field(f"{each.name}: {each.image}") for each in services],
        ceiling_usd_per_hour=report.ceiling_usd_hour,
        ceiling_usd_per_month=report.ceiling_usd_month,
        fill_in=[_gap(gap) for gap in missing[:MOST_ROWS]] or None,
        fill_in_not_shown=max(len(missing) - MOST_ROWS, 0) or None,
        elsewhere=[field(f"{where}: {words}", _VALUE_BYTES) for where, words in elsewhere[:MOST_ROWS]]
        or None,
        secrets=judged.secrets,
        sdl=fence(f"SDL of template {id}", clean(text, limit=_SDL_BYTES)) if show else None,
        next_step=_next_step(report, missing, has_more=bool(elsewhere), shown=show),
    )


def _missing(report: Report, values: Values) -> list[Gap]:
    """What is to be filled in, without what was filled in just now."""
    if report.model is None:
        return []
    return [
        gap
        for gap in gaps(report.model)
        if not all(gap.variable in values.get(each, {}) for each in gap.services)
    ]


def _gap(gap: Gap) -> GapResult:
    return GapResult(
        variable=field(gap.variable, 100),
        services=[field(each, 63) for each in gap.services],
        why=gap.why,
        value=field(gap.value, _VALUE_BYTES) if gap.why == "placeholder" else None,
        use=f"{SCHEME}{gap.variable}" if gap.is_secret else None,
    )


def _warnings(report: Report, shown: Sequence[FindingResult], values: Values) -> list[FindingResult]:
    """The warnings; of plain secrets and placeholders only those that the caller set: `fill_in` has the others."""
    services = report.model.services.values() if report.model else ()
    ours = {
        pointer(("services", service.name, "env", index))
        for service in services
        for index, entry in enumerate(service.env)
        if entry.partition("=")[0] in values.get(service.name, {})
    }
    return [
        warning
        for warning, found in zip(shown, report.warnings, strict=False)
        if found.rule not in ("K04", "N03") or found.path in ours or "/env/" not in found.path
    ]


def _next_step(report: Report, missing: Sequence[Gap], *, has_more: bool, shown: bool) -> str:
    see = "" if shown else " show_sdl=true shows it."
    if not report.ok:
        return f"It would be refused as it is: write an SDL without these errors.{see}"
    steps = []
    if any(gap.is_secret for gap in missing):
        steps.append(
            "Have the user store each secret (akash-mcp secret set NAME), or leave out what is not needed."
        )
    if missing:
        steps.append(
            "Fill in what it needs, all in one call: get_template with env gives a new sdl_id. What is empty may be "
            "optional; ask the user what you do not know."
        )
    if has_more:
        steps.append(f"What is elsewhere has to be changed in the SDL itself.{see}")
    return " ".join(
        (*steps, "Then call deploy with the sdl_id." if steps else "Call deploy with the sdl_id.")
    )


TOOLS = (
    ToolSpec(list_templates, "Find ready-made SDLs", Effect.READS),
    ToolSpec(get_template, "Get a ready-made SDL", Effect.READS),
)
