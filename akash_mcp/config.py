"""Settings: what a person decided, from flags, environment, file and defaults, in that order.

Limits on money come from here and nowhere else, and no tool changes them. So an invalid value, an unknown key in
the file, a limit that is misspelt, a contradiction, or a named file that is missing stops the start: falling back on a
default would replace a limit that somebody wrote down.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError

from akash_mcp.config_file import Given, read_file
from akash_mcp.errors import BadSettings, MissingKey
from akash_mcp.guard.login_keys import AKUA, LoginKeys
from akash_mcp.guard.policy.contradictions import Place, contradictions
from akash_mcp.guard.policy.limits import Limits
from akash_mcp.guard.policy.policy import ApprovalMode, ApprovedTool, Policy
from akash_mcp.guard.private_files import who_else_can_read
from akash_mcp.money import Usd
from akash_mcp.setting_types import (
    PLACEHOLDER,
    AgentName,
    AkuaSecret,
    AkuaUrl,
    AkuaWorkspace,
    ApprovalByTool,
    Command,
    CommaSeparated,
    ConsoleGeneration,
    ConsoleSecret,
    Count,
    Dollars,
    File,
    Folder,
    Hours,
    Names,
    Networks,
    Project,
    Providers,
    Secret,
    Url,
    Webhook,
)

log = logging.getLogger(__name__)

CONFIG_VARIABLE = "AKASH_MCP_CONFIG"
"""Names the configuration file, where it is not at `default_config_file()`."""

FAST_START_VARIABLE = "AKASH_MCP_FAST_START"
"""Switches the fast start off where it is 0. Read before there are settings."""

_ALIASES: Mapping[str, tuple[str, ...]] = {
    "api_key": ("AKASH_API_KEY",),
    "console_url": ("AKASH_CONSOLE_URL",),
    "chain_rest_url": ("AKASH_CHAIN_REST_URL",),
    "akua_token": ("AKUA_API_TOKEN",),
    "akua_url": ("AKUA_API_URL",),
    "akua_workspace": ("AKUA_WORKSPACE", "AKUA_WORKSPACE_ID"),
}
"""Names that other programs of the same services read too."""
_PREFIX = "AKASH_MCP_"
_UNFILLED_FIELD = re.compile(r"\$\{user_config\.\w+\}")
_SECRETS = ("api_key", "token", "notify_url", "akua_token")
_KEYS = ("api_key", "akua_token")
"""Secrets that hosts fill in, and that may also be stored by `login`."""


Toolset = Literal["deploy", "observe", "market", "account", "exec", "sdl", "akua", "akua-clusters"]
Transport = Literal["stdio", "http", "sse"]


_DEFAULTS = Policy()

_FILE_ONLY = ("agents",)
"""Settings that neither a flag nor a variable can hold."""


class AgentLimits(BaseModel):
    """`[agents.NAME]` of the file: what one agent may. None: what all together may."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    max_usd_per_deployment: Dollars | None = None
    max_usd_per_day: Dollars | None = None
    max_usd_per_month: Dollars | None = None
    max_usd_total: Dollars | None = None
    max_usd_per_hour: Dollars | None = None
    max_usd_per_hour_together: Dollars | None = None
    max_deployments: Count | None = None
    default_hours: Hours | None = None
    max_hours: Hours | None = None

    @property
    def written(self) -> dict[str, Any]:
        """The limits that a person wrote."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Settings(BaseModel):
    """Everything that a person can set. Amounts are in US dollars (`Usd`); secrets never appear in `repr`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    api_key: ConsoleSecret | None = Field(None, description="Console API key")
    console_url: Url = Field("https://console-api.akash.network", description="Console API")
    console_generation: ConsoleGeneration | None = Field(
        None, description="Generation of the Console API, instead of asking it"
    )
    project_id: Project | None = Field(
        None,
        description="Project that deployments are created and listed in, where the Console API has projects",
    )
    chain_rest_url: Url = Field(
        "https://api.akashnet.net",
        description="Cosmos REST endpoint of an Akash node; any public one works, and this default can change",
    )
    akua_token: AkuaSecret | None = Field(
        None, description="API token of Akua, which is another service than Akash"
    )
    akua_url: AkuaUrl = Field("https://api.akua.dev/v1", description="Akua's API")
    akua_workspace: AkuaWorkspace | None = Field(
        None, description="Akua workspace by id, slug or name, where the token reaches several"
    )
    ca_file: File | None = Field(
        None, description="PEM file of more authorities that the Console, the chain and Akua may be proven by"
    )
    state_dir: Folder = Field(
        default_factory=lambda: platformdirs.user_state_path("akash-mcp", appauthor=False),
        description="Folder of the ledger and the journal: all servers that use it share one budget",
    )
    agent: AgentName | None = Field(
        None, description="In whose name this server spends: a budget of the file"
    )
    agents: dict[AgentName, AgentLimits] = Field(
        default_factory=dict, description="Budgets by name, each a part of what all may spend together"
    )
    approval: ApprovalMode = Field(_DEFAULTS.approval, description="How what spends or deletes is approved")
    approval_by_tool: ApprovalByTool = Field(
        default_factory=dict, description="How single tools are approved, instead of that"
    )
    auto_up_to_usd: Dollars | None = Field(
        _DEFAULTS.auto_up_to_usd, description="What spends at most so much is not asked about"
    )
    max_usd_per_deployment: Dollars = Field(
        _DEFAULTS.max_usd_per_deployment, description="Most that one deployment may cost"
    )
    max_usd_per_day: Dollars = Field(
        _DEFAULTS.max_usd_per_day, description="Most that may be committed within 24 hours"
    )
    max_usd_per_month: Dollars | None = Field(
        _DEFAULTS.max_usd_per_month, description="Most that may be committed in a calendar month (UTC)"
    )
    max_usd_total: Dollars | None = Field(
        _DEFAULTS.max_usd_total, description="Most that may be committed in all"
    )
    max_usd_per_hour: Dollars | None = Field(
        _DEFAULTS.max_usd_per_hour, description="Highest rate of one deployment"
    )
    max_usd_per_hour_together: Dollars | None = Field(
        _DEFAULTS.max_usd_per_hour_together, description="Highest rate of all open deployments together"
    )
    max_deployments: Count = Field(_DEFAULTS.max_deployments, description="Most deployments at once")
    default_hours: Hours = Field(
        _DEFAULTS.default_hours, description="Hours that a run lasts which names none"
    )
    max_hours: Hours = Field(_DEFAULTS.max_hours, description="Most hours that a run may last")
    allowed_providers: Providers = Field((), description="Only these providers may get a lease")
    denied_providers: Providers = Field((), description="These providers never get a lease")
    audited_only: bool = Field(_DEFAULTS.audited_only, description="Only audited providers may get a lease")
    allow_auto_top_up: bool = Field(
        _DEFAULTS.allow_auto_top_up, description="Automatic top-up may be switched on (docs/account.md)"
    )
    allow_private_providers: Networks = Field(
        (), description="Networks (CIDR) of private or loopback provider hosts that may be contacted"
    )
    notify_command: Command = Field((), description="Program that is told what the watch found")
    notify_url: Webhook | None = Field(None, description="Webhook that is told what the watch found")
    toolsets: Annotated[tuple[Toolset, ...], CommaSeparated] = Field(
        ("deploy", "observe"), description="Groups of tools that the agent gets"
    )
    read_only: bool = Field(False, description="Offer no tool that spends or changes anything")
    sandbox: bool = Field(False, description="Serve an embedded network with play money")
    transport: Transport = Field("stdio", description="How clients connect")
    host: str = Field("127.0.0.1", min_length=1, description="Address that http and sse listen on")
    port: int = Field(
        8427, ge=0, le=65535, description="Port that http and sse listen on; 0 takes a free one"
    )
    allowed_hosts: Names = Field((), description="More host names under which http and sse may be reached")
    token: Secret | None = Field(None, description="Bearer token that http and sse require")
    debug: bool = Field(False, description="Log more, with tracebacks, on stderr")

    _places: Mapping[str, str] = PrivateAttr(default_factory=dict)

    def place_of(self, field: str) -> str:
        """Where a setting was written: its flag, its variable, or its line of the file; "" where nobody wrote it."""
        return self._places.get(field, "")

    @property
    def policy(self) -> Policy:
        """What a person decided, for the guard: the limits of this server's agent, and those of all together."""
        roof = Limits(**{each.name: getattr(self, each.name) for each in fields(Limits)})
        own = self.agents.get(self.agent) if self.agent else None
        limits = {each.name: getattr(roof, each.name) for each in fields(Limits)} | (
            own.written if own else {}
        )
        return Policy(
            # A shorter limit that somebody wrote bounds a default that nobody did.
            **limits | {"default_hours": min(limits["default_hours"], limits["max_hours"])},
            agent=self.agent or "",
            roof=roof if own else None,
            approval=self.approval,
            approval_by_tool={str(tool): how for tool, how in self.approval_by_tool.items()},
            auto_up_to_usd=self.auto_up_to_usd,
            allowed_providers=frozenset(self.allowed_providers),
            denied_providers=frozenset(self.denied_providers),
            audited_only=self.audited_only,
            allow_auto_top_up=self.allow_auto_top_up,
        )


