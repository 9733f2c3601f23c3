"""Which of the three Console APIs answers: found out once for each upstream, by reads that cannot create anything.

                2025                        reference                    2026-11
    deposit     what it may cost            what it may cost, with       none: Console funds by itself, until the
                                            automatic top-up off         runtime limit
    lease       manifest and certificate    manifest                     neither: Console keeps the manifest
    update      PUT, the whole SDL          PUT, the whole SDL           PATCH, named fields
    balances    uact                        uact                         US dollars

`2026-11` is told by `GET /v1/deployment-funding-config`, which only it has. The other two differ in
`POST /v1/certificates`, but asking that would put a certificate on the chain. They differ as well in the deployment
settings, which `2025` lacks: `GET /v2/deployment-settings/0` is refused as invalid where there is such a route (no
deployment is called 0, and paths are validated before anything is done), and is unknown where there is none. Only that
certain sign means `2025`. In doubt it is `reference`, where switching the top-up off then fails and nothing is leased.
"""

from __future__ import annotations

import re
from enum import StrEnum
from weakref import WeakKeyDictionary

from akash_mcp.clients.console.account_models import FUNDING
from akash_mcp.clients.http import Answer, Deadline, Sending, Upstream
from akash_mcp.errors import AkashError, BadRequest, Interrupted, NotFound, Unreachable

FUNDING_PATH = "/v1/deployment-funding-config"
SETTINGS_PROBE = "/v2/deployment-settings/0"

_DEADLINE = Deadline(read=8, total=20)
_NO_ROUTE = re.compile(r"(404 )?((the )?route )?not ?found\W*", re.IGNORECASE)
"""What is said where there is no such route; a route that found nothing says what it did not find."""


class Generation(StrEnum):
    """A Console API, by the year or the reference that describes it."""

    V2025 = "2025"
    REFERENCE = "reference"
    V2026_11 = "2026-11"


class NotOffered(AkashError):
    """This generation of the Console API has nothing of the kind. Nothing was sent."""


_funds_itself: WeakKeyDictionary[Upstream, bool] = WeakKeyDictionary()
_known: WeakKeyDictionary[Upstream, Generation] = WeakKeyDictionary()


def pin(upstream: Upstream, generation: Generation) -> None:
    """Take a person's word for which API it is, and do not ask."""
    _known[upstream] = generation
    _funds_itself[upstream] = generation is Generation.V2026_11


def known(upstream: Upstream) -> Generation | None:
    """The generation as far as it is known, without asking."""
    return _known.get(upstream)


async def funds_itself(upstream: Upstream) -> bool:
    """Whether it is `2026-11`. Needs no key.

    Raises `Unreachable` where nobody answers, and what the API says otherwise; nothing is concluded from a failure.
    """
    if upstream not in _funds_itself:
        try:
            (await _ask(upstream, FUNDING_PATH)).read(FUNDING, "data")
        except NotFound:
            _funds_itself[upstream] = False
        else:
            pin(upstream, Generation.V2026_11)
    return _funds_itself[upstream]


async def generation_of(upstream: Upstream) -> Generation:
    """Which generation answers. Raises like `funds_itself`."""
    await funds_itself(upstream)
    if upstream not in _known:
        _known[upstream] = await _older(upstream)
    return _known[upstream]


async def _older(upstream: Upstream) -> Generation:
    try:
        await _ask(upstream, SETTINGS_PROBE)
    except BadRequest:
        return Generation.REFERENCE
    except NotFound as refusal:
        return Generation.V2025 if no_such_route(refusal) else Generation.REFERENCE
    return Generation.REFERENCE


def no_such_route(refusal: NotFound) -> bool:
    """Whether a 404 means that the API has no such route, and so certainly did nothing."""
    return refusal.code == "unknown_error" and _NO_ROUTE.fullmatch(refusal.said) is not None


async def _ask(upstream: Upstream, path: str) -> Answer:
    try:
        return await upstream.send("GET", path, sending=Sending.READ, deadline=_DEADLINE)
    except Interrupted as lost:
        # Certain for whoever wanted to spend: it has not begun.
        raise Unreachable(
            f"{lost.what} Which generation of the API it is could not be asked, so nothing else was sent.",
            next_step="Try again in a minute.",
        ) from lost
