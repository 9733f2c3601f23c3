"""Settings: what a person decided, from flags, environment, file and defaults, in that order.

Limits on money come from here and nowhere else, and no tool changes them. So an invalid value, an unknown key in
the file, or a named file that is missing stops the start: falling back on a default would replace a limit that
somebody wrote down.
"""

from __future__ import annotations

import logging
import os
import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

import platformdirs
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, SecretStr, ValidationError

from akash_mcp.clients.api_model import believable
from akash_mcp.clients.console.generation import Generation
from akash_mcp.errors import BadSettings
from akash_mcp.guard.policy import ApprovalMode, Policy
from akash_mcp.guard.private_files import who_else_can_read, who_else_can_write
from akash_mcp.ids import ProviderAddress, parse_provider
from akash_mcp.money import NotMoney, Usd

log = logging.getLogger(__name__)

CONFIG_VARIABLE = "AKASH_MCP_CONFIG"
"""Names the configuration file, where it is not at `default_config_file()`."""

_ALIASES = {
    "api_key": "AKASH_API_KEY",
    "console_url": "AKASH_CONSOLE_URL",
    "chain_rest_url": "AKASH_CHAIN_REST_URL",
}
_PREFIX = "AKASH_MCP_"
_SECRETS = ("api_key", "token", "notify_url")


def _usd(value: object) -> Usd:
    if isinstance(value, Usd):
        return value
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise ValueError("write an amount of US dollars, such as 10 or 2.50")
    try:
        return Usd.parse(value)
    except NotMoney as error:
        raise ValueError(f"{error}; write US dollars, such as 10 or 2.50") from error


