"""Whatever the Console answers, what the ledger holds is never less than what the network's books can still charge.

The books are the embedded network's own: escrow, rates and limits of its chain, reckoned here and not by `money`.

One lie is left out, since no answer gives it away: a creation that something on the way sends twice. The second
deployment is only seen in the account's list, as one that this server did not create.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import anyio
import hypothesis
import pytest
from agents import Agent, text_of
from lying_proxy import LyingProxy, lying_proxy
from mcp import Client
from pydantic import SecretStr
from written import Written, only_account

from akash_mcp import config
from akash_mcp.clients import retries
from akash_mcp.data import examples_dir
from akash_mcp.errors import NOTHING_MOVED
from akash_mcp.guard.books.ledger import Ledger
from akash_mcp.guard.books.store import Store
from akash_mcp.sandbox.console import Generation
from akash_mcp.sandbox.network import EmbeddedNetwork, Options
from akash_mcp.server import build
from akash_mcp.workflow.runtime import Intervals

SPEED = 600.0
SDL = (examples_dir() / "web.yaml").read_text(encoding="utf-8")
SHORTEST_BLOCK_SECONDS = Decimal(6)
"""The Console's API counts so; blocks of the network are longer."""

ROUTES = {
    "create": r"POST /v1/deployments",
    "detail": r"GET /v1/deployments/\d+",
    "list": r"GET /v1/deployments",
    "bids": r"GET /v1/bids",
    "lease": r"POST /v1/leases",
    "deposit": r"POST /v1/deposit-deployment",
    "settings": r"PATCH /v2/deployment-settings/\d+",
    "close": r"DELETE /v1/deployments/\d+",
    "sign": r"GET /v1/deployment-funding-config",
}
FIELDS = ("autoTopUpEnabled", "escrow_account", "funds", "amount", "price", "state", "leases", "deployments", "dseq",
          "runtimeLimitHours", "settings", "manifest", "hash", "denom", "settled_at", "id", "data")  # fmt: skip
ACTS = (
    "lose",
    "drop",
    "refuse 500",
    "refuse 404",
    "fail after",
    "repeat",
    "cheap",
    "dear",
    "null",
    "missing",
    "yes",
)


@dataclass(frozen=True)
class Lie:
    """What one kind of request is answered instead of the truth, and how often."""

    route: str
    act: str
    field: str
    times: int

    def tell(self, proxy: LyingProxy) -> None:
        route = ROUTES[self.route]
        match self.act:
            case "lose":
                proxy.lose(route, times=self.times)
            case "drop":
                proxy.drop(route, times=self.times)
            case "repeat":
                proxy.repeat(route, times=self.times)
            case "refuse 500":
                proxy.refuse(route, 500, {"message": "Internal server error"}, times=self.times)
            case "refuse 404":
                proxy.refuse(route, 404, {"message": "Not Found"}, times=self.times)
            case "fail after":
                proxy.rewrite(
                    route, lambda _: {"message": "Internal server error"}, times=self.times, status=500
                )
            case "cheap":
                proxy.rewrite(route, lambda told: scaled(told, Decimal("0.1")), times=self.times)
            case "dear":
                proxy.rewrite(route, lambda told: scaled(told, Decimal(10)), times=self.times)
            case "yes":
                proxy.refuse(route, 200, {"data": {"dseq": "1763759482113"}}, times=self.times)
            case "null":
                proxy.rewrite(route, lambda told: changed(told, {self.field: None}), times=self.times)
            case "missing":
                proxy.rewrite(route, lambda told: changed(told, {self.field: ...}), times=self.times)


def changed(told: Any, fields: Mapping[str, Any]) -> Any:
    """The answer with other values for some fields, wherever they stand; `...` leaves one out."""
    if isinstance(told, list):
        return [changed(item, fields) for item in told]
    if not isinstance(told, dict):
        return told
    return {
        key: fields.get(key, changed(value, fields))
        for key, value in told.items()
        if fields.get(key) is not ...
    }


def scaled(told: Any, factor: Decimal) -> Any:
    if isinstance(told, list):
        return [scaled(item, factor) for item in told]
    if not isinstance(told, dict):
        return told
    return {
        key: str(Decimal(value) * factor)
        if key == "amount" and isinstance(value, str)
        else scaled(value, factor)
        for key, value in told.items()
    }


ALWAYS = 10**6
SMALLEST = [
    [Lie("settings", "fail after", "", 1)],
    [Lie("detail", "cheap", "", ALWAYS)],
    [Lie("sign", "refuse 404", "", ALWAYS), Lie("settings", "yes", "", ALWAYS)],
    [Lie("bids", "cheap", "", ALWAYS)],
    [Lie("deposit", "repeat", "", 1)],
]


