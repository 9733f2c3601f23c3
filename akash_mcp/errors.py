"""Every error a person or a model can meet, as one tree.

AkashError                     what happened, whether money moved, what to do next
├── BadSettings                a flag, variable or file that we cannot take
│   └── MissingKey             a call needs the Console API key and it cannot be had
│       └── MissingAkuaToken   or the token of Akua's API
├── BadArgument                a tool argument that is not what it should be
├── InvalidSdl                 the SDL would be refused; nothing was sent
├── Refused                    our own guard said no; nothing was sent
│   ├── OverBudget             a limit that a person set would be passed
│   ├── OfferGone              an offer that was chosen cannot be had: another may do (lease_permit)
│   ├── NotApproved            declined, or a token that is unknown, used, late or for other arguments
│   ├── Busy                   another operation has the deployment in hand
│   ├── MissingSecret          a secret that an SDL names cannot be had
│   ├── HeldBack               what the Console refuses again and again is not sent for a while
│   ├── UnknownAccount         whose money it would be is not known, or is not whose it was
│   ├── UnknownTime            what time it is is not certain, so that no limit of time can be kept
│   ├── MissingHistory         what this account spent before is not in the ledger
│   └── LedgerUnusable         the ledger cannot be read or written, so nothing is spent
│       └── LedgerBusy         another process holds it; nothing is wrong with it
├── Unwound                    what went wrong with a deployment, and what closing it came to (close_permit)
├── NotDelivered               what was approved is leased and costs, and its provider does not take the manifest
├── TakenOver                  another operation took the deployment over: this one sends nothing more
├── ApiError                   the Console or chain answered with an error
│   ├── BadRequest             400, 422
│   ├── Unauthorized           401: the key is wrong
│   ├── PaymentRequired        402: the account has not enough credit
│   │   ├── InsufficientBalance    and by how much (clients.error_mapping)
│   │   └── TopUpPending           and its card is being charged (clients.error_mapping)
│   ├── Forbidden              403
│   ├── NotFound               404
│   ├── Conflict               409
│   │   └── WalletProvisioning 409 wallet_provisioning: a new account, not ready yet
│   ├── TooLarge               413
│   ├── RateLimited            429
│   │   └── RepeatedRefusal    429 repeated_refusal: too many refusals in a row, and nothing was looked at
│   └── ServerError            5xx
├── NotOffered                 this generation of the Console API has no such thing (clients.console.generation)
├── Unreachable                no connection: the request was not sent
├── Interrupted                a read, or a change that may be made twice, did not get a whole answer in time
├── OutcomeUnknown             a request that may have spent got no answer: it must be looked up, not repeated
├── InternalError              this server has a mistake of its own
└── ProviderError              a provider's gateway
    ├── UntrustedProvider      its certificate is not one that we may trust, or its host is not allowed
    │   └── NotProven              or it cannot be found out now (clients.provider.gateway_errors)
    ├── LeaseGone              the provider does not know this lease
    ├── NotRunningYet          the lease has no running container yet
    └── TokenRefused           the provider refused our token

Each has a `code` for programs: stable, and listed in docs/errors.md. `retryable`: the very same call may succeed later
without anybody changing anything, and where it failed in this way nothing was done that it would do twice.
"""

from __future__ import annotations

import math
from typing import ClassVar

NOTHING_MOVED = "No money moved."


def in_time(seconds: float | None) -> str:
    """When to try again, rounded up: `in 40 seconds`, `in 4 minutes`. `in a minute` where nobody said."""
    if seconds is None:
        return "in a minute"
    for size, unit, most in ((1, "second", 90), (60, "minute", 90), (3600, "hour", 48)):
        count = max(math.ceil(min(seconds, _LONGEST_WAIT) / size), 1)
        if count <= most:
            return f"in {count} {unit}{'s' * (count > 1)}"
    return f"in {math.ceil(min(seconds, _LONGEST_WAIT) / 86_400)} days"


_LONGEST_WAIT = 365 * 86_400.0
"""Seconds: what says that it takes longer is not believed."""


