"""Every request that the Console clients can send, by the name of the method that sends it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date

from test_console_models import PROVIDER_ADDRESS
from wire_servers import Server, Time

from akash_mcp.clients.console.account_models import Certificate
from akash_mcp.clients.console.client import ConsoleClient
from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.console.market_reader import Spec
from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.clients.console.writer import ConsoleWriter
from akash_mcp.ids import AccountAddress, Dseq, LeaseId, OpId
from akash_mcp.money import Usd

DSEQ = Dseq("1763759482113")
OWNER = AccountAddress("akash1h24fljt7p0nh82cq0za0uhsct3sfwsfu9w3c9h")
LEASE = LeaseId(DSEQ, 1, 1, PROVIDER_ADDRESS)
PEMS = Certificate(cert_pem="a certificate", encrypted_key="a key")
UUID = "3f0c9d4e-58f5-4b4e-9a63-0a6f8c1d2e3f"
SDL = "version: '2.0'"
RESOURCE = {
    "resource": {
        "id": 1,
        "cpu": {"units": {"val": "500"}},
        "memory": {"quantity": {"val": "536870912"}},
        "gpu": {"units": {"val": "0"}},
        "storage": [{"name": "default", "quantity": {"val": "536870912"}}],
        "endpoints": [],
    },
    "count": 1,
    "price": {"denom": "uact", "amount": "1000"},
}
REQUIREMENTS = {
    "signedBy": {"allOf": [OWNER], "anyOf": []},
    "attributes": [{"key": "host", "value": "akash"}],
}

Read = Callable[[ConsoleReader], Awaitable[object]]
Write = Callable[[ConsoleWriter], Awaitable[object]]

READS: dict[str, Read] = {
    "list_deployments": lambda r: r.list_deployments(),
    "read_list": lambda r: r.read_list(),
    "get_deployment": lambda r: r.get_deployment(DSEQ),
    "list_bids": lambda r: r.list_bids(DSEQ),
    "mint_token": lambda r: r.mint_token(900, {"access": "full"}),
    "get_provider": lambda r: r.get_provider(PROVIDER_ADDRESS),
    "list_providers": lambda r: r.list_providers([PROVIDER_ADDRESS], scope="trial"),
    "all_providers": lambda r: r.all_providers(),
    "auditors": lambda r: r.auditors(),
    "gpus": lambda r: r.gpus(vendor="nvidia", model="h100", memory="80Gi", provider=PROVIDER_ADDRESS),
    "gpu_models": lambda r: r.gpu_models(),
    "gpu_prices": lambda r: r.gpu_prices(),
    "compare_prices": lambda r: r.compare_prices([Spec(1000, 2**30, 2**30)] * 2),
    "screen_bids": lambda r: r.screen_bids([RESOURCE], requirements=REQUIREMENTS, reclamation_window=3600),
    "templates": lambda r: r.templates(),
    "template": lambda r: r.template("akash-network-awesome-akash-web"),
    "latest_block": lambda r: r.latest_block(),
    "latest_height": lambda r: r.latest_height(),
    "balances": lambda r: r.balances(),
    "current_user": lambda r: r.current_user(),
    "wallets": lambda r: r.wallets(UUID),
    "api_keys": lambda r: r.api_keys(),
    "wallet_settings": lambda r: r.wallet_settings(),
    "usage_history": lambda r: r.usage_history(OWNER, date(2026, 8, 1), date(2026, 8, 31)),
    "alerts": lambda r: r.alerts(DSEQ),
    "deployment_alerts": lambda r: r.deployment_alerts(DSEQ),
}
"""Reads that the OpenAPI document of August 2026 describes."""

WRITES: dict[str, Write] = {
    "create_deployment": lambda w: w.create_deployment(SDL, Usd("0.5"), name="web", runtime_limit_hours=24),
    "create_lease": lambda w: w.create_lease("[]", [LEASE], certificate=PEMS),
    "update_deployment": lambda w: w.update_deployment(DSEQ, SDL, certificate=PEMS),
    "close_deployment": lambda w: w.close_deployment(DSEQ),
    "deposit": lambda w: w.deposit(DSEQ, Usd("2.5")),
    "set_auto_top_up": lambda w: w.set_auto_top_up(DSEQ, False),
    "get_settings": lambda w: w.get_settings(DSEQ),
}
"""Writes that the OpenAPI document of August 2026 describes."""

OTHER_READS: dict[str, Read] = {
    "placement_options": lambda r: r.placement_options(),
    "runtime_limit": lambda r: r.runtime_limit(DSEQ),
    "spend_rate": lambda r: r.spend_rate(),
    "find_deployments": lambda r: r.find_deployments(OpId("web")),
    "own_addresses": lambda r: r.own_addresses(),
    "paying_address": lambda r: r.paying_address(),
    "is_anothers": lambda r: r.is_anothers(OWNER),
    "organizations": lambda r: r.organizations(),
    "projects": lambda r: r.projects(),
}
"""Reads that it does not describe: of the API of autumn 2026."""

OTHER_WRITES: dict[str, Write] = {
    "set_runtime_limit": lambda w: w.set_runtime_limit(DSEQ, 72),
    "patch_deployment": lambda w: w.patch_deployment(DSEQ, {"web": {"image": "nginx:1.28"}}, "v1"),
    "define_deployment": lambda w: w.define_deployment(DSEQ, SDL),
    "create_certificate": lambda w: w.create_certificate(),
}
"""Writes of the other generations."""

KEY = "ac.sk.production." + "ab" * 32


def client(
    server: Server, generation: Generation | None, *, key: str | None = KEY, time: Time | None = None
) -> ConsoleClient:
    time = time or Time()
    return server.closes(
        ConsoleClient(server.url, key, generation=generation, sleep=time.sleep, monotonic=time)
    )


def reader(
    server: Server,
    generation: Generation | None = Generation.REFERENCE,
    *,
    key: str | None = KEY,
    time: Time | None = None,
) -> ConsoleReader:
    return ConsoleReader(client(server, generation, key=key, time=time))


def writer(
    server: Server,
    generation: Generation | None = Generation.REFERENCE,
    *,
    key: str | None = KEY,
    time: Time | None = None,
) -> ConsoleWriter:
    return ConsoleWriter(client(server, generation, key=key, time=time))
