"""The embedded network: Console, chain and providers over real sockets, in the caller's event loop.

    async with EmbeddedNetwork(Options(seed=7)) as network:
        client = Console(network.console_url, network.api_key)

Everything but wall time and key material of certificates follows from the seed.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from random import Random
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.asymmetric import ec

from akash_mcp.sandbox import faults as fault_names
from akash_mcp.sandbox.bidders import Bidders
from akash_mcp.sandbox.certificates import Authority
from akash_mcp.sandbox.chain import Account, Chain
from akash_mcp.sandbox.chain_rest import chain_rest_app
from akash_mcp.sandbox.clock import Clock
from akash_mcp.sandbox.console import Generation, build_backend, console_app
from akash_mcp.sandbox.control import control_app
from akash_mcp.sandbox.faults import Fault, Faults
from akash_mcp.sandbox.gateway_faults import GatewayFaults, issue_on_chain
from akash_mcp.sandbox.provider.gateway import PUBLIC_HOSTNAME, Gateway
from akash_mcp.sandbox.sellers import sellers
from akash_mcp.sandbox.servers import Servers
from akash_mcp.sandbox.state import state_of
from akash_mcp.sandbox.tokens import address_of
from akash_mcp.sandbox.units import BLOCK_SECONDS

_LOWEST_TICK = 0.05
_CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass(frozen=True)
class Options:
    """How to build a network. `speed`: simulated seconds a real one. `faults`: texts for `faults.parse`.

    `automine`: no transaction waits for its block in real time (see `Clock`), for tests.

    `trial`: the wallet has never been paid for. `public_certificates`: so many providers, the first ones, also have a
    certificate of the network's own authority, which they show to who asks for their public hostname. Clients that
    were not given `authority_pem` find that they cannot trust it.

    `repeated_refusals`: on `2026-11`, three equal refusals of one method and path block it for five minutes.
    `organizations`: on `2026-11` the account is a team with two projects, a colleague, and `keys` that reach less.
    `strict`: `2026-11` answers in exactly the shape of its document, and leaves out what the source sends besides.
    `block_seconds`: how long a block of the chain lasts, 6 or 6.098 as Console's API and its page have it.
    """

    seed: int = 7
    speed: float = 1.0
    automine: bool = False
    providers: int = 10
    balance_uact: int = 100_000_000
    faults: tuple[str, ...] = ()
    generation: Generation = "reference"
    trial: bool = False
    public_certificates: int = 3
    repeated_refusals: bool = True
    strict: bool = False
    organizations: bool = False
    block_seconds: float = float(BLOCK_SECONDS)
    host: str = "127.0.0.1"
    console_port: int = 0
    wall: Callable[[], float] = time.time


class EmbeddedNetwork:
    """An async context manager. URLs are there once it is entered; the state may be read at any time.

    Raises on entering: `OSError` where `console_port` is in use. On building: `UnknownFault`, `NoRipemd160`.
    """

    console_url: str
    chain_rest_url: str
    control_url: str

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        random = Random(f"network {self.options.seed}")
        key = ec.derive_private_key(random.randrange(1, _CURVE_ORDER), ec.SECP256K1())
        self.owner = address_of(key.public_key())
        self.api_key = f"ac.sk.test.{random.randbytes(32).hex()}"
        self.clock = Clock(
            speed=self.options.speed,
            block_seconds=self.options.block_seconds,
            automine=self.options.automine,
            wall=self.options.wall,
        )
        self.chain = Chain(self.clock)
        self.faults = Faults()
        account = Account(self.owner, key, self.options.balance_uact)
        self.chain.accounts[self.owner] = account
        self.market = {
            seller.provider.owner: seller for seller in sellers(self.options.seed, self.options.providers)
        }
        self.chain.providers.update({address: seller.provider for address, seller in self.market.items()})
        self._bidders = Bidders(self.chain, self.market, self.faults, self.options.seed)
        self._backend = build_backend(
            self.chain,
            account,
            user_id=str(uuid.UUID(bytes=random.randbytes(16), version=4)),
            api_key=self.api_key,
            market=self.market,
            faults=self.faults,
            generation=self.options.generation,
            on_trial=self.options.trial,
            organizations=self.options.organizations,
        )
        self._console = console_app(
            self._backend,
            repeated_refusals=self.options.repeated_refusals,
            strict=self.options.strict,
        )
        self._authority = Authority(self.clock.wall())
        self.authority_pem = self._authority.pem.decode("ascii")
        self._gateways: dict[str, Gateway] = {}
        self._gateway_faults = GatewayFaults(self.chain, self._gateways)
        self._stack = AsyncExitStack()
        self._wanted = [fault_names.parse(text) for text in self.options.faults]

    @property
    def keys(self) -> dict[str, str]:
        """The keys that are good, by name: `sandbox` reaches everything, `project` and `viewer` less."""
        return {key.name: key.text for key in self._backend.keyring.keys}

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            servers = Servers(self.options.host)
            stack.push_async_callback(servers.stop)
            self.console_url = servers.bind(self._console, self.options.console_port)
            self.chain_rest_url = servers.bind(chain_rest_app(self.chain))
            control = control_app(
                self.clock,
                self.chain.schedule,
                self.faults,
                self.state,
                self.inject,
                lambda: {"elapsed_seconds": self.clock.elapsed(), "height": self.chain.height},
            )
            self.control_url = servers.bind(control)
            await self._open_gateways(stack)
            await servers.start()
            stack.callback(self._console.stop)
            ticking = asyncio.create_task(self._tick(), name="embedded network clock")
            stack.push_async_callback(_cancel, ticking)
            for fault in self._wanted:
                await self.inject(fault.name, count=fault.count, value=fault.value)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def describe(self) -> dict[str, object]:
        """What one needs to use the network, as `akash-mcp sandbox` prints it."""
        return {
            "console_url": self.console_url,
            "chain_rest_url": self.chain_rest_url,
            "control_url": self.control_url,
            "api_key": self.api_key,
            "owner": self.owner,
            "providers": [
                {"address": provider.owner, "host_uri": provider.host_uri}
                for provider in self.chain.providers.values()
            ],
            "seed": self.options.seed,
            "speed": self.options.speed,
            "generation": self.options.generation,
            "trial": self.options.trial,
            **({"keys": self.keys} if self.options.organizations else {}),
            **({"authority_pem": self.authority_pem} if self.options.public_certificates else {}),
        }

    def state(self) -> dict[str, object]:
        """The truth about the account's deployments and money, as `GET /_sandbox/state` gives it."""
        self.chain.schedule.catch_up()
        return state_of(self._backend, self._console.requests)

    async def inject(
        self, name: str, *, count: int | None = None, value: str | None = None, route: str | None = None
    ) -> Fault:
        """Switch a fault on, or off with a count of 0. Raises `UnknownFault`.

        `provider-unreachable` without a count unplugs gateways for everybody, while their workloads run on; switching
        it off plugs them in again. With a count it is only Console that does not reach them, so many times.
        """
        self._gateway_faults.check(name, value)
        fault = self.faults.set(name, count=count, value=value, route=route)
        await self._gateway_faults.apply(fault)
        return fault

    def deliver(self, provider: str, dseq: str, manifest: bytes) -> None:
        """Hand a provider the manifest of a deployment of the account's, as Console does over a connection.

        With `transactions` on `chain` that is a running deployment at once. Raises `ManifestRefused`.
        """
        self._gateways[provider].receive(self.owner, dseq, manifest)

    async def _open_gateways(self, stack: AsyncExitStack) -> None:
        for number, (address, provider) in enumerate(self.chain.providers.items()):
            is_public = number < self.options.public_certificates
            self._gateways[address] = Gateway(
                self.chain,
                provider,
                issue_on_chain(self.chain, address, now=self.clock.wall()),
                public=self._authority.certify(PUBLIC_HOSTNAME) if is_public else None,
                host=self.options.host,
                seller=self.market[address],
                faults=self.faults,
            )
        stack.push_async_callback(self._close_gateways)
        await asyncio.gather(*(gateway.start() for gateway in self._gateways.values()))

    async def _close_gateways(self) -> None:
        await asyncio.gather(*(gateway.stop() for gateway in self._gateways.values()))

    async def _tick(self) -> None:
        """Let what is due happen while nobody asks, so that a workload stops when its escrow is dry."""
        while True:
            self.chain.schedule.catch_up()
            await self.clock.sleep(max(self.clock.block_seconds, _LOWEST_TICK * self.clock.speed))


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled() and (error := task.exception()):
        raise error
