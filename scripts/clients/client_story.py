"""What is done with every client: the same calls, the same answers of its user, and the same proof by the network.

A part of the story passes where what is claimed of it was seen from outside: a deployment answers at its address, is
closed by the network's own books, or was never made.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
from client_list import LEGACY, ClientSpec, Installed, Way
from driver_process import Driver, DriverFailed, Seen, ServerAddress, driving

from akash_mcp.data import examples_dir
from akash_mcp.sandbox.network import EmbeddedNetwork, Options
from akash_mcp.tools.deadline import WAIT_SECONDS

SPEED = 20.0
PATIENT_SPEED = 2.0
"""So slow that a launch takes longer than a call waits for it."""
YES = {"action": "accept", "content": {"confirm": True}}
NO = {"action": "accept", "content": {"confirm": False}}
EMPTY = {"action": "accept", "content": {}}
DECLINE = {"action": "decline"}
CANCEL = {"action": "cancel"}
LATE_NO = {"action": "decline", "after": 2}
"""What a person may have said: the server takes a no within a second for the client's own."""

PARTS = (
    "list", "call", "yes", "late no", "decline", "cancel", "empty yes", "no",
    "two-step", "error", "nulls", "pending", "task",
)  # fmt: skip
_PAGE_SECONDS = 30
_PATIENCE_CALLS = 8


class NotSo(Exception):
    """What should have been seen was not."""


@dataclass
class Story:
    """What came of each part with one client on one way: None where it passed, else why not."""

    spec: ClientSpec
    way: Way
    protocol: str = ""
    came: dict[str, str | None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    async def part(self, name: str, done: Callable[[], Awaitable[str | None]]) -> None:
        """Do a part, and note what came of it."""
        try:
            note = await done()
        except (NotSo, DriverFailed) as failure:
            self.came[name] = str(failure)
            return
        self.came[name] = None
        if note:
            self.notes.append(f"{name}: {note}")


class Stage:
    """A network, and a server over HTTP that knows only it."""

    def __init__(self, network: EmbeddedNetwork, server: ServerAddress) -> None:
        self.network = network
        self.server = server

    @property
    def made(self) -> int:
        """How many deployments there ever were."""
        return len(self.network.chain.deployments)

    async def is_up(self, seen: Seen, driver: Driver) -> str:
        """Wait until what was launched is ready and answers at its address; its dseq."""
        data = seen.data
        for _ in range(_PATIENCE_CALLS):
            if data.get("status") != "pending":
                break
            waited = (await driver.call("get_deployment", {"id": data["op_id"], "wait_for": "ready"})).data
            if waited.get("ready"):
                data = {**data, **waited, "status": "ready"}
        if data.get("status") != "ready":
            raise NotSo(f"it was not ready: {seen.words[:300]}")
        uris = [uri for service in data["services"] for uri in service.get("uris", ())]
        async with httpx2.AsyncClient(trust_env=False, timeout=_PAGE_SECONDS) as browser:
            page = await browser.get(uris[0])
        if page.status_code != 200:
            raise NotSo(f"{uris[0]} answers {page.status_code}")
        return str(data["dseq"])

    async def is_closed(self, dseq: str, driver: Driver, answer: dict[str, Any] | None = None) -> None:
        """Close a deployment, and believe only the network that it is."""
        closed = await driver.call("close_deployment", {"dseq": dseq}, answer)
        deployment = self.network.chain.deployment(self.network.owner, dseq)
        if deployment is None or deployment.state != "closed":
            raise NotSo(f"the network does not say that it is closed: {closed.words[:300]}")
        if closed.data.get("status") != "closed":
            raise NotSo(f"it is closed, and the client does not see it: {closed.words[:300]}")


@asynccontextmanager
async def staged(home: Path, speed: float = SPEED) -> AsyncIterator[Stage]:
    """A network and a server of its own."""
    async with EmbeddedNetwork(Options(speed=speed)) as network:
        environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(home),
            "AKASH_API_KEY": network.api_key,
            "AKASH_CONSOLE_URL": network.console_url,
            "AKASH_CHAIN_REST_URL": network.chain_rest_url,
            "AKASH_MCP_STATE_DIR": str(home / "state"),
            "AKASH_MCP_ALLOW_PRIVATE_PROVIDERS": "127.0.0.0/8,::1/128",
            "AKASH_MCP_MAX_USD_PER_DAY": "100",
        }
        # A whole number, as people write it: with "20.0" the server would not start as fast as theirs does.
        command = [sys.executable, "-m", "akash_mcp", "serve", "--speed", f"{speed:g}"]
        await anyio.Path(home).mkdir(parents=True)
        http = await anyio.open_process([*command, "--transport", "sse", "--port", "0"], env=environment)
        assert http.stderr is not None
        try:
            said = ""
            while "listening on " not in said:
                said += (await http.stderr.receive()).decode()
            url = said.partition("listening on ")[2].split()[0]
            yield Stage(network, ServerAddress(command, environment, url))
        finally:
            with anyio.CancelScope(shield=True):
                http.terminate()
                await http.wait()
                await http.aclose()


