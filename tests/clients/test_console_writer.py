from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from console_requests import client
from test_console_models import PROVIDER_ADDRESS
from wire_servers import Act, Server, drop, page, reply

from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.writer import ConsoleWriter
from akash_mcp.errors import (
    AkashError,
    ApiError,
    BadRequest,
    Forbidden,
    Interrupted,
    MissingKey,
    NotFound,
    OutcomeUnknown,
    PaymentRequired,
    RepeatedRefusal,
    ServerError,
    Unauthorized,
    WalletProvisioning,
)
from akash_mcp.ids import Dseq, LeaseId
from akash_mcp.money import Usd

pytestmark = pytest.mark.anyio

DSEQ = Dseq("1763759482113")
LEASE = LeaseId(DSEQ, 1, 1, PROVIDER_ADDRESS)
DETAIL = {"data": {"deployment": {"id": {"dseq": DSEQ}, "state": "active"}, "leases": []}}
CREATED = {
    "data": {"dseq": DSEQ, "manifest": "[]", "signTx": {"code": 0, "transactionHash": "AB", "hash": "AB"}}
}
SETTINGS = {"data": {"dseq": DSEQ, "autoTopUpEnabled": False}}

Write = Callable[[ConsoleWriter], Awaitable[object]]
WRITES: dict[str, Write] = {
    "create": lambda w: w.create_deployment("version: '2.0'", Usd("0.5")),
    "lease": lambda w: w.create_lease("[]", [LEASE]),
    "deposit": lambda w: w.deposit(DSEQ, Usd(1)),
    "update": lambda w: w.update_deployment(DSEQ, "version: '2.0'"),
    "close": lambda w: w.close_deployment(DSEQ),
    "top-up off": lambda w: w.set_auto_top_up(DSEQ, False),
    "get settings": lambda w: w.get_settings(DSEQ),
}


def writer(
    server: Server, key: str | None = "k" * 20, generation: Generation = Generation.REFERENCE
) -> ConsoleWriter:
    return ConsoleWriter(client(server, generation, key=key))


def said(status: int, message: str, code: str = "unknown_error") -> Act:
    return reply(status, {"error": "Whatever", "message": message, "code": code})


@pytest.mark.parametrize(
    ("write", "answer", "method", "path", "body"),
    [
        ("create", CREATED, "POST", "/v1/deployments", b'{"data":{"sdl":"version: \'2.0\'","deposit":0.5}}'),
        ("lease", DETAIL, "POST", "/v1/leases",
         b'{"manifest":"[]","leases":[{"dseq":"1763759482113","gseq":1,"oseq":1,"provider":"%s"}]}'
         % PROVIDER_ADDRESS.encode()),
        ("deposit", DETAIL, "POST", "/v1/deposit-deployment", b'{"data":{"dseq":"1763759482113","deposit":1}}'),
        ("update", DETAIL, "PUT", f"/v1/deployments/{DSEQ}", b'{"data":{"sdl":"version: \'2.0\'"}}'),
        ("close", {"data": {"success": True}}, "DELETE", f"/v1/deployments/{DSEQ}", b""),
        ("top-up off", SETTINGS, "PATCH", f"/v2/deployment-settings/{DSEQ}", b'{"data":{"autoTopUpEnabled":false}}'),
        ("get settings", SETTINGS, "GET", f"/v2/deployment-settings/{DSEQ}", b""),
    ],
)  # fmt: skip
async def test_what_is_sent(write: str, answer: object, method: str, path: str, body: bytes) -> None:
    async with Server(reply(200, answer)) as server:
        await WRITES[write](writer(server))
    [request] = server.requests
    assert (request.method, request.path, request.body) == (method, path, body)


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("0.1", b"0.1"),
        ("5.00", b"5.00"),
        ("0.000001", b"0.000001"),
        ("1E+2", b"100"),
        ("0.30000000000000004", b"0.30000000000000004"),
    ],
)
async def test_money_is_written_digit_for_digit(amount: str, written: bytes) -> None:
    async with Server(reply(201, CREATED)) as server:
        await writer(server).create_deployment("x", Usd(amount))
    assert server.requests[0].body == b'{"data":{"sdl":"x","deposit":' + written + b"}}"


async def test_a_creation_tells_its_dseq_manifest_and_transaction() -> None:
    async with Server(reply(201, CREATED)) as server:
        created = await writer(server).create_deployment("x", Usd(1))
    assert (created.dseq, created.manifest, created.tx_hash) == (DSEQ, "[]", "AB")


@pytest.mark.parametrize("write", ["create", "lease", "deposit"])
@pytest.mark.parametrize("trouble", [drop, page(502), said(500, "Internal server error"), reply(201, "{}")])
async def test_spending_is_sent_once_and_a_lost_answer_is_unknown(write: str, trouble: Act) -> None:
    async with Server(trouble) as server:
        with pytest.raises(OutcomeUnknown):
            await WRITES[write](writer(server))
    assert len(server.requests) == 1


@pytest.mark.parametrize("write", ["update", "close", "top-up off", "get settings"])
async def test_the_other_writes_are_repeated(write: str) -> None:
    async with Server(
        drop, page(503), reply(200, SETTINGS if write in ("top-up off", "get settings") else DETAIL)
    ) as server:
        await WRITES[write](writer(server))
    assert len(server.requests) == 3


