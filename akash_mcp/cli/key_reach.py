"""Whose the API key is and how far it reaches, for `akash-mcp doctor` and `login`: found out by reads alone, never by
trying what it may not do.

A key reaches a whole account, or what its owner may in an organization, or one project. What says so (akash-network/
console `ability` rules): a key of one project is refused the list of keys whatever its owner may, and the organization
tells its owner's role. No key has a limit of spending of its own. Unknown is said as unknown.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from akash_mcp.cli.check import Check
from akash_mcp.clients.console.account_models import ApiKey, Organization, Project, WalletSettings
from akash_mcp.clients.console.client import ConsoleClient
from akash_mcp.clients.console.generation import Generation, no_such_route
from akash_mcp.clients.console.key import ConsoleKey
from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.config import Settings
from akash_mcp.errors import AkashError, Forbidden, NotFound
from akash_mcp.money import Usd
from akash_mcp.sanitize.text import quoted

SOON = timedelta(days=7)

T = TypeVar("T")


async def key_checks(settings: Settings, key: ConsoleKey, now: float) -> list[Check]:
    """Whether the Console of these settings takes the key, whose it is, and what it reaches.

    `now` is in seconds since the epoch. Raises `MissingKey`, and what the Console does to a key that it refuses.
    """
    async with ConsoleClient(
        settings.console_url, key, generation=settings.console_generation, ca_file=settings.ca_file
    ) as client:
        reader = ConsoleReader(client)
        user = await reader.current_user()
        credit = (await reader.balances()).available
        address = await reader.paying_address()
        reach = await reach_checks(settings, reader, await key.need(), credit, now)
    whose = f" {address}" if address else ""
    accepted = Check(
        "key", True, f"accepted; {'trial account' if user.trial else 'account'}{whose} with {credit} to spend"
    )
    if credit:
        return [accepted, *reach]
    nothing = Check(
        "credit",
        False,
        "The account has nothing to spend.",
        "Add credits at https://console.akash.network.",
    )
    return [accepted, nothing, *reach]


async def reach_checks(
    settings: Settings, reader: ConsoleReader, key: str, credit: Usd, now: float
) -> list[Check]:
    """What the `key` reaches, until when, whether the card refills the `credit`, and what could be spent with it.

    `now` is in seconds since the epoch.
    """
    generation = await reader.generation()
    keys = await _told(reader.api_keys())
    recharge = await _told(reader.wallet_settings())
    has_organizations = generation is Generation.V2026_11
    organizations = await _told(reader.organizations()) if has_organizations else []
    projects = await _told(reader.projects()) if has_organizations else []
    reach = (
        _reach(settings, keys, organizations, projects)
        if has_organizations
        else Check("reach", True, f"the whole account, as every key of this Console API ({generation})")
    )
    return [
        reach,
        *_project(settings, projects, has_organizations=has_organizations),
        _expiry(keys, key, now),
        _recharge(recharge),
        _spending(settings, credit, recharge, is_reading=_role(organizations) == "viewer"),
    ]


async def _told(read: Awaitable[T]) -> T | AkashError:
    try:
        return await read
    except AkashError as refusal:
        return refusal


def _reach(
    settings: Settings,
    keys: Sequence[ApiKey] | AkashError,
    organizations: Sequence[Organization] | AkashError,
    projects: Sequence[Project] | AkashError,
) -> Check:
    role = _role(organizations)
    if isinstance(keys, Forbidden) and keys.upstream_code in ("organization_forbidden", "project_forbidden"):
        return Check("reach", False, keys.what, keys.next_step)
    if role == "viewer":
        return Check(
            "reach",
            True,
            "reads only, as its owner is a viewer: nothing is created, changed or closed with it",
            ""
            if settings.read_only
            else "Set AKASH_MCP_READ_ONLY=true: no tool then offers what it cannot do.",
            warns=not settings.read_only,
        )
    if isinstance(keys, Forbidden):
        return Check(
            "reach",
            True,
            f"one project{_names(projects)}: it makes no keys, and does not change the card or its recharge",
        )
    if isinstance(keys, AkashError):
        return Check("reach", True, f"not known: {keys.what}", warns=True)
    if role == "member":
        return Check("reach", True, f"the projects that its owner was granted{_names(projects)}")
    if role == "billing":
        return Check(
            "reach", False, "money and no deployments, as its owner has the role billing", "Use another key."
        )
    if role is None and not _is_off(organizations):
        return Check("reach", True, "not known: its owner's role in the organization is not told", warns=True)
    has_projects = not isinstance(projects, AkashError) and bool(projects)
    return Check(
        "reach",
        True,
        "the whole account: more keys can be made with it, and the card be changed",
        "A key that is bound to a project can do neither." if has_projects else "",
        warns=has_projects,
    )


def _role(organizations: Sequence[Organization] | AkashError) -> str | None:
    """What the key's owner is in its organization. Of all that its owner has, a key is told its own alone."""
    if isinstance(organizations, AkashError) or len(organizations) != 1:
        return None
    return organizations[0].role or None


