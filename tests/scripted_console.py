"""A Console that says what a test wrote down, and the guard in front of it, with a real ledger and real sockets."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any, Self

from anyio.abc import TaskGroup
from tcp_server import TcpServer
from written import Written

from akash_mcp.clients.akua.client import AkuaClient
from akash_mcp.clients.akua.reader import AkuaReader
from akash_mcp.clients.akua.token import AkuaToken
from akash_mcp.clients.chain import ChainReader, chain_upstream
from akash_mcp.clients.console.client import ConsoleClient
from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.key import ConsoleKey
from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.clients.provider.access import ProviderAccess
from akash_mcp.clients.provider.client import ProviderClient
from akash_mcp.guard.approval.approval import Approval, Approver
from akash_mcp.guard.approval.tokens import Tokens
from akash_mcp.guard.books import holds, journal
from akash_mcp.guard.books.accounts import Accounts
from akash_mcp.guard.books.akua_account import AkuaAccount
from akash_mcp.guard.books.audit_heads import Heads
from akash_mcp.guard.books.evidence import Evidence
from akash_mcp.guard.books.history import History
from akash_mcp.guard.books.journal import Operation
from akash_mcp.guard.books.ledger import Ledger
from akash_mcp.guard.books.networks import Network
from akash_mcp.guard.books.sdls import Sdls
from akash_mcp.guard.books.store import Store
from akash_mcp.guard.books.track_records import TrackRecords
from akash_mcp.guard.gate import Gate
from akash_mcp.guard.plans.contents import App, Contents
from akash_mcp.guard.plans.plans import LaunchPlan, Plan
from akash_mcp.guard.policy.policy import ApprovalMode, Policy
from akash_mcp.guard.secret_store import SecretStore
from akash_mcp.ids import Dseq, OpId, ProviderAddress
from akash_mcp.money import Usd
from akash_mcp.workflow.desk import Desk
from akash_mcp.workflow.notify import Notifier
from akash_mcp.workflow.operations import Operations
from akash_mcp.workflow.runtime import Akua, Intervals, Runtime

DSEQ = Dseq("1763759482113")
PROVIDER = ProviderAddress("akash1aaa")
OTHER = ProviderAddress("akash1bbb")
OWNER = "akash1ooo"
ACCOUNT = f"akash:{OWNER}"
MANIFEST = '[{"name":"web"}]'

CREATE = "POST /v1/deployments"
LEASE = "POST /v1/leases"
BIDS = "GET /v1/bids"
READ = f"GET /v1/deployments/{DSEQ}"
LIST = "GET /v1/deployments"
CLOSE = f"DELETE /v1/deployments/{DSEQ}"
UPDATE = f"PUT /v1/deployments/{DSEQ}"
FUND = "POST /v1/deposit-deployment"
SET = f"PATCH /v2/deployment-settings/{DSEQ}"
USER = "GET /v1/user/me"
WALLETS = "GET /v1/wallets"
BLOCK = "GET /cosmos/base/tendermint/v1beta1/blocks/latest"
GET_SETTINGS = f"GET /v2/deployment-settings/{DSEQ}"

LAUNCH = LaunchPlan(
    tool="deploy",
    sdl="version: '2.0'",
    manifest=MANIFEST,
    contents=Contents((App("web", "nginx:1.29"),)),
    deposit=Usd(2),
    max_usd_per_hour=Usd("0.6"),
    groups=1,
)


SETTLED_AT = 100
"""The block up to which the rent of a deployment is booked."""


def coin(uact: object, denom: str = "uact") -> dict[str, str]:
    return {"denom": denom, "amount": str(uact)}


def deployment(
    dseq: str = DSEQ,
    *,
    state: str = "active",
    funds: int = 2_000_000,
    spent: int = 0,
    deposited: int | None = None,
    manifest_hash: str = "",
    leases: tuple[dict[str, Any], ...] = (),
    name: str | None = None,
) -> dict[str, Any]:
    """A deployment as the Console tells it. Amounts are uact."""
    deposits = [] if deposited is None else [{"balance": coin(deposited)}]
    escrow = {
        "funds": [coin(funds)],
        "transferred": [coin(spent)],
        "deposits": deposits,
        "settled_at": str(SETTLED_AT),
    }
    return {
        "deployment": {"id": {"owner": OWNER, "dseq": dseq}, "state": state, "hash": manifest_hash},
        "leases": list(leases),
        "escrow_account": {"state": escrow},
        "name": name,
    }


def lease(
    provider: str = PROVIDER, price: object = 1000, *, state: str = "active", gseq: int = 1, dseq: str = DSEQ
) -> dict[str, Any]:
    """A lease. `price` is in uact per block."""
    return {
        "id": {"dseq": dseq, "gseq": gseq, "oseq": 1, "provider": provider},
        "state": state,
        "price": coin(price),
    }


def bid(
    provider: str = PROVIDER,
    price: object = 1000,
    *,
    gseq: int = 1,
    oseq: int = 1,
    state: str = "open",
    denom: str = "uact",
) -> dict[str, Any]:
    """An entry of the bid list. `price` is in `denom` per block."""
    name = {"dseq": DSEQ, "gseq": gseq, "oseq": oseq, "provider": provider}
    return {"bid": {"id": name, "state": state, "price": coin(price, denom)}}


def settings(*, top_up: bool = False, hours: int | None = None) -> dict[str, Any]:
    return {"dseq": DSEQ, "autoTopUpEnabled": top_up, "runtimeLimitHours": hours}


Told = tuple[int, object] | None
"""A status and what stands below `data`, or a whole error; None hangs up without an answer."""
Answer = Told | Callable[[], Told | Awaitable[Told]]


def refusal(
    status: int, message: str = "No.", code: str = "unknown_error", *, retry_after: int | None = None
) -> Told:
    """An error of the Console's; `retry_after` becomes a header."""
    told = {"error": "Whatever", "message": message, "code": code}
    return status, told if retry_after is None else Waiting(told, retry_after)