@pytest.mark.parametrize("write", ["update", "close", "top-up off"])
async def test_a_change_that_failed_on_the_other_side_may_have_been_made(write: str) -> None:
    async with Server(said(500, "Internal server error")) as server:
        with pytest.raises(Interrupted, match="not known"):
            await WRITES[write](writer(server))


@pytest.mark.parametrize(
    "write", ["create", "lease", "deposit", "update", "close", "top-up off", "get settings"]
)
async def test_without_a_key_nothing_is_sent(write: str) -> None:
    async with Server(reply(200, {})) as server:
        with pytest.raises(MissingKey):
            await WRITES[write](writer(server, key=None))
    assert not server.requests


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (said(400, 'Invalid SDL: Missing required field: "services".', "bad_request"), BadRequest),
        (said(402, "Not enough balance to cover the deployment deposit."), PaymentRequired),
        (said(409, "Wallet is still being provisioned", "wallet_provisioning"), WalletProvisioning),
        (said(401, "Invalid API key", "unauthorized"), Unauthorized),
        (said(404, "UserWallet Not Found", "not_found"), NotFound),
    ],
)
async def test_a_creation_can_be_refused_for_sure(answer: Act, kind: type[AkashError]) -> None:
    async with Server(answer) as server:
        with pytest.raises(kind):
            await WRITES["create"](writer(server))


async def test_a_creation_that_exists_already_may_be_our_own() -> None:
    exists = said(400, "Failed to create deployment: Deployment with provided dseq and owner already exists")
    async with Server(exists) as server:
        with pytest.raises(OutcomeUnknown, match="may have been created"):
            await WRITES["create"](writer(server))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (
            said(400, "Failed to create lease: Cannot create lease: The selected bid is no longer open."),
            BadRequest,
        ),
        (said(400, "Cannot create lease: The selected bid is no longer open."), BadRequest),
        (said(400, "The associated order has already been matched or closed."), BadRequest),
        (said(400, "Validation error", "validation_error"), BadRequest),
        (said(402, "Nvidia H100 not available on free trial"), PaymentRequired),
        (said(403, "Provider not authorized."), Forbidden),
        (said(403, "UserWallet is not initialized"), Forbidden),
        (said(404, f"Provider {PROVIDER_ADDRESS} not found"), NotFound),
        (said(409, "wait", "wallet_provisioning"), WalletProvisioning),
        (said(502, "no answer", "provider_unreachable"), ServerError),
    ],
)
async def test_a_lease_can_be_refused_for_sure(answer: Act, kind: type[ApiError]) -> None:
    async with Server(answer) as server:
        with pytest.raises(kind):
            await WRITES["lease"](writer(server))


@pytest.mark.parametrize(
    "answer",
    [
        said(400, "manifest cross-validation error: group count"),
        said(400, "Invalid provider jwt credentials"),
        said(404, "no lease for deployment"),
        said(422, "invalid manifest: …"),
        said(495, "Invalid certificate error: expired"),
        said(503, "Provider service is temporarily unavailable"),
        said(502, "manifest", "manifest_not_delivered"),
        said(401, "manifest", "manifest_not_delivered"),
        said(429, "manifest", "manifest_not_delivered"),
        # Before autumn 2026 a provider's answer has the same codes as the Console's own.
        said(429, "slow down", "rate_limited"),
        said(409, "wait", "conflict"),
        said(403, "forbidden", "forbidden"),
    ],
)
async def test_a_manifest_that_was_not_delivered_leaves_a_lease_that_bills(answer: Act) -> None:
    async with Server(answer) as server:
        with pytest.raises(OutcomeUnknown):
            await WRITES["lease"](writer(server))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (said(403, "Forbidden", "forbidden"), Forbidden),
        (said(400, "Whatever the chain says", "bad_request"), BadRequest),
        (said(422, f"No manifest to send for lease {DSEQ}. Please provide a manifest"), BadRequest),
        (said(429, "Refused repeatedly", "repeated_refusal"), RepeatedRefusal),
        (said(403, "manifest", "manifest_not_delivered"), OutcomeUnknown),
        (said(404, "Deployment not found", "not_found"), OutcomeUnknown),
        (said(429, "slow down", "rate_limited"), OutcomeUnknown),
        (page(403), OutcomeUnknown),
        (said(500, "Internal server error", "internal_server_error"), OutcomeUnknown),
    ],
)
async def test_since_autumn_2026_the_code_tells_whether_a_refused_lease_can_be_there(
    answer: Act, kind: type[AkashError]
) -> None:
    async with Server(answer) as server:
        with pytest.raises(kind):
            await WRITES["lease"](writer(server, generation=Generation.V2026_11))


@pytest.mark.parametrize("leases", [[], [LEASE, LeaseId(Dseq("2"), 1, 1, PROVIDER_ADDRESS)]])
async def test_a_lease_call_is_for_one_deployment(leases: list[LeaseId]) -> None:
    async with Server(reply(200, DETAIL)) as server:
        with pytest.raises(ValueError, match="one deployment"):
            await writer(server).create_lease("[]", leases)
    assert not server.requests


async def test_closing_what_is_not_there_is_not_found() -> None:
    async with Server(said(404, "Deployment not found", "not_found")) as server:
        with pytest.raises(NotFound):
            await WRITES["close"](writer(server))
