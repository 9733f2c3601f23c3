"""What an upstream's error response means, and how much of its text an error of ours repeats.

The Console API alone has six shapes of error: its own JSON, bare `{error}`, plain text, an empty body, the
notifications service's NestJS JSON, and the HTML of the proxy in front of it. Status decides the class; the
body only adds a message and, for `wallet_provisioning`, a code (akash-network/console
`hono-error-handler.service.ts`). A service that says its errors in another way brings an `ErrorReader` of its own.

A message may echo what was sent: an SDL's passwords, our key. `MessageCleaner` masks it before it is in any error, so
that it is masked in the journal and in a log as in an answer. What it means is recognised before that, on the message
as it came, because a masked part could hide the very words by which a landed creation is told from a refused one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime

from akash_mcp.clients.api_model import believable, read_json
from akash_mcp.errors import (
    ApiError,
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    PaymentRequired,
    RateLimited,
    RepeatedRefusal,
    ServerError,
    TooLarge,
    Unauthorized,
    WalletProvisioning,
    in_time,
)
from akash_mcp.money import NotMoney, Usd
from akash_mcp.sanitize.secrets import KnownSecrets
from akash_mcp.sanitize.text import one_line
from akash_mcp.sanitize.unicode import visible

LONGEST_MESSAGE = 300
"""Bytes of an upstream's own message that an error repeats."""
LONGEST_CODE = 64
_CODE = re.compile(rf"(?=.{{0,{LONGEST_CODE}}}\Z)[a-z]+(?:_[a-z]+)+")
"""What the codes look like that are decided by. They are kept as they came: a mask in one would change the decision."""


class InsufficientBalance(PaymentRequired):
    """402 with figures: what was asked for needs `required` US dollars, and the account has `available`.

    The amounts are certain to be in dollars, whatever the unit of the API's balances. None where the API
    leaves them out.
    """

    required: Usd | None = None
    available: Usd | None = None

    def tell(self, required: Usd | None, available: Usd | None) -> None:
        """Keep the figures, and say them."""
        self.required, self.available = required, available
        needs = f"It needs {required}" if required is not None else ""
        has = f"the account has {available.rounded_down()}" if available is not None else ""
        figures = " and ".join(filter(None, (needs, has)))
        if figures:
            self.what = f"{self.what} {figures[0].upper()}{figures[1:]}."


class TopUpPending(PaymentRequired):
    """402 for now: the account's card is being charged. Nothing was done; try again after `retry_after` seconds."""

    code = "top_up_pending"
    retryable = True


_BY_STATUS: Mapping[int, type[ApiError]] = {
    401: Unauthorized,
    402: PaymentRequired,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    413: TooLarge,
    429: RateLimited,
}

_WHAT: Mapping[type[ApiError], str] = {
    BadRequest: "{name} refused the request",
    Unauthorized: "{name} did not accept our credentials",
    PaymentRequired: "{name} says that the account has not enough credit",
    InsufficientBalance: "{name} says that the account has not enough credit",
    TopUpPending: "{name} is charging the account's card for this",
    Forbidden: "{name} does not allow this",
    NotFound: "{name} found nothing with that id",
    Conflict: "{name} says that something else changed first",
    WalletProvisioning: "{name} is still setting up the account's wallet",
    TooLarge: "{name} says that the request is too large",
    RateLimited: "{name} says that we ask too often",
    RepeatedRefusal: "{name} refused such requests of this account too often, and takes none for a while",
    ServerError: "{name} failed",
}

# How the API says it that has no codes for it.
_TOP_UP_UNDER_WAY = "a top up from your saved payment method is on the way"


class MessageCleaner:
    """Makes an upstream's text fit for an error: the one cleaner of `sanitize`, and the upstream's own credentials.

    `secrets` are what we show this upstream. They are masked in any case of letters and however short they are,
    whether or not the process was told to remember them.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._own = KnownSecrets(ignore_case=True, shortest=1)
        for secret in secrets:
            self._own.remember(secret)

    def __call__(self, text: str, *, limit: int = LONGEST_MESSAGE) -> str:
        """At most `limit` bytes of the text on one line, nothing in it invisible, its secrets masked."""
        return one_line(self._own.mask(_joined(text))[0], limit=limit)

    def __repr__(self) -> str:
        return "MessageCleaner()"


def meanings_of(text: str, patterns: Mapping[str, re.Pattern[str]]) -> frozenset[str]:
    """The names of the `patterns` that are found in an upstream's text, on one line and not yet masked."""
    line = _joined(text)
    return frozenset(name for name, pattern in patterns.items() if pattern.search(line))


def _joined(text: str) -> str:
    return " ".join(visible(text).split())


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """A response of `status` 300 or more, as it came. `parsed` is its JSON; None where it is not JSON."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    parsed: object

    @property
    def text(self) -> str:
        """What is said by a body that is not the service's own JSON: its text, unless that is a web page."""
        if "html" in self.headers.get("content-type", "").lower() or is_web_page(self.body):
            return "a web page instead of an answer, probably from the proxy in front of it"
        return self.body.decode("utf-8", "replace").strip()


def _nothing_more(error: ApiError) -> None:
    """What completes an error that has nothing besides."""


@dataclass(frozen=True, slots=True)
class ErrorReading:
    """What a service says in an error response, its texts as they came: nobody is shown them before they are cleaned.

    `message` is what meanings are recognised in, `shown` what an error repeats in its place. `what` happened, with
    `{name}` for the service's, where its `kind` does not say that well. `complete` gives the error what its kind holds
    besides.
    """

    kind: type[ApiError]
    code: str
    message: str
    shown: str = ""
    what: str = ""
    complete: Callable[[ApiError], None] = _nothing_more


