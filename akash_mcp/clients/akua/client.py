"""How Akua's API is called: with which token, in which workspace, how long to wait, and what each failure means.

A change that got no answer is told as what it is: whether it was made, and so whether money moved, is not known. A
refusal proves nothing either where an attempt before it was lost, because that one may have made the change that this
one was refused for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, Unpack
from urllib.parse import urlsplit

import anyio
from pydantic import TypeAdapter

from akash_mcp.clients.akua.errors import (
    ADVICE,
    MEANINGS,
    MISSING_CONTEXT,
    StaleEtag,
    akua_error,
    as_stale,
    is_sendable,
)
from akash_mcp.clients.akua.models import Workspace
from akash_mcp.clients.akua.pages import LARGEST_PAGE, HasId, Listing, Page, page_of, read_list
from akash_mcp.clients.akua.paths import path_of, versioned
from akash_mcp.clients.akua.workspace_choice import NAME_ID, NAME_WORKSPACE, WRONG_ADDRESS, chosen, is_id
from akash_mcp.clients.http import LARGEST_ANSWER, Response, Take, Upstream, UpstreamOptions
from akash_mcp.clients.retries import Deadline, Sending, may_have_had_effect
from akash_mcp.errors import (
    AkashError,
    ApiError,
    BadArgument,
    BadSettings,
    Conflict,
    Forbidden,
    Interrupted,
    NotFound,
    OutcomeUnknown,
)
from akash_mcp.sanitize.text import quoted

READ_DEADLINE = Deadline(read=12, total=25)
WRITE_DEADLINE = Deadline(read=20, total=35)

CONTEXT_HEADER = "akua-context"
_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")

TRY_AGAIN = "This is on Akua's side, or the network's. Try again in a minute."
NOT_KNOWN = "Whether money moved is not known yet."
LOOK_FIRST = (
    "Look up what became of it (the cluster, package or install, and its operations) before doing it again: it may "
    "have been done."
)

T = TypeVar("T")
R = TypeVar("R", bound=HasId)


class Token(Protocol):
    """The token of Akua's API."""

    @property
    def known(self) -> str | None:
        """The token, as far as it was needed."""

    async def need(self) -> str:
        """The token. Raises `MissingKey`, which says why it cannot be had and what the user can do."""


