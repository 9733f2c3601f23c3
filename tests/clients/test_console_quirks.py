"""What the Console API does that a client must survive. Each test names one of its oddities."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from console_requests import DSEQ, KEY, LEASE, READS, SDL, WRITES, reader, writer
from pydantic import TypeAdapter
from test_console_models import PROVIDER_ADDRESS, lease
from test_console_reader import deployment, listing
from wire_servers import Act, Server, Time, drop, hang, page, reply

from akash_mcp.clients.console import requests
from akash_mcp.clients.console.client import ConsoleClient
from akash_mcp.clients.console.generation import Generation, NotOffered
from akash_mcp.clients.console.market_reader import Spec
from akash_mcp.clients.console.writer import ConsoleWriter
from akash_mcp.clients.error_mapping import InsufficientBalance, TopUpPending
from akash_mcp.clients.retries import Deadline
from akash_mcp.errors import (
    AkashError,
    ApiError,
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    OutcomeUnknown,
    PaymentRequired,
    ServerError,
    TooLarge,
    WalletProvisioning,
)
from akash_mcp.ids import Dseq, LeaseId, OpId
from akash_mcp.money import Usd
from akash_mcp.sanitize.secrets import MASK

pytestmark = pytest.mark.anyio

NEW = Generation.V2026_11


def said(status: int, message: str, code: str = "unknown_error", **fields: object) -> Act:
    return reply(status, {"error": "Whatever", "message": message, "code": code, **fields})


def paged(numbers: range, **pagination: object) -> Act:
    deployments = [deployment(n) for n in numbers]
    return reply(200, {"data": {"deployments": deployments, "pagination": pagination}})


async def error_of(call: str, answer: Act, generation: Generation = Generation.REFERENCE) -> ApiError:
    async with Server(answer) as server:
        with pytest.raises(ApiError) as caught:
            await WRITES[call](writer(server, generation))
    return caught.value


# Lists


async def test_a_total_that_counts_only_the_page_does_not_end_the_list() -> None:
    full, rest = (
        paged(range(1, 101), total=100, hasMore=False),
        paged(range(101, 104), total=3, hasMore=False),
    )
    async with Server(full, rest) as server:
        assert len(await reader(server).list_deployments()) == 103


async def test_a_short_page_that_says_there_is_more_is_believed() -> None:
    short, rest = paged(range(1, 41), total=None, hasMore=True), paged(range(41, 51), hasMore=False)
    async with Server(short, rest) as server:
        assert len(await reader(server, NEW).list_deployments()) == 50
    assert server.requests[1].path == "/v1/deployments?state=active&skip=40&limit=100"


async def test_more_that_never_comes_is_not_waited_for() -> None:
    async with Server(paged(range(1, 41), hasMore=True)) as server:
        assert len(await reader(server).list_deployments()) == 40
    assert len(server.requests) == 2


async def test_leases_attached_to_the_wrong_deployment_are_put_right() -> None:
    async with Server(reply(200, listing(deployment(1, [lease(2)]), deployment(2, [lease(1)])))) as server:
        assert [d.leases[0].id.dseq for d in await reader(server).list_deployments()] == ["1", "2"]


async def test_closed_deployments_are_listed_only_where_the_api_lists_them() -> None:
    async with Server(reply(200, listing())) as server:
        with pytest.raises(NotOffered):
            await reader(server).list_deployments(state="closed")
    assert not server.requests


async def test_a_creation_whose_answer_was_lost_is_found_by_its_name() -> None:
    ours, another = ({**deployment(n), "name": name} for n, name in ((1, "op_1"), (2, "op_12")))
    user, wallets = {"data": {"id": "me"}}, {"data": [{"address": "akash1me"}]}
    script = (reply(200, each) for each in (listing(another), user, wallets, listing(ours)))
    async with Server(*script) as server:
        [found] = await reader(server, NEW).find_deployments(OpId("op_1"))
    assert found.dseq == "1"
    assert [request.path.partition("&skip")[0] for request in server.requests] == [
        "/v1/deployments?state=active&search=op_1", "/v1/user/me", "/v1/wallets?userId=me",
        "/v1/deployments?state=closed&search=op_1",
    ]  # fmt: skip


async def test_a_search_that_spans_too_many_is_told() -> None:
    async with Server(said(422, "The search spans too many deployments")) as server:
        with pytest.raises(BadRequest, match="too many"):
            await reader(server, NEW).find_deployments(OpId("web"))


# One deployment


async def test_a_deployment_that_was_just_created_may_read_as_unknown() -> None:
    missing = said(404, "Deployment not found", "not_found")
    async with Server(missing, missing, reply(200, {"data": deployment(7)})) as server:
        assert (await reader(server).get_deployment(Dseq("7"), just_created=True)).dseq == "7"


@pytest.mark.parametrize(
    "status",
    [
        None,
        {"services": None, "forwarded_ports": None, "ips": None},
        {"services": {"web": {"name": "web", "uris": None}}, "forwarded_ports": {"web": None}, "ips": {"web": None}},
        {"services": "what a provider makes up"},
    ],
)  # fmt: skip
async def test_nulls_in_the_status_of_a_provider(status: object) -> None:
    answer = {"data": deployment(1, [{**lease(1), "status": status}])}
    async with Server(reply(200, answer)) as server:
        [read] = (await reader(server).get_deployment(Dseq("1"))).leases
    assert read.status is None or not read.status.is_ready


async def test_a_hash_of_unknown_value_is_no_hash() -> None:
    known = deployment(1)
    known["deployment"]["hash"] = "unknown_value"
    async with Server(reply(200, {"data": known})) as server:
        assert (await reader(server).get_deployment(Dseq("1"))).manifest_hash is None


async def test_what_only_the_newest_api_tells_may_make_no_sense() -> None:
    gpus = {"offeredGpus": {"gpus": [1]}, "detectedGpus": {"services": [{"service": "web", "gpus": ["?"]}]}}
    odd = {**deployment(1, [{**lease(1), **gpus}]), "consoleSettings": "?", "settings": []}
    async with Server(reply(200, {"data": odd})) as server:
        read = await reader(server, NEW).get_deployment(Dseq("1"))
    [leased] = read.leases
    assert (read.stored, read.settings, leased.offered_gpus, leased.detected_gpus) == (None, None, None, None)


GPUS = {
    "offeredGpus": {
        "gpus": [{"vendor": "nvidia", "model": "h100", "ram": None, "interface": "sxm", "count": 1}],
        "recordedAt": "2026-11-21T12:00:00.000Z",
    },
    "detectedGpus": {
        "services": [
            {
                "service": "web",
                "gpus": [{"model": None, "displayName": "Some Card", "memoryMb": 81559, "count": 1}],
            }
        ],
        "driverVersion": "580.95.05",
        "detectedAt": "2026-11-21T12:01:00.000Z",
    },
}


async def test_what_only_the_newest_api_tells() -> None:
    told = {
        **deployment(1, [{**lease(1), "reclamation": {"deadline": "1793000000"}, **GPUS}]),
        "name": "web",
        "settings": {"runtimeLimitHours": 24, "runtimeEndsAt": None},
        "consoleSettings": {"sdl": "version: …", "manifestVersion": "v1"},
    }
    async with Server(reply(200, {"data": told})) as server:
        read = await reader(server, NEW).get_deployment(Dseq("1"))
    assert read.name == "web"
    assert read.settings is not None
    assert read.settings.runtime_limit_hours == 24
    assert read.stored is not None
    assert read.stored.manifest_version == "v1"
    offered, detected = read.leases[0].offered_gpus, read.leases[0].detected_gpus
    assert offered is not None
    assert [(gpu.model, gpu.ram, gpu.interface, gpu.count) for gpu in offered.gpus] == [
        ("h100", "", "sxm", 1)
    ]
    assert detected is not None
    assert detected.driver_version == "580.95.05"
    [seen] = detected.services[0].gpus
    assert (seen.model, seen.display_name, seen.memory_mb) == ("", "Some Card", 81559)
    assert read.leases[0].reclamation is not None
    assert read.leases[0].reclamation.deadline == 1793000000


# Bids


async def test_bids_come_in_all_states_and_of_all_groups_and_only_ours_count() -> None:
    def bid(dseq: int, gseq: int, state: str) -> dict[str, Any]:
        identity = {"dseq": str(dseq), "gseq": gseq, "oseq": 1, "provider": PROVIDER_ADDRESS, "bseq": 21}
        return {
            "bid": {"id": identity, "state": state, "reclamation_window": "3600s"},
            "isCertificateRequired": True,
        }

    bids = [bid(1, 1, "open"), bid(1, 2, "active"), bid(1, 1, "closed"), bid(1, 1, "lost"), bid(2, 1, "open")]
    async with Server(reply(200, {"data": bids})) as server:
        listed = await reader(server).list_bids(Dseq("1"))
    assert [(bid.gseq, bid.is_open) for bid in listed] == [(1, True), (2, False), (1, False), (1, False)]
    assert listed[0].reclamation_seconds == 3600


# Money


async def test_balances_are_asked_twice_where_they_must_be_fresh() -> None:
    time = Time()
    old, new = (reply(200, {"data": {"balance": b, "deployments": 0, "total": b}}) for b in (9e6, 4e6))
    async with Server(old, new) as server:
        assert (await reader(server, time=time).balances(fresh=True)).available == Usd(4)
    assert time.slept == [2.0]


def funded(uact: int) -> dict[str, Any]:
    funds = [{"denom": "uact", "amount": f"{uact}.000000000000000000"}]
    return {**deployment(1), "escrow_account": {"state": {"state": "open", "funds": funds}}}


@pytest.mark.parametrize(
    ("generation", "balance", "in_deployments", "certain"),
    [
        (Generation.REFERENCE, 40_000_000, 2_000_000, True),
        (Generation.REFERENCE, 40_000_000, 5_000_000, True),  # stale, not a million times off
        (Generation.REFERENCE, 40, 2, False),  # dollars
        (NEW, 40_000_000, 2_000_000, True),
        (NEW, 40_000_000, 0, True),  # nothing to compare with
        (NEW, 40, 2, False),  # dollars, as one guide of the new one has it
    ],
)
async def test_a_balance_whose_unit_is_in_doubt_is_none(
    generation: Generation, balance: int, in_deployments: int, certain: bool
) -> None:
    told = reply(200, {"data": {"balance": balance, "deployments": in_deployments, "total": 0}})
    async with Server(told, reply(200, listing(funded(2_000_000)))) as server:
        console = reader(server, generation)
        if certain:
            assert (await console.balances()).available == Usd(40)
        else:
            with pytest.raises(AkashError, match="not certain"):
                await console.balances()


async def test_what_a_colleagues_deployments_hold_puts_no_balance_in_doubt() -> None:
    theirs = funded(10**12)
    theirs["deployment"]["id"] = {"owner": "akash1they", "dseq": "2"}
    script = (
        {"data": {"balance": 40_000_000, "deployments": 2_000_000, "total": 0}},
        listing(funded(2_000_000), theirs),
        {"data": {"id": "me"}},
        {"data": [{"address": "akash1me"}]},
    )
    async with Server(*(reply(200, each) for each in script)) as server:
        assert (await reader(server, NEW).balances()).available == Usd(40)


async def test_402_with_what_is_missing() -> None:
    amounts = {"requiredAmountUsd": 0.5, "availableAmountUsd": 0.12}
    error = await error_of("create_deployment", said(402, "no", "insufficient_balance", data=amounts), NEW)
    assert isinstance(error, InsufficientBalance)
    assert (error.required, error.available) == (Usd("0.5"), Usd("0.12"))
    assert "It needs $0.50 and the account has $0.12." in str(error)
    assert "Billing" in error.next_step


@pytest.mark.parametrize("data", [None, [], {"requiredAmountUsd": "much", "availableAmountUsd": -1}])
async def test_402_whose_amounts_make_no_sense(data: object) -> None:
    error = await error_of("create_deployment", said(402, "no", "insufficient_balance", data=data), NEW)
    assert isinstance(error, InsufficientBalance)
    assert (error.required, error.available) == (None, None)


@pytest.mark.parametrize(
    "answer",
    [
        reply(402, {"message": "wait", "code": "balance_top_up_pending"}, retry_after="12"),
        reply(402, {"message": "Not enough balance to cover the deployment deposit. A top up from your saved payment "
                    "method is on the way, so try again in a moment."}, retry_after="12"),
    ],
)  # fmt: skip
async def test_402_while_the_card_is_charged_is_to_be_tried_again(answer: Act) -> None:
    error = await error_of("create_deployment", answer)
    assert isinstance(error, TopUpPending)
    assert error.retry_after == 12
    assert error.next_step == "Try again in 12 seconds."


@pytest.mark.parametrize("code", ["payment_required", "unknown_error"])
async def test_402_of_a_trial_asks_for_credits(code: str) -> None:
    error = await error_of("create_deployment", said(402, "Nvidia H100 not available on free trial", code))
    assert type(error) is PaymentRequired
    assert "add credits" in error.next_step


@pytest.mark.parametrize(
    ("answer", "kind", "step"),
    [
        (said(400, "Invalid SDL: Nvidia H100 not available on free trial: Add funds", "bad_request"), BadRequest, ""),
        (said(403, "Trial accounts may have one deployment", "forbidden"), Forbidden, "Limits of a free trial end"),
        (said(409, "They cannot be opened", "inherited_secrets_unreadable"), Conflict, "does not help"),
        (said(403, "Accept it first", "fair_use_policy_required"), Forbidden, "Fair Use Policy"),
    ],
)  # fmt: skip
async def test_limits_of_a_trial_are_told(answer: Act, kind: type[ApiError], step: str) -> None:
    error = await error_of("create_deployment", answer, NEW)
    assert type(error) is kind
    assert step in error.next_step


@pytest.mark.parametrize(
    ("status", "code", "step"),
    [
        (400, "organization_mismatch", "a key of the one that is meant"),
        (403, "organization_forbidden", "a key of their own account"),
        (403, "project_forbidden", "correct AKASH_MCP_PROJECT_ID"),
        (400, "project_required", "set AKASH_MCP_PROJECT_ID"),
        (409, "project_not_empty", "move what is in the project"),
        (403, "forbidden", "a viewer's key only reads"),
    ],
)
async def test_codes_of_organizations_are_told_in_words(status: int, code: str, step: str) -> None:
    assert step in (await error_of("create_deployment", said(status, "No.", code), NEW)).next_step


async def test_409_while_the_wallet_is_provisioned_did_nothing() -> None:
    error = await error_of("create_deployment", said(409, "please retry shortly", "wallet_provisioning"))
    assert isinstance(error, WalletProvisioning)
    assert error.money == "No money moved."


# Errors in odd clothes


async def test_a_web_page_of_the_proxy_in_front() -> None:
    async with Server(page(403)) as server:
        with pytest.raises(Forbidden, match="a web page instead of an answer"):
            await reader(server).list_bids(DSEQ)


async def test_a_web_page_with_status_200_is_no_answer() -> None:
    async with Server(page(200)) as server:
        with pytest.raises(ServerError, match="not JSON"):
            await reader(server).list_bids(DSEQ)


@pytest.mark.parametrize("text", ["404 Not Found", "Provider not found.", "Block not found"])
async def test_404_as_plain_text(text: str) -> None:
    async with Server(reply(404, text)) as server:
        with pytest.raises(NotFound, match=text):
            await reader(server).get_provider(PROVIDER_ADDRESS)


async def test_413_without_a_message() -> None:
    error = await error_of("create_deployment", said(413, ""))
    assert isinstance(error, TooLarge)
    assert "too large" in error.what


async def test_a_private_key_in_an_error_is_not_repeated() -> None:
    echoed = "certificate.keyPem: invalid -----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY----- here"
    error = await error_of("create_deployment", said(400, echoed))
    assert "MHcCAQ" not in str(error)
    assert "here" in error.message


SECRETS = f"DB_PASSWORD=hunter2secret ghp_{'aB3' * 12} {KEY.upper()}"


@pytest.mark.parametrize(
    "call", ["create_deployment", "create_lease", "update_deployment", "close_deployment"]
)
async def test_secrets_that_the_api_echoes_are_masked_in_the_error_itself(call: str) -> None:
    error = await error_of(call, said(400, f"cannot create lease: {SECRETS}", "validation_error"))
    for text in (str(error), error.what, error.message):
        assert "hunter2secret" not in text
        assert "aB3aB3" not in text
        assert KEY.lower() not in text.lower()
        assert MASK in text


async def test_a_refused_lease_is_still_told_from_a_lost_one_where_secrets_are_echoed() -> None:
    error = await error_of("create_lease", said(400, f"Cannot create lease: {SECRETS}"))
    assert isinstance(error, BadRequest)
    async with Server(said(400, f"manifest refused: {SECRETS}")) as server:
        with pytest.raises(OutcomeUnknown) as lost:
            await WRITES["create_lease"](writer(server))
    assert "hunter2secret" not in str(lost.value)


@pytest.mark.parametrize(
    "message",
    ["deployment already exists", f"already exists {SECRETS}", "token='the deployment already exists'"],
)
async def test_a_creation_that_may_have_landed_is_unknown_although_its_message_is_masked(
    message: str,
) -> None:
    async with Server(said(400, message)) as server:
        with pytest.raises(OutcomeUnknown) as lost:
            await WRITES["create_deployment"](writer(server))
    assert "hunter2secret" not in str(lost.value)


async def test_secrets_in_what_an_activity_failed_with_are_masked() -> None:
    activity = reply(200, {"id": "a", "status": "failed", "meta": {"error": {"message": SECRETS}}})
    async with Server(reply(200, {"data": {"activityId": "a"}}), activity) as server:
        with pytest.raises(ServerError) as failed:
            await writer(server, NEW).close_deployment(DSEQ)
    assert "hunter2secret" not in str(failed.value) + failed.value.message


async def test_a_secret_in_the_name_of_a_field_that_cannot_be_read_is_masked() -> None:
    stock = {"gpus": {"details": {f"ghp_{'aB3' * 12}": "no list"}}}
    async with Server(reply(200, stock)) as server:
        answer = await reader(server)._client.get_public("/v1/gpu")
    with pytest.raises(ServerError, match="cannot be read") as unreadable:
        answer.read(TypeAdapter(dict[str, list[str]]), "gpus", "details")
    assert "aB3aB3" not in str(unreadable.value)


@pytest.mark.parametrize("wrap", [True, False])
async def test_an_envelope_is_there_or_not(wrap: bool) -> None:
    blocks = [{"height": 5}]
    async with Server(reply(200, {"data": blocks} if wrap else blocks)) as server:
        assert await reader(server).latest_height() == 5


# Writes that landed


@pytest.mark.parametrize(
    "trouble", [drop, hang, page(504), said(500, "Internal server error"), reply(201, "{}")]
)
async def test_a_creation_that_failed_may_have_landed_and_is_not_sent_again(
    trouble: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "CREATE_DEADLINE", Deadline(read=0.3, total=1))
    async with Server(trouble) as server:
        console = server.closes(ConsoleClient(server.url, KEY, generation=Generation.REFERENCE))
        with pytest.raises(OutcomeUnknown):
            await ConsoleWriter(console).create_deployment(SDL, Usd(1))
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        said(502, "the provider did not take it", "manifest_not_delivered"),
        said(400, "manifest cross-validation error: group count mismatch"),
        said(503, "Provider service is temporarily unavailable"),
        said(495, "Invalid certificate error: expired"),
    ],
)
async def test_a_lease_whose_manifest_was_not_delivered_bills(answer: Act) -> None:
    async with Server(answer) as server:
        with pytest.raises(OutcomeUnknown, match=r"may exist|not known"):
            await WRITES["create_lease"](writer(server, NEW))
    assert len(server.requests) == 1


async def test_a_provider_that_was_unreachable_has_no_lease() -> None:
    error = await error_of("create_lease", said(502, "no answer", "provider_unreachable"), NEW)
    assert error.money == "No money moved."


async def test_closing_what_is_closed_succeeds() -> None:
    async with Server(reply(200, {"data": {"success": True}})) as server:
        await writer(server, NEW).close_deployment(DSEQ)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer", [reply(200, ""), reply(204), reply(200, {"dseq": "1", "status": "closed"})]
)
async def test_a_close_is_done_whatever_its_answer_looks_like(answer: Act) -> None:
    async with Server(answer) as server:
        await writer(server).close_deployment(DSEQ)


# Identity


async def test_authorization_never_stands_beside_the_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://me:secret@127.0.0.1:9")
    async with Server(reply(200, {"data": {}})) as server:
        for read in READS.values():
            try:
                await read(reader(server))
            except AkashError:
                continue  # only the requests matter here
    assert len(server.requests) >= len(READS)
    assert not any("authorization" in request.headers for request in server.requests)
    assert all(request.headers["x-api-key"] == KEY for request in server.requests)


@pytest.mark.parametrize("dseq", ["1763759482113", 1763759482113])
async def test_a_dseq_of_thirteen_digits_is_text_from_end_to_end(dseq: object) -> None:
    detail = {"deployment": {"id": {"dseq": dseq}, "state": "active"}, "leases": []}
    async with Server(
        reply(201, {"data": {"dseq": dseq, "manifest": "[]"}}), reply(200, {"data": detail})
    ) as server:
        console = writer(server)
        created = await console.create_deployment(SDL, Usd(1))
        await console.create_lease("[]", [LeaseId(created.dseq, 1, 1, LEASE.provider)])
        assert (await reader(server).get_deployment(created.dseq)).dseq == "1763759482113"
    assert b'"dseq":"1763759482113"' in server.requests[1].body
    assert server.requests[2].path.endswith("/1763759482113")


# Sizes


async def test_specs_to_price_are_sent_in_what_the_api_takes_at_once() -> None:
    specs = [Spec(1000, 2**30, 2**40)] * 25
    async with Server(reply(200, [{"akash": 5.5}])) as server:
        await reader(server).compare_prices(specs)
    sent = [request.json for request in server.requests]
    assert all(len(request.body) <= 512 for request in server.requests)
    assert all(isinstance(batch, list) and len(batch) <= 10 for batch in sent)
    assert sum(len(batch) for batch in sent if isinstance(batch, list)) == 25