class Waiting(dict[str, str]):
    """An error, and after how many seconds to try again."""

    def __init__(self, told: dict[str, str], retry_after: int) -> None:
        super().__init__(told)
        self.retry_after = retry_after


class Bare(dict[str, Any]):
    """An answer without an envelope."""


@dataclass(frozen=True)
class Sent:
    """A request that reached the Console."""

    route: str
    query: str
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


class ScriptedConsole:
    """Answers each route with what is written down for it, one after the other, the last one from then on."""

    def __init__(self) -> None:
        self.requests: list[Sent] = []
        self._server = TcpServer(self._serve)
        self._is_leaving = False
        self.clock: Callable[[], float | None] = time.time
        """What its answers are dated by; None: they are not."""
        self.answers: dict[str, list[Answer]] = {
            CREATE: [(201, {"dseq": DSEQ, "manifest": MANIFEST, "signTx": {}})],
            LEASE: [(200, deployment(leases=(lease(),)))],
            BIDS: [(200, [bid()])],
            READ: [lambda: (200, deployment(leases=(lease(),) if self.sent(LEASE) else ()))],
            LIST: [(200, {"deployments": [], "pagination": {}})],
            CLOSE: [(200, {"success": True})],
            UPDATE: [(200, deployment())],
            FUND: [(200, deployment())],
            SET: [(200, settings())],
            GET_SETTINGS: [(200, settings())],
            USER: [(200, {"id": "me"})],
            WALLETS: [(200, [{"address": OWNER}])],
        }
        self.name_chain("akashnet-2")

    def on(self, route: str, *answers: Answer) -> None:
        """What the next requests of a route are answered with."""
        self.answers[route] = list(answers)

    def name_chain(self, name: str) -> None:
        """What the chain is called, whose node this is as well."""
        block = {"header": {"chain_id": name, "height": "22000000"}}
        self.on(BLOCK, (200, Bare({"block": block})))

    def sent(self, route: str) -> list[Sent]:
        """The requests of a route so far."""
        return [request for request in self.requests if request.route == route]

    async def __aenter__(self) -> Self:
        await self._server.__aenter__()
        self.url = f"http://127.0.0.1:{self._server.port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.__aexit__(None, None, None)

    def hang_up(self) -> None:
        """Take no more connections, and answer nothing more once the request under way is answered."""
        self._server.close_port()
        self._is_leaving = True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                _, request = await read_request(reader)
                told = None if self._is_leaving else await self._told(request)
                if told is None:
                    return
                status, content = told
                raw = json.dumps(
                    content if status >= 400 or isinstance(content, Bare) else {"data": content}
                ).encode()
                head = f"HTTP/1.1 {status} Whatever\r\ncontent-type: application/json\r\ncontent-length: {len(raw)}"
                if (now := self.clock()) is not None:
                    head += f"\r\ndate: {formatdate(now, usegmt=True)}"
                if isinstance(content, Waiting):
                    head += f"\r\nretry-after: {content.retry_after}"
                writer.write(head.encode() + b"\r\n\r\n" + raw)
                await writer.drain()
                if self._is_leaving:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client hung up

    async def _told(self, request: Sent) -> Told:
        self.requests.append(request)
        answers = self.answers.get(request.route, [refusal(404, "Route not found")])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        told = answer() if callable(answer) else answer
        return await told if isinstance(told, Awaitable) else told