ErrorReader = Callable[[ErrorResponse], ErrorReading]
"""How one service says its errors."""


def error_of(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    name: str,
    clean: MessageCleaner,
    advice: Mapping[type[ApiError] | str, str] | None = None,
    meanings: Mapping[str, re.Pattern[str]] | None = None,
    read: ErrorReader | None = None,
) -> ApiError:
    """The error behind a response of `status` 300 or more from the upstream called `name`.

    `clean` makes its message fit to be repeated. `advice` maps an error's code, or its class, to the next step that its
    reader should take, with `{when}` for when to try again; `meanings` are patterns, by name, for what its message is
    known to mean. `read` knows how the service says its errors, by default as the Console does.
    """
    said = (read or console_error)(ErrorResponse(status, headers, body, _parsed(body)))
    code = said.code if _CODE.fullmatch(said.code) else clean(said.code, limit=LONGEST_CODE)
    message = clean(said.shown or said.message)
    what = (
        f"{(said.what or _what(said.kind)).format(name=name)} ({status}{': ' + message if message else ''})."
    )
    retry_after = _retry_after(headers)
    advice = advice or {}
    general = next((advice[each] for each in said.kind.__mro__ if each in advice), "")
    error = said.kind(
        what,
        status=status,
        upstream_code=code,
        message=message,
        meanings=meanings_of(said.message, meanings or {}),
        next_step=advice.get(code, general).replace("{when}", in_time(retry_after)),
        retry_after=retry_after,
    )
    said.complete(error)
    return error


def _what(kind: type[ApiError]) -> str:
    return next(_WHAT[each] for each in kind.__mro__ if each in _WHAT)


def kind_of(status: int) -> type[ApiError]:
    """The class of error that a status alone stands for."""
    # A redirect is a failure of the upstream too: it is not followed, since it would carry the key elsewhere.
    return _BY_STATUS.get(status, BadRequest if 400 <= status < 500 else ServerError)


def console_error(response: ErrorResponse) -> ErrorReading:
    """How the Console, and the chain's nodes, say their errors."""
    parsed, code = response.parsed, _code(response.parsed)
    message = _message(response)
    kind = _kind(response.status, code, message)

    def tell(error: ApiError) -> None:
        if isinstance(error, InsufficientBalance):
            error.tell(_usd(parsed, "requiredAmountUsd"), _usd(parsed, "availableAmountUsd"))

    # Behind a provider's own reason the Console says what to do next, which may be over by the time it is read.
    return ErrorReading(kind, code, message, _reason(parsed), complete=tell)


def _kind(status: int, code: str, message: str) -> type[ApiError]:
    if status == 409 and code == "wallet_provisioning":
        return WalletProvisioning
    if status == 402 and (code == "balance_top_up_pending" or _TOP_UP_UNDER_WAY in _joined(message).lower()):
        return TopUpPending
    if status == 402 and code == "insufficient_balance":
        return InsufficientBalance
    if status == 429 and code == "repeated_refusal":
        return RepeatedRefusal
    return kind_of(status)


def _parsed(body: bytes) -> object:
    try:
        return read_json(body)
    except (ValueError, RecursionError):
        return None


def _code(parsed: object) -> str:
    code = parsed.get("code") if isinstance(parsed, dict) else None
    return code if isinstance(code, str) else "unknown_error"


def _message(response: ErrorResponse) -> str:
    parsed = response.parsed
    if isinstance(parsed, dict):
        message = parsed.get("message")
        if isinstance(message, list):  # NestJS lists what its validation found
            message = "; ".join(part for part in message if isinstance(part, str))
        if not (isinstance(message, str) and message):
            error = parsed.get("error")
            message = error if isinstance(error, str) else ""
        return ": ".join(filter(None, (message, _issues(parsed.get("data")))))
    return response.text


def is_web_page(body: bytes) -> bool:
    """Whether an answer is HTML, which no upstream of ours speaks."""
    return body.lstrip()[:15].lower().startswith((b"<!doctype", b"<html"))


def _issues(data: object) -> str:
    """The first findings of a refused request, as `path: message`."""
    found: list[str] = []
    for issue in data if isinstance(data, list) else []:
        if isinstance(issue, dict) and isinstance(issue.get("message"), str):
            path = issue.get("path")
            place = ".".join(map(str, path)) if isinstance(path, list) else ""
            found.append(f"{place}: {issue['message']}" if place else issue["message"])
    return "; ".join(found[:3])


def _reason(parsed: object) -> str:
    """Why somebody behind the upstream refused, such as a provider a manifest. Nothing is decided by their words."""
    data = parsed.get("data") if isinstance(parsed, dict) else None
    reason = data.get("reason") if isinstance(data, dict) else None
    return reason.strip() if isinstance(reason, str) else ""


def _usd(parsed: object, name: str) -> Usd | None:
    data = parsed.get("data") if isinstance(parsed, dict) else None
    amount = data.get(name) if isinstance(data, dict) else None
    if not isinstance(amount, int | Decimal):
        return None
    try:
        return Usd.parse(amount)
    except NotMoney:
        return None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from a Retry-After header: a number, or a date by the upstream's clock. None where there is none."""
    value = headers.get("retry-after", "")
    seconds = believable(value)
    if seconds is not None and seconds >= 0:
        return float(seconds)
    moment = date_of(value)
    if moment is None:
        return None
    now = date_of(headers.get("date", ""))
    return max(0.0, moment - (datetime.now(UTC).timestamp() if now is None else now))


def date_of(value: str) -> float | None:
    """A header's date in seconds since the epoch; None where it is not one."""
    try:
        moment = parsedate_to_datetime(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
