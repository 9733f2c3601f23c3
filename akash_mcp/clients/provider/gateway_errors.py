"""What a provider's refusals mean (akash-network/provider gateway/rest, gateway/utils).

Its statuses alone mislead: an expired token is a 400, a lease that is not there and one that has not started
are both 404, and what is wrong with a stream comes as a WebSocket close code after the stream was accepted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from akash_mcp.errors import LeaseGone, NotRunningYet, ProviderError, TokenRefused, UntrustedProvider

CLOSE_UNKNOWN = 4000
CLOSE_NO_LEASE = 4001
CLOSE_NO_CLUSTER = 4002

NOTHING_STARTED = "nothing was started"
BAD_CLAIMS = "claims of the token are not valid"
JWT_REFUSED = "the token could not be processed"

MEANINGS: Mapping[str, re.Pattern[str]] = {
    NOTHING_STARTED: re.compile("no deployments for lease", re.IGNORECASE),
    BAD_CLAIMS: re.compile("invalid claims|expired", re.IGNORECASE),
    JWT_REFUSED: re.compile("processing jwt", re.IGNORECASE),
}
"""What the text of a refusal is known to mean."""

CLOCK_SECONDS = 5.0
"""Clocks that are at most so far apart count as equal: a Date header counts whole seconds, and an answer takes time."""


class NotProven(UntrustedProvider):
    """Whether the provider is who it should be cannot be found out now: the chain does not answer."""

    code = "unproven_provider"
    retryable = True


class StaleToken(TokenRefused):
    """The token has expired, or is not valid yet by the provider's clock: another one may be taken.

    `date` is the provider's clock when it answered, in seconds since the epoch; None where it did not say.
    """

    def __init__(self, what: str, *, next_step: str, status: int, date: float | None = None) -> None:
        super().__init__(what, next_step=next_step, status=status)
        self.date = date


def refusal_of(
    status: int, message: str, meanings: Collection[str], host: str, *, date: float | None = None
) -> ProviderError:
    """The error behind an HTTP `status` of the provider at `host`.

    `message` is its own text, cleaned, and `meanings` the names of the `MEANINGS` in it before it was; `date` is its
    clock at that answer, in seconds since the epoch.
    """
    if status == 404:
        if NOTHING_STARTED in meanings:
            return NotRunningYet(
                f"The provider at {host} has the manifest and has started nothing yet.",
                next_step="Wait a few seconds, then ask again.",
                status=status,
            )
        return _gone(host, status)
    # Gateways before 0.11.2 answer 500 to a token that they cannot take.
    if (status in (400, 401) and BAD_CLAIMS in meanings) or (status == 500 and JWT_REFUSED in meanings):
        return StaleToken(
            f"The provider at {host} says that our token has expired or is not valid yet.",
            next_step="The provider's clock may be wrong. Try again in a minute, or choose another provider.",
            status=status,
            date=date,
        )
    if status == 401:
        return TokenRefused(f"The provider at {host} did not accept our token ({message}).", status=status)
    if status == 503:
        return _no_cluster(host, status)
    return ProviderError(
        f"The provider at {host} failed ({status}{': ' + message if message else ''}).",
        next_step="Try again in a minute; diagnose the deployment if it stays so.",
        status=status,
    )


def close_of(code: int, reason: str, host: str) -> ProviderError:
    """The error behind a WebSocket close `code` of the provider at `host`."""
    if code == CLOSE_NO_LEASE:
        return _gone(host, code)
    if code == CLOSE_NO_CLUSTER:
        return _no_cluster(host, code)
    if code == CLOSE_UNKNOWN and reason == "no running pods":
        return NotRunningYet(
            f"The provider at {host} has no running container for this yet.",
            next_step="Wait until the service is up, check the service's name, or read the events.",
            status=code,
        )
    if code == CLOSE_UNKNOWN:
        return ProviderError(
            f"The provider at {host} could not open the stream.",
            next_step="Most often a container is still starting or its image cannot be pulled: read the events.",
            status=code,
        )
    return ProviderError(f"The provider at {host} ended the stream (WebSocket code {code}).", status=code)


def clock_gap(whose: str, clock: float, others: str, other: float | None) -> str:
    """A sentence, after a space, on how far apart two clocks are: "" where they agree, or one is not known.

    Clocks are seconds since the epoch; `whose` and `others` are possessives, such as "the chain's".
    """
    if other is None or abs(clock - other) <= CLOCK_SECONDS:
        return ""
    seconds = abs(clock - other)
    unit, name = next(
        (size, name)
        for size, name in ((86_400, "days"), (3600, "hours"), (60, "minutes"), (1, "seconds"))
        if seconds >= 2 * size
    )
    return (
        f" {whose} clock is {seconds / unit:.0f} {name} {'ahead of' if clock > other else 'behind'} {others}."
    )


def _gone(host: str, status: int) -> LeaseGone:
    return LeaseGone(
        f"The provider at {host} does not know this lease.",
        next_step="Look the deployment up: the lease was closed, or its manifest never arrived.",
        status=status,
    )


def _no_cluster(host: str, status: int) -> ProviderError:
    return ProviderError(
        f"The provider at {host} cannot reach its own cluster right now.",
        next_step="Try again in a minute.",
        status=status,
    )
