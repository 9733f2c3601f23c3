"""`akash-mcp demo`: the main job, end to end, over a real MCP client, with nothing but this machine.

The embedded network runs here; the server runs as its own process and is spoken to over stdio, as any host would.
What the server says is not believed: the address is fetched, and the network's own books are read afterwards.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from secrets import token_urlsafe
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
from mcp import Client
from rich.markup import escape
from rich.table import Table

from akash_mcp.cli.compose_file import instead, is_compose
from akash_mcp.cli.demo_client import books, call, outside, served, text
from akash_mcp.cli.demo_story import DemoFailed, Story, tell
from akash_mcp.cli.output import printable, read
from akash_mcp.data import examples_dir
from akash_mcp.errors import BadArgument
from akash_mcp.guard.secret_store import SecretStore
from akash_mcp.sandbox.console import Generation
from akash_mcp.sandbox.faults import UnknownFault
from akash_mcp.sandbox.network import EmbeddedNetwork, Options
from akash_mcp.sandbox.tokens import NoRipemd160
from akash_mcp.sdl import check
from akash_mcp.sdl.secret_reference import names_mentioned

DEPOSIT_USD = "6"
MAX_USD_PER_HOUR = "3"
TOP_UP_USD = "1"
_PAGE_SECONDS = 10.0
"""For the page of an app that is said to be ready: its ingress has answered with it then."""
_PATIENCE_CALLS = 6


def run(
    file: Path | None,
    *,
    as_json: bool,
    speed: float,
    generation: Generation = "reference",
    faults: tuple[str, ...] = (),
) -> int:
    """Run the demo with the SDL in `file`, or with a web page of our own. 0 when every step was seen from outside.

    With `as_json`, stdout ends with one line: `{"ok", "dseq", "provider", "uri", "bids", "spent_usd", "closed",
    "seconds"}`.
    """
    path = file or examples_dir() / "web.yaml"
    sdl = read(path)
    if is_compose(check(sdl)):
        raise BadArgument(f"{printable(str(path))} was not deployed: {instead(path)}", money="")
    try:
        network = EmbeddedNetwork(Options(speed=speed, generation=generation, faults=faults))
    except (UnknownFault, NoRipemd160) as error:
        raise BadArgument(f"{error}.", money="") from error
    return tell(
        lambda story: _tell(story, sdl, network),
        title=f"Deploying {path.name} on an embedded Akash network",
        how=f"with play money, {speed:g} times as fast",
        ending="and paid in play money",
        keys=("dseq", "provider", "uri", "bids", "spent_usd", "closed"),
        as_json=as_json,
    )


async def _tell(story: Story, sdl: str, network: EmbeddedNetwork) -> None:
    async with network:
        story.step(
            "The embedded network is up",
            f"Console API {network.console_url}, {len(network.chain.providers)} providers, all on this machine",
        )
        story.doing("Starting the server, as a host application would")
        async with _client(story, network, sdl) as client:
            launched = await _deploy(story, client, sdl)
            try:
                await _look(story, client, launched)
            finally:
                with anyio.CancelScope(shield=True):
                    await _close(story, client, network, launched["dseq"])


@asynccontextmanager
async def _client(story: Story, network: EmbeddedNetwork, sdl: str) -> AsyncIterator[Client]:
    """An MCP client, with the server as its own process and a person who says yes. The secrets that the SDL names are
    made up: what a person stored goes to no demo."""

    with tempfile.TemporaryDirectory(prefix="akash-mcp-demo-") as state:
        secrets = {name: f"DEMO_SECRET_{number}" for number, name in enumerate(names_mentioned(sdl), 1)}
        for name, variable in secrets.items():
            SecretStore(Path(state), time.time).set_from_environment(name, variable)
        variables = {
            "AKASH_API_KEY": network.api_key,
            "AKASH_CONSOLE_URL": network.console_url,
            "AKASH_CHAIN_REST_URL": network.chain_rest_url,
            "AKASH_MCP_ALLOW_PRIVATE_PROVIDERS": "127.0.0.0/8,::1/128",
            **{variable: token_urlsafe() for variable in secrets.values()},
        }
        flags = ("--speed", f"{network.options.speed:g}")
        async with served(story, Path(state), flags, variables, play="It is play money") as client:
            if secrets:
                story.step("Its secrets have made-up values here", ", ".join(secrets))
            yield client


async def _deploy(story: Story, client: Client, sdl: str) -> dict[str, Any]:
    """Check, plan, approve and launch; what `deploy` came to, waited for where it was pending."""
    verdict = await call(client, "validate_sdl", sdl=sdl)
    if not verdict["ok"]:
        problems = "; ".join(f"line {e['line']}: {e['message']}" for e in verdict["errors"])
        fix = verdict["errors"][0].get("fix")
        raise DemoFailed(
            f"The SDL would be refused, and nothing was spent: {problems}{f'. Fix the first: {fix}' if fix else ''}"
        )
    ceiling = verdict.get("ceiling_usd_per_hour")
    story.step(
        "The SDL passes Console, chain and provider rules",
        f"services: {', '.join(verdict['services'])}; its prices allow up to ${ceiling} an hour",
    )
    story.doing("Deploying: creating, waiting for bids, leasing, waiting until it runs")
    answer = await call(
        client, "deploy", sdl=sdl, deposit_usd=float(DEPOSIT_USD), max_usd_per_hour=float(MAX_USD_PER_HOUR)
    )
    for _ in range(_PATIENCE_CALLS):
        if answer["status"] != "pending":
            break
        story.aside(answer["summary"])
        shown = await call(client, "get_deployment", id=answer["op_id"], wait_for="ready")
        if shown["state"] != "under way":
            answer = {**answer, **shown, "status": "ready" if shown.get("ready") else "leased"}
    if answer.get("dseq") is None:
        raise DemoFailed(f"It was not created: {answer.get('problem') or answer['summary']}")
    story.result["dseq"] = answer["dseq"]
    return answer


async def _look(story: Story, client: Client, launched: dict[str, Any]) -> None:
    """Everything that can be seen of a running deployment."""
    story.doing("Looking at it from outside")
    dseq = launched["dseq"]
    offers = launched.get("offers") or (await call(client, "list_bids", dseq=dseq, wait_s=0))["offers"]
    story.result["bids"] = len(offers)
    story.step(f"Deployment {dseq} got {len(offers)} offer{'s' * (len(offers) != 1)} that could be taken")
    story.out.print(_offers(offers))
    for reason in offers[0]["reasons"] if offers else ():
        story.out.print(f"  the first: {escape(reason)}")
    shown = await call(client, "get_deployment", id=dseq)
    story.result["provider"] = shown["leases"][0]["provider"]
    # What crashes again and again is ready for a moment each time: the launch, which watched it, is believed first.
    if launched["status"] != "ready" or not shown["ready"]:
        raise DemoFailed(f"It does not get ready: {await _why_not(client, launched)}")
    story.step(
        f"Leased and running at ${shown['usd_per_hour']} an hour", f"provider {story.result['provider']}"
    )
    try:
        await _visit(story, shown["services"])
    except DemoFailed as unseen:
        raise DemoFailed(f"{unseen} {await _why_not(client, launched)}") from unseen
    await _listen(story, client, dseq)
    funded = await call(client, "add_funds", dseq=dseq, amount_usd=float(TOP_UP_USD))
    story.step(
        str(funded["summary"]).removesuffix("."),  # on 2026-11 it is time that is added
        f"${funded['escrow_left_usd']} left, enough for {funded['hours_left']} hours",
    )


async def _why_not(client: Client, launched: dict[str, Any]) -> str:
    """Why a deployment does not work: what its launch saw, else what can be seen now."""
    causes = launched.get("causes")
    if not causes:
        found = await call(client, "diagnose_deployment", dseq=launched["dseq"])
        causes = found["causes"]
        if not causes:
            seen = (launched.get("problem"), *found["not_known"], *found["past"])
            return "; ".join(filter(None, seen)) or "no cause of it can be seen."
    return "; ".join(cause["cause"] for cause in causes)


def _offers(offers: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in ("  #", "provider", "region", "USD/hour", "USD with risk"):
        # On a narrow terminal a region takes two lines, so that no price is cut.
        table.add_column(title, no_wrap=title != "region", min_width=4)
    for offer in offers[:6]:
        cells = (
            offer["name"] or offer["provider"],
            offer["region"],
            offer["usd_per_hour"],
            offer["expected_usd"],
        )
        table.add_row(f"  {offer['rank']}", *(escape(cell) for cell in cells))
    return table


async def _listen(story: Story, client: Client, dseq: str) -> None:
    logs = await text(client, "get_logs", dseq=dseq, tail=5)
    if "[data " not in logs:
        raise DemoFailed(f"There are no logs: {logs}")
    story.step("Its logs, fenced as other people's words", logs)
    events = await text(client, "get_events", dseq=dseq)
    if "Started" not in events:
        raise DemoFailed(f"There is no event of a started container: {events}")
    seen = [line.removeprefix("| ") for line in events.splitlines() if line.startswith("| ")]
    story.step("Its Kubernetes events", f"{len(seen)} events, the last: {seen[-1]}")


async def _visit(story: Story, services: list[dict[str, Any]]) -> None:
    """Fetch the first web address; where there is none, connect to the first open port. Nobody can tell from outside
    whether something listens at one of UDP."""
    uris = [uri for service in services for uri in service.get("uris", ())]
    ports = [port for service in services for port in service.get("ports", ())]
    if uris:
        uri, page = await _page(uris)
        story.result["uri"] = uri
        story.step(f"GET {uri} answers {page.status_code}", page.text.strip()[:300])
    elif ports and all(port.endswith("/udp") for port in ports):
        address = ports[0].split(" ")[0]
        story.result["uri"] = f"udp://{address}"
        story.step(f"Its port is {address}", "UDP takes no connections, so nothing was tried")
    elif ports:
        address = next(port for port in ports if not port.endswith("/udp")).split(" ")[0]
        parts = urlsplit(f"tcp://{address}")
        try:
            with anyio.fail_after(_PAGE_SECONDS):
                stream = await anyio.connect_tcp(parts.hostname or "", parts.port or 0)
        except (OSError, TimeoutError) as error:
            raise DemoFailed(f"{address} takes no connection ({error or 'no answer'}).") from error
        await stream.aclose()
        story.result["uri"] = f"tcp://{address}"
        story.step(
            f"{address} takes a connection", "this SDL exposes no web address (port 80), so a port was tried"
        )
    else:
        raise DemoFailed("It has neither an address nor an open port.")


async def _page(uris: list[str]) -> tuple[str, httpx2.Response]:
    """The first page that is to be had. A domain of the SDL's own is known to no name server here."""
    answered: dict[str, str] = {}
    with anyio.move_on_after(_PAGE_SECONDS):
        async with httpx2.AsyncClient(trust_env=False) as browser:
            while True:
                for uri in uris:
                    try:
                        page = await browser.get(uri)
                    except httpx2.TransportError as error:
                        answered[uri] = str(error)
                        continue
                    if page.status_code == 200:
                        return uri, page
                    answered[uri] = str(page.status_code)
                await anyio.sleep(0.5)
    raise DemoFailed(f"No address answered within {_PAGE_SECONDS:g} seconds: {answered}.")


