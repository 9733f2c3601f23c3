"""A provider ends leases whose containers do not hold, as its monitor does, and keeps all others."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from provider_world import World, a_world, expose, manifest, service, stateful

from akash_mcp.sandbox import transactions
from akash_mcp.sandbox.chain import Lease
from akash_mcp.sandbox.provider.manifest import decode

pytestmark = pytest.mark.anyio

SOONEST, LATEST = 41 * 4, 41 * 19


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as world:
        yield world


def later(world: World, path: str, seconds: float) -> Lease:
    """The lease so many simulated seconds later."""
    world.chain.clock.skip(seconds)
    world.chain.schedule.catch_up()
    return world.chain.deployments[world.account.address, path.split("/")[2]].leases[0]


async def test_what_never_runs_is_closed_as_unstable_after_41_looks(world: World) -> None:
    path = await world.deploy(service(image="acme/does-not-exist:1"), settle=0)
    assert later(world, path, SOONEST - 10).state == "active"
    lease = later(world, path, LATEST - SOONEST + 20)
    assert (lease.state, lease.reason) == ("closed", "lease_closed_reason_unstable")
    assert (await world.get(f"{path}/status")).status_code == 404


async def test_one_replica_that_does_not_run_is_enough(world: World) -> None:
    path = await world.deploy(service(image="acme/crowded:1", count=2))
    assert later(world, path, LATEST).state == "closed"


@pytest.mark.parametrize(
    "kept",
    [
        service(image="acme/deaf:1"),
        service(command=["sh", "-c", "sleep 600; exit 1"]),
        stateful("web", "acme/does-not-exist:1"),
    ],
    ids=["runs and does not listen", "crashes now and then", "has a persistent volume"],
)
async def test_what_counts_as_available_is_kept(kept: dict[str, object], world: World) -> None:
    path = await world.deploy(kept)
    assert later(world, path, 4 * LATEST).state == "active"


async def test_another_manifest_begins_the_count_anew(world: World) -> None:
    path = await world.deploy(service(image="acme/does-not-exist:1"), settle=0)
    deployment = world.chain.deployments[world.account.address, path.split("/")[2]]
    later(world, path, SOONEST - 10)
    corrected = manifest(service())
    transactions.update_deployment(
        world.chain, deployment.owner, deployment.dseq, version=decode(corrected).version
    )
    assert (await world.put(deployment, corrected)).status_code == 200
    assert later(world, path, 4 * LATEST).state == "active"


async def test_hosts_of_another_tenant_are_refused(world: World) -> None:
    for host, status in (("shop.taken.example", 500), ("taken.example", 500), ("mistaken.example", 200)):
        web = service(expose=[expose(port=80, externalPort=80, hosts=[host])])
        deployment = world.order(web)
        world.lease(deployment)
        answer = await world.put(deployment, manifest(web))
        assert answer.status_code == status
        assert status == 200 or answer.text == f'hostname not allowed: host "{host}" in use\n'
