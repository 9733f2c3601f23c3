"""`akash-mcp demo`: the main job, end to end, over a real MCP client, with nothing but this machine.

The embedded network runs here; the server runs as its own process and is spoken to over stdio, as any host would.
What the server says is not believed: the address is fetched, and the network's own books are read afterwards.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from secrets import token_urlsafe
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx2
from mcp import Client, StdioServerParameters
from mcp.client import ClientRequestContext
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, ElicitRequestParams, ElicitResult, TextContent
from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.table import Table

from akash_mcp.cli.compose_file import instead, is_compose
from akash_mcp.cli.output import printable, read
from akash_mcp.cli.to_person import to_person
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
_ANSWER_SECONDS = 60.0
"""For one answer of the server, which gives each well before that (`tools/deadline.py`)."""
_PAGE_SECONDS = 10.0
"""For the page of an app that is said to be ready: its ingress has answered with it then."""
_PATIENCE_CALLS = 6


class DemoFailed(Exception):
    """A step did not do what it should, seen from outside."""


@dataclass
class Story:
    """Shows a person each step, and keeps in `result` what `--json` prints at the end."""

    out: Console
    started: float = field(default_factory=time.monotonic)
    result: dict[str, Any] = field(default_factory=dict)
    waits: Status = field(init=False)
    """Says what is being done."""

    def __post_init__(self) -> None:
        self.waits = self.out.status("Starting the embedded network …")

    def doing(self, what: str) -> None:
        """Say what a person waits for now."""
        self.waits.update(f"{what} …")

    def step(self, title: str, detail: str = "") -> None:
        """Print a step that was done, with the seconds since the start."""
        seconds = time.monotonic() - self.started
        self.out.print(f"[bold green]✓[/] [bold]{escape(title)}[/] [dim]{seconds:.1f} s[/]")
        if detail:
            self.out.print(f"  {escape(detail)}")


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
    story = Story(Console(stderr=as_json, highlight=False))
    story.out.print(
        f"[bold]Deploying {escape(path.name)} on an embedded Akash network[/], with play money, {speed:g} times as "
        "fast\n"
    )
    ok = True
    try:
        with story.waits if story.out.is_terminal and not as_json else nullcontext():
            anyio.run(_tell, story, sdl, network)
    except* DemoFailed as failures:
        ok = False
        for failure in _leaves(failures):
            for each in _in_turn(failure):
                story.out.print(f"[bold red]✗ {escape(to_person(str(each)))}[/]")
    seconds = round(time.monotonic() - story.started, 1)
    if as_json:
        keys = ("dseq", "provider", "uri", "bids", "spent_usd", "closed")
        line = {"ok": ok, **{key: story.result.get(key) for key in keys}, "seconds": seconds}
        sys.stdout.write(json.dumps(line) + "\n")
    elif ok:
        story.out.print(
            f"\n[bold green]All of it was seen from outside, in {seconds} seconds, and paid in play money.[/]"
        )
    return 0 if ok else 1


def _leaves(group: BaseExceptionGroup[DemoFailed]) -> Iterator[DemoFailed]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _in_turn(failure: BaseException) -> Iterator[DemoFailed]:
    """A failure after those that it came on top of: closing may fail too, and that must not hide why it closes."""
    if failure.__context__ is not None and not failure.__suppress_context__:
        yield from _in_turn(failure.__context__)
    if isinstance(failure, DemoFailed):
        yield failure


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

    async def yes(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        story.step(
            "You are asked first",
            f"“{params.message}”  It is play money, and here the demo says yes for you.",
        )
        return ElicitResult(action="accept", content={"confirm": True})

    with tempfile.TemporaryDirectory(prefix="akash-mcp-demo-") as state:
        secrets = {name: f"DEMO_SECRET_{number}" for number, name in enumerate(names_mentioned(sdl), 1)}
        for name, variable in secrets.items():
            SecretStore(Path(state), time.time).set_from_environment(name, variable)
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "akash_mcp", "serve", "--speed", f"{network.options.speed:g}"],
            env={
                "PATH": os.environ.get("PATH", ""),
                "HOME": state,
                "AKASH_API_KEY": network.api_key,
                "AKASH_CONSOLE_URL": network.console_url,
                "AKASH_CHAIN_REST_URL": network.chain_rest_url,
                "AKASH_MCP_STATE_DIR": state,
                "AKASH_MCP_ALLOW_PRIVATE_PROVIDERS": "127.0.0.0/8,::1/128",
                **{variable: token_urlsafe() for variable in secrets.values()},
            },
        )
        client = Client(server, elicitation_callback=yes, read_timeout_seconds=_ANSWER_SECONDS)
        try:
            async with client:
                tools = (await client.list_tools()).tools
                story.step("An MCP client talks to akash-mcp over stdio", f"{len(tools)} tools")
                if secrets:
                    story.step("Its secrets have made-up values here", ", ".join(secrets))
                yield client
        except* MCPError as lost:
            raise DemoFailed(f"The server gave no answer: {lost.exceptions[0]}.") from lost


async def _deploy(story: Story, client: Client, sdl: str) -> dict[str, Any]:
    """Check, plan, approve and launch; what `deploy` came to, waited for where it was pending."""
    verdict = await _call(client, "validate_sdl", sdl=sdl)
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
    answer = await _call(
        client, "deploy", sdl=sdl, deposit_usd=float(DEPOSIT_USD), max_usd_per_hour=float(MAX_USD_PER_HOUR)
    )
    for _ in range(_PATIENCE_CALLS):
        if answer["status"] != "pending":
            break
        story.out.print(f"  [dim]{escape(answer['summary'])}[/]")
        shown = await _call(client, "get_deployment", id=answer["op_id"], wait_for="ready")
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
    offers = launched.get("offers") or (await _call(client, "list_bids", dseq=dseq, wait_s=0))["offers"]
    story.result["bids"] = len(offers)
    story.step(f"Deployment {dseq} got {len(offers)} offer{'s' * (len(offers) != 1)} that could be taken")
    story.out.print(_offers(offers))
    for reason in offers[0]["reasons"] if offers else ():
        story.out.print(f"  the first: {escape(reason)}")
    shown = await _call(client, "get_deployment", id=dseq)
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
    funded = await _call(client, "add_funds", dseq=dseq, amount_usd=float(TOP_UP_USD))
    story.step(
        str(funded["summary"]).removesuffix("."),  # on 2026-11 it is time that is added
        f"${funded['escrow_left_usd']} left, enough for {funded['hours_left']} hours",
    )


async def _why_not(client: Client, launched: dict[str, Any]) -> str:
    """Why a deployment does not work: what its launch saw, else what can be seen now."""
    causes = launched.get("causes")
    if not causes:
        found = await _call(client, "diagnose_deployment", dseq=launched["dseq"])
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
    logs = await _text(client, "get_logs", dseq=dseq, tail=5)
    if "[data " not in logs:
        raise DemoFailed(f"There are no logs: {logs}")
    story.step("Its logs, fenced as other people's words", logs)
    events = await _text(client, "get_events", dseq=dseq)
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
    closed = await _call(client, "close_deployment", dseq=dseq)
    if closed["status"] != "closed":
        raise DemoFailed(f"It was not closed: {closed['summary']}")
    async with httpx2.AsyncClient(trust_env=False) as outside:
        state = (await outside.get(f"{network.control_url}/_sandbox/state")).raise_for_status().json()
    books = _books(state, dseq)
    if books["state"] != "closed" or any(lease["state"] != "closed" for lease in books["leases"]):
        raise DemoFailed(f"The network's own books do not say that it is closed: {books}")
    paid = Decimal(books["escrow"]["transferred_uact"])
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


def _books(state: dict[str, Any], dseq: str) -> dict[str, Any]:
    for deployment in state["deployments"]:
        if deployment["dseq"] == dseq:
            return dict(deployment)
    raise DemoFailed(f"The network has never heard of deployment {dseq}")


async def _call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await _ask(client, tool, arguments)
    return dict(result.structured_content or {})


async def _text(client: Client, tool: str, **arguments: Any) -> str:
    result = await _ask(client, tool, arguments)
    return "".join(block.text for block in result.content if isinstance(block, TextContent))


async def _ask(client: Client, tool: str, arguments: dict[str, Any]) -> CallToolResult:
    try:
        result = await client.call_tool(tool, arguments)
    except MCPError as lost:
        raise DemoFailed(f"{tool} got no answer: {lost}.") from lost
    if result.is_error:
        text = "".join(block.text for block in result.content if isinstance(block, TextContent))
        raise DemoFailed(f"{tool} failed: {text}")
    return result
