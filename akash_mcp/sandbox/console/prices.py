"""An estimate that no bid stands behind: Console's price formula."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.account import json_number
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.responses import answer
from akash_mcp.sandbox.units import cents

MAX_BODY = 512

# USD a month for a core, a GB of memory and a GB of storage
_RATES = {
    "akash": (Decimal("4.5"), Decimal("1.25"), Decimal("0.08")),
    "aws": (Decimal("29.2"), Decimal("3.24"), Decimal("0.088")),
    "gcp": (Decimal("23.1"), Decimal("3.1"), Decimal("0.1")),
    "azure": (Decimal("30.4"), Decimal("3.6"), Decimal("0.096")),
}


class Prices:
    """What anybody may ask about prices."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        spec = schema.obj(cpu=schema.at_least(0), memory=schema.at_least(0), storage=schema.at_least(0))
        specs = schema.either(spec, schema.array(spec, minimum=1, maximum=10))
        return [
            Endpoint("POST", "/v1/pricing", self.estimate, False, body_schema=specs, max_body=MAX_BODY),
        ]

    async def estimate(self, call: Call) -> Response:
        """USD a month here and elsewhere, for one spec or for several. A formula: the market is not asked."""
        body = call.body
        return answer([_estimate(spec) for spec in body] if isinstance(body, list) else _estimate(body))


def _estimate(spec: dict[str, Any]) -> dict[str, Any]:
    with localcontext() as context:
        context.prec = 400  # more than the largest number that JSON can carry has digits
        cores = Decimal(str(spec["cpu"])) / 1000
        memory, storage = (Decimal(str(spec[key])) / 10**9 for key in ("memory", "storage"))
        prices = {
            name: cents(cores * core + memory * gigabyte + storage * disk)
            for name, (core, gigabyte, disk) in _RATES.items()
        }
    return {"spec": spec, **{name: json_number(price) for name, price in prices.items()}}
