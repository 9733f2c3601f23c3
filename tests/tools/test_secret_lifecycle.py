"""A secret through a whole life of a deployment, with one server that is a process: its value comes out nowhere.

What a Console, a container and a log echo of it holds its name instead; and the network has the value.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import keyring
import pytest
from agents import SPEED, YES, Agent, text_of
from conftest import INTERVALS
from keyring_in_a_file import BACKEND, FileKeyring
from lying_proxy import LyingProxy, lying_proxy
from mcp import Client, StdioServerParameters
from mcp.client import ClientRequestContext
from mcp.client.stdio import stdio_client
from mcp.types import CallToolResult, ElicitRequestParams, ElicitResult

from akash_mcp import config
from akash_mcp.cli import main
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.sdl import check
from akash_mcp.sdl.secret_values import with_values
from akash_mcp.server import build

pytestmark = pytest.mark.anyio

FIRST = "mk7Q'\"<&é%2B+/ \\first-value"
SECOND = "second:value#9X — with more"
NOTE = "plain-and-readable"


def with_secret(sdl: str, *, mode: str = NOTE) -> str:
    lines = f"""\
    command: ["sh", "-c", "env; nginx"]
    env:
      - PASSWORD=secret://DB
      - MODE={mode}
    expose:"""
    return sdl.replace("    expose:", lines, 1)


def forms(value: str) -> set[bytes]:
    """How a value may stand somewhere: as it is, in JSON, in a URL, in base64 at any place, and in hex."""
    raw = value.encode()
    texts = {
        value,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        quote(value),
        raw.hex(),
    }
    texts |= {base64.b64encode(b"x" * n + raw).decode()[4:-4] for n in range(3)}
    return {text.encode() for text in texts}


class Recorder:
    """A client that keeps all that reaches it."""

    def __init__(self, client: Client, asked: list[str]) -> None:
        self.client = client
        self.asked = asked
        self.answers: list[str] = []

    async def call_tool(self, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        async def heard(progress: float, total: float | None, message: str | None) -> None:
            self.answers.append(str(message))

        result = await self.client.call_tool(tool, arguments, progress_callback=heard)
        self.answers.append(result.model_dump_json())
        return result


@pytest.fixture
def keyring_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A keyring of this test's own, which a process that is started finds too."""
    before = keyring.get_keyring()
    (tmp_path / "keyring").mkdir()
    monkeypatch.setenv("KEYRING_FILE", str(tmp_path / "keyring" / "kept"))
    keyring.set_keyring(FileKeyring())
    yield tmp_path / "keyring" / "kept"
    keyring.set_keyring(before)


@pytest.fixture
def keep(
    settings: config.Settings, monkeypatch: pytest.MonkeyPatch, keyring_file: Path
) -> Iterator[Callable[[str], None]]:
    """Store the secret DB as a person does from a pipe. From then on this process logs as `serve --debug` does."""

    def stored(value: str) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(value.encode())))
        assert main.main(["secret", "--debug", "set", "DB", "--state-dir", str(settings.state_dir)]) == 0

    root, ours = logging.getLogger(), logging.getLogger("akash_mcp")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield stored
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


@asynccontextmanager
async def talking(server: Any) -> AsyncIterator[Recorder]:
    asked: list[str] = []

    async def respond(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        return YES

    async with Client(server, elicitation_callback=respond) as client:
        yield Recorder(client, asked)


@asynccontextmanager
async def serving(settings: config.Settings, log: Path, *, as_process: bool) -> AsyncIterator[Recorder]:
    """A server that a client talks to, in this process or in one of its own."""
    key = settings.api_key
    if not as_process or key is None:
        async with talking(build(settings, intervals=INTERVALS)) as recorder:
            yield recorder
        return
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "akash_mcp", "serve", "--debug", "--speed", str(SPEED)],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[1]),
            "PYTHON_KEYRING_BACKEND": BACKEND,
            "KEYRING_FILE": os.environ["KEYRING_FILE"],
            "AKASH_API_KEY": key.get_secret_value(),
            "AKASH_CONSOLE_URL": settings.console_url,
            "AKASH_CHAIN_REST_URL": settings.chain_rest_url,
            "AKASH_MCP_STATE_DIR": str(settings.state_dir),
            "AKASH_MCP_ALLOW_PRIVATE_PROVIDERS": "127.0.0.0/8,::1/128",
            "AKASH_MCP_TOOLSETS": "deploy,observe,exec",
        },
    )
    log.parent.mkdir()
    with log.open("a", encoding="utf-8") as errlog:
        async with talking(stdio_client(parameters, errlog)) as recorder:
            yield recorder


def echoing(proxy: LyingProxy) -> None:
    """Refuse the next creation with words that hold the SDL that was sent, and the value in other spellings too."""
    said = f"Invalid SDL: PASSWORD={FIRST} ({quote(FIRST)}, {base64.b64encode(FIRST.encode()).decode()})"
    body = {"error": "BadRequestError", "message": said, "code": "bad_request"}
    proxy.refuse("POST /v1/deployments", 400, body)


