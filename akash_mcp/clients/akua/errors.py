"""How Akua says its errors, and what to do about each.

Its specification has one envelope, `{success, errors: [{code, message, path, metadata}]}`, its guide another,
`{error: {code, message, param, suggestion, details}}`, and its own command line also meets `{message}`, `{_tag}` and
web pages. Codes are numbers or words, and one number stands for several things. So the HTTP status alone decides what
an error is, and its code is only repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from akash_mcp.clients.error_mapping import ErrorReading, ErrorResponse, kind_of
from akash_mcp.errors import (
    ApiError,
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    PaymentRequired,
    RateLimited,
    ServerError,
    TooLarge,
    Unauthorized,
)

MOST_SAID = 3
"""How many of an answer's errors one of ours repeats."""
LONGEST_ETAG = 256

MISSING_CONTEXT = "missing_context"
MEANINGS: Mapping[str, re.Pattern[str]] = {
    MISSING_CONTEXT: re.compile(r"akua-context|workspace context", re.IGNORECASE)
}
"""What an error's message is known to mean. A token that reaches several workspaces has to say which one is meant:
where it does not, Akua answers with 400 or 403."""


class StaleEtag(Conflict):
    """409 after an If-Match, or 412: what was to be changed is not as it was read. Nothing was changed by this request.

    `etag` is the one that it has now, None where Akua does not tell.
    """

    etag: str | None = None

    def tell(self, etag: str | None) -> None:
        """Keep the etag that the answer names."""
        self.etag = etag


class NotServed(ServerError):
    """501: Akua does not do this."""

    retryable = False


ADVICE: Mapping[type[ApiError] | str, str] = {
    BadRequest: "Correct what it names, then call again.",
    Unauthorized: "The token is wrong, expired or revoked. Ask the user to set AKUA_API_TOKEN to another one (or to "
    "run akash-mcp login --akua) and to restart this server.",
    PaymentRequired: "Ask the user to look at the plan of the workspace at https://akua.dev.",
    Forbidden: "The token may not do this, the workspace's plan does not have it, or it is another workspace's. Ask "
    "the user for a token of a member who may, and whether AKUA_WORKSPACE names the right workspace.",
    NotFound: "Check the id. Only what belongs to the workspace is found; akua_whoami says which one that is.",
    Conflict: "Read it again: it may be in use, or changing. Then repeat this if it is still wanted.",
    StaleEtag: "Read it again, then repeat the change if it is still wanted.",
    TooLarge: "Send less at once.",
    RateLimited: "Try again {when}.",
    ServerError: "This is on Akua's side. Try again {when}.",
    NotServed: "Akua does not offer this. Trying again does not help.",
}
"""The next step for an error, by its class. `{when}`: when to try again."""


def akua_error(response: ErrorResponse) -> ErrorReading:
    """How Akua says its errors."""
    said = list(_said(response.parsed))
    etag = next(filter(None, map(_etag, said)), None)
    message = "; ".join(filter(None, map(_message, said[:MOST_SAID]))) or _bare(response)
    code = next(filter(None, map(_code, said)), "unknown_error")
    kind = _kind(response.status, etag)
    complete = partial(_tell, etag)
    what = "{name} cannot do this as things stand" if kind is Conflict else ""
    return ErrorReading(kind, code, message, what=what, complete=complete)


def _kind(status: int, etag: str | None) -> type[ApiError]:
    if status == 412 or (status == 409 and etag is not None):
        return StaleEtag
    return NotServed if status == 501 else kind_of(status)


def _tell(etag: str | None, error: ApiError) -> None:
    if isinstance(error, StaleEtag):
        error.tell(etag)


def as_stale(conflict: Conflict) -> StaleEtag:
    """The 409 of a request that named an etag, although Akua did not tell the one that it has now."""
    return StaleEtag(
        conflict.what,
        status=conflict.status,
        upstream_code=conflict.upstream_code,
        message=conflict.message,
        meanings=conflict.meanings,
        next_step=conflict.next_step,  # it may be something else in the way
        retry_after=conflict.retry_after,
    )


def is_sendable(etag: str) -> bool:
    """Whether an etag can go into a header."""
    return re.fullmatch(rf"[ -~]{{1,{LONGEST_ETAG}}}", etag) is not None and etag == etag.strip()


def _said(parsed: object) -> Iterator[dict[str, Any]]:
    """Each error that an answer's JSON holds, in whichever envelope."""
    if not isinstance(parsed, dict):
        return
    errors, error = parsed.get("errors"), parsed.get("error")
    listed = [each for each in errors if isinstance(each, dict)] if isinstance(errors, list) else []
    if listed:
        yield from listed
    elif isinstance(error, dict):
        yield error
    else:
        yield parsed


def _message(said: Mapping[str, Any]) -> str:
    message = f"{_place(said)}{_words(said.get('message')) or _words(said.get('error')) or _words(said.get('_tag'))}"
    suggestion = _words(said.get("suggestion"))
    return f"{message.rstrip('.')}. {suggestion}" if suggestion else message


def _place(said: Mapping[str, Any]) -> str:
    """Which part of the request is meant: `args.regionId: `."""
    path = said.get("path")
    parts = [str(part) for part in path if isinstance(part, str | int)] if isinstance(path, list) else []
    place = ".".join(parts) or _words(said.get("param"))
    return f"{place}: " if place else ""


def _bare(response: ErrorResponse) -> str:
    # JSON that says nothing in words is not repeated: whatever was sent may stand in it.
    return "" if isinstance(response.parsed, dict) else response.text


def _code(said: Mapping[str, Any]) -> str:
    code = said.get("code", said.get("_tag"))
    return str(code) if isinstance(code, str | int) and not isinstance(code, bool) else ""


def _etag(said: Mapping[str, Any]) -> str | None:
    """The etag that a resource has now, which a refused change is told: below a name that ends in `etag`."""
    for entry in _entries(said.get("metadata"), said.get("details")):
        for name, value in entry.items():
            if name.lower().endswith("etag") and isinstance(value, str) and is_sendable(value):
                return value
    return None


def _entries(*places: object) -> Iterable[dict[str, Any]]:
    for place in places:
        for entry in place if isinstance(place, list) else [place]:
            if isinstance(entry, dict):
                yield entry


def _words(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
