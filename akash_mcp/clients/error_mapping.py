"""What an upstream's error answer means.

The Console API alone has six shapes of error: its own JSON, bare `{error}`, plain text, an empty body, the
notifications service's NestJS JSON, and the HTML of the proxy in front of it. Status decides the class; the
body only adds words and, for `wallet_provisioning`, a code (akash-network/console
`hono-error-handler.service.ts`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime

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
    WalletProvisioning,
)
from akash_mcp.money import NotMoney, Usd

LONGEST_WORDS = 300
"""Characters of an upstream's own message that an error repeats."""


class InsufficientBalance(PaymentRequired):
    """402 with figures: what was asked for needs `required` US dollars, and the account has `available`.

    The amounts are certain to be in dollars, whatever the unit of the API's balances. None where they were not told.
    """

    required: Usd | None = None
    available: Usd | None = None


class TopUpPending(PaymentRequired):
    """402 for now: the account's card is being charged. Nothing was done; try again after `retry_after` seconds."""


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
    NotFound: "{name} knows nothing of that name",
    Conflict: "{name} says that something else changed first",
    WalletProvisioning: "{name} is still setting up the account's wallet",
    TooLarge: "{name} says that the request is too large",
    RateLimited: "{name} says that we ask too often",
    ServerError: "{name} failed",
}

_SECRET_SHAPES = re.compile(
    r"\bac\.sk\.\w+\.\w+|\beyJ[\w-]+\.[\w-]+\.[\w-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
    re.ASCII | re.DOTALL,
)
# How the API says it that has no codes for it.
_TOP_UP_UNDER_WAY = "a top up from your saved payment method is on the way"


class Redactor:
    """Takes secrets out of text.

    The given values wherever they stand, and whatever looks like a key or a token.
    """

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        values = sorted(filter(None, secrets), key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, values)), re.IGNORECASE) if values else None

    def __call__(self, text: str) -> str:
        if self._values is not None:
            text = self._values.sub("[redacted]", text)
        return _SECRET_SHAPES.sub("[redacted]", text)

    def __repr__(self) -> str:
        return "Redactor()"


def error_of(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    name: str,
    redact: Redactor,
    advice: Mapping[type[ApiError] | str, str] | None = None,
) -> ApiError:
    """The error behind an answer of `status` 300 or more from the upstream called `name`.

    `advice` maps an error's code, or its class, to the next step that its reader should take.
    """
    parsed = _parsed(body)
    code = _code(parsed)
    words = bounded(redact(_words(parsed, body, headers)))
    kind = _kind(status, code, words)
    what = f"{_WHAT[kind].format(name=name)} ({status}{': ' + words if words else ''})."
    advice = advice or {}
    general = next((advice[each] for each in kind.__mro__ if each in advice), "")
    error = kind(
        what,
        status=status,
        code=code,
        said=words,
        next_step=advice.get(code, general),
        retry_after=_retry_after(headers.get("retry-after", "")),
    )
    if isinstance(error, InsufficientBalance):
        error.required, error.available = (
            _usd(parsed, "requiredAmountUsd"),
            _usd(parsed, "availableAmountUsd"),
        )
    return error


def bounded(text: str) -> str:
    """The text on one line, without control and invisible characters, at most `LONGEST_WORDS` long.

    The word that the cut would go through is left out whole: half a secret could not be told from other text.
    """
    seen = "".join(c if c.isprintable() else " " if c.isspace() else "" for c in text)
    line = " ".join(seen.split())
    return line if len(line) <= LONGEST_WORDS else line[:LONGEST_WORDS].rpartition(" ")[0] + "…"


def _kind(status: int, code: str, words: str) -> type[ApiError]:
    if status == 409 and code == "wallet_provisioning":
        return WalletProvisioning
    if status == 402 and (code == "balance_top_up_pending" or _TOP_UP_UNDER_WAY in words.lower()):
        return TopUpPending
    if status == 402 and code == "insufficient_balance":
        return InsufficientBalance
    # A redirect is a failure of the upstream too: it is not followed, since it would carry the key elsewhere.
    return _BY_STATUS.get(status, BadRequest if 400 <= status < 500 else ServerError)


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body, parse_float=Decimal)
    except (ValueError, RecursionError):
        return None


def _code(parsed: object) -> str:
    code = parsed.get("code") if isinstance(parsed, dict) else None
    return code if isinstance(code, str) else "unknown_error"


def _words(parsed: object, body: bytes, headers: Mapping[str, str]) -> str:
    if isinstance(parsed, dict):
        message = parsed.get("message")
        if isinstance(message, list):  # NestJS lists what its validation found
            message = "; ".join(part for part in message if isinstance(part, str))
        if not (isinstance(message, str) and message):
            error = parsed.get("error")
            message = error if isinstance(error, str) else ""
        return ": ".join(filter(None, (message, _issues(parsed.get("data")))))
    text = body.decode("utf-8", "replace").strip()
    if "html" in headers.get("content-type", "").lower() or text[:15].lower().startswith(
        ("<!doctype", "<html")
    ):
        return "a web page instead of an answer, probably from the proxy in front of it"
    return text


def _issues(data: object) -> str:
    """The first findings of a refused request, as `path: message`."""
    found: list[str] = []
    for issue in data if isinstance(data, list) else []:
        if isinstance(issue, dict) and isinstance(issue.get("message"), str):
            path = issue.get("path")
            place = ".".join(map(str, path)) if isinstance(path, list) else ""
            found.append(f"{place}: {issue['message']}" if place else issue["message"])
    return "; ".join(found[:3])


def _usd(parsed: object, name: str) -> Usd | None:
    data = parsed.get("data") if isinstance(parsed, dict) else None
    amount = data.get(name) if isinstance(data, dict) else None
    if not isinstance(amount, int | Decimal):
        return None
    try:
        return Usd(amount)
    except NotMoney:
        return None


def _retry_after(value: str) -> float | None:
    """Seconds from a Retry-After header, which is a number of seconds or a date; None where there is none."""
    if value.strip().isdecimal():
        return float(value)
    moment = date_of(value)
    return None if moment is None else max(0.0, moment - datetime.now(UTC).timestamp())


def date_of(value: str) -> float | None:
    """A header's date in seconds since the epoch; None where it is none."""
    try:
        moment = parsedate_to_datetime(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
