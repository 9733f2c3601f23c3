"""How the Console API is called: with which key, how long to wait, and what to do about each error."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self, Unpack

from akash_mcp.clients.console.generation import (
    NO_ROUTE,
    NO_ROUTE_PATTERN,
    Generation,
    NotOffered,
    no_such_route,
    older_generation,
    serves_funding_config,
)
from akash_mcp.clients.console.key import ConsoleKey
from akash_mcp.clients.error_mapping import TopUpPending
from akash_mcp.clients.http import LARGEST_ANSWER, Response, Upstream, UpstreamOptions
from akash_mcp.clients.retries import Deadline, Sending
from akash_mcp.clients.service_clock import ServiceClock
from akash_mcp.errors import (
    ApiError,
    MissingKey,
    NotFound,
    PaymentRequired,
    RateLimited,
    RepeatedRefusal,
    ServerError,
    Unauthorized,
    WalletProvisioning,
)

READ_DEADLINE = Deadline(read=12, total=30)
KEY_HEADER = "x-api-key"
PROJECT_HEADER = "x-project-id"
LARGEST_LIST = 16 * 2**20
"""The list of providers is several MB, and takes some twenty times its size in memory once it is read."""
GENERATION_SECONDS = 6 * 3600.0
"""How long it is believed which generation answers. A Console is replaced while we run."""

OF_ORGANIZATIONS: Mapping[type[ApiError] | str, str] = {
    "organization_mismatch": "The API key belongs to another organization. Ask the user for a key of the one that is "
    "meant.",
    "organization_forbidden": "Whose key it is has left the organization that it was made for, or has no "
    "organizations. Ask the user for a key of their own account, or of an organization that they belong to.",
    "project_forbidden": "The API key does not reach the project that is set, or the one that it was made for. Ask the "
    "user to correct AKASH_MCP_PROJECT_ID, or for another key; akash-mcp doctor names the projects that it reaches.",
    "project_required": "The API key reaches several projects, or none that it may write to. Ask the user to set "
    "AKASH_MCP_PROJECT_ID to one of those that akash-mcp doctor names.",
    "project_is_default": "Ask the user to choose another project at https://console.akash.network.",
    "project_not_empty": "Ask the user to move what is in the project at https://console.akash.network first.",
    "project_name_taken": "Ask the user to choose another name for the project.",
}
"""What to do about the codes of organizations and their projects (akash-network/console
`organization-context.resolver.ts`, `project.service.ts`)."""

ADVICE: Mapping[type[ApiError] | str, str] = {
    Unauthorized: "The API key is wrong, expired or deleted. Ask the user to create a new one at "
    "https://console.akash.network (Settings, API Keys), to run akash-mcp login (or to put it where the old one is: "
    "AKASH_API_KEY or the configuration file) and to restart this server.",
    PaymentRequired: "Ask the user to add credits at https://console.akash.network (Billing).",
    WalletProvisioning: "Try again {when}.",
    "forbidden": "Unless it says why, the account or its key may not do this: a viewer's key only reads, and one that "
    "is bound to a project reaches nothing beyond it. The user can run akash-mcp doctor, which says how far the key "
    "reaches. Limits of a free trial end when the user adds credits at https://console.akash.network (Billing).",
    NotFound: "Check the id. Only what belongs to the account of the API key is found.",
    RateLimited: "Try again {when}.",
    RepeatedRefusal: "Try again {when}: it is so for every program that uses this account. What runs goes on, and "
    "deployments can be closed.",
    ServerError: "This is on Akash Console's side. Try again {when}.",
    TopUpPending: "Try again {when}.",
    "payment_required": "Ask the user to add credits at https://console.akash.network (Billing): fees are not covered, "
    "or a free trial may not have this GPU.",
    "inherited_secrets_unreadable": "Trying again does not help: the secrets have to be given anew.",
    "fair_use_policy_required": "Ask the user to accept the Fair Use Policy at https://console.akash.network.",
    "deployment_resources_changed": "Only image, command, arguments, environment and ports can change. For anything "
    "else create a new deployment, then close this one.",
    "deployment_definition_changed": "Read the deployment again, then repeat the change if it is still wanted.",
    "stored_sdl_unreadable": "Trying again does not help. Deploy it as a new deployment, then close this one.",
    "stored_secrets_unreadable": "Trying again does not help. Deploy it as a new deployment, then close this one.",
    **OF_ORGANIZATIONS,
}
"""The next step for an error, by its code where that says more than its class. `{when}`: when to try again."""

ALREADY_EXISTS = "already exists"
NO_LEASE_WAS_MADE = "no lease was made"
BID_GONE = "the bid is gone"
PROVIDER_GONE = "the provider cannot be leased from"

MEANINGS: Mapping[str, re.Pattern[str]] = {
    NO_ROUTE: NO_ROUTE_PATTERN,
    # Behind `Invalid SDL` anything may stand.
    ALREADY_EXISTS: re.compile(r"\A(?!invalid sdl\b).*already exists", re.IGNORECASE),
    NO_LEASE_WAS_MADE: re.compile(
        r"\A(?:cannot create lease:|failed to create lease:|the selected bid is no longer open"
        r"|the associated order has already been matched|provider not authorized|provider \S+ not found"
        r"|referenced lease bid not found|no manifest to send"
        r"|userwallet|malformed json|console trial expired|deployment closed)",
        re.IGNORECASE,
    ),
    BID_GONE: re.compile(
        r"\A(?:(?:failed to|cannot) create lease: )*(?:the selected bid is no longer open"
        r"|the associated order has already been matched|referenced lease bid not found)",
        re.IGNORECASE,
    ),
    PROVIDER_GONE: re.compile(r"\A(?:provider not authorized|provider \S+ not found)", re.IGNORECASE),
}
"""What an error's message is known to mean, where it has no code of its own.