def bodies(proxy: LyingProxy) -> bytes:
    """The SDLs and manifests that were sent, and the bodies that they came in."""
    texts = [json.dumps(request.body, ensure_ascii=False) for request in proxy.requests]
    for request in proxy.requests:
        body = request.body or {}
        texts += [
            str(holder.get(key)) for holder in (body, body.get("data") or {}) for key in ("sdl", "manifest")
        ]
    return "\n".join(texts).encode()


@pytest.mark.parametrize("generation", ["2025", "reference", "2026-11"])
async def test_the_value_of_a_secret_comes_out_nowhere(
    generation: str,
    network: EmbeddedNetwork,
    settings: config.Settings,
    keep: Callable[[str], None],
    keyring_file: Path,
    sdl: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    sdl, log = with_secret(sdl), tmp_path / "log" / "stderr"
    async with lying_proxy(network.console_url) as proxy:
        settings = settings.model_copy(
            update={"console_url": proxy.url, "toolsets": ("deploy", "observe", "exec")}
        )
        async with serving(settings, log, as_process=generation == "2026-11") as client:
            agent = Agent(client, client.asked)  # type: ignore[arg-type]  # it has what an agent uses of a client
            missing = await agent.refused("deploy", sdl=sdl, deposit_usd=5)
            assert "Secret DB is not stored" in missing
            assert "akash-mcp secret set DB" in missing
            assert not client.asked
            keep(FIRST)
            assert (await agent.call("validate_sdl", sdl=sdl))["secrets"] == ["DB"]
            echoing(proxy)
            refused = await agent.refused("deploy", sdl=sdl, deposit_usd=5)
            assert refused.count("[secret DB]") == 3, refused
            deployed = await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=5))
            assert deployed["status"] == "ready"
            assert 'Secret DB goes to "nginx:1.28.0-alpine"' in client.asked[-1]
            dseq = deployed["dseq"]
            processes = command_lines()
        # A process that begins later hides what the container logged before.
        async with serving(settings, log, as_process=False) as again:
            agent = Agent(again, again.asked)  # type: ignore[arg-type]  # as above
            logs = text_of(await agent.ask("get_logs", dseq=dseq))
            assert "PASSWORD=[secret DB]" in logs
            assert f"MODE={NOTE}" in logs
            ran = await agent.call("run_command", dseq=dseq, command=["env"])
            assert "PASSWORD=[secret DB]" in ran["stdout"]
            for tool in ("get_events", "diagnose_deployment"):
                await agent.ask(tool, dseq=dseq)
            assert runs(network, dseq) == version(sdl, FIRST)
            # Another variable, and then another value.
            changed = sdl.replace(f"MODE={NOTE}", "MODE=other")
            await agent.call("update_deployment", dseq=dseq, sdl=changed)
            assert 'env changed "MODE"' in again.asked[-1]
            assert runs(network, dseq) == version(changed, FIRST)
            patched = [request.body for request in proxy.requests if request.route.startswith("PATCH /v1/")]
            keep(SECOND)
            await agent.call("update_deployment", dseq=dseq, sdl=changed)
            assert "New values may go to it: DB" in again.asked[-1]
            assert "Its provider is akash1" in again.asked[-1]
            assert runs(network, dseq) == version(changed, SECOND)
            assert (await agent.call("close_deployment", dseq=dseq))["status"] == "closed"
        sent = bodies(proxy)
    assert SECOND in json.loads(everything_in(keyring_file.parent)).values()
    told = "\n".join((*client.answers, *client.asked, *again.answers, *again.asked, *capfd.readouterr()))
    out = told.encode() + everything_in(tmp_path / "log") + processes + everything_in(tmp_path / "state")
    assert out.count(b"secret://DB") >= 1
    for value in (FIRST, SECOND):
        assert not [form for form in forms(value) if form in out], value
        # Inside TLS it has to be sent, except where it goes sealed.
        assert any(form in sent for form in forms(value)) is (generation != "2026-11")
    if generation == "2026-11":
        [body] = patched
        assert body["data"]["services"] == {"web": {"env": {"MODE": "other"}}}


def command_lines() -> bytes:
    """Of every process of this machine that can be seen."""
    return b"".join(file.read_bytes() for file in Path("/proc").glob("[0-9]*/cmdline"))


def runs(network: EmbeddedNetwork, dseq: str) -> str:
    """The hash of the manifest that the chain has, which a provider holds what it gets against."""
    [deployment] = [each for each in network.chain.deployments.values() if each.dseq == dseq]
    return deployment.version.hex()


def version(sdl: str, value: str) -> str | None:
    return check(with_values(sdl, {"DB": value})).manifest_sha256


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