class AkuaClient:
    """Akua's API at one URL, in one workspace. Use `async with`, or call `aclose`.

    `base_url` without a path means its version 1. `workspace` is what a person set: an id, a slug or a name; "" for the
    one that the `token` belongs to. It goes with every request once its id is known. Without a token nothing is sent.
    """

    def __init__(
        self, base_url: str, token: Token, *, workspace: str = "", **options: Unpack[UpstreamOptions]
    ) -> None:
        """Raises `BadSettings` for an address that is not http or https."""
        self._upstream = Upstream(
            _checked(base_url), name="Akua", advice=ADVICE, meanings=MEANINGS, errors=akua_error, **options
        )
        self._token = token
        self._named = workspace.strip()
        self._workspace: Workspace | None = None
        self._resolving = anyio.Lock()

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
    def host(self) -> str:
        """Whom we ask."""
        return self._upstream.host

    def clean(self, text: str) -> str:
        """Akua's own text, fit for an error: bounded, on one line, its secrets masked."""
        return self._upstream.clean(text)

    def monotonic(self) -> float:
        """Seconds of the clock that deadlines are counted by."""
        return self._upstream.monotonic()

    async def workspace(self) -> Workspace:
        """The workspace that is seen and changed. Looked up once.

        Raises `BadSettings` where none is meant for certain, and `Interrupted` where the list of workspaces is not
        whole.
        """
        async with self._resolving:
            if self._workspace is None:
                self._workspace = await self._meant()
            return self._workspace

    async def _meant(self) -> Workspace:
        try:
            return chosen(await self.workspaces(), self._named)
        except (Forbidden, NotFound) as refusal:
            # Whether the token of one workspace may read the list of them is nowhere said.
            if not is_id(self._named):
                refusal.next_step = WRONG_ADDRESS if isinstance(refusal, NotFound) else NAME_ID
                raise
        found = await self.read(path_of("/workspaces/{}", self._named), Workspace)
        return chosen(Listing([found]), self._named)

    async def workspaces(self) -> Listing[Workspace]:
        """The workspaces that the token reaches, asked for without naming one."""
        return await self._list("/workspaces", Workspace, {}, None, headers={})

    async def read(
        self,
        path: str,
        shape: type[T],
        *,
        params: Mapping[str, str] | None = None,
        deadline: Deadline = READ_DEADLINE,
    ) -> T:
        """What a path holds, as `shape`. Raises what `Upstream.send` raises for a READ."""
        return (await self.ask(path, params, deadline=deadline)).read(TypeAdapter(shape))

    async def ask(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        deadline: Deadline = READ_DEADLINE,
        largest: int = LARGEST_ANSWER,
    ) -> Response:
        """A read's answer, not yet understood. `largest` is the most bytes of it that are taken."""
        return await self._send(
            method, path, sending=Sending.READ, deadline=deadline, params=params, largest=largest
        )

    async def read_all(
        self, path: str, shape: type[R], *, params: Mapping[str, str] | None = None, most: int | None = None
    ) -> Listing[R]:
        """All records of a list, or its first `most`. Raises where even its first page cannot be had."""
        return await self._list(path, shape, params or {}, most, headers=await self._context())

    async def stream(
        self, path: str, take: Take, *, params: Mapping[str, str], deadline: Deadline
    ) -> Response:
        """Read a stream of events. Takes and raises what `Upstream.stream` does."""
        await self._authenticate()
        headers = {**await self._context(), "accept": "text/event-stream"}
        with _explained():
            return await self._upstream.stream(path, take, deadline=deadline, params=params, headers=headers)

    async def send_write(
        self,
        method: str,
        path: str,
        shape: type[T],
        *,
        sending: Sending,
        body: Mapping[str, Any] | None = None,
        key: str | None = None,
        etag: str | None = None,
        fits: Callable[[T], bool] = lambda _: True,
    ) -> T:
        """Make a change, and give what its answer is. For the writer only.

        `key` is its Idempotency-Key and `etag` its If-Match: the very same go with every attempt. `fits` says whether
        an answer is one to what was asked. Raises `ApiError` where certainly nothing was done, `StaleEtag` among them,
        `Unreachable` where nothing was sent, and `OutcomeUnknown` (of what is sent once) or `Interrupted` where it may
        have been done: after a lost answer, a refusal that follows one, or an answer that cannot be read.
        """
        conditions = _conditions(key, etag)
        text = _written(body)
        await self._authenticate()
        context = await self._context()  # before what may have had an effect, since this has none
        with _certain(sending, names_etag=etag is not None):
            answer = await self._send(
                method,
                path,
                sending=sending,
                deadline=WRITE_DEADLINE,
                body=text,
                headers=conditions,
                context=context,
            )
        try:
            told = answer.read(TypeAdapter(shape))
            if not fits(told):
                raise answer.lost("it is about something else")
            return told
        except (Interrupted, OutcomeUnknown) as unread:
            raise _doubtful(unread, sending, "It was probably done.") from unread

    async def _send(
        self,
        method: str,
        path: str,
        *,
        sending: Sending,
        deadline: Deadline,
        params: Mapping[str, str] | None = None,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
        largest: int = LARGEST_ANSWER,
        context: Mapping[str, str] | None = None,
    ) -> Response:
        await self._authenticate()
        named = await self._context() if context is None else context
        with _explained():
            answer = await self._upstream.send(
                method,
                path,
                sending=sending,
                deadline=deadline,
                params=params,
                body=body,
                headers={**named, **(headers or {})},
                largest=largest,
            )
        return replace(answer, lost=_advised(answer.lost))

    async def _list(
        self,
        path: str,
        shape: type[R],
        params: Mapping[str, str],
        most: int | None,
        headers: Mapping[str, str],
    ) -> Listing[R]:
        async def fetch(page: Mapping[str, str], deadline: Deadline) -> Page:
            answer = await self._send(
                "GET",
                path,
                sending=Sending.READ,
                deadline=deadline,
                params={**params, **page},
                largest=LARGEST_PAGE,
                context=headers,
            )
            return page_of(answer)

        return await read_list(fetch, shape, monotonic=self.monotonic, most=most)

    async def _authenticate(self) -> None:
        token = await self._token.need()
        if not re.fullmatch(r"[!-~]+", token):
            # Checked here, where the token is not repeated: the HTTP library would quote it.
            raise BadSettings("The token of Akua's API must be printable ASCII without spaces.")
        self._upstream.authenticate({"authorization": f"Bearer {token}"}, secrets=(token,))

    async def _context(self) -> dict[str, str]:
        """The header that names the workspace, as far as one is known or was set."""
        if self._workspace is not None:
            return {CONTEXT_HEADER: self._workspace.id}
        if is_id(self._named):
            return {CONTEXT_HEADER: self._named}
        return {CONTEXT_HEADER: (await self.workspace()).id} if self._named else {}


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadSettings("The address of Akua must be an http or https URL.") from error
    if parts.query or parts.fragment:
        raise BadSettings("The address of Akua must end with its path, without a query.")
    return versioned(url)