async def tell(client: Installed, way: Way, home: Path, *, is_first: bool) -> Story:
    """The whole story with one client on one way.

    `is_first`: what takes long is done on its first way, and on each on which it takes tasks.
    """
    story = Story(client.spec, way)
    async with staged(home) as stage:

        async def plainly(driver: Driver) -> None:
            story.protocol = driver.protocol
            await _told_plainly(story, stage, driver)

        await _driven(story, "list", driving(client, way, stage.server, home / "plain"), plainly)
        if client.spec.asks:
            asked = driving(client, way, stage.server, home / "asked", can_be_asked=True)
            await _driven(story, "yes", asked, lambda driver: _told_by_asking(story, stage, driver))
    takes_tasks = not client.spec.no_tasks and way.era != LEGACY
    if takes_tasks or is_first:
        name, done = ("task", _task) if takes_tasks else ("pending", _pending)
        async with staged(home / "slow", PATIENT_SPEED) as slow:
            patient = driving(client, way, slow.server, home / "patient", takes_tasks=takes_tasks)
            await _driven(story, name, patient, lambda driver: story.part(name, lambda: done(slow, driver)))
    return story


async def _driven(
    story: Story,
    part: str,
    connected: AbstractAsyncContextManager[Driver],
    told: Callable[[Driver], Awaitable[None]],
) -> None:
    """Do with a client what `told` does; where it cannot connect, `part` has failed."""
    try:
        async with connected as driver:
            await told(driver)
    except DriverFailed as failure:
        story.came[part] = str(failure)


async def _told_plainly(story: Story, stage: Stage, driver: Driver) -> None:
    await story.part("list", lambda: _list(driver))
    await story.part("call", lambda: _call(driver))
    await story.part("error", lambda: _error(driver))
    await story.part("nulls", lambda: _nulls(stage, driver))
    await story.part("two-step", lambda: _two_step(stage, driver))


async def _told_by_asking(story: Story, stage: Stage, driver: Driver) -> None:
    await story.part("decline", lambda: _shown_instead(stage, driver, DECLINE))
    await story.part("cancel", lambda: _shown_instead(stage, driver, CANCEL))
    await story.part("empty yes", lambda: _shown_instead(stage, driver, EMPTY))
    await story.part("no", lambda: _shown_instead(stage, driver, NO))
    await story.part("late no", lambda: _refused(stage, driver))
    await story.part("yes", lambda: _yes(stage, driver))


async def _list(driver: Driver) -> str | None:
    tools = await driver.tools()
    if "deploy" not in tools or "get_logs" not in tools:
        raise NotSo(f"tools are missing: {', '.join(tools)}")
    return None


async def _call(driver: Driver) -> str | None:
    seen = await driver.call("validate_sdl", {"sdl": web_sdl()})
    if seen.data.get("ok") is not True:
        raise NotSo(seen.words[:300])
    if seen.structured is not None and seen.text and json.loads(seen.text) != seen.structured:
        raise NotSo("text and structured content say different things")
    return None


async def _error(driver: Driver) -> str | None:
    seen = await driver.call("get_deployment", {"id": "1234567"})
    if "No money moved" not in seen.words:
        raise NotSo(f"the model does not learn what failed: {seen.words[:300]}")
    if seen.raised:
        return f"a failed call is raised ({seen.raised[:160]})"
    return None if seen.is_error else "a failed call reaches the model as words, without a flag"


async def _nulls(stage: Stage, driver: Driver) -> str | None:
    optional = ("max_usd_per_hour", "prefer", "name", "hours", "until", "regions", "exclude_providers")
    seen = await driver.call("deploy", {"sdl": web_sdl(), "deposit_usd": 1, **dict.fromkeys(optional)})
    if seen.data.get("status") != "confirmation_required":
        raise NotSo(seen.words[:300])
    return None


