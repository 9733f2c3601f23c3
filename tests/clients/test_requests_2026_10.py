"""Every request of the client on the API of autumn 2026, held to the Console's own document of October 2026.

One tenant lives its life by the client's own methods on the embedded network, and what goes over the wire is judged:
path, query and body, which hold nothing that the document does not name.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from functools import wraps
from typing import Any

import anyio
import pytest
import shared_data
from console_api_page import METHODS, coded, rows
from console_contract import OCTOBER
from console_requests import OTHER_READS, OTHER_WRITES, READS, WRITES, writer
from lying_proxy import LyingProxy, lying_proxy
from wire_servers import Server, reply

from akash_mcp.clients.console.client import ConsoleClient
from akash_mcp.clients.console.generation import Generation, NotOffered
from akash_mcp.clients.console.models import Created
from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.clients.console.writer import ConsoleWriter
from akash_mcp.errors import AkashError
from akash_mcp.money import Usd
from akash_mcp.sandbox.network import EmbeddedNetwork, Options
from akash_mcp.sdl import check
from akash_mcp.sdl.patch import field_changes

pytestmark = [pytest.mark.anyio, shared_data.needed]

SPEED = 60.0

EXCUSED = {
    r"GET /v1/(organizations|projects): .*the document has no such operation": "newer than it, and behind a flag: only "
    "`doctor` reads them, and takes a 404 for not known (akash-network/console `organization.schema.ts`)",
}
"""Objections that stay, each with its reason: patterns of `OPERATION: what is checked: what is wrong`."""

NOT_THERE = {"deposit", "set_auto_top_up", "create_certificate"}
"""What this API does not have. Nothing is sent."""

BY_ANOTHER_PATH = "GET /v1/bids/{dseq}"
"""What is asked for by the path beside it."""

SDL = """
version: "2.0"
services:
  web:
    image: nginx:1.27
    command: [nginx]
    env: [KEPT=1, OLD=2, CHANGED=3]
    params: {storage: {data: {mount: /data}}}
    expose:
      - {port: 80, as: 80, accept: [a.example], to: [{global: true}]}
profiles:
  compute:
    web:
      resources:
        cpu: {units: 0.5}
        memory: {size: 512Mi}
        storage: [{size: 512Mi}, {name: data, size: 1Gi, attributes: {persistent: true, class: beta3}}]
  placement:
    dcloud: {pricing: {web: {denom: uact, amount: 10000}}}
deployment:
  web:
    dcloud: {profile: web, count: 1}
"""
CHANGED = (
    SDL.replace("nginx:1.27", "nginx:1.28")
    .replace("[nginx]", "[sh, -c]\n    args: [nginx]")
    .replace("OLD=2, CHANGED=3", "CHANGED=4, NEW=a=b")
    .replace("mount: /data", "mount: /other")
    .replace(
        "accept: [a.example]",
        "accept: [b.example], http_options: {max_body_size: 2097152, next_cases: [error, timeout]}",
    )
)
"""Everything that a change can name."""


class Tenant:
    """Calls every method, with all that it can say."""

    def __init__(self, network: EmbeddedNetwork, console: ConsoleClient) -> None:
        self.network = network
        self.reader = ConsoleReader(console)
        self.writer = ConsoleWriter(console)

    async def create(self, name: str) -> Created:
        return await self.writer.create_deployment(SDL, Usd(1), name=name, runtime_limit_hours=24)

    async def lease(self, created: Created) -> None:
        while not (bids := [bid for bid in await self.reader.list_bids(created.dseq) if bid.is_open]):
            await self.network.clock.sleep(2)
        await self.writer.create_lease(created.manifest, [bids[0].id.lease_id])

    async def live(self) -> None:
        await self.reader.generation()
        created = await self.create("op_1")
        await self.lease(created)
        stored = (await self.reader.get_deployment(created.dseq)).stored
        assert stored is not None
        changes = field_changes(check(SDL), check(CHANGED)).services
        await self.writer.patch_deployment(created.dseq, changes, stored.manifest_version, {})
        await self.network.inject("definition-missing", count=1)
        unstored = await self.create("op_2")
        await self.writer.define_deployment(unstored.dseq, SDL)
        secret = SDL.replace("KEPT=1", "KEPT=secret://KEPT")
        await self.writer.create_deployment(
            secret, Usd(1), name="sealed", runtime_limit_hours=24, secrets={"KEPT": "1"}
        )
        await self.writer.update_deployment(unstored.dseq, SDL.replace("nginx:1.27", "nginx:1.28"))
        await self.writer.set_runtime_limit(created.dseq, 48)
        await self.writer.get_settings(created.dseq)
        await self.reader.list_deployments(state="closed")
        await self.reader.list_providers()
        await self.reader.balances(fresh=True)
        for read in {**READS, **OTHER_READS}.values():
            with suppress(AkashError):  # what is asked for is mostly not there
                await read(self.reader)
        await self.reader.generation()  # a route that is not there put it in doubt, and closing does not ask
        await self.writer.close_deployment(created.dseq)
        await self.writer.close_deployment(unstored.dseq)


def objections(proxy: LyingProxy) -> tuple[Counter[str], list[str], int]:
    """How often each operation was asked for, what is wrong with the requests, and how many checks say so."""
    asked: Counter[str] = Counter()
    wrong: set[str] = set()
    checked = 0
    for request in proxy.requests:
        method, path = request.route.split(" ", 1)
        target = f"{path}?{request.query}" if request.query else path
        checks = list(OCTOBER.objections(method, target, request.headers, request.body))
        name, checked = checks[0][0], checked + len(checks)
        asked[name] += 1
        wrong |= {f"{name}: {check}: {fault}" for check, faults in checks for fault in faults}
    return asked, sorted(wrong), checked


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The names of the client's methods, as they are called."""
    names: set[str] = set()

    def noted(method: Any) -> Any:
        @wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            names.add(method.__name__)
            return method(*args, **kwargs)

        return call

    for name in METHODS:
        for owner in (ConsoleReader, ConsoleWriter):
            if hasattr(owner, name):
                monkeypatch.setattr(owner, name, noted(getattr(owner, name)))
    return names


