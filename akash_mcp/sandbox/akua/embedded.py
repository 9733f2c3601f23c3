"""The embedded Akua: its API over a real socket, in the caller's event loop.

    async with EmbeddedAkua(AkuaOptions(seed=7, speed=20)) as akua:
        client = Akua(akua.url, akua.token)

Everything but the moment at which it starts follows from the seed.
"""

from __future__ import annotations

import string
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from akash_mcp.sandbox.akua.app import PREFIX, AkuaApp
from akash_mcp.sandbox.akua.backend import Backend
from akash_mcp.sandbox.akua.catalogue import AKUA
from akash_mcp.sandbox.akua.cluster_life import ClusterLife
from akash_mcp.sandbox.akua.errors import Envelope
from akash_mcp.sandbox.akua.install_life import InstallLife
from akash_mcp.sandbox.akua.operations import Operations
from akash_mcp.sandbox.akua.package_life import PackageLife
from akash_mcp.sandbox.akua.paging import Pages
from akash_mcp.sandbox.akua.quotas import Plan, Quotas
from akash_mcp.sandbox.akua.routes import endpoints
from akash_mcp.sandbox.akua.seed import seed
from akash_mcp.sandbox.akua.state import state_of
from akash_mcp.sandbox.akua.world import World
from akash_mcp.sandbox.clock import Clock
from akash_mcp.sandbox.control import control_app
from akash_mcp.sandbox.faults import Fault, Faults
from akash_mcp.sandbox.servers import Servers

_TOKEN_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class AkuaOptions:
    """How to build it. `speed`: simulated seconds a real one. `faults`: texts for `AKUA.parse`.

    `automine`: a `:wait` lets time jump to the end of its operation, for tests. `installs`: so many healthy ones are
    there from the beginning. `monotonic` and `wall` are its clocks, in seconds.

    What Akua does not document can be chosen. `missing_header`: the status where If-Match or Idempotency-Key is
    required and missing. `quota_status`: the status of a refusal by the plan. `is_owner_late`: the operation of a
    creation does not know its install at once.
    """

    seed: int = 7
    speed: float = 1.0
    envelope: Envelope = "errors"
    faults: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    port: int = 0
    wall: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic
    installs: int = 0
    automine: bool = False
    plan: Plan = "free"
    missing_header: int = 400
    quota_status: int = 403
    is_owner_late: bool = False


class EmbeddedAkua:
    """An async context manager. URLs are there once it is entered; the state may be read at any time.

    `token` is a workspace's and implies it; `broad_token` sees all workspaces and has to name one.
    Raises on entering: `OSError` where the port is in use. On building: `UnknownFault`.
    """

    url: str
    control_url: str

    def __init__(self, options: AkuaOptions | None = None) -> None:
        self.options = options or AkuaOptions()
        wanted = [AKUA.parse(text) for text in self.options.faults]
        self.clock = Clock(
            speed=self.options.speed,
            automine=self.options.automine,
            wall=self.options.wall,
            monotonic=self.options.monotonic,
        )
        self.world = world = World(self.clock, self.options.seed)
        self.faults = Faults(AKUA)
        operations = Operations(world, self.faults)
        quotas = Quotas(world, self.options.plan, self.options.quota_status)
        clusters = ClusterLife(world, operations, quotas)
        packages = PackageLife(world, operations)
        installs = InstallLife(
            world, operations, clusters, self.faults, is_owner_late=self.options.is_owner_late
        )
        seed(world, clusters, packages, installs, count=self.options.installs)
        self._operations = operations
        backend = Backend(
            world, self.faults, operations, quotas, clusters, packages, installs, Pages(self.faults)
        )
        every = tuple(world.workspaces.values())
        self.workspace_id = every[0].id
        self.token = f"sk_akua_sim_{self._secret()}"
        self.broad_token = f"broad_sim_{self._secret()}"
        self._app = AkuaApp(
            endpoints(backend),
            {self.token: every[:1], self.broad_token: every},
            self.faults,
            world.schedule,
            envelope=self.options.envelope,
            missing_header=self.options.missing_header,
        )
        self._stack = AsyncExitStack()
        for fault in wanted:
            self._set(fault.name, fault.count, fault.value, fault.route)

    @property
    def workspaces(self) -> list[dict[str, str]]:
        """`id`, `slug` and `name` of each; the token's own is the first, and two have the same name."""
        return [{"id": w.id, "slug": w.slug, "name": w.name} for w in self.world.workspaces.values()]

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            servers = Servers(self.options.host)
            stack.push_async_callback(servers.stop)
            self.url = f"{servers.bind(self._app, self.options.port)}{PREFIX}"
            control = control_app(
                self.clock,
                self.world.schedule,
                self.faults,
                self.state,
                self.inject,
                lambda: {"elapsed_seconds": self.clock.elapsed()},
            )
            self.control_url = servers.bind(control)
            await servers.start()
            stack.callback(self._app.stop)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def describe(self) -> dict[str, object]:
        """What one needs to use it, as `akash-mcp sandbox --akua` prints it."""
        return {
            "akua_url": self.url,
            "akua_control_url": self.control_url,
            "akua_token": self.token,
            "akua_broad_token": self.broad_token,
        }

    def state(self) -> dict[str, object]:
        """The truth about it, as `GET /_sandbox/state` gives it (see `state_of`)."""
        self.world.schedule.catch_up()
        return state_of(self.world, self._operations, dict(self._app.requests), self._app.replays)

    async def inject(
        self, name: str, *, count: int | None = None, value: str | None = None, route: str | None = None
    ) -> Fault:
        """Switch a fault on, or off with a count of 0. Raises `UnknownFault`.

        `route` narrows it to requests whose `METHOD /path` begins so, with or without `/v1`.
        """
        return self._set(name, count, value, route)

    def _set(self, name: str, count: int | None, value: str | None, route: str | None) -> Fault:
        without = None if route is None else route.replace(f" {PREFIX}/", " /", 1)
        return self.faults.set(name, count=count, value=value, route=without)

    def _secret(self) -> str:
        return "".join(self.world.random.choices(_TOKEN_ALPHABET, k=32))
