"""Which of the three Console APIs answers: found out by reads that cannot create anything.

                2025                        reference                    2026-11
    deposit     what it may cost            what it may cost, with       none: Console funds by itself, until the
                                            automatic top-up off         runtime limit
    lease       manifest and certificate    manifest                     neither: Console keeps the manifest
    update      PUT, the whole SDL          PUT, the whole SDL           PATCH, named fields

`2026-11` is recognised by `GET /v1/deployment-funding-config`, which only it has. The other two differ in
`POST /v1/certificates`, but asking that would put a certificate on the chain. They differ as well in the deployment
settings, which `2025` lacks: `GET /v2/deployment-settings/0` is refused as invalid where there is such a route (no
deployment is called 0, and paths are validated before anything is done), and is unknown where there is none. Only that
certain sign means `2025`. In doubt it is `reference`, where switching the top-up off then fails and nothing is leased.
"""

from __future__ import annotations

import re
from enum import StrEnum

from akash_mcp.clients.console.account_models import FUNDING
from akash_mcp.clients.http import Response, Upstream
from akash_mcp.clients.retries import Deadline, Sending
from akash_mcp.errors import AkashError, BadRequest, Interrupted, NotFound, Unreachable

FUNDING_PATH = "/v1/deployment-funding-config"
SETTINGS_PROBE = "/v2/deployment-settings/0"

_DEADLINE = Deadline(read=8, total=20)
NO_ROUTE = "no such route"
NO_ROUTE_PATTERN = re.compile(r"\A(404 )?((the )?route )?not ?found\W*\Z", re.IGNORECASE)
"""The whole message where there is no such route; a route that found nothing says what it did not find."""


class Generation(StrEnum):
    """A Console API, by the year or the reference that describes it."""

    V2025 = "2025"
    REFERENCE = "reference"
    V2026_11 = "2026-11"


class NotOffered(AkashError):
    """This generation of the Console API does not have it. Nothing was sent."""

    code = "not_offered"


async def serves_funding_config(upstream: Upstream) -> bool:
    """Whether the API has the endpoint that only `2026-11` has. Needs no key.

    Raises `Unreachable` where nothing answers, and otherwise the API's error; nothing is concluded from a failure.
    """
    try:
        (await _probe(upstream, FUNDING_PATH)).read(FUNDING, "data")
    except NotFound:
        return False
    return True


async def older_generation(upstream: Upstream) -> Generation:
    """Which of the two older generations an API is that is not `2026-11`. Raises as `serves_funding_config` does."""
    try:
        await _probe(upstream, SETTINGS_PROBE)
    except BadRequest:
        return Generation.REFERENCE
    except NotFound as refusal:
        return Generation.V2025 if no_such_route(refusal) else Generation.REFERENCE
    return Generation.REFERENCE


def no_such_route(refusal: NotFound) -> bool:
    """Whether a 404 means that the API has no such route, and so certainly did nothing."""
    return refusal.upstream_code == "unknown_error" and NO_ROUTE in refusal.meanings


async def _probe(upstream: Upstream, path: str) -> Response:
    try:
        return await upstream.send("GET", path, sending=Sending.READ, deadline=_DEADLINE)
    except Interrupted as lost:
        # Certain for whoever wanted to spend: it has not begun.
        raise Unreachable(
            f"{lost.what} Which generation of the API it is could not be asked, so nothing else was sent.",
            next_step="Try again in a minute.",
        ) from lost