def _comma_separated(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _provider(value: object) -> ProviderAddress:
    return parse_provider(str(value))


def _network(value: object) -> IPv4Network | IPv6Network:
    return value if isinstance(value, IPv4Network | IPv6Network) else ip_network(str(value))


def _header_value(value: object) -> object:
    if not isinstance(value, str):
        return value
    if not re.fullmatch(r"[!-~]+", value.strip()):
        raise ValueError("it must be printable ASCII without spaces")
    return value.strip()


def _url(value: object) -> str:
    parts = urlsplit(str(value).strip())
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("write an address such as https://console-api.akash.network")
    if parts.username is not None or parts.password is not None:
        raise ValueError("an address must not contain a user name or password")
    if parts.scheme == "http" and not _is_private_host(parts.hostname):
        raise ValueError("plain http is allowed for loopback and private addresses only: use https")
    return parts.geturl().rstrip("/")


def _webhook(value: object) -> object:
    if not isinstance(value, str):
        return value
    parts = urlsplit(value.strip())
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username is not None:
        raise ValueError(
            "write an address such as https://hooks.example.org/…, without a user name or password"
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError("plain http is allowed for this machine only: use https")
    return value.strip()


def _command(value: object) -> object:
    words = shlex.split(value, posix=os.name == "posix") if isinstance(value, str) else value
    if isinstance(words, list | tuple) and words:
        program = os.path.expanduser(str(words[0]))
        if os.path.dirname(program) and not os.path.isabs(program):
            # A host application chooses our working folder.
            raise ValueError("write the absolute path of the program, or its name alone")
        return (program, *words[1:])
    return words


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_private_host(host: str) -> bool:
    try:
        return ip_address(host).is_private
    except ValueError:
        return host == "localhost"


def _absolute(value: object) -> Path:
    path = Path(str(value)).expanduser()
    if not path.is_absolute():
        # A host application chooses our working folder, and two working folders would be two budgets.
        raise ValueError("write an absolute path")
    return path


def _generation(value: object) -> Generation:
    try:
        return Generation(str(value))
    except ValueError as error:
        raise ValueError(f"use {', '.join(Generation)}") from error


def _project(value: object) -> str:
    try:
        return str(UUID(str(value).strip()))
    except ValueError as error:
        raise ValueError("write a project's id, such as 3f0c9d4e-58f5-4b4e-9a63-0a6f8c1d2e3f") from error


def _approval(value: object) -> object:
    if value == "terminal":
        raise ValueError(
            "approval in a terminal is not supported in this version yet; use elicit, two-step, auto or deny"
        )
    return value


Dollars = Annotated[Usd, PlainValidator(_usd)]
Secret = Annotated[SecretStr, BeforeValidator(_header_value)]
Url = Annotated[str, PlainValidator(_url)]
Providers = Annotated[
    tuple[Annotated[ProviderAddress, PlainValidator(_provider)], ...], BeforeValidator(_comma_separated)
]
Networks = Annotated[
    tuple[Annotated[IPv4Network | IPv6Network, PlainValidator(_network)], ...],
    BeforeValidator(_comma_separated),
]
Names = Annotated[tuple[str, ...], BeforeValidator(_comma_separated)]
Webhook = Annotated[SecretStr, BeforeValidator(_webhook)]
Command = Annotated[tuple[str, ...], BeforeValidator(_command)]
Toolset = Literal["deploy", "observe", "exec", "sdl"]
Approval = Annotated[ApprovalMode, BeforeValidator(_approval)]
Transport = Literal["stdio", "http", "sse"]


_DEFAULTS = Policy()


class Settings(BaseModel):
    """Everything that a person can set. Amounts are in US dollars (`Usd`); secrets never appear in `repr`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    api_key: Secret | None = Field(None, description="Console API key")
    console_url: Url = Field("https://console-api.akash.network", description="Console API")
    console_generation: Annotated[Generation, PlainValidator(_generation)] | None = Field(
        None, description="Generation of the Console API, instead of asking it"
    )
    project_id: Annotated[str, PlainValidator(_project)] | None = Field(
        None,
        description="Project that deployments are created and listed in, where the Console API has projects",
    )
    chain_rest_url: Url = Field(
        "https://api.akashnet.net",
        description="Cosmos REST endpoint of an Akash node; any public one works, and this default can change",
    )
    state_dir: Annotated[Path, PlainValidator(_absolute)] = Field(
        default_factory=lambda: platformdirs.user_state_path("akash-mcp", appauthor=False),
        description="Folder of the ledger and the journal: all servers that use it share one budget",
    )
    approval: Approval = Field(_DEFAULTS.approval, description="How what spends or deletes is approved")
    max_usd_per_deployment: Dollars = Field(
        _DEFAULTS.max_usd_per_deployment, description="Most that one deployment may cost"
    )
    max_usd_per_day: Dollars = Field(
        _DEFAULTS.max_usd_per_day, description="Most that may be committed within 24 hours"
    )
    max_usd_per_hour: Dollars | None = Field(
        _DEFAULTS.max_usd_per_hour, description="Highest rate of one deployment"
    )
    max_deployments: int = Field(
        _DEFAULTS.max_deployments, ge=0, le=1000, description="Most deployments at once"
    )
    allowed_providers: Providers = Field((), description="Only these providers may get a lease")
    denied_providers: Providers = Field((), description="These providers never get a lease")
    audited_only: bool = Field(_DEFAULTS.audited_only, description="Only audited providers may get a lease")
    allow_private_providers: Networks = Field(
        (), description="Networks (CIDR) of private or loopback provider hosts that may be contacted"
    )
    notify_command: Command = Field((), description="Program that is told what the watch found")
    notify_url: Webhook | None = Field(None, description="Webhook that is told what the watch found")
    toolsets: Annotated[tuple[Toolset, ...], BeforeValidator(_comma_separated)] = Field(
        ("deploy", "observe"), description="Groups of tools that the agent gets"
    )
    read_only: bool = Field(False, description="Offer no tool that spends or changes anything")
    transport: Transport = Field("stdio", description="How clients connect")
    host: str = Field("127.0.0.1", min_length=1, description="Address that http and sse listen on")
    port: int = Field(
        8427, ge=0, le=65535, description="Port that http and sse listen on; 0 takes a free one"
    )
    allowed_hosts: Names = Field((), description="More host names under which http and sse may be reached")
    token: Secret | None = Field(None, description="Bearer token that http and sse require")
    debug: bool = Field(False, description="Log more, with tracebacks, on stderr")

    @property
    def policy(self) -> Policy:
        """The limits in these settings, for the guard."""
        return Policy(
            approval=self.approval,
            max_usd_per_deployment=self.max_usd_per_deployment,
            max_usd_per_day=self.max_usd_per_day,
            max_usd_per_hour=self.max_usd_per_hour,
            max_deployments=self.max_deployments,
            allowed_providers=frozenset(self.allowed_providers),
            denied_providers=frozenset(self.denied_providers),
            audited_only=self.audited_only,
        )


def default_config_file() -> Path:
    """The configuration file of this system: `~/.config/akash-mcp/config.toml` on Linux."""
    return platformdirs.user_config_path("akash-mcp", appauthor=False) / "config.toml"


def variables_of(field: str) -> tuple[str, ...]:
    """The environment variables of a setting, the one that wins first: `AKASH_MCP_API_KEY`, `AKASH_API_KEY`."""
    own = _PREFIX + field.upper()
    return (own, _ALIASES[field]) if field in _ALIASES else (own,)


def load(flags: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings in force: `flags` (by field name) over `environ` over the file over the defaults.

    Raises `BadSettings` for an invalid value, naming where it was written, and for a file that cannot be read or
    has an unknown key. An unknown `AKASH_MCP_*` variable only causes a warning: it may be meant for a newer version.
    """
    environ = os.environ if environ is None else environ
    _warn_of_unknown_variables(environ)
    chosen = {
        **_from_file(environ),
        **_from_environment(environ),
        **{name: _Given(value, _flag(name)) for name, value in (flags or {}).items()},
    }
    try:
        return Settings.model_validate({name: given.value for name, given in chosen.items()})
    except ValidationError as error:
        raise BadSettings(_explain(error, chosen), money="") from None  # the cause would show the values


@dataclass(frozen=True, slots=True)
class _Given:
    """A value as it was written, and where: a flag, a variable or a line of the file."""

    value: object
    where: str


def _flag(field: str) -> str:
    return "--" + field.replace("_", "-")


def _from_environment(environ: Mapping[str, str]) -> dict[str, _Given]:
    chosen = {}
    for field in Settings.model_fields:
        for variable in variables_of(field):
            value = environ.get(variable, "").strip()
            if field == "api_key" and re.fullmatch(r"\$\{.*\}", value):
                # Hosts pass a placeholder on unchanged when the person left it empty.
                log.warning(
                    "%s holds a placeholder that the host application did not fill in, so there is no key",
                    variable,
                )
                value = ""
            if value:
                chosen[field] = _Given(value, variable)
                break
    return chosen


def _from_file(environ: Mapping[str, str]) -> dict[str, _Given]:
    named = environ.get(CONFIG_VARIABLE, "").strip()
    path = Path(named).expanduser() if named else default_config_file()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        if named:
            raise BadSettings(f"{CONFIG_VARIABLE} names {path}, which does not exist.", money="") from None
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"The configuration file {path} cannot be read: {error}.", money="") from error
    exposed = who_else_can_write(path)
    if exposed is not None:
        raise BadSettings(
            f"The configuration file {path} sets limits that others could change: {exposed}.",
            next_step=f"Run {exposed.fix}",
            money="",
        )
    try:
        table = tomllib.loads(text, parse_float=_number)
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"The configuration file {path} is not TOML: {error}.", money="") from error
    except (ValueError, RecursionError) as error:
        raise BadSettings(
            f"The configuration file {path} holds a number, or a nesting, that is too long to be read.",
            money="",
        ) from error
    for key in table:
        if key not in Settings.model_fields:
            raise BadSettings(
                f"{path}, line {_line_of(key, text)}: there is no setting {key!r}"
                f"{_did_you_mean(key, Settings.model_fields)}.",
                money="",
            )
    _warn_of_readable_secrets(path, table)
    return {key: _Given(value, f"{path}, line {_line_of(key, text)}: {key}") for key, value in table.items()}