def can_still_charge(network: EmbeddedNetwork) -> Decimal:
    """uact that what is open of the account has cost or can still cost, by the network's own books."""
    state: Any = network.state()
    total = Decimal(0)
    for deployment in network.chain.deployments_of(network.owner):
        if deployment.state != "active":
            continue
        escrow, dseq, rate = deployment.escrow, deployment.dseq, deployment.rate
        charge = max(escrow.funds, Decimal(0))  # what accrued since the last settlement is in there
        if network.options.generation == "2026-11":
            limit = state["runtime_limits"].get(dseq, {}).get("hours")
            if rate and limit is None:
                return Decimal("Infinity")
            # The rest of the escrow comes back at its end.
            charge = rate * Decimal(limit or 0) * 3600 / SHORTEST_BLOCK_SECONDS
        elif rate and state["settings"].get(dseq, False):
            return Decimal("Infinity")
        total += escrow.transferred + charge
    return total


async def play(generation: Generation, lies: list[Lie], steps: list[str]) -> list[str]:
    """What is understated, as sentences; nothing where all is well."""
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        async with (
            EmbeddedNetwork(
                Options(speed=SPEED, generation=generation, automine=True, providers=3)
            ) as network,
            lying_proxy(network.console_url) as proxy,
        ):
            settings = config.Settings(
                api_key=SecretStr(network.api_key),
                console_url=proxy.url,
                chain_rest_url=network.chain_rest_url,
                state_dir=Path(folder) / "state",
                allow_private_providers=("127.0.0.0/8", "::1/128"),
                approval="auto",
            )
            store = Store(settings.state_dir, lambda: 0.0)
            ledger = Written(store, Ledger(settings.policy))
            for lie in lies:
                lie.tell(proxy)
            async with Client(build(settings, intervals=Intervals().times(SPEED))) as client:
                agent = Agent(client)
                dseq = ""
                for step in ["deploy", *steps]:
                    before = can_still_charge(network)
                    if step == "deploy":
                        arguments: dict[str, Any] = {"sdl": SDL, "deposit_usd": 1}
                    elif not dseq:
                        continue
                    elif step == "add_funds":
                        arguments = {"dseq": dseq, "amount_usd": 1}
                    elif step == "create_lease":
                        chosen = list(network.chain.providers)[:1]
                        arguments = {"dseq": dseq, "providers": chosen, "max_usd_per_hour": 1}
                    else:
                        arguments = {"dseq": dseq}
                    result = await agent.ask("close_deployment" if step == "close" else step, **arguments)
                    said, shown = text_of(result), result.structured_content or {}
                    known = [deployment.dseq for deployment in network.chain.deployments_of(network.owner)]
                    dseq = str(shown.get("dseq") or dseq or "".join(known[:1]))
                    network.clock.skip(3600)  # for rent to accrue
                    after = can_still_charge(network)
                    store.account = store.read_now(only_account)
                    held = Decimal(ledger.status().today.uact)
                    if held < after:
                        faults.append(
                            f"after {step} the ledger holds {held} and the books can charge {after}: {said}"
                        )
                    if result.is_error and NOTHING_MOVED in said and after > before:
                        faults.append(
                            f"{step} moved no money, and the books went from {before} to {after}: {said}"
                        )
    return faults


@pytest.fixture(autouse=True, scope="module")
def quick() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retries, "LONGEST_BACKOFF_SECONDS", 0.01)
        yield


def drawn(random: Random) -> tuple[list[Lie], list[str]]:
    lies = [
        Lie(
            random.choice(sorted(ROUTES)),
            random.choice(ACTS),
            random.choice(FIELDS),
            random.choice([1, 2, ALWAYS]),
        )
        for _ in range(random.randint(1, 3))
    ]
    lies = [lie for lie in lies if (lie.route, lie.act) != ("create", "repeat")]
    return lies, [random.choice(["add_funds", "create_lease", "close"]) for _ in range(random.randint(0, 2))]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("generation", ["reference", "2026-11"])
def test_what_the_ledger_holds_is_never_less_than_what_can_be_charged(generation: Generation) -> None:
    """A network a sequence is a second: so there is one for each five examples of the profile that is in use."""
    random = Random(20261128)
    for _ in range(hypothesis.settings().max_examples // 5):
        lies, steps = drawn(random)
        assert anyio.run(play, generation, lies, steps) == [], (lies, steps)


@pytest.mark.parametrize("generation", ["reference", "2026-11"])
@pytest.mark.parametrize(
    "lies", SMALLEST, ids=lambda lies: " ".join(f"{lie.route}-{lie.act}" for lie in lies)
)
def test_the_smallest_lies_that_were_believed_are_not(generation: Generation, lies: list[Lie]) -> None:
    assert anyio.run(play, generation, lies, ["add_funds", "close"]) == []
