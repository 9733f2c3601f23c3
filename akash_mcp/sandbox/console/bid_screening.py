"""Bid screening: who could take an order, asked before anything is paid (akash-network/console `provider-inventory`).

Nobody here says what it would cost, in which order they come, or what a provider would really bid.
"""

from __future__ import annotations

import base64
import binascii
import re
import zoneinfo
from decimal import Decimal
from functools import cache
from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.bidders import can_take, in_use
from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.moments import iso
from akash_mcp.sandbox.console.responses import answer
from akash_mcp.sandbox.console.schema import Issues, Path
from akash_mcp.sandbox.sellers import Seller
from akash_mcp.sdl import Attribute, GroupSpec, ResourceUnit
from akash_mcp.sdl import Endpoint as Exposure
from akash_mcp.sdl import Storage as Volume

MAX_BODY = 64 * 1024
_KINDS = ("SHARED_HTTP", "RANDOM_PORT", "LEASED_IP")
_KEY = r"[a-zA-Z][\w/.-]{1,126}[\w*]?"
_LONGEST = 80
_DAY = 86400


class Screening:
    """Who could take these resources now. `shows_gpus`: newer Consoles tell how many are free."""

    def __init__(self, backend: Backend, *, shows_gpus: bool = False) -> None:
        self._backend = backend
        self._shows_gpus = shows_gpus

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        return [
            Endpoint("POST", "/v1/bid-screening", self.screen, False, body_schema=_REQUEST, max_body=MAX_BODY)
        ]

    async def screen(self, call: Call) -> Response:
        """The providers that are able, without a word of price. No resources at all asks for everybody."""
        group = _group(call.body)
        able = [
            seller
            for address, seller in self._backend.market.items()
            if can_take(seller, group, in_use(self._backend.chain, address))
        ]
        return answer({"providers": [self._record(seller) for seller in able]})

    def _record(self, seller: Seller) -> dict[str, Any]:
        provider = seller.provider
        record: dict[str, Any] = {
            "owner": provider.owner,
            "hostUri": provider.host_uri,
            "isAudited": seller.audited,
            "createdAt": iso(self._backend.chain.clock.block_time(self._backend.chain.height) - 400 * _DAY),
            "location": provider.attributes.get("location-region"),
            "organization": provider.attributes.get("organization"),
            # Only days on which something happened are listed.
            "incidents": [] if provider.facts.get("uptime7d") in (None, 1.0) else [self._incident()],
        }
        if self._shows_gpus:
            used = sum(unit.gpu * unit.count for unit in in_use(self._backend.chain, provider.owner))
            record["availableGpus"] = seller.gpus - used
        return record

    def _incident(self) -> dict[str, Any]:
        day = iso(self._backend.chain.clock.now() - 3 * _DAY)[:10]
        return {"date": day, "hasOpenIncident": False, "incidentCount": 1, "downtimeSeconds": 640}


def _group(body: dict[str, Any]) -> GroupSpec:
    requirements = body.get("requirements", {})
    signed = requirements.get("signedBy", {})
    return GroupSpec(
        name="screening",
        attributes=_attributes(requirements),
        all_of=tuple(signed.get("allOf", ())),
        any_of=tuple(signed.get("anyOf", ())),
        resources=tuple(_unit(item) for item in body["resources"]),
    )


def _unit(item: dict[str, Any]) -> ResourceUnit:
    resource = item["resource"]
    return ResourceUnit(
        id=int(resource["id"]),
        cpu=resource["cpu"]["units"]["val"],
        cpu_attributes=_attributes(resource["cpu"]),
        memory=resource["memory"]["quantity"]["val"],
        storage=tuple(
            Volume(volume["name"], volume["quantity"]["val"], _attributes(volume))
            for volume in resource["storage"]
        ),
        gpu=resource["gpu"]["units"]["val"],
        gpu_attributes=_attributes(resource["gpu"]),
        endpoints=tuple(
            Exposure(_KINDS.index(each.get("kind", _KINDS[0])), int(each.get("sequenceNumber", 0)))
            for each in resource.get("endpoints", ())
        ),
        count=int(item["count"]),
        price=Decimal(item["price"]["amount"]),
        denom=item["price"]["denom"],
    )


def _attributes(holder: dict[str, Any]) -> tuple[Attribute, ...]:
    return tuple(Attribute(each["key"], each["value"]) for each in holder.get("attributes", ()))


def _amount(value: Any, path: Path, issues: Issues) -> Any:
    """Digits, or base64 of digits, given back as a number. A JSON number is refused."""
    parsed = schema.text(1, _LONGEST)(value, path, issues)
    if not isinstance(parsed, str):
        return parsed
    digits = parsed if re.fullmatch(r"[0-9]+", parsed) else _decoded(parsed)
    if not re.fullmatch(r"[0-9]{1,80}", digits):
        issues.append(schema.issue(path, "Invalid amount"))
        return value
    return int(digits)


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""


@cache
def _timezones() -> set[str]:
    """Asked once: each time it opens every file of the system's database, 600 of them."""
    return zoneinfo.available_timezones()


def _timezone(value: Any, path: Path, issues: Issues) -> Any:
    zone = schema.string(value, path, issues)
    if isinstance(zone, str) and zone not in _timezones():
        issues.append(schema.issue(path, "Invalid timezone"))
    return zone


_ATTRIBUTE = schema.obj(key=schema.text(1, 128, _KEY), value=schema.string)
_HELD = schema.optional(schema.array(_ATTRIBUTE))
_NAMES = schema.optional(schema.array(schema.string))
_VALUE = schema.obj(val=_amount)
_EXPOSURE = schema.obj(
    kind=schema.optional(schema.choice(*_KINDS)), sequenceNumber=schema.optional(schema.at_least(0, 2**32))
)
_INTEGER = schema.at_least(-(2**53), 2**53, whole=True)
_RESOURCE = schema.obj(
    id=_INTEGER,
    cpu=schema.obj(units=_VALUE, attributes=_HELD),
    memory=schema.obj(quantity=_VALUE, attributes=_HELD),
    gpu=schema.obj(units=_VALUE, attributes=_HELD),
    storage=schema.array(schema.obj(name=schema.string, quantity=_VALUE, attributes=_HELD)),
    endpoints=schema.optional(schema.array(_EXPOSURE)),
)
_REQUEST = schema.obj(
    requirements=schema.optional(
        schema.obj(signedBy=schema.optional(schema.obj(allOf=_NAMES, anyOf=_NAMES)), attributes=_HELD)
    ),
    resources=schema.array(
        schema.obj(
            resource=_RESOURCE,
            count=schema.at_least(1, 2**53, whole=True),
            price=schema.obj(denom=schema.string, amount=schema.text(1, 80, r"[0-9]+")),
        )
    ),
    timezone=_timezone,
    reclamationWindow=schema.optional(schema.at_least(1, 2**53, whole=True)),
)
