"""The services of one process: built once, from what a person set, before anything is sent; and how they stop."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import anyio
import anyio.lowlevel

from akash_mcp.clients.akua.client import AkuaClient
from akash_mcp.clients.akua.reader import AkuaReader
from akash_mcp.clients.chain import ChainReader, chain_upstream
from akash_mcp.clients.console.client import ConsoleClient
from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.clients.provider.access import ProviderAccess
from akash_mcp.clients.provider.client import ProviderClient
from akash_mcp.clients.provider.client_certificate import ClientCertificates
from akash_mcp.clients.provider.http_probe import probe
from akash_mcp.clients.proxies import credentials
from akash_mcp.clients.registry.reader import RegistryReader
from akash_mcp.clients.webhook import Webhook
from akash_mcp.config import Settings, default_config_file
from akash_mcp.errors import MissingKey
from akash_mcp.guard.approval.approval import Approver
from akash_mcp.guard.approval.tokens import Tokens
from akash_mcp.guard.books.accounts import Accounts
from akash_mcp.guard.books.akua_account import AkuaAccount
from akash_mcp.guard.books.audit_heads import Heads
from akash_mcp.guard.books.clock import ConsoleClock
from akash_mcp.guard.books.evidence import Evidence
from akash_mcp.guard.books.history import History
from akash_mcp.guard.books.ledger import Ledger
from akash_mcp.guard.books.networks import Network
from akash_mcp.guard.books.sdls import Sdls
from akash_mcp.guard.books.store import Store
from akash_mcp.guard.books.track_records import TrackRecords
from akash_mcp.guard.gate import Gate
from akash_mcp.guard.secret_store import SecretStore
from akash_mcp.key_sources import akua_token_of, key_of
from akash_mcp.sanitize import secrets
from akash_mcp.setting_types import is_private_host
from akash_mcp.tool_choice import serves_akua
from akash_mcp.workflow.akua.watching import keep_akua
from akash_mcp.workflow.changes import Changes
from akash_mcp.workflow.desk import Desk
from akash_mcp.workflow.notify import Notifier
from akash_mcp.workflow.operations import Operations
from akash_mcp.workflow.recovery import recover
from akash_mcp.workflow.runtime import Akua, Intervals, Runtime
from akash_mcp.workflow.watch import keep_telling, keep_watch

log = logging.getLogger(__name__)

STDIO_SECONDS = 10.0
HTTP_SECONDS = 40.0
"""How long a server that stops waits for the answer to what it sent. Hosts kill a process of theirs soon."""


@asynccontextmanager
async def services(
    settings: Settings,
    store: Store,
    intervals: Intervals,
    *,
    secrets_dir: Path | None = None,
    prepare_questions: Callable[[], Awaitable[None]] = anyio.lowlevel.checkpoint,
    watches: bool = False,
    play_money: bool = False,
    patience: float | None = None,
) -> AsyncIterator[Runtime]:
    """What every workflow works with, for as long as the block lasts. `secrets_dir`: where secrets are stored, if not
    in the state folder. It `watches` where it looks by itself after what was begun, by whomever.
    `play_money`: the network is an embedded one that this process started.

    At its end nothing more is sent, what was sent is waited for (`patience` seconds, where somebody says), and what is
    under way is handed over.
    """
    key, akua_token = key_of(settings), akua_token_of(settings)
    policy = settings.policy
    ledger = Ledger(policy)
    stored_secrets = SecretStore(secrets_dir or settings.state_dir, time.time)
    akua_store = store.for_another_account()
    async with AsyncExitStack() as open_things:
        open_things.callback(store.close)
        open_things.callback(akua_store.close)
        open_things.callback(stored_secrets.forget)
        open_things.callback(key.forget)
        open_things.callback(akua_token.forget)
        for secret in credentials():
            secrets.known.remember(secret)
        console = await open_things.enter_async_context(
            ConsoleClient(
                settings.console_url,
                key,
                generation=settings.console_generation,
                project=settings.project_id,
                ca_file=settings.ca_file,
            )
        )
        chain = await open_things.enter_async_context(
            chain_upstream(settings.chain_rest_url, ca_file=settings.ca_file)
        )
        akua = await open_things.enter_async_context(
            AkuaClient(
                settings.akua_url,
                akua_token,
                workspace=settings.akua_workspace or "",
                ca_file=settings.ca_file,
            )
        )
        reader = ConsoleReader(console)
        store.clock = ConsoleClock(console.clock, store.wall)
        history = History(store, reader, beside=settings.state_dir, config=default_config_file().parent)
        # A public chain cannot give a key another budget by another name: only one of our own is asked for its.
        is_ours = is_private_host(urlsplit(settings.console_url).hostname or "")
        network = Network(ChainReader(chain) if is_ours else None)
        certificates = ClientCertificates(reader, ChainReader(chain), settings.state_dir)
        access = ProviderAccess(
            reader,
            ChainReader(chain),
            certificates=certificates,
            allow_private=settings.allow_private_providers,
        )
        tasks = await open_things.enter_async_context(anyio.create_task_group())
        open_things.callback(tasks.cancel_scope.cancel)
        changes = Changes()
        operations = Operations(tasks, store, intervals.before_retry, changes=changes)
        akua_operations = Operations(tasks, akua_store, intervals.before_retry)
        gate = Gate(
            console,
            reader,
            access,
            policy=policy,
            store=store,
            ledger=ledger,
            secrets=stored_secrets,
            pause=lambda: anyio.sleep(intervals.retry),
            certificates=certificates,
            akua=(akua, akua_store),
            certain_seconds=intervals.certain,
            hour_seconds=intervals.hour,
        )
        if patience is None:
            patience = STDIO_SECONDS if settings.transport == "stdio" else HTTP_SECONDS
        open_things.push_async_callback(_stop, gate, (operations, akua_operations), patience)
        runtime = Runtime(
            reader=reader,
            provider=ProviderClient(access),
            gate=gate,
            approver=Approver(policy, Tokens(store)),
            store=store,
            accounts=Accounts(store, console, history, network),
            ledger=ledger,
            evidence=Evidence(store),
            track_records=TrackRecords(store),
            sdls=Sdls(store, tasks),
            policy=policy,
            secrets=stored_secrets,
            notifier=Notifier(
                play_money=play_money,
                command=settings.notify_command,
                webhook=Webhook(settings.notify_url.get_secret_value()) if settings.notify_url else None,
            ),
            heads=Heads(settings.state_dir),
            key=key,
            play_money=play_money,
            operations=operations,
            akua=Akua(
                reader=AkuaReader(akua),
                desk=Desk(
                    store=akua_store,
                    approver=Approver(policy, Tokens(akua_store)),
                    account=AkuaAccount(akua_store, akua, akua_token, settings.akua_workspace or ""),
                    operations=akua_operations,
                    key=akua_token,
                ),
            ),
            intervals=intervals,
            changes=changes,
            now=store.now,
            visit=partial(probe, allowed=settings.allow_private_providers),
            open_registries=partial(RegistryReader, settings.allow_private_providers),
            prepare_questions=prepare_questions,
        )
        if watches:
            tasks.start_soon(_watch, runtime)
            if settings.akua_token is not None or serves_akua(settings.toolsets):
                tasks.start_soon(keep_akua, runtime)
        yield runtime


async def _watch(rt: Runtime) -> None:
    """Look after what was begun from when there is a key on, which is read unasked only where something was begun."""
    if rt.key.known is None:
        await rt.sleep(rt.intervals.first_look)
        if rt.store.path.exists():
            with suppress(MissingKey):  # a call that needs it will say so
                await rt.key.need()
        await rt.key.came()
    rt.operations.on_rest = partial(_go_on, rt)
    async with anyio.create_task_group() as beside:
        beside.start_soon(keep_watch, rt)
        beside.start_soon(keep_telling, rt)


async def _go_on(runtime: Runtime) -> None:
    """A run that ends by itself is waited for again as soon as nobody else has its deployment."""
    await recover(runtime)


async def _stop(gate: Gate, desks: Sequence[Operations], patience: float) -> None:
    """End what is under way so that nothing is lost: whoever comes next finds it, and goes on."""
    with anyio.CancelScope(shield=True):
        if not any(operations.under_way_here for operations in desks):
            return
        await gate.wire.close(patience)
        if left := [op_id for operations in desks for op_id in await operations.stop()]:
            sys.stderr.write(
                f"akash-mcp: stopped with {', '.join(left)} under way. The next server, akash-mcp watch or "
                "akash-mcp doctor --fix goes on with it.\n"
            )