async def _two_step(stage: Stage, driver: Driver) -> str | None:
    before = stage.made
    shown = await driver.call("deploy", {"sdl": web_sdl(), "deposit_usd": 1})
    if shown.data.get("status") != "confirmation_required" or stage.made != before:
        raise NotSo(f"no plan was shown first: {shown.words[:300]}")
    launched, note = await _confirmed(driver, shown)
    await stage.is_closed(await stage.is_up(launched, driver), driver)
    if stage.made != before + 1:
        raise NotSo(f"{stage.made - before} deployments were made")
    return note


async def _pending(stage: Stage, driver: Driver) -> str | None:
    before = stage.made
    shown = await driver.call("deploy", {"sdl": web_sdl(), "deposit_usd": 1})
    launched, note = await _confirmed(driver, shown)
    # Whoever asks again and again may come when it is done.
    if launched.data.get("status") != "pending" and not note:
        raise NotSo(f"it is not pending: {launched.words[:300]}")
    await stage.is_closed(await stage.is_up(launched, driver), driver)
    if stage.made != before + 1:
        raise NotSo(f"{stage.made - before} deployments were made")
    return note


async def _task(stage: Stage, driver: Driver) -> str | None:
    """One call tells the end of a launch that takes longer than a call waits, so it was a task that told it."""
    before = stage.made
    shown = await driver.call("deploy", {"sdl": web_sdl(), "deposit_usd": 1})
    started = anyio.current_time()
    launched = await driver.call("confirm", {"approval_token": shown.data.get("approval_token", "")})
    took = anyio.current_time() - started
    if launched.data.get("status") != "ready":
        raise NotSo(f"no task told how it ended, after {took:.0f} s: {launched.words[:300]}")
    if took < WAIT_SECONDS:
        raise NotSo(f"it took {took:.0f} s, which a call waits without a task")
    await stage.is_closed(await stage.is_up(launched, driver), driver)
    if stage.made != before + 1:
        raise NotSo(f"{stage.made - before} deployments were made")
    return None


async def _confirmed(driver: Driver, shown: Seen) -> tuple[Seen, str | None]:
    """What `confirm` came to, asked again where the client gave up on it before it was answered, as a model would."""
    call = {"approval_token": shown.data.get("approval_token", "")}
    launched = await driver.call("confirm", call)
    lost = 0
    while not launched.data and not launched.is_error and lost < _PATIENCE_CALLS:
        lost += 1
        said = launched.words
        launched = await driver.call("confirm", call)
    note = (
        f"gives up on a call ({said[:120]}); asked again, confirm tells of the same launch" if lost else None
    )
    return launched, note


async def _yes(stage: Stage, driver: Driver) -> str | None:
    launched = await driver.call("deploy", {"sdl": web_sdl(), "deposit_usd": 1}, YES)
    if len(launched.asked) != 1:
        raise NotSo(f"asked {len(launched.asked)} times: {launched.words[:300]}")
    await stage.is_closed(await stage.is_up(launched, driver), driver, YES)
    return None


async def _shown_instead(stage: Stage, driver: Driver, answer: dict[str, Any]) -> str | None:
    """A no that comes at once is not a person's: the plan is shown, and nothing is spent."""
    seen = await _asked_in_vain(stage, driver, answer)
    if seen.raised:
        return f"raised by the client, which shows its model no plan ({seen.raised[:160]})"
    if seen.data.get("status") == "confirmation_required" and seen.data.get("approval_token"):
        return None
    if "No money moved" in seen.words:
        raise NotSo(f"the plan is not shown: {seen.words[:300]}")
    return f"the client's own words, and no plan: {seen.words[:120]}"


async def _refused(stage: Stage, driver: Driver) -> str | None:
    """A no that takes its time is a no."""
    seen = await _asked_in_vain(stage, driver, LATE_NO)
    if seen.data.get("status") == "confirmation_required" or "No money moved" not in seen.words:
        raise NotSo(f"the no does not count: {seen.words[:300]}")
    return f"raised ({seen.raised[:160]})" if seen.raised else None


async def _asked_in_vain(stage: Stage, driver: Driver, answer: dict[str, Any]) -> Seen:
    before = stage.made
    seen = await driver.call("deploy", {"sdl": web_sdl(), "deposit_usd": 1}, answer)
    if not seen.asked:
        raise NotSo(f"nobody was asked: {seen.words[:300]}")
    if stage.made != before:
        raise NotSo(f"a deployment was made: {seen.words[:300]}")
    return seen


def web_sdl() -> str:
    """What is deployed: a web page."""
    return (examples_dir() / "web.yaml").read_text(encoding="utf-8")