class AkashError(Exception):
    """Something that can go wrong in use, with what its reader needs to act.

    `what` happened, `money`: whether money moved, `next_step`: what to do. None of them ever holds a secret.
    `retryable` where one raise knows better than its class.
    """

    code: ClassVar[str] = "failed"
    retryable: bool = False

    def __init__(
        self, what: str, *, next_step: str = "", money: str = NOTHING_MOVED, retryable: bool | None = None
    ) -> None:
        super().__init__(what)
        self.what = what
        self.money = money
        self.next_step = next_step
        if retryable is not None:
            self.retryable = retryable

    def __str__(self) -> str:
        parts = filter(None, (self.what, self.money, self.next_step))
        return "".join(part if part.endswith("\n") else f"{part} " for part in parts).rstrip()


class BadSettings(AkashError):
    """A flag, environment variable or line of the configuration file that cannot be taken."""

    code = "bad_settings"


class MissingKey(BadSettings):
    """A call that needs the Console API key, where there is none, or none that can be read."""

    code = "no_api_key"

    def __init__(
        self,
        what: str = "There is no Akash Console API key.",
        *,
        next_step: str = "Ask the user to run akash-mcp login in a terminal with a key from "
        "https://console.akash.network (Settings, API Keys), or to set AKASH_API_KEY and restart this server, then "
        "call again. To try everything without an account, start the server with --sandbox.",
    ) -> None:
        super().__init__(what, next_step=next_step)


class MissingAkuaToken(MissingKey):
    """A call that needs the token of Akua's API, where there is none, or none that can be read."""

    code = "no_akua_token"

    def __init__(
        self,
        what: str = "There is no Akua API token.",
        *,
        next_step: str = "Ask the user to run akash-mcp login --akua in a terminal with a token from their Akua "
        "workspace, or to set AKUA_API_TOKEN and restart this server, then call again. Akua is another service than "
        "Akash, with an account of its own.",
    ) -> None:
        super().__init__(what, next_step=next_step)


class BadArgument(AkashError):
    """A tool argument that is not what it should be."""

    code = "bad_argument"


class InvalidSdl(AkashError):
    """An SDL that the Console, the chain or the provider would refuse. Nothing was sent."""

    code = "invalid_sdl"


class Refused(AkashError):
    """Our own guard said no. Nothing was sent."""

    code = "refused"


class OverBudget(Refused):
    """A limit that a person set would be passed."""

    code = "over_budget"


class NotApproved(Refused):
    """A decline, or an approval token that is unknown, used, too old or for other arguments."""

    code = "not_approved"


class Busy(Refused):
    """Another operation has the deployment in hand, and two never act on one at a time."""

    code = "busy"
    retryable = True


class MissingSecret(Refused):
    """A secret that an SDL names is not stored, or cannot be read now. Nothing was sent."""

    code = "missing_secret"


class HeldBack(Refused):
    """What the Console refuses again and again is not sent for a while: the account would be refused for longer."""

    code = "held_back"


class UnknownAccount(Refused):
    """Whose money would be spent is not known, or the key is not the account's that it was."""

    code = "unknown_account"


class UnknownTime(Refused):
    """What time it is is not certain, so that no limit of a day can be kept."""

    code = "unknown_time"


class MissingHistory(Refused):
    """An account has a history that the ledger does not hold, so that what is left of its budget is not known."""

    code = "missing_history"


class LedgerUnusable(Refused):
    """The ledger cannot be read or written. Spending stops; closing does not."""

    code = "ledger_unusable"


class LedgerBusy(LedgerUnusable):
    """Another process holds the ledger and does not let go of it in time. It is whole."""

    code = "ledger_busy"
    retryable = True

    def __init__(self) -> None:
        super().__init__(
            "The ledger is busy: another process of this user is writing in it, so nothing can be spent now.",
            next_step="Try again in a few seconds. Deployments can be listed and closed meanwhile.",
        )


class NotDelivered(AkashError):
    """What was approved is leased and costs money, and its provider does not take the manifest."""

    code = "not_delivered"


