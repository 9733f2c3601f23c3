"""Misbehaviour on demand: what Console, chain and providers have been seen to do wrong, by name.

A fault is on until it is switched off, or for so many requests. `value` refines it, `route` narrows it to
requests whose `METHOD /path` starts with it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

CATALOGUE: dict[str, str] = {
    "429": "answer 429; value: seconds for Retry-After (1)",
    "503-html": "answer 503 with an HTML page, as a proxy in front of Console does; value: 403, 502, 503",
    "slow": "wait before answering; value: real seconds (2)",
    "drop-connection": "cut the connection, no answer; value: before (nothing happened), after (it all did)",
    "key-revoked": "the API key is no longer good: 401 on every route",
    "stale-reads": "deployments and bids read as they did last time, or as if nothing existed yet",
    "unknown-hash": "a deployment comes from the indexer: hash unknown_value, leases without reason",
    "chain-down": "Console's node is down: bids and leases answer 500, deployments come from the indexer",
    "indexer-lag": "what the indexer knows is old; value: blocks (100)",
    "replica-caches-disagree": "three replicas answer in turn, each with its own memory of balances and providers",
    "lying-list": "the list of deployments leaves out its newest one and says that this is all",
    "swapped-leases": "the list of deployments attaches each one's leases to another",
    "wallet-provisioning": "requests that spend get 409 wallet_provisioning",
    "insufficient-balance": "requests that spend get 402; value: fee (the grant for fees is what is empty)",
    "top-up-pending": "requests that spend get 402 while a top-up is on its way; value: seconds for Retry-After (5)",
    "fixed-deposit": "the deposit of a create is ignored: it is 0.5 USD",
    "create-500-but-landed": "a create lands on chain and answers 500; value: the message",
    "create-timeout-but-landed": "a create lands and never answers; value: real seconds to give up after (600)",
    "lease-manifest-fails": "a lease lands, its manifest is not delivered; value: 503, 400, 422, 495, timeout",
    "provider-unknown": "a lease is refused: its provider is not in Console's database",
    "provider-slow": "a provider answers Console late; value: simulated seconds (15)",
    "provider-unreachable": "gateways are down; value: one address. With a count: only Console misses them",
    "certificate-unregistered": "gateways show a certificate that is not on chain; value: one address",
    "certificate-expired": "gateways show a certificate on chain that has expired; value: one address",
    "certificate-not-yet-valid": "gateways show a certificate on chain that begins tomorrow; value: one address",
    "certificate-mismatch": "gateways show another certificate under the serial on chain; value: one address",
    "certificate-revoked": "gateways go on showing a certificate that is revoked; value: one address",
    "certificate-rotated": "gateways change to a new certificate on chain, once; value: one address",
    "certificate-rotated-early": "gateways do so 30 simulated seconds before the chain shows it; value: one address",
    "token-hangs": "gateways never answer a request with a token; value: one address",
    "gateway-panics": "gateways hang up instead of answering; value: one address",
    "kube-down": "gateways do not reach their cluster: 503, close 4002, silent shells; value: one address",
    "manifest-slow": "gateways take long over a manifest; value: simulated seconds (60), 500 after 120",
    "legacy-errors": "gateways tell errors as v0.11.1 and older did; value: one address",
    "provider-version": "gateways say that they are of this version; value: the version (v0.10.4)",
    "close-fails": "a close fails; value: 500, unsettled (both leave it open) or landed (it did close)",
    "close-slow": "a close takes long to land; value: simulated seconds (60)",
    "no-bids": "nobody bids on a new deployment",
    "late-bids": "bids on a new deployment come later; value: simulated seconds (60)",
    "bids-expire": "bids on a new deployment close soon after they came; value: simulated seconds (1)",
    "balance-units": "balances are a million times off: USD for uact",
    "fair-use-policy": "2026-11: a create gets 403 fair_use_policy_required",
    "definition-missing": "2026-11: a create does not store its definition",
    "settings-conflict": "2026-11: a change of settings gets 409: another one landed first",
    "key-service-down": "2026-11: nothing can be sealed or opened: 503",
    "seal-key-retired": "2026-11: a seal names a key that is retired: 409",
    "gpu-other": "2026-11: containers see another GPU than the one that was bid; value: the model",
    "search-too-wide": "2026-11: a search of the list gets 422: it spans too many",
}


class UnknownFault(ValueError):
    """A name that is not in the catalogue, or a value it cannot have."""


@dataclass
class Fault:
    """One fault that is on. `count`: how many more requests it meets, None for all."""

    name: str
    count: int | None = None
    value: str | None = None
    route: str | None = None

    def seconds(self, default: float) -> float:
        """The value as a number, of seconds or what else the fault counts in."""
        return default if self.value is None else float(self.value)


CERTIFICATE = (
    "certificate-unregistered",
    "certificate-expired",
    "certificate-not-yet-valid",
    "certificate-mismatch",
    "certificate-revoked",
    "certificate-rotated",
    "certificate-rotated-early",
)
"""Those that are about which certificate a gateway shows."""

PER_PROVIDER = (
    *CERTIFICATE,
    "provider-unreachable",
    "token-hangs",
    "gateway-panics",
    "kube-down",
    "legacy-errors",
)
"""Those whose value is a provider's address, and which meet every provider without one."""

