"""How the Console API is called: with which key, how long to wait, and what to do about each error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Unpack

from akash_mcp.clients.console.generation import Generation, NotOffered, funds_itself, generation_of, pin
from akash_mcp.clients.error_mapping import TopUpPending
from akash_mcp.clients.http import LARGEST_ANSWER, Answer, Deadline, Sending, Upstream, UpstreamOptions
from akash_mcp.errors import (
    ApiError,
    BadSettings,
    MissingKey,
    NotFound,
    PaymentRequired,
    RateLimited,
    ServerError,
    Unauthorized,
    WalletProvisioning,
)

READ_DEADLINE = Deadline(read=12, total=30)
KEY_HEADER = "x-api-key"
LARGEST_LIST = 32 * 2**20

ADVICE: Mapping[type[ApiError] | str, str] = {
    Unauthorized: "The API key is wrong, expired or deleted. Ask the user to create a new one at "
    "https://console.akash.network (Settings, API Keys), to set AKASH_API_KEY and to restart this server.",
    PaymentRequired: "Ask the user to add credits at https://console.akash.network (Billing).",
    WalletProvisioning: "Wait about ten seconds, then do the same again.",
    NotFound: "Check the id. Only what belongs to the account of the API key is found.",
    RateLimited: "Wait a minute, then do the same again.",
    ServerError: "This is on Akash Console's side. Wait a minute, then try again.",
    TopUpPending: "Wait a minute, then do the same again.",
    "fair_use_policy_required": "Ask the user to accept the Fair Use Policy at https://console.akash.network.",
    "deployment_resources_changed": "Only image, command, arguments, environment and ports can change. For anything "
    "else create a new deployment, then close this one.",
    "deployment_definition_changed": "Read the deployment again, then repeat the change if it is still wanted.",
}
"""The next step for an error, by its code where that says more than its class."""


def console_upstream(
    url: str,
    api_key: str | None,
    *,
    generation: Generation | None = None,
    **options: Unpack[UpstreamOptions],
) -> Upstream:
    """The Console API at `url`. Without a key only the public calls work.

    Which `generation` it is, is found out where it is not given. Raises `BadSettings` for a key that no header can
    carry.
    """
    if api_key and not re.fullmatch(r"[!-~]+", api_key):
        # Said here, without the key: the HTTP library would quote it.
        raise BadSettings("The API key must be printable ASCII without spaces.")
    upstream = Upstream(
        url,
        name="Akash Console",
        headers={KEY_HEADER: api_key} if api_key else {},
        secrets=(api_key,) if api_key else (),
        advice=ADVICE,
        **options,
    )
    if generation is not None:
        pin(upstream, generation)
    return upstream


async def call(
    upstream: Upstream,
    method: str,
    path: str,
    *,
    sending: Sending,
    deadline: Deadline = READ_DEADLINE,
    params: Mapping[str, str] | None = None,
    body: str | None = None,
) -> Answer:
    """One call that needs the API key.

    Raises `MissingKey` before anything is sent, else what `Upstream.send` does.
    """
    require_key(upstream)
    return await upstream.send(method, path, sending=sending, deadline=deadline, params=params, body=body)


def require_key(upstream: Upstream) -> None:
    """Raise `MissingKey` where there is none: before anything is asked that will need it."""
    if not upstream.carries(KEY_HEADER):
        raise MissingKey


class ConsoleCalls:
    """What every reader of the Console API stands on."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream

    async def generation(self) -> Generation:
        """Which generation of the API answers. Asked for once."""
        return await generation_of(self._upstream)

    async def _only_2026_11(self, what: str) -> None:
        if not await funds_itself(self._upstream):
            raise NotOffered(f"The Console API of {self._upstream.host} has no {what}: it is an older one.")

    async def _get(
        self, path: str, params: Mapping[str, str] | None = None, *, deadline: Deadline = READ_DEADLINE
    ) -> Answer:
        return await call(self._upstream, "GET", path, sending=Sending.READ, deadline=deadline, params=params)

    async def _get_public(
        self, path: str, params: Mapping[str, str] | None = None, *, largest: int = LARGEST_ANSWER
    ) -> Answer:
        return await self._upstream.send(
            "GET", path, sending=Sending.READ, deadline=READ_DEADLINE, params=params, largest=largest
        )

    async def _ask_public(self, path: str, body: str) -> Answer:
        """A question that is too long for a query string: a POST that changes nothing."""
        return await self._upstream.send(
            "POST", path, sending=Sending.READ, deadline=READ_DEADLINE, body=body
        )