async def _close(story: Story, client: Client, network: EmbeddedNetwork, dseq: str) -> None:
    story.doing("Closing it, and reading the network's own books")
    closed = await call(client, "close_deployment", dseq=dseq)
    if closed["status"] != "closed":
        raise DemoFailed(f"It was not closed: {closed['summary']}")
    async with outside(network.control_url) as beside:
        state = await books(beside)
    deployment = _deployment(state, dseq)
    if deployment["state"] != "closed" or any(lease["state"] != "closed" for lease in deployment["leases"]):
        raise DemoFailed(f"The network's own books do not say that it is closed: {deployment}")
    paid = Decimal(deployment["escrow"]["transferred_uact"])
    allowance = Decimal(state["allowance_uact"])
    if abs(network.options.balance_uact - paid - allowance) >= 1:  # the chain refunds whole uact
        raise DemoFailed(f"The escrow did not come back: {allowance} uact left, {paid} paid to the provider")
    if Decimal(closed["spent_usd"]).quantize(Decimal("0.01")) != (paid / 10**6).quantize(Decimal("0.01")):
        raise DemoFailed(f"The server says it cost {closed['spent_usd']}, the network {paid / 10**6}")
    story.result.update(spent_usd=closed["spent_usd"], closed=True)
    story.step(
        "Closed, and proven: the network's own books say so",
        f"{closed['money']}",
    )


def _deployment(state: dict[str, Any], dseq: str) -> dict[str, Any]:
    for deployment in state["deployments"]:
        if deployment["dseq"] == dseq:
            return dict(deployment)
    raise DemoFailed(f"The network has never heard of deployment {dseq}")