_UNCOUNTED = (*CERTIFICATE, "legacy-errors", "provider-version")

_NUMERIC = (
    "429",
    "slow",
    "indexer-lag",
    "create-timeout-but-landed",
    "top-up-pending",
    "provider-slow",
    "manifest-slow",
    "close-slow",
    "late-bids",
    "bids-expire",
)
_CHOICES = {
    "503-html": ("403", "502", "503"),
    "drop-connection": ("before", "after"),
    "insufficient-balance": ("fee",),
    "lease-manifest-fails": ("503", "400", "422", "495", "timeout"),
    "close-fails": ("500", "unsettled", "landed"),
}


@dataclass(frozen=True)
class Catalogue:
    """The faults of one side: a sentence for each name, and what their values and counts may be.

    `numeric`: their values are numbers. `choices`: their values are one of these. `uncounted`: on or off.
    """

    texts: Mapping[str, str]
    numeric: Collection[str] = ()
    choices: Mapping[str, Collection[str]] = field(default_factory=dict)
    uncounted: Collection[str] = ()

    def parse(self, text: str) -> Fault:
        """A fault from the command line: `NAME`, `NAME=VALUE`, `NAME*COUNT` or `NAME*COUNT=VALUE`.

        Raises `UnknownFault` for a name that is not in the catalogue, or a value that it cannot have.
        """
        head, _, value = text.partition("=")
        name, _, count = head.partition("*")
        if count and not (count.isascii() and count.isdigit() and len(count) < 10):
            raise UnknownFault(f"{count[:40]!r} is not a number of requests")
        return self.checked(Fault(name, int(count) if count else None, value or None))

    def checked(self, fault: Fault) -> Fault:
        """The fault itself. Raises `UnknownFault`."""
        if fault.name not in self.texts:
            raise UnknownFault(f"no fault is called {fault.name!r}; there are {', '.join(self.texts)}")
        if fault.count is not None and fault.count < 0:
            raise UnknownFault("a count is 0 or more")
        if fault.count and fault.name in self.uncounted:
            raise UnknownFault(f"{fault.name} is on or off and cannot be counted")
        if fault.value is None:
            return fault
        if fault.name in self.numeric and not fault.value.replace(".", "", 1).isdigit():
            raise UnknownFault(f"the value of {fault.name} is a number, not {fault.value!r}")
        choices = self.choices.get(fault.name)
        if choices and fault.value not in choices:
            raise UnknownFault(
                f"the value of {fault.name} is one of {', '.join(choices)}, not {fault.value!r}"
            )
        return fault


NETWORK = Catalogue(CATALOGUE, _NUMERIC, _CHOICES, _UNCOUNTED)
"""Those of Console, chain and providers."""


def parse(text: str) -> Fault:
    """A fault of the network from the command line, as `Catalogue.parse` reads it. Raises `UnknownFault`."""
    return NETWORK.parse(text)


class Faults:
    """The faults of a catalogue that are on now."""

    def __init__(self, catalogue: Catalogue = NETWORK) -> None:
        self._catalogue = catalogue
        self._on: dict[str, Fault] = {}

    def set(
        self, name: str, *, count: int | None = None, value: str | None = None, route: str | None = None
    ) -> Fault:
        """Switch a fault on, replacing what was set for its name; a count of 0 switches it off.

        Raises `UnknownFault` for a name that is not in the catalogue, or a value that it cannot have.
        """
        fault = self._catalogue.checked(Fault(name, count, value, route))
        if count == 0:
            self._on.pop(name, None)
        else:
            self._on[name] = fault
        return fault

    def active(self, name: str) -> Fault | None:
        """The fault, if it is on, without using up a request."""
        return self._on.get(name)

    def take(self, name: str, request: str = "") -> Fault | None:
        """The fault, if it is on and meant for this `METHOD /path`; one request of its count is used up."""
        fault = self._on.get(name)
        if fault is None or (fault.route is not None and not request.startswith(fault.route)):
            return None
        if fault.count is not None:
            fault.count -= 1
            if fault.count <= 0:
                del self._on[name]
        return fault

    def at(self, name: str, provider: str, request: str = "") -> Fault | None:
        """The fault of `PER_PROVIDER`, if it is on and meant for this provider and request, as `take` takes it."""
        fault = self._on.get(name)
        return None if fault is None or fault.value not in (None, provider) else self.take(name, request)

    def describe(self) -> dict[str, object]:
        """What is on, and the whole catalogue."""
        return {"on": [vars(fault) for fault in self._on.values()], "catalogue": dict(self._catalogue.texts)}
