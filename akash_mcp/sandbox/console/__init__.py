"""The Console API of the embedded network, in three generations of what console-api.akash.network does.

`reference` is held to akash-network/console as of August 2026, oddities and all: a client that works here has met
them. What all generations share stands in this folder; what one has of its own is in the module of its name.
"""

from __future__ import annotations

from collections.abc import Mapping

from akash_mcp.sandbox.chain import Account, Chain
from akash_mcp.sandbox.console import generation_2025, generation_2026_11, reference, trial
from akash_mcp.sandbox.console.app import ConsoleApp
from akash_mcp.sandbox.console.backend import Backend, Generation
from akash_mcp.sandbox.console.funding import Funding, Policy
from akash_mcp.sandbox.console.keyring import Keyring
from akash_mcp.sandbox.console.provider_proxy import ProviderProxy
from akash_mcp.sandbox.console.refusals import Refusals
from akash_mcp.sandbox.console.runtime_limits import RuntimeLimits
from akash_mcp.sandbox.console.signer import Signer
from akash_mcp.sandbox.console.stale_cache import Replicas
from akash_mcp.sandbox.faults import Faults
from akash_mcp.sandbox.sellers import Seller

__all__ = ["Backend", "ConsoleApp", "Generation", "build_backend", "console_app"]

_ENDPOINTS = {
    "2025": generation_2025.endpoints,
    "reference": reference.endpoints,
    "2026-11": generation_2026_11.endpoints,
}
_FUNDING: Mapping[Generation, Policy] = {"2025": "never", "reference": "by-row", "2026-11": "always"}


def build_backend(
    chain: Chain,
    account: Account,
    *,
    user_id: str,
    api_key: str,
    market: Mapping[str, Seller],
    faults: Faults,
    generation: Generation,
    on_trial: bool,
    organizations: bool = False,
) -> Backend:
    """A user's side of Console, with the jobs that go on by themselves planned on the chain's schedule."""
    if generation == "2025":
        chain.min_deposit_uact = generation_2025.MIN_DEPOSIT_UACT
    if on_trial:
        trial.end_leases_after_a_day(chain, account)
    limits = RuntimeLimits(chain, account)
    return Backend(
        chain=chain,
        account=account,
        user_id=user_id,
        market=market,
        faults=faults,
        signer=Signer(chain, account, faults, coded=generation == "2026-11"),
        proxy=ProviderProxy(chain, account, faults),
        funding=Funding(chain, account, _FUNDING[generation], limits, trial=on_trial),
        replicas=Replicas(faults),
        limits=limits,
        keyring=Keyring(chain.clock, api_key),
        trial=on_trial,
        generation=generation,
        organizations=organizations,
    )


def console_app(backend: Backend, *, repeated_refusals: bool = True, strict: bool = False) -> ConsoleApp:
    """The whole API for one user.

    Both concern 2026-11 alone. `repeated_refusals`: it makes who is refused again and again wait. `strict`: it tells
    nothing that its document does not name.
    """
    endpoints = _ENDPOINTS[backend.generation](backend)
    is_autumn = backend.generation == "2026-11"
    refusals = Refusals(backend.chain.clock) if repeated_refusals and is_autumn else None
    return ConsoleApp(
        endpoints,
        backend.keyring,
        backend.faults,
        backend.tasks,
        refusals,
        strict=strict and is_autumn,
    )