class TakenOver(AkashError):
    """Another operation took the deployment over, or closed it. This one, which may have sent before, sends no more."""

    code = "taken_over"

    def __init__(self, what: str, *, next_step: str = "") -> None:
        super().__init__(what, next_step=next_step, money="This operation spends nothing more.")


class ApiError(AkashError):
    """The Console API or the chain answered with an error.

    `status` is the HTTP status, `upstream_code` its own code (`unknown_error` where it gave none) and `message` its
    message: bounded, without control characters, its secrets masked. `meanings` are the names of what that message
    is known to mean, recognised before it was cleaned: decide by them, never by `message`.
    """

    code = "api_error"

    def __init__(
        self,
        what: str,
        *,
        status: int,
        upstream_code: str = "unknown_error",
        message: str = "",
        meanings: frozenset[str] = frozenset(),
        next_step: str = "",
        money: str = NOTHING_MOVED,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(what, next_step=next_step, money=money)
        self.status = status
        self.upstream_code = upstream_code
        self.message = message
        self.meanings = meanings
        self.retry_after = retry_after


class BadRequest(ApiError):
    """400 or 422: the request was refused as it stands."""

    code = "bad_request"


class Unauthorized(ApiError):
    """401: the key is missing, wrong, revoked or expired."""

    code = "unauthorized"


class PaymentRequired(ApiError):
    """402: the account has not enough credit for this."""

    code = "no_credit"


class Forbidden(ApiError):
    """403: not this account's, or not allowed for it."""

    code = "forbidden"


class NotFound(ApiError):
    """404: nothing of that name belongs to this account."""

    code = "not_found"


class Conflict(ApiError):
    """409: something else changed first."""

    code = "conflict"


class WalletProvisioning(Conflict):
    """409 `wallet_provisioning`: the account's wallet is still being set up. Nothing was done; try again shortly."""

    code = "wallet_provisioning"
    retryable = True


class TooLarge(ApiError):
    """413: the request body is over the upstream's limit."""

    code = "too_large"


class RateLimited(ApiError):
    """429: too many requests."""

    code = "rate_limited"
    retryable = True


class RepeatedRefusal(RateLimited):
    """429 `repeated_refusal`: too many such requests of the account were refused in a row. This one was not looked at.

    `retry_after` is 1 where only others under way could fill the streak.
    """


class ServerError(ApiError):
    """5xx: the upstream failed."""

    code = "server_error"
    retryable = True


class Unreachable(AkashError):
    """No connection could be made, so the request was certainly not sent."""

    code = "unreachable"
    retryable = True


class Interrupted(AkashError):
    """A read, or a change that may safely be made twice, did not get a whole answer in time."""

    code = "interrupted"
    retryable = True


class OutcomeUnknown(AkashError):
    """A request that may have spent or changed something got no answer. It must be looked up, never repeated."""

    code = "outcome_unknown"

    def __init__(self, what: str, *, next_step: str = "") -> None:
        super().__init__(what, next_step=next_step, money="Whether money moved is not known yet.")


class InternalError(AkashError):
    """This server has a mistake of its own. The details are in its log, and nowhere else."""

    code = "internal_error"


class ProviderError(AkashError):
    """A provider's gateway refused or failed. `status` is its HTTP status or WebSocket close code, if it gave one."""

    code = "provider_error"
    retryable = True

    def __init__(
        self, what: str, *, next_step: str = "", money: str = NOTHING_MOVED, status: int | None = None
    ) -> None:
        super().__init__(what, next_step=next_step, money=money)
        self.status = status


class UntrustedProvider(ProviderError):
    """The provider's certificate is not one that we may trust, or its host is not allowed. Nothing was sent to it."""

    code = "untrusted_provider"
    retryable = False


class LeaseGone(ProviderError):
    """The provider does not know this lease: it was closed, or the manifest never arrived."""

    code = "lease_gone"
    retryable = False


class NotRunningYet(ProviderError):
    """The lease is there and nothing of it runs yet."""

    code = "not_running_yet"


class TokenRefused(ProviderError):
    """The provider refused our token."""

    code = "token_refused"
    retryable = False