async def read_request(reader: asyncio.StreamReader) -> tuple[dict[str, str], Sent]:
    """The next request's headers and the rest of it."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    path, _, query = target.partition("?")
    return headers, Sent(f"{method} {path}", query, json.loads(body) if body else None, headers)


def approved(plan: Plan) -> Approval:
    return Approval(plan.fingerprint, "auto")


@dataclass
class Guarded:
    """The guard and what stands behind it. `clock` is what it goes by, in seconds since the epoch."""

    console: ScriptedConsole
    store: Store
    policy: Policy
    ledger: Written
    journal: Written
    holds: Written
    reader: ConsoleReader
    access: ProviderAccess
    gate: Gate
    accounts: Accounts
    clock: list[float]
    pauses: list[float] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def damage(self) -> None:
        """Break the ledger's file, as a bad disk would."""
        self.store.close()
        for file in self.store.path.parent.iterdir():
            file.write_bytes(b"rubbish" * 1000)

    async def created(self, plan: LaunchPlan = LAUNCH) -> OpId:
        """A launch that created its deployment, and is over."""
        permit = await self.gate.launch(plan, approved(plan))
        await permit.create()
        self.holds.let_go(permit.op_id)
        return permit.op_id

    def operation(self, op_id: OpId) -> Operation:
        """An operation that must be in the journal."""
        found = self.journal.find(op_id)
        assert isinstance(found, Operation)
        return found

    def written(self) -> list[tuple[str, str, str]]:
        """Kind, state and last note of every operation, in the order of their beginning."""
        rows = self.store.read_now(
            lambda db: db.all(
                "SELECT kind, state, (SELECT note FROM steps WHERE steps.op_id = operations.op_id"
                " ORDER BY steps.number DESC LIMIT 1) AS note FROM operations ORDER BY number"
            )
        )
        return [(row["kind"], row["state"], row["note"]) for row in rows]


def runtime(
    guard: Guarded, tasks: TaskGroup, intervals: Intervals, sleep: Callable[[float], Awaitable[None]]
) -> Runtime:
    """What a workflow works with, with this guard in it."""
    return Runtime(
        reader=guard.reader,
        provider=ProviderClient(guard.access),
        gate=guard.gate,
        approver=Approver(Policy(approval=ApprovalMode.AUTO), Tokens(guard.store)),
        store=guard.store,
        accounts=guard.accounts,
        ledger=Ledger(guard.policy),
        evidence=Evidence(guard.store),
        track_records=TrackRecords(guard.store),
        sdls=Sdls(guard.store, tasks),
        policy=guard.policy,
        secrets=SecretStore(guard.store.path.parent, lambda: guard.clock[0]),
        notifier=Notifier(command=(), webhook=None),
        heads=Heads(guard.store.path.parent),
        key=ConsoleKey("k" * 20),
        operations=Operations(tasks, guard.store),
        akua=_no_akua(guard, tasks),
        intervals=intervals,
        sleep=sleep,
        now=lambda: guard.clock[0],
    )


def _no_akua(guard: Guarded, tasks: TaskGroup) -> Akua:
    """Akua, to somebody who has no token for it."""
    token, store = AkuaToken(), guard.store.for_another_account()
    client = AkuaClient("http://127.0.0.1:9", token)
    return Akua(
        reader=AkuaReader(client),
        desk=Desk(
            store=store,
            approver=Approver(guard.policy, Tokens(store)),
            account=AkuaAccount(store, client, token, ""),
            operations=Operations(tasks, store),
            key=token,
        ),
    )


@asynccontextmanager
async def guarded(
    folder: Path, *, policy: Policy | None = None, generation: Generation | None = Generation.REFERENCE
) -> AsyncIterator[Guarded]:
    """A guard before a scripted Console, which is asked for its `generation` where that is None. Waiting takes no
    time.
    """
    clock, pauses, slept = [1_763_759_000.0], [], []
    limits, store = policy or Policy(), Store(folder / "state", lambda: clock[0])
    store.account = ACCOUNT

    async def no_time(seconds: float) -> None:
        await asyncio.sleep(0)

    async def pause() -> None:
        pauses.append(clock[0])

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    ledger = Ledger(limits)
    async with (
        ScriptedConsole() as console,
        ConsoleClient(console.url, "k" * 20, generation=generation, sleep=no_time) as upstream,
        chain_upstream(console.url) as chain,
    ):
        reader = ConsoleReader(upstream)
        access = ProviderAccess(reader, ChainReader(chain))
        secrets = SecretStore(folder / "state", lambda: clock[0])
        history = History(store, reader, beside=folder / "state", config=folder / "config")
        accounts = Accounts(store, upstream, history, Network(None))
        gate = Gate(
            upstream,
            reader,
            access,
            policy=limits,
            store=store,
            ledger=ledger,
            secrets=secrets,
            pause=pause,
            sleep=sleep,
        )
        try:
            yield Guarded(
                console,
                store,
                limits,
                Written(store, ledger),
                Written(store, journal),
                Written(store, holds),
                reader,
                access,
                gate,
                accounts,
                clock,
                pauses,
                slept,
            )
        finally:
            store.close()
