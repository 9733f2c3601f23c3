"""How each kind of setting is written, in a flag, a variable or the file, and what is said of what is not it."""

from __future__ import annotations

import os
import re
import shlex
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, SecretStr

from akash_mcp.clients.akua.paths import versioned
from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.limits import MOST_RUNTIME_HOURS
from akash_mcp.guard.login_keys import AKUA, CONSOLE, Service, owner_of
from akash_mcp.guard.policy.policy import ApprovalMode, ApprovedTool
from akash_mcp.ids import ProviderAddress, parse_provider
from akash_mcp.money import NotMoney, Usd

PLACEHOLDER = re.compile(r"\$\{.*\}|\{\w+:.*\}|\$\w+|%\w+%", re.DOTALL)
"""How hosts write what they put a value in place of."""


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


def _key_for(service: Service) -> BeforeValidator:
    """Refuses a key that is plainly another service's, which the wrong one would be shown."""

    def read(value: object) -> object:
        owner = owner_of(value.strip()) if isinstance(value, str) else None
        if owner is not None and owner is not service:
            raise ValueError(
                f"it is an API {owner.noun} for {owner.title}, which {service.title} must not see"
            )
        return value

    return BeforeValidator(read)


def _url(value: object, *, example: str = "https://console-api.akash.network") -> str:
    parts = urlsplit(str(value).strip())
    if "@" in f"{parts.netloc}{parts.path}":  # in the path too: a slash in a password ends the host
        raise ValueError("an address must not contain a user name or password")
    if (
        parts.scheme not in ("https", "http")
        or not parts.hostname
        or parts.query
        or parts.fragment
        or re.search(r"\s", parts.geturl())
    ):
        raise ValueError(f"write an address such as {example}")
    if parts.scheme == "http" and not is_private_host(parts.hostname):
        raise ValueError("plain http is allowed for loopback and private addresses only: use https")
    return parts.geturl().rstrip("/")


def _akua_url(value: object) -> str:
    """The address of Akua's API, which is below `/v1` where nobody says otherwise: in one form, since a token is stored
    for an address."""
    return versioned(_url(value, example="https://api.akua.dev/v1"))


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


def is_private_host(host: str) -> bool:
    """Whether a host is this machine or one of its own network."""
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


def _workspace(name: str) -> str:
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise ValueError("write a workspace's id, such as ws_abc123, its slug or its name")
    return name.strip()


def _by_tool(value: object) -> object:
    if not isinstance(value, str):
        return value
    rules: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        tool, separator, how = (word.strip() for word in part.partition("="))
        if not separator or not how:
            raise ValueError("write TOOL=HOW, such as close_deployment=auto,run_command=deny")
        if tool in rules:
            raise ValueError(f"it names {tool} twice")
        rules[tool] = how
    return rules


def _agent_name(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,31}", name):
        raise ValueError(
            "a name has up to 32 small letters, digits, - and _, and begins with neither of the last"
        )
    return name


Dollars = Annotated[Usd, PlainValidator(_usd)]
Secret = Annotated[SecretStr, BeforeValidator(_header_value)]
ConsoleSecret = Annotated[Secret, _key_for(CONSOLE)]
AkuaSecret = Annotated[Secret, _key_for(AKUA)]
Url = Annotated[str, PlainValidator(_url)]
Webhook = Annotated[SecretStr, BeforeValidator(_webhook)]
Command = Annotated[tuple[str, ...], BeforeValidator(_command)]
Providers = Annotated[
    tuple[Annotated[ProviderAddress, PlainValidator(_provider)], ...], BeforeValidator(_comma_separated)
]
Networks = Annotated[
    tuple[Annotated[IPv4Network | IPv6Network, PlainValidator(_network)], ...],
    BeforeValidator(_comma_separated),
]
Names = Annotated[tuple[str, ...], BeforeValidator(_comma_separated)]
AgentName = Annotated[str, AfterValidator(_agent_name)]
Count = Annotated[int, Field(ge=0, le=1000)]
Hours = Annotated[int, Field(ge=1, le=MOST_RUNTIME_HOURS)]
ApprovalByTool = Annotated[dict[ApprovedTool, ApprovalMode], BeforeValidator(_by_tool)]
ConsoleGeneration = Annotated[Generation, PlainValidator(_generation)]
AkuaUrl = Annotated[str, PlainValidator(_akua_url)]
AkuaWorkspace = Annotated[str, AfterValidator(_workspace)]
Project = Annotated[str, PlainValidator(_project)]
Folder = Annotated[Path, PlainValidator(_absolute)]
File = Annotated[Path, PlainValidator(_absolute)]
CommaSeparated = BeforeValidator(_comma_separated)