def _is_off(told: object) -> bool:
    """Whether the Console has no organizations, or its owner has none."""
    return isinstance(told, NotFound)


def _names(projects: Sequence[Project] | AkashError) -> str:
    if isinstance(projects, AkashError) or not projects:
        return ""
    return ", " + ", ".join(f"{quoted(project.name)} ({project.id})" for project in projects[:10])


def _project(
    settings: Settings, projects: Sequence[Project] | AkashError, *, has_organizations: bool
) -> list[Check]:
    wanted = settings.project_id
    if wanted is None:
        return []
    if not has_organizations or _is_off(projects):
        return [
            Check(
                "project",
                False,
                "This Console has no projects for the key's owner, so project_id has no effect.",
                "Remove AKASH_MCP_PROJECT_ID.",
            )
        ]
    if isinstance(projects, AkashError):
        return [Check("project", False, projects.what, projects.next_step)]
    found = [project for project in projects if project.id.lower() == wanted]
    if found:
        return [Check("project", True, f"{quoted(found[0].name)} ({wanted})")]
    return [
        Check(
            "project",
            False,
            f"The key does not reach project {wanted}.",
            f"Set AKASH_MCP_PROJECT_ID to one that it reaches{_names(projects)}.",
        )
    ]


def _expiry(keys: Sequence[ApiKey] | AkashError, key: str, now: float) -> Check:
    masked = _masked(key)
    own = [] if isinstance(keys, AkashError) else [each for each in keys if each.key_format == masked]
    if len(own) != 1:
        return Check("expiry", True, "not known: the Console does not tell this key among the others")
    told = own[0].expires_at
    if told is None:
        return Check("expiry", True, "none")
    try:
        ends = datetime.fromisoformat(told).astimezone(UTC)
    except ValueError:
        return Check("expiry", True, "not known: the Console tells a date that cannot be read", warns=True)
    if ends - datetime.fromtimestamp(now, UTC) > SOON:
        return Check("expiry", True, f"{ends:%Y-%m-%d %H:%M} UTC")
    return Check(
        "expiry",
        True,
        f"{ends:%Y-%m-%d %H:%M} UTC, which is soon: nothing can be closed with it after that",
        "Create another key at https://console.akash.network (Settings, API Keys).",
        warns=True,
    )


def _masked(key: str) -> str:
    """A key as the Console tells it ever after (`api-key-generator.service.ts`)."""
    kind, dot, random = key.rpartition(".")
    return f"{kind}{dot}{random[:6]}***{random[-6:]}"


def _recharge(told: WalletSettings | AkashError) -> Check:
    if _has_none(told):
        return Check("recharge", True, "the Console has none set up for the card")
    if isinstance(told, AkashError):
        return Check(
            "recharge", True, "not known: this key is not told whether the card adds credit by itself"
        )
    if told.auto_reload_enabled is None:
        return Check("recharge", True, "not known: the Console's answer says neither on nor off", warns=True)
    if not told.auto_reload_enabled:
        return Check("recharge", True, "off: the card adds no credit by itself")
    amount = "an amount" if told.auto_reload_amount is None else f"${told.auto_reload_amount:f}"
    paused = ", and paused since the card was declined" if told.auto_reload_paused_at else ""
    return Check("recharge", True, f"on: the card adds {amount} whenever credit runs low{paused}")


def _spending(
    settings: Settings, credit: Usd, recharge: WalletSettings | AkashError, *, is_reading: bool
) -> Check:
    """Whether whoever has the key could spend more than the limits here allow."""
    limit = settings.policy.max_usd_per_day
    if is_reading:
        return Check("spending", True, "nothing is spent with a key that only reads")
    is_off = _has_none(recharge) or (
        not isinstance(recharge, AkashError) and recharge.auto_reload_enabled is False
    )
    if credit <= limit and is_off:
        return Check("spending", True, f"at most the {credit} of credit, within the {limit} a day here")
    more = "" if is_off else " and whatever the card adds"
    return Check(
        "spending",
        True,
        f"whoever holds this key can spend the {credit} of credit{more}; the limits here ({limit} a day) bind this "
        "server alone",
        "Keep no more credit in the account than may be lost"
        + ("." if is_off else ", and Auto recharge off (https://console.akash.network, Billing)."),
        warns=True,
    )


def _has_none(told: object) -> bool:
    """Whether the Console says that no recharge was ever set, which is another 404 than that of an unknown path."""
    return isinstance(told, NotFound) and not no_such_route(told)
