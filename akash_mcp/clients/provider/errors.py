"""What a provider's refusals mean (akash-network/provider gateway/rest, gateway/utils).

Its statuses alone mislead: an expired token is a 400, a lease that is not there and one that has not started
are both 404, and what is wrong with a stream comes as a WebSocket close code after the stream was accepted.
"""

from __future__ import annotations

from akash_mcp.errors import LeaseGone, NotRunningYet, ProviderError, TokenRefused

CLOSE_UNKNOWN = 4000
CLOSE_NO_LEASE = 4001
CLOSE_NO_CLUSTER = 4002


class StaleToken(TokenRefused):
    """The token has expired, or is not valid yet by the provider's clock: another one may be taken."""


def refusal_of(status: int, said: str, host: str) -> ProviderError:
    """The error behind an HTTP `status` of the provider at `host`; `said` is its own text, bounded."""
    text = said.lower()
    if status == 404:
        if "no deployments for lease" in text:
            return NotRunningYet(
                f"The provider at {host} has the manifest and has started nothing yet.",
                next_step="Wait a few seconds, then ask again.",
                status=status,
            )
        return _gone(host, status)
    # Gateways before 0.11.2 answer 500 to a token that they cannot take.
    if (status in (400, 401) and ("invalid claims" in text or "expired" in text)) or (
        status == 500 and "processing jwt" in text
    ):
        return StaleToken(
            f"The provider at {host} takes our token for expired or not valid yet.",
            next_step="Check this machine's clock; the provider's may be wrong too.",
            status=status,
        )
    if status == 401:
        return TokenRefused(f"The provider at {host} did not accept our token ({said}).", status=status)
    if status == 503:
        return _no_cluster(host, status)
    return ProviderError(
        f"The provider at {host} failed ({status}{': ' + said if said else ''}).",
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


def _gone(host: str, status: int) -> LeaseGone:
    return LeaseGone(
        f"The provider at {host} knows no such lease.",
        next_step="Look the deployment up: the lease was closed, or its manifest never arrived.",
        status=status,
    )


def _no_cluster(host: str, status: int) -> ProviderError:
    return ProviderError(
        f"The provider at {host} cannot reach its own cluster right now.",
        next_step="Try again in a minute.",
        status=status,
    )
