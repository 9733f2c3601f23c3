"""A run is waited for at a provider of the embedded network until it has ended, whatever happens to its log."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from agents import SPEED
from failing_deployments import freeze, script, sdl_of, service
from scripted_provider import Script, leased, scripted
from scripted_provider import running as status_of
from workloads import STARTED, run_workload

from akash_mcp import config
from akash_mcp.guard.books.job_ends import Ending, JobEnd
from akash_mcp.guard.books.store import Store
from akash_mcp.ids import Dseq, LeaseId, ProviderAddress
from akash_mcp.sandbox import transactions
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.services import services
from akash_mcp.workflow.jobs.until import parse_until
from akash_mcp.workflow.jobs.waiting import wait_until
from akash_mcp.workflow.runtime import Intervals, Runtime

pytestmark = pytest.mark.anyio

INTERVALS = Intervals().times(SPEED)
LATE, SOON = 60.0, 3.0
"""Real seconds to the deadline: of a run that ends before it, and of one that does not."""


@dataclass
class Waiting:
    """Waits for the run of one deployment."""

    rt: Runtime
    leases: list[LeaseId]
    told: list[str] = field(default_factory=list)
    has_read: anyio.Event = field(default_factory=anyio.Event)

    async def until(self, text: str, *, seconds: float = LATE) -> JobEnd:
        async def tell(message: str) -> None:
            self.told.append(message)
            self.has_read.set()

        with anyio.fail_after(seconds + 30):
            return await wait_until(
                self.rt, self.leases, parse_until(text), tell, deadline=time.time() + seconds
            )


@asynccontextmanager
async def waiting(settings: config.Settings, *leases: LeaseId) -> AsyncIterator[Waiting]:
    async with services(settings, Store(settings.state_dir), INTERVALS) as rt:
        yield Waiting(rt, list(leases))


def run(network: EmbeddedNetwork, web: dict[str, Any], *, skip: float = 0.0) -> LeaseId:
    """The lease of a deployment with this one service, at a moment at which time stands still.

    That is `STARTED` and `skip` seconds after its provider got the manifest. What it then writes stays readable, since
    only `after` lets time go on.
    """
    freeze(network)
    provider = next(iter(network.chain.providers))
    dseq = Dseq(run_workload(network, sdl_of(web=web), provider=provider))
    network.clock.skip(skip)
    return LeaseId(dseq, 1, 1, ProviderAddress(provider))


async def after(network: EmbeddedNetwork, it: Waiting, seconds: float) -> None:
    """Let so many simulated seconds pass once the first line of the log was read."""
    await it.has_read.wait()
    network.clock.skip(seconds)


def job(epochs: int, **more: Any) -> dict[str, Any]:
    """A job that trains for so many epochs of 60 simulated seconds. It begins 3.7 s after its manifest came."""
    return service("ghcr.io/acme/job:1", env=[f"EPOCHS={epochs}", "EPOCH_SECONDS=60"], **more)


JOB_ENDS = 3.7 + 3 * 60 + 0.5
"""When the container of `job(3)` has ended. A second later it is started again, and its log is gone."""


# ── how it ends ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_run_ends_at_its_text(network: EmbeddedNetwork, settings: config.Settings) -> None:
    async with waiting(settings, run(network, job(3))) as it, anyio.create_task_group() as tasks:
        tasks.start_soon(after, network, it, 110)
        end = await it.until("log:web:EPOCH 2/3")
    assert (end.how, end.exit_code) == (Ending.TEXT, None)
    assert end.lines == ("loading data", "epoch 1/3", "epoch 2/3")
    assert abs(end.at - time.time()) < 60
    assert any("waiting until the log of service web has" in message for message in it.told)


async def test_a_run_ends_with_the_first_end_of_its_container(
    network: EmbeddedNetwork, settings: config.Settings
) -> None:
    async with waiting(settings, run(network, job(3))) as it, anyio.create_task_group() as tasks:
        tasks.start_soon(after, network, it, JOB_ENDS + 0.5 - STARTED)
        end = await it.until("exit:web")
    assert end.how is Ending.CONTAINER
    assert end.lines == ("loading data", "epoch 1/3", "epoch 2/3", "epoch 3/3", "saved model.pt")
    assert end.exit_code is None, "no provider tells it"


async def test_a_run_whose_container_was_started_again_meanwhile_has_ended(
    network: EmbeddedNetwork, settings: config.Settings
) -> None:
    async with waiting(settings, run(network, job(3))) as it, anyio.create_task_group() as tasks:
        tasks.start_soon(after, network, it, JOB_ENDS + 10 - STARTED)
        end = await it.until("exit:web")
    assert end.how is Ending.CONTAINER
    assert end.lines[0] == "loading data"


async def test_a_run_whose_container_ends_before_its_text_ends_too(
    network: EmbeddedNetwork, settings: config.Settings
) -> None:
    failing = script('echo starting; sleep 60; echo "training failed with exit code 3"; exit 3')
    async with waiting(settings, run(network, failing)) as it, anyio.create_task_group() as tasks:
        tasks.start_soon(after, network, it, 5.7 + 60 + 0.5 - STARTED)
        end = await it.until("log:web:epoch 10/10")
    assert (end.how, end.exit_code) == (Ending.CONTAINER, 3)
    assert end.lines == ("starting", "training failed with exit code 3")
    assert end.what == "The run ended: its container ended by itself. Its log says exit code 3."


async def test_a_run_that_says_nothing_ends_with_its_container(
    network: EmbeddedNetwork, settings: config.Settings
) -> None:
    lease = run(network, script("sleep 60"))
    async with waiting(settings, lease) as it, anyio.create_task_group() as tasks:

        async def pass_time() -> None:
            await anyio.sleep(1)
            network.clock.skip(5.7 + 60 + 0.5 - STARTED)

        tasks.start_soon(pass_time)
        end = await it.until("exit:web")
    assert (end.how, end.lines) == (Ending.CONTAINER, ())


async def test_what_was_said_before_anyone_listened_counts(
    network: EmbeddedNetwork, settings: config.Settings
) -> None:
    async with waiting(settings, run(network, script("echo all done; sleep infinity"))) as it:
        end = await it.until("log:web:all done")
    assert (end.how, end.lines) == (Ending.TEXT, ("all done",))


async def test_what_a_run_says_right_after_its_text_is_kept(
    network: EmbeddedNetwork, settings: config.Settings
) -> None:
    web = script("echo epoch 10/10; echo accuracy 0.93; sleep infinity")
    async with waiting(settings, run(network, web)) as it:
        end = await it.until("log:web:epoch 10/10")
    assert end.lines == ("epoch 10/10", "accuracy 0.93")


async def test_a_run_that_ended_before_anyone_looked_says_so(
    network: EmbeddedNetwork, settings: config.Settings
) -> None:
    lease = run(network, script("echo finished"), skip=100)
    async with waiting(settings, lease) as it:
        end = await it.until("exit:web")
        assert (end.how, end.lines) == (Ending.CONTAINER_UNSEEN, ("finished",))
        assert (await it.until("log:web:finished")).how is Ending.TEXT


async def test_a_run_that_never_ends_is_over_with_its_hours(
    network: EmbeddedNetwork, settings: config.Settings
) -> None:
    async with waiting(settings, run(network, service("nginx:1.29"))) as it:
        began = time.monotonic()
        end = await it.until("exit:web", seconds=SOON)
    assert end.how is Ending.DEADLINE
    assert time.monotonic() - began >= SOON
    assert "start worker process" in end.lines[-1]


@pytest.mark.parametrize("until", ["exit:web", "log:web:epoch 99/99"])
async def test_a_run_whose_lease_its_provider_closes_is_over_and_its_last_lines_are_kept(
    until: str, network: EmbeddedNetwork, settings: config.Settings
) -> None:
    lease = run(network, job(99), skip=60)
    async with waiting(settings, lease) as it, anyio.create_task_group() as tasks:

        async def close() -> None:
            await after(network, it, 0)
            [active] = network.chain.deployments[network.owner, lease.dseq].leases
            transactions.close_lease(
                network.chain, network.owner, active, reason="lease_closed_reason_unstable"
            )

        tasks.start_soon(close)
        end = await it.until(until)
    assert end.how is Ending.LEASE_OVER
    assert end.lines == ("loading data", "epoch 1/99")


async def test_all_replicas_have_to_end(network: EmbeddedNetwork, settings: config.Settings) -> None:
    async with waiting(settings, run(network, job(3, count=2))) as it, anyio.create_task_group() as tasks:
        tasks.start_soon(after, network, it, JOB_ENDS + 0.5 - STARTED)
        end = await it.until("exit:web")
    assert end.how is Ending.CONTAINER
    assert sum(line.endswith(": saved model.pt") for line in end.lines) == 2


# ── what happens to its log ─────────────────────────────────────────────────────────────────────────────────


async def test_a_text_in_a_line_that_comes_in_two_frames_is_seen(
    network: EmbeddedNetwork, settings: config.Settings
) -> None:
    # gorilla cuts a message at 4,096 bytes, which is in the middle of the text.
    line = "." * 4_040 + "epoch 10/10 is over" + "." * 3_000
    async with waiting(settings, run(network, script(f"echo {line}; sleep infinity"))) as it:
        end = await it.until("log:web:epoch 10/10 is over")
    assert end.how is Ending.TEXT


@pytest.mark.parametrize("fault", ["provider-unreachable", "kube-down"])
async def test_a_text_that_comes_while_its_provider_is_away_is_seen_afterwards(
    fault: str, network: EmbeddedNetwork, settings: config.Settings
) -> None:
    async with waiting(settings, run(network, job(3))) as it, anyio.create_task_group() as tasks:
        tasks.start_soon(be_away, network, it, fault, 110)
        end = await it.until("log:web:epoch 2/3")
    assert end.how is Ending.TEXT
    assert end.lines == ("loading data", "epoch 1/3", "epoch 2/3")


async def test_a_container_that_ends_while_its_provider_is_away_has_ended_all_the_same(
    network: EmbeddedNetwork, settings: config.Settings
) -> None:
    async with waiting(settings, run(network, job(3))) as it, anyio.create_task_group() as tasks:
        tasks.start_soon(be_away, network, it, "kube-down", JOB_ENDS + 10 - STARTED)
        end = await it.until("exit:web")
    assert end.how in (Ending.CONTAINER, Ending.CONTAINER_UNSEEN)
    assert end.lines[0] == "loading data"


async def be_away(network: EmbeddedNetwork, it: Waiting, fault: str, seconds: float) -> None:
    """The provider goes away once the first line was read, and comes back so many simulated seconds later."""
    await after(network, it, 0)
    await network.inject(fault)
    network.clock.skip(seconds)
    await anyio.sleep(0.5)
    await network.inject(fault, count=0)


async def test_a_secret_in_the_last_lines_is_not_kept(
    network: EmbeddedNetwork, settings: config.Settings
) -> None:
    leaking = script("echo password=hunter2hunter2; echo ready; sleep infinity")
    async with waiting(settings, run(network, leaking)) as it:
        end = await it.until("log:web:ready")
    assert "hunter2" not in str(end)
    assert end.lines[-1] == "ready"


POD = "web-6cbb7f9f4b-4xk2d"


def said(*lines: str, pod: str = POD) -> list[object]:
    return [{"name": pod, "message": line} for line in lines]


@asynccontextmanager
async def scripted_run(
    network: EmbeddedNetwork, settings: config.Settings, folder: Path
) -> AsyncIterator[tuple[Script, Waiting]]:
    """A run at a provider that says what a test wrote down, and that drops every stream once it has said it."""
    provider = next(iter(network.chain.providers))
    dseq = leased(network, sdl_of(web=service("nginx:1.29")), provider).dseq
    lease = LeaseId(Dseq(dseq), 1, 1, ProviderAddress(provider))
    async with scripted(network, provider, folder) as told, waiting(settings, lease) as it:
        told.status = status_of(web={})
        yield told, it


async def test_streams_that_are_dropped_again_and_again_end_nothing(
    network: EmbeddedNetwork, settings: config.Settings, tmp_path: Path
) -> None:
    async with scripted_run(network, settings, tmp_path) as (told, it), anyio.create_task_group() as tasks:
        told.logs = said("loading", "epoch 1", "epoch 2")

        async def cut() -> None:
            for length in (1, 3, 0, 2, 3):
                await anyio.sleep(0.3)
                told.logs = said("loading", "epoch 1", "epoch 2")[:length]

        tasks.start_soon(cut)
        end = await it.until("exit:web", seconds=SOON)
    assert end.how is Ending.DEADLINE
    assert told.streams > 3
    assert end.lines == ("loading", "epoch 1", "epoch 2")


async def test_a_provider_that_knows_no_such_lease_and_comes_to_its_senses_ended_nothing(
    network: EmbeddedNetwork, settings: config.Settings, tmp_path: Path
) -> None:
    async with scripted_run(network, settings, tmp_path) as (told, it), anyio.create_task_group() as tasks:
        told.status, told.close = (404, ""), (4001, "")

        async def recover() -> None:
            await anyio.sleep(1)
            told.close = None
            told.status = status_of(web={})
            told.logs = said("loading", "all done")

        tasks.start_soon(recover)
        end = await it.until("log:web:all done")
    assert end.how is Ending.TEXT


async def test_one_that_is_not_ready_twice_and_says_nothing_more_has_ended(
    network: EmbeddedNetwork, settings: config.Settings, tmp_path: Path
) -> None:
    async with scripted_run(network, settings, tmp_path) as (told, it):
        told.logs = said("loading", "done")
        told.status = status_of(web={"ready_replicas": 0, "available": 0})
        end = await it.until("exit:web")
    assert (end.how, end.lines) == (Ending.CONTAINER, ("loading", "done"))


async def test_one_that_an_update_takes_away_has_not_ended(
    network: EmbeddedNetwork, settings: config.Settings, tmp_path: Path
) -> None:
    def event(reason: str, note: str) -> dict[str, object]:
        return {"type": "Normal", "reason": reason, "note": note, "object": {"kind": "Pod", "name": POD}}

    async with scripted_run(network, settings, tmp_path) as (told, it):
        told.logs = said("loading")
        told.status = status_of(web={"ready_replicas": 0, "available": 0})
        told.events = [event("Started", "Started"), event("Killing", "Stopping container web")]
        end = await it.until("exit:web", seconds=SOON)
    assert end.how is Ending.DEADLINE


async def test_the_end_of_one_of_two_replicas_is_not_the_end(
    network: EmbeddedNetwork, settings: config.Settings, tmp_path: Path
) -> None:
    async with scripted_run(network, settings, tmp_path) as (told, it), anyio.create_task_group() as tasks:
        told.status = status_of(web={"total": 2, "replicas": 2, "available": 2, "ready_replicas": 2})
        told.logs = [*said("10:00 a"), *said("10:00 b", pod="web-6cbb7f9f4b-zzzzz")]

        async def restart() -> None:
            await it.has_read.wait()
            told.logs = [*said("11:00 a"), *said("10:00 b", pod="web-6cbb7f9f4b-zzzzz")]

        tasks.start_soon(restart)
        end = await it.until("exit:web", seconds=SOON)
    assert end.how is Ending.DEADLINE
    assert end.lines == ("4xk2d: 10:00 a", "zzzzz: 10:00 b")
