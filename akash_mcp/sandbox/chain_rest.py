"""The chain's REST gateway: the few queries that a client makes beside Console, answered as by a node.

Certificates are the ones that matter: a provider's TLS certificate is trusted because it is found here
(akash-network/node x/cert/keeper, with its quirks).
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from akash_mcp.ids import BadId, parse_provider
from akash_mcp.sandbox.chain import Certificate, Chain

_DEFAULT_LIMIT = 100
_INVALID_ARGUMENT, _NOT_FOUND, _UNIMPLEMENTED, _INTERNAL = 3, 5, 12, 13


def chain_rest_app(chain: Chain) -> Starlette:
    """The gateway of one chain."""
    rest = _ChainRest(chain)
    routes = [
        Route("/akash/cert/v1/certificates/list", rest.certificates),
        Route("/akash/provider/v1beta4/providers/{address}", rest.provider),
        Route("/cosmos/base/tendermint/v1beta1/blocks/latest", rest.latest_block),
    ]
    return Starlette(routes=routes, exception_handlers={404: _unimplemented, 405: _unimplemented})


class _ChainRest:
    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    async def certificates(self, request: Request) -> JSONResponse:
        """Certificates by owner, serial and state. `total` is the size of the page."""
        self._chain.schedule.catch_up()
        query = request.query_params
        owner, serial, state = (query.get(f"filter.{name}", "") for name in ("owner", "serial", "state"))
        if state not in ("", "valid", "revoked"):
            return _error(400, _INVALID_ARGUMENT, "invalid state value")
        if owner and serial and not (serial.isascii() and serial.isdigit()):
            return _error(500, _INTERNAL, "runtime error: invalid memory address or nil pointer dereference")
        key = query.get("pagination.key")
        try:
            start = (
                int(base64.b64decode(key, validate=True)) if key else int(query.get("pagination.offset", 0))
            )
            limit = int(query.get("pagination.limit", 0)) or _DEFAULT_LIMIT
        except ValueError as error:
            return _error(400, _INVALID_ARGUMENT, f"parsing field pagination: {error}")
        if start and not key and not state:
            return _error(400, _INVALID_ARGUMENT, "invalid request parameters")
        # Without an owner the serial is not looked at, and without a state the valid ones come first.
        found = sorted(
            (
                c
                for c in self._chain.certificates
                if (not owner or c.owner == owner)
                and (not owner or not serial or c.serial == str(int(serial)))
                and (not state or c.state == state)
            ),
            key=lambda c: (c.state != "valid", c.owner, int(c.serial)),
        )
        page = found[start : start + limit]
        end = start + len(page)
        next_key = base64.b64encode(str(end).encode()).decode("ascii") if end < len(found) else None
        return JSONResponse(
            {
                "certificates": [_certificate(c) for c in page],
                "pagination": {"next_key": next_key, "total": str(len(page))},
            }
        )

    async def provider(self, request: Request) -> JSONResponse:
        """A provider's record."""
        address = request.path_params["address"]
        try:
            found = self._chain.providers.get(parse_provider(address))
        except BadId as error:
            return _error(400, _INVALID_ARGUMENT, f"decoding bech32 failed: {error}")
        if found is None:
            return _error(404, _NOT_FOUND, f"id: {address}: invalid provider: not found")
        info = {"email": found.attributes.get("email", ""), "website": found.attributes.get("website", "")}
        record = {
            "owner": found.owner,
            "host_uri": found.host_uri,
            "attributes": [{"key": key, "value": value} for key, value in found.attributes.items()],
            "info": info,
        }
        return JSONResponse({"provider": record})

    async def latest_block(self, request: Request) -> JSONResponse:
        """The newest block, whose header tells height and time."""
        height = self._chain.clock.height()
        moment = datetime.fromtimestamp(self._chain.clock.block_time(height), UTC)
        digest = base64.b64encode(hashlib.sha256(str(height).encode()).digest()).decode("ascii")
        block = {
            "header": {
                "version": {"block": "11", "app": "0"},
                "chain_id": self._chain.id,
                "height": str(height),
                "time": moment.isoformat().replace("+00:00", "Z"),
            },
            "data": {"txs": []},
        }
        block_id = {"hash": digest, "part_set_header": {"total": 1, "hash": digest}}
        return JSONResponse({"block_id": block_id, "block": block, "sdk_block": block})


def _certificate(certificate: Certificate) -> dict[str, Any]:
    return {
        "certificate": {
            "state": certificate.state,
            "cert": base64.b64encode(certificate.pem).decode("ascii"),
            "pubkey": base64.b64encode(certificate.pubkey_pem).decode("ascii"),
        },
        "serial": certificate.serial,
    }


def _error(status: int, code: int, message: str) -> JSONResponse:
    return JSONResponse({"code": code, "message": message, "details": []}, status)


async def _unimplemented(request: Request, error: Exception) -> JSONResponse:
    return _error(501, _UNIMPLEMENTED, "Not Implemented")