def default_config_file() -> Path:
    """The configuration file of this system: `~/.config/akash-mcp/config.toml` on Linux."""
    return platformdirs.user_config_path("akash-mcp", appauthor=False) / "config.toml"


def variables_of(field: str) -> tuple[str, ...]:
    """The environment variables of a setting, the one that wins first: `AKASH_MCP_API_KEY`, `AKASH_API_KEY`.

    None for what only the file can hold.
    """
    if field in _FILE_ONLY:
        return ()
    return (_PREFIX + field.upper(), *_ALIASES.get(field, ()))


def load(flags: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings in force: `flags` (by field name) over `environ` over the file over the defaults.

    Raises `BadSettings` for an invalid value, naming where it was written, for a file that cannot be read or has an
    unknown key, for what contradicts itself, and for an agent that the file does not define. An unknown `AKASH_MCP_*`
    variable raises it where it looks like a limit; else it only causes a warning: it may be meant for a newer version.
    """
    environ = os.environ if environ is None else environ
    _check_unknown_variables(environ)
    chosen = {
        **_from_file(environ),
        **_from_environment(environ),
        **{name: Given(value, _flag(name)) for name, value in (flags or {}).items()},
    }
    try:
        settings = Settings.model_validate({name: given.value for name, given in chosen.items()})
    except ValidationError as error:
        raise BadSettings(_explain(error, chosen), money="") from None  # the cause would show the values
    _check_agent(settings, chosen)
    _check_contradictions(settings, chosen)
    if "toolsets" not in chosen and _offers_akua(settings):
        settings = settings.model_copy(update={"toolsets": (*settings.toolsets, "akua")})
    settings._places = {name: given.where for name, given in chosen.items()}
    return settings


def _offers_akua(settings: Settings) -> bool:
    """Whether a server of which nobody named the toolsets has Akua's tools: where there is a token for them, given or
    stored by `login`. A sandbox knows no other network, so that a token of the real Akua switches nothing on there.

    `fast_start.certain` decides the same.
    """
    if settings.sandbox:
        return False
    if settings.akua_token is not None:
        return True
    try:
        return LoginKeys(default_config_file().parent, AKUA).stored(settings.akua_url) is not None
    except MissingKey as unknown:
        log.warning("Whether there is an Akua token is not known, so its tools are not offered. %s", unknown)
        return False


def _flag(field: str) -> str:
    return "--" + field.replace("_", "-")


def _from_environment(environ: Mapping[str, str]) -> dict[str, Given]:
    chosen = {}
    for field in Settings.model_fields:
        for variable in variables_of(field):
            value = environ.get(variable, "").strip()
            if _left_empty(field, value):
                log.log(  # most fields are meant to be left empty, but nothing can be done without a key
                    logging.WARNING if field == "api_key" else logging.DEBUG,
                    "%s holds a placeholder that the host application did not fill in, so it counts as not set",
                    variable,
                )
                value = ""
            if value:
                chosen[field] = Given(value, variable)
                break
    return chosen


def _left_empty(field: str, value: str) -> bool:
    """Whether a host passed a placeholder on unchanged, because the person left its field empty.

    `${user_config.…}` is a field of a bundle or plugin. Any other placeholder is that of a variable: taken for no key,
    but never for no limit, since the person wrote one there.
    """
    unfilled = PLACEHOLDER if field in _KEYS else _UNFILLED_FIELD
    return unfilled.fullmatch(value) is not None


def _from_file(environ: Mapping[str, str]) -> dict[str, Given]:
    named = environ.get(CONFIG_VARIABLE, "").strip()
    path = Path(named).expanduser() if named else default_config_file()
    try:
        chosen = read_file(path)
    except FileNotFoundError:
        if named:
            raise BadSettings(f"{CONFIG_VARIABLE} names {path}, which does not exist.", money="") from None
        return {}
    for key, given in chosen.items():
        if key not in Settings.model_fields:
            where = given.where.removesuffix(f": {key}")
            raise BadSettings(
                f"{where}: there is no setting {key!r}{_did_you_mean(key, Settings.model_fields, '.')}",
                money="",
            )
    _warn_of_readable_secrets(path, chosen)
    return chosen


def _warn_of_readable_secrets(path: Path, chosen: Mapping[str, Given]) -> None:
    exposed = who_else_can_read(path)
    if exposed is not None and any(name in chosen for name in _SECRETS):
        log.warning("%s holds a secret and other users can read it: run %s", path, exposed.fix)


_LIMITING = re.compile(r"AKASH_MCP_(MAX|AUTO|APPROV|ALLOW|DEN[IY]|AUDIT|READ|AGENT)")
"""Names of variables that take something from an agent, in this version or in a newer one."""


def _check_unknown_variables(environ: Mapping[str, str]) -> None:
    """Refuse an unknown variable that somebody limits an agent with: it would not hold. Warn of any other."""
    known = {
        CONFIG_VARIABLE,
        FAST_START_VARIABLE,
        *(name for field in Settings.model_fields for name in variables_of(field)),
    }
    for name in environ:
        if not name.startswith(_PREFIX) or name in known:
            continue
        if _LIMITING.match(name) and environ[name].strip():
            raise BadSettings(
                f"{name} is not a setting, and what it limits would not be limited"
                f"{_did_you_mean(name, known, '.')}",
                next_step="Correct or remove it.",
                money="",
            )
        log.warning("%s is not a setting and has no effect%s", name, _did_you_mean(name, known))


def _check_agent(settings: Settings, chosen: Mapping[str, Given]) -> None:
    """Refuse a name that has no budget, where others have one: a slip would give it all that the roof allows."""
    if settings.agent and settings.agents and settings.agent not in settings.agents:
        raise BadSettings(
            f"{chosen['agent'].where} is {settings.agent!r}, and the file defines no such agent"
            f"{_did_you_mean(settings.agent, settings.agents, '.')}",
            next_step=f"Use one of {', '.join(settings.agents)}, or write [agents.{settings.agent}] in the file.",
            money="",
        )


def _check_contradictions(settings: Settings, chosen: Mapping[str, Given]) -> None:
    written = {name: getattr(settings, name) for name in settings.model_fields_set}
    written["agents"] = {name: limits.written for name, limits in settings.agents.items()}
    defaults = {each.name: getattr(_DEFAULTS, each.name) for each in fields(Limits)}
    refused = []
    for found in contradictions(written, defaults):
        one, other = (_told(place, chosen, defaults | written) for place in (found.one, found.other))
        sentence = f"{one}, and {other}: {found.why}."
        if found.is_certain:
            refused.append(sentence)
        else:
            log.warning("%s", sentence)
    if refused:
        raise BadSettings("\n".join(refused), next_step="Change one of the two.", money="")


def _told(place: Place, chosen: Mapping[str, Given], values: Mapping[str, Any]) -> str:
    """A setting with where it was written, and what it is."""
    name, *keys = place
    value = values[name]
    for key in keys:
        value = value[key]
    if name not in chosen:
        return f"{name} is {_shown(value)} where nobody sets it"
    where = chosen[name].place(tuple(keys))
    return where if isinstance(value, tuple) else f"{where} is {_shown(value)}"


def _shown(value: object) -> str:
    return value.exact() if isinstance(value, Usd) else str(value)


def _did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    from difflib import get_close_matches  # only needed for an error message

    close = get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {close[0]}?" if close else otherwise


def _explain(error: ValidationError, chosen: Mapping[str, Given]) -> str:
    """One line for each invalid value: where it was written, what it is unless secret, and why it is invalid."""
    sentences = []
    for fault in error.errors(include_url=False):
        is_key = fault["loc"][-1] == "[key]"
        field, *inner = (str(part) for part in fault["loc"] if part != "[key]")
        given = chosen[field]
        keys = tuple(inner) if isinstance(given.value, Mapping) else ()  # else it is one text with one place
        if fault["type"] == "extra_forbidden" or (is_key and fault["type"] == "literal_error"):
            known = AgentLimits.model_fields if field == "agents" else get_args(ApprovedTool)
            sentences.append(
                f"{given.place(keys)}: there is no {inner[-1]!r} here{_did_you_mean(inner[-1], known, '.')} "
                f"Use {', '.join(known)}."
            )
            continue
        reason = str(fault["ctx"]["error"]) if fault["type"] == "value_error" else fault["msg"]
        value = inner[-1] if is_key else given.at(keys)
        shown = "" if field in _SECRETS else f" is {_without_credentials(str(value))[:60]!r}"
        sentences.append(f"{given.place(keys)}{shown}: {reason[:1].lower()}{reason[1:]}.")
    return "\n".join(sentences)


def _without_credentials(value: str) -> str:
    """A value without what stands in an address before its host or behind its path, which may be a key."""
    return re.sub(
        r"//.*@|[?#].*", lambda found: "//…@" if found[0].startswith("//") else f"{found[0][0]}…", value
    )