async def test_every_request_of_the_client_is_one_that_the_document_describes(
    called: set[str], capfd: pytest.CaptureFixture[str]
) -> None:
    options = Options(speed=SPEED, providers=4, generation="2026-11", strict=True, repeated_refusals=False)

    async def sleep(seconds: float) -> None:
        await anyio.sleep(seconds / SPEED)

    async with (
        EmbeddedNetwork(options) as network,
        lying_proxy(network.console_url) as proxy,
        ConsoleClient(proxy.url, network.api_key, sleep=sleep) as console,
    ):
        await Tenant(network, console).live()
        asked, wrong, checked = objections(proxy)
    left = [each for each in wrong if not any(re.match(pattern, each) for pattern in EXCUSED)]
    with capfd.disabled():
        print(
            f"\n{len(called)} methods sent {asked.total()} requests to {len(asked)} of {len(OCTOBER.operations)} "
            f"operations: {checked} checks, {len(wrong)} disagreements, {len(left)} of them without a reason"
        )
    assert not left, "\n".join(left)
    assert [pattern for pattern in EXCUSED if not any(re.match(pattern, each) for each in wrong)] == []
    assert METHODS - called == NOT_THERE
    spoken = {coded(row[0])[0] for row in rows("endpoints") if "26" in row[2].split()}
    assert asked.keys() == spoken - {BY_ANOTHER_PATH}


@pytest.mark.parametrize("name", sorted(NOT_THERE))
async def test_what_this_api_does_not_have_is_not_sent(name: str) -> None:
    async with Server(reply(200, {})) as server:
        with suppress(NotOffered):
            assert await {**WRITES, **OTHER_WRITES}[name](writer(server, Generation.V2026_11)) is None
        assert not server.requests


@pytest.mark.parametrize(
    ("method", "target", "body", "told"),
    [
        ("GET", "/v1/deployments?limit=1000", None, "limit is valid"),
        ("GET", "/v1/deployments?limits=10", None, "limits is declared"),
        ("GET", "/v1/bids", None, "what is required is given"),
        ("GET", "/v1/deployments/none", None, "dseq is valid"),
        ("GET", "/v1/balances", {}, "no body"),
        ("POST", "/v1/leases", {"leases": [{"dseq": "1", "gseq": 1, "oseq": 1}]}, "the body"),
        ("PATCH", "/v1/deployments/1", {"data": {"services": {"web": {"count": 2}}}}, "the body"),
        ("POST", "/v1/lease", {}, "POST /v1/lease"),
    ],
)
def test_a_request_that_the_document_does_not_describe_is_told(
    method: str, target: str, body: object, told: str
) -> None:
    headers = {"content-type": "application/json", "x-api-key": "key"}
    wrong = [check for check, faults in OCTOBER.objections(method, target, headers, body) if faults]
    assert wrong == [told]