def _number(written: str) -> Decimal | str:
    """A number of the file; the text of one that nobody can mean, for its setting to refuse."""
    number = believable(written)
    return written if number is None else number


def _line_of(key: str, text: str) -> int:
    """The line where a top-level key or table is written, from 1; tomllib does not keep it."""
    begins = re.compile(rf"""\s*\[*\s*["']?{re.escape(key)}["']?\s*[=.\]]""")
    return next((n for n, line in enumerate(text.splitlines(), 1) if begins.match(line)), 1)


def _warn_of_readable_secrets(path: Path, table: Mapping[str, Any]) -> None:
    exposed = who_else_can_read(path)
    if exposed is not None and any(name in table for name in _SECRETS):
        log.warning("%s holds a secret and other users can read it: run %s", path, exposed.fix)


def _warn_of_unknown_variables(environ: Mapping[str, str]) -> None:
    known = {CONFIG_VARIABLE, *(name for field in Settings.model_fields for name in variables_of(field))}
    for name in environ:
        if name.startswith(_PREFIX) and name not in known:
            log.warning("%s is not a setting and has no effect%s", name, _did_you_mean(name, known))


def _did_you_mean(name: str, known: Mapping[str, Any] | set[str]) -> str:
    from difflib import get_close_matches  # only needed for an error message

    close = get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _explain(error: ValidationError, chosen: Mapping[str, _Given]) -> str:
    """One line for each invalid value: where it was written, what it is unless secret, and why it is invalid."""
    sentences = []
    for fault in error.errors(include_url=False):
        field = str(fault["loc"][0])
        reason = str(fault["ctx"]["error"]) if fault["type"] == "value_error" else fault["msg"]
        given = chosen[field]
        shown = "" if field in _SECRETS else f" is {str(given.value)[:60]!r}"
        sentences.append(f"{given.where}{shown}: {reason[:1].lower()}{reason[1:]}.")
    return "\n".join(sentences)