def _conditions(key: str | None, etag: str | None) -> dict[str, str]:
    """The headers on which a change depends. Raises `BadArgument` for what no header can carry."""
    if key is not None and not _KEY.fullmatch(key):
        raise BadArgument("An idempotency key is 1 to 64 letters, digits, hyphens and underscores.")
    if etag is not None and not is_sendable(etag):
        raise BadArgument(
            f"{quoted(etag)} is not an etag of Akua's.",
            next_step="Read the resource again: its etag is in the answer.",
        )
    keyed = {"idempotency-key": key} if key is not None else {}
    return keyed | ({"if-match": etag} if etag is not None else {})


def _written(body: Mapping[str, Any] | None) -> str | None:
    try:
        return None if body is None else json.dumps(body, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise BadArgument("What Akua is to be sent cannot be written as JSON.") from error


def _advised(lost: Callable[[str], AkashError]) -> Callable[[str], AkashError]:
    """The same, with a next step where it has none."""

    def told(why: str) -> AkashError:
        error = lost(why)
        error.next_step = error.next_step or TRY_AGAIN
        return error

    return told


@contextmanager
def _explained() -> Iterator[None]:
    """Say what to do next: which setting is missing where Akua does not know which workspace is meant."""
    try:
        yield
    except ApiError as refusal:
        if refusal.status in (400, 403) and MISSING_CONTEXT in refusal.meanings:
            refusal.next_step = NAME_WORKSPACE
        raise
    except Interrupted as lost:
        lost.next_step = lost.next_step or TRY_AGAIN
        raise


@contextmanager
def _certain(sending: Sending, *, names_etag: bool) -> Iterator[None]:
    """Let no failure of a change look more certain than it is."""
    try:
        yield
    except (Interrupted, OutcomeUnknown) as lost:
        raise _doubtful(lost, sending) from lost
    except AkashError as refusal:
        earlier = refusal.__cause__
        if isinstance(earlier, AkashError) and may_have_had_effect(earlier):
            if isinstance(refusal, ApiError):
                raise _doubtful(refusal, sending, "An attempt before that got no answer.") from refusal
            refusal.money = NOT_KNOWN  # ours, which stopped a repetition
        elif names_etag and isinstance(refusal, Conflict) and not isinstance(refusal, StaleEtag):
            raise as_stale(refusal) from refusal
        raise


def _doubtful(error: AkashError, sending: Sending, why: str = "") -> Interrupted | OutcomeUnknown:
    what = f"{error.what} {why}".rstrip()
    if sending is Sending.ONCE:
        return OutcomeUnknown(what, next_step=LOOK_FIRST)
    # Done again by whoever has the key it would be harmless; with another key it would be done twice.
    return Interrupted(what, next_step=LOOK_FIRST, money=NOT_KNOWN, retryable=False)
