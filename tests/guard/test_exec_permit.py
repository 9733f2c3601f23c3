"""The permit to run a command: once, and the command itself is written down nowhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from scripted_console import approved
from scripted_provider import Script, leased, running, scripted
from websockets.asyncio.server import ServerConnection

from akash_mcp.clients.chain import ChainReader, chain_upstream
from akash_mcp.clients.console.client import ConsoleClient
from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.clients.provider.access import ProviderAccess
from akash_mcp.clients.provider.command import ExecStatus
from akash_mcp.errors import LedgerUnusable, NotApproved, ProviderError
from akash_mcp.guard.books.ledger import Ledger
from akash_mcp.guard.books.store import Store
from akash_mcp.guard.gate import Gate
from akash_mcp.guard.permits.exec_permit import ExecPermit
from akash_mcp.guard.plans.plans import ExecPlan
from akash_mcp.guard.policy.policy import Policy
from akash_mcp.guard.secret_store import SecretStore
from akash_mcp.ids import Dseq, LeaseId, ProviderAddress
from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio

Act = Callable[[ServerConnection, list[str]], Awaitable[None]]


def says(*frames: bytes) -> Act:
    """A shell that says our word first, which proves that the command was started, and then `frames`."""

    async def act(connection: ServerConnection, argv: list[str]) -> None:
        await connection.send(b"d" + argv[3].encode() + b"\n")
        for frame in frames:
            await connection.send(frame)

    return act


async def silent(connection: ServerConnection, argv: list[str]) -> None:
    await connection.send(b'f{"exit_code":0}\n')


class Bench:
    """One permit, the provider's script behind it, and the store that it writes to."""

    def __init__(self, permit: ExecPermit, script: Script, store: Store) -> None:
        self.permit = permit
        self.script = script
        self.store = store

    def written(self) -> list[tuple[str, str]]:
        """State and note of every step of the operation."""
        rows = self.store.read_now(lambda db: db.all("SELECT state, note FROM steps ORDER BY op_id, number"))
        return [(row["state"], row["note"]) for row in rows]


@asynccontextmanager
async def bench(network: EmbeddedNetwork, sdl: str, folder: Path, act: Act) -> AsyncIterator[Bench]:
    provider = next(iter(network.chain.providers))
    dseq = Dseq(leased(network, sdl, provider).dseq)
    plan = ExecPlan(
        tool="run_command",
        lease=LeaseId(dseq, 1, 1, ProviderAddress(provider)),
        service="web",
        pod_index=0,
        argv=("open", "sesame"),
        seconds=5,
        ours=False,
    )
    store, policy = Store(folder / "state", lambda: 0.0), Policy()
    store.account = "akash:akash1ooo"
    async with (
        scripted(network, provider, folder) as script,
        ConsoleClient(network.console_url, network.api_key) as console,
        chain_upstream(network.chain_rest_url) as chain,
    ):
        script.status, script.shell = running(web={}), act
        reader = ConsoleReader(console)
        access = ProviderAccess(
            reader, ChainReader(chain), allow_private=[ip_network("127.0.0.0/8"), ip_network("::1/128")]
        )
        gate = Gate(
            console,
            reader,
            access,
            policy=policy,
            store=store,
            ledger=Ledger(policy),
            secrets=SecretStore(folder / "state", lambda: 0.0),
            pause=lambda: anyio.lowlevel.checkpoint(),
        )
        try:
            yield Bench(await gate.execute(plan, approved(plan)), script, store)
        finally:
            store.close()


async def test_it_runs_what_was_approved_once(network: EmbeddedNetwork, sdl: str, tmp_path: Path) -> None:
    async with bench(network, sdl, tmp_path, says(b"dopen\n", b'f{"exit_code":0}\n')) as it:
        ran = await it.permit.run()
        assert (ran.status, ran.exit_code, bytes(ran.stdout.head)) == (ExecStatus.EXITED, 0, b"open\n")
        with pytest.raises(NotApproved, match="run already"):
            await it.permit.run()
        [words] = it.script.commands
        assert words[-2:] == ["open", "sesame"]
        assert it.written()[-1] == ("done", "exit code 0")
        assert len(it.written()) == 3


async def test_nothing_of_the_command_is_in_the_journal_s_files(
    network: EmbeddedNetwork, sdl: str, tmp_path: Path
) -> None:
    async with bench(network, sdl, tmp_path, says(b"dsesame opened\n", b'f{"exit_code":0}\n')) as it:
        await it.permit.run()
    files = list((tmp_path / "state").iterdir())
    assert files
    assert not [file for file in files if b"sesame" in file.read_bytes()]


async def test_a_failed_command_is_done_too(network: EmbeddedNetwork, sdl: str, tmp_path: Path) -> None:
    async with bench(network, sdl, tmp_path, says(b'f{"exit_code":3}\n')) as it:
        assert (await it.permit.run()).exit_code == 3
        assert it.written()[-1] == ("done", "exit code 3")


async def test_a_success_that_nothing_proves_is_unknown(
    network: EmbeddedNetwork, sdl: str, tmp_path: Path
) -> None:
    async with bench(network, sdl, tmp_path, silent) as it:
        assert not (await it.permit.run()).started
        assert it.written()[-1] == ("unknown", "exited, not proven to have started")


async def test_a_lost_end_is_unknown(network: EmbeddedNetwork, sdl: str, tmp_path: Path) -> None:
    async with bench(network, sdl, tmp_path, says(b"dhalf")) as it:
        assert (await it.permit.run()).status is ExecStatus.DROPPED
        assert it.written()[-1] == ("unknown", "dropped")


async def test_a_refusal_is_written_down_by_its_kind_only(
    network: EmbeddedNetwork, sdl: str, tmp_path: Path
) -> None:
    async with bench(network, sdl, tmp_path, silent) as it:
        it.script.refusals = [(500, "cannot open sesame")] * 5
        with pytest.raises(ProviderError) as refused:
            await it.permit.run()
        assert it.written()[-1] == ("refused", type(refused.value).__name__)
        with pytest.raises(NotApproved):
            await it.permit.run()


async def test_a_server_that_is_stopped_while_it_runs_leaves_it_unknown(
    network: EmbeddedNetwork, sdl: str, tmp_path: Path
) -> None:
    started = anyio.Event()

    async def endless(connection: ServerConnection, argv: list[str]) -> None:
        started.set()
        await connection.wait_closed()

    async with bench(network, sdl, tmp_path, endless) as it:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(it.permit.run)
            await started.wait()
            tasks.cancel_scope.cancel()
        assert it.written()[-1] == ("unknown", "CancelledError")


async def test_what_it_said_is_told_also_when_it_cannot_be_written_down(
    network: EmbeddedNetwork, sdl: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with bench(network, sdl, tmp_path, says(b"dopen\n", b'f{"exit_code":0}\n')) as it:
        it.store.close()
        for file in (tmp_path / "state").iterdir():
            file.write_bytes(b"rubbish" * 1000)
        assert bytes((await it.permit.run()).stdout.head) == b"open\n"
        with pytest.raises(LedgerUnusable):
            it.written()
    assert "how a command ended could not be written down" in caplog.text