`NO_LEASE_WAS_MADE`: how the refusals begin that come before or instead of the lease's transaction
(akash-network/console `chain-error.service.ts`, `trial-validation.service.ts`, `lease.service.ts`). Everything else may
be a provider's words on the manifest, passed through after the lease was made. A provider that is not found can be
both, so it is read back whether there is a lease. `BID_GONE` and `PROVIDER_GONE`: after these another offer may do.
"""


class ConsoleClient:
    """The Console API at one URL: how it is called, and what is known of its generation.

    Whoever reads or writes shares one client, so that the generation is asked for once, and again when that is hours
    ago or an answer did not fit it. The `api_key` goes with every request once it is known; without one only the public
    calls work. A `generation` that a person has set is not asked for. Use `async with`, or call `aclose`.
    """

    def __init__(
        self,
        url: str,
        api_key: ConsoleKey | str | None,
        *,
        generation: Generation | None = None,
        project: str | None = None,
        **options: Unpack[UpstreamOptions],
    ) -> None:
        """`project`: the id of the one that deployments are created and listed in, where the API has projects.

        Raises `BadSettings` for a key that no header can carry.
        """
        self.key = api_key if isinstance(api_key, ConsoleKey) else ConsoleKey(api_key)
        self._url = url.rstrip("/")
        self._upstream = Upstream(
            url,
            name="Akash Console",
            advice=ADVICE,
            meanings=MEANINGS,
            **options,
        )
        self.project = project
        self._set = generation
        self._generation = generation
        self._funds_itself: bool | None = None
        self._asked_at = 0.0
        if self.key.known is not None:
            self._show(self.key.known)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections. A later request opens new ones."""
        await self._upstream.aclose()

    @property
    def account(self) -> str:
        """Stands for the account behind the key at this URL, and tells nothing of the key."""
        return hashlib.sha256(f"{self._url} {self.key.known or ''}".encode()).hexdigest()[:16]

    @property
    def known_generation(self) -> Generation | None:
        """The generation as far as it is known, without asking for it."""
        return self._generation

    @property
    def counts_refusals(self) -> bool:
        """Whether the API is known to take nothing for a while of what it refuses again and again (autumn 2026)."""
        return self._generation is Generation.V2026_11

    async def generation(self, *, fresh: bool = False) -> Generation:
        """The generation of the API that answers. Asked for as `funds_itself` asks; raises as it does."""
        if await self.funds_itself(fresh=fresh):
            return Generation.V2026_11
        if self._generation is None:
            with suppress(MissingKey):  # it is told without a key as well
                await self.require_key()
            self._generation = await older_generation(self._upstream)
        return self._generation

    async def funds_itself(self, *, fresh: bool = False) -> bool:
        """Whether the API funds deployments by itself (`2026-11`). Needs no key.

        What is known is good for some hours; `fresh` asks in any case, with one request. Raises `Unreachable` where
        nothing answers, and otherwise the API's error. A failure is not remembered.
        """
        if self._set is not None:
            return self._set is Generation.V2026_11
        if self.monotonic() - self._asked_at >= GENERATION_SECONDS:
            self.forget_generation()
        if fresh or self._funds_itself is None:
            funds_itself = await serves_funding_config(self._upstream)
            if funds_itself is not self._funds_itself:
                self._generation = Generation.V2026_11 if funds_itself else None
            self._funds_itself, self._asked_at = funds_itself, self.monotonic()
        return self._funds_itself

    def forget_generation(self) -> None:
        """An answer did not fit the generation: ask again before the next request that depends on it."""
        self._generation, self._funds_itself = self._set, None

    async def require_2026_11(self, what: str) -> None:
        """Raise `NotOffered`, which names `what` is missing, for an API that is older."""
        if not await self.funds_itself():
            raise NotOffered(f"The Console API of {self._upstream.host} has no {what}: it is an older one.")

    async def require_key(self) -> None:
        """Raise `MissingKey` where there is no key, before anything is sent that leads to a call that needs it."""
        self._show(await self.key.need())

    def _show(self, key: str) -> None:
        self._upstream.authenticate({KEY_HEADER: key})

    async def call(
        self,
        method: str,
        path: str,
        *,
        sending: Sending,
        deadline: Deadline = READ_DEADLINE,
        params: Mapping[str, str] | None = None,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """One call that needs the key. Raises `MissingKey` before anything is sent, else what `Upstream.send` does."""
        await self.require_key()
        try:
            return await self._upstream.send(
                method,
                path,
                sending=sending,
                deadline=deadline,
                params=params,
                body=body,
                headers=headers,
            )
        except NotFound as refusal:
            # The references of 2025 differ from each other in their routes.
            if no_such_route(refusal) and self._generation is not Generation.V2025:
                self.forget_generation()
            raise

    async def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        deadline: Deadline = READ_DEADLINE,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """A read that needs the key. Raises as `call` does."""
        return await self.call(
            "GET", path, sending=Sending.READ, deadline=deadline, params=params, headers=headers
        )

    async def get_public(
        self, path: str, params: Mapping[str, str] | None = None, *, largest: int = LARGEST_ANSWER
    ) -> Response:
        """A read that works without the key. `largest` is the most bytes of an answer that are taken."""
        return await self._upstream.send(
            "GET", path, sending=Sending.READ, deadline=READ_DEADLINE, params=params, largest=largest
        )

    async def query_public(self, path: str, body: str) -> Response:
        """A read whose question is too long for a query string: a POST that changes nothing, without the key."""
        return await self._upstream.send(
            "POST", path, sending=Sending.READ, deadline=READ_DEADLINE, body=body
        )

    @property
    def date(self) -> float | None:
        """The API's own clock at its last answer, in seconds since the epoch; None where it did not tell."""
        return self._upstream.date

    @property
    def clock(self) -> ServiceClock:
        """What time it is at the Console."""
        return self._upstream.clock

    def clean(self, text: str) -> str:
        """The API's own text, fit for an error: bounded, on one line, its secrets masked."""
        return self._upstream.clean(text)

    def monotonic(self) -> float:
        """Seconds of the clock that deadlines are counted by."""
        return self._upstream.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait, by that clock."""
        await self._upstream.sleep(seconds)
