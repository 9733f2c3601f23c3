"""The Console's catalogue of ready-made SDLs: what is in it, searched here, and one of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from akash_mcp.clients.console.market_models import Template, TemplateCategory
from akash_mcp.errors import AkashError, BadArgument, NotFound
from akash_mcp.sanitize.text import field
from akash_mcp.workflow.runtime import Runtime

_FIND = "list_templates finds ids."
_ID = re.compile(r"(?!\.{1,2}\Z)[^/\\\s]{1,150}")
"""What an id can be (the Console's OpenAPI document), and still be an id inside an address."""


@dataclass(frozen=True, slots=True)
class ListedTemplate:
    """A template in the catalogue. All of it is other people's text. `tags`: also its categories, in small letters."""

    id: str
    name: str
    summary: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The templates, each once. `unread`: how many entries cannot be read, or have an id that cannot be repeated."""

    templates: Sequence[ListedTemplate]
    unread: int

    @property
    def tags(self) -> list[str]:
        """All tags, those of most templates first."""
        counts: dict[str, int] = {}
        for tag in (tag for template in self.templates for tag in template.tags):
            counts[tag] = counts.get(tag, 0) + 1
        return sorted(counts, key=lambda tag: (-counts[tag], tag))

    def found(self, search: str | None, tag: str | None) -> list[ListedTemplate]:
        """The templates with this tag that have every word of `search` in name, id, tags or summary.

        Those that have them all in their name come first, and otherwise they stay in the catalogue's order.
        """
        words = (search or "").casefold().split()
        wanted = (tag or "").strip().casefold()
        matching = [
            template
            for template in self.templates
            if (not wanted or wanted in template.tags) and all(word in _text(template) for word in words)
        ]
        return sorted(matching, key=lambda each: not all(word in each.name.casefold() for word in words))


async def read_catalogue(rt: Runtime) -> Catalogue:
    """The whole catalogue. Raises what the Console does."""
    found: dict[str, ListedTemplate] = {}
    unread = 0
    for category in await rt.reader.templates():
        if category is None:
            unread += 1
            continue
        for summary in category.templates:
            if summary is None or not _can_be_asked_for(summary.id):
                unread += 1
                continue
            known = found.get(summary.id)
            tags = (*(known.tags if known else ()), *_tags(category, summary.tags))
            listed = ListedTemplate(summary.id, summary.name, summary.summary, tuple(dict.fromkeys(tags)))
            found[summary.id] = listed
    return Catalogue(list(found.values()), unread)


async def read_template(rt: Runtime, template_id: str) -> Template:
    """One template. Raises `BadArgument` for what is no id, `NotFound`, and what else the Console raises."""
    if not _can_be_asked_for(template_id):
        raise BadArgument("This is not the id of a template.", next_step=_FIND)
    try:
        template = await rt.reader.template(template_id)
    except NotFound as unknown:
        unknown.next_step = _FIND
        raise
    if not template.deploy.strip():
        raise AkashError(f"Template {template_id} has no SDL in the Console's catalogue.", next_step=_FIND)
    return template


def _can_be_asked_for(template_id: str) -> bool:
    """Whether an id comes back from a model as it was shown, and stays one part of an address."""
    return _ID.fullmatch(template_id) is not None and field(template_id) == template_id


def _tags(category: TemplateCategory, tags: Sequence[str]) -> list[str]:
    return [tag.strip().casefold() for tag in (category.title, *tags) if tag.strip()]


def _text(template: ListedTemplate) -> str:
    return " ".join((template.name, template.id, *template.tags, template.summary)).casefold()
