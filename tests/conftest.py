"""A server beside an embedded network, and clients that connect to it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from agents import ERAS, SPEED, Agent, Connect
from jsonschema import Draft202012Validator
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.client.extension import ClientExtension
from mcp.client.session import MessageHandlerFnT
from mcp.types import ElicitRequestParams, ElicitResult, LoggingLevel
from pydantic import SecretStr

from akash_mcp import config
from akash_mcp.clients import retries
from akash_mcp.clients.console import account_reader
from akash_mcp.clients.proxies import PROXY_VARIABLES
from akash_mcp.data import examples_dir
from akash_mcp.sandbox.console import Generation
from akash_mcp.sandbox.network import EmbeddedNetwork, Options
from akash_mcp.server import build
from akash_mcp.workflow.runtime import Intervals

pytest_plugins = ["shared_data", "akua_server", "akua_world"]

INTERVALS = replace(Intervals().times(SPEED), reading=0.0)
"""The people of these tests read a question in no time."""

_IN_MEMORY = Path("/dev/shm")
_ROOM = 2 << 30


def _keep_folders_in_memory() -> None:
    """Each commit of a ledger waits for the disk, as it must, and no ledger of a test is wanted after a power cut.

    Where there is no such file system, or no room in it, the folders of tests stay where they were.
    """
    if os.access(_IN_MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(_IN_MEMORY).free >= _ROOM:
        os.environ.setdefault(
            "TMPDIR", str(_IN_MEMORY)
        )  # read by pytest, and by the processes that tests start
        tempfile.tempdir = None  # pytest has looked already


_keep_folders_in_memory()

# A proxy and authorities of the machine that runs the tests decide none of them.
for _name in (*PROXY_VARIABLES, "ssl_cert_file", "ssl_cert_dir"):
    os.environ.pop(_name, None)
    os.environ.pop(_name.upper(), None)

# The suite stays short; `make thorough` looks longer. No test chooses a number of examples of its own.
hypothesis.settings.register_profile("suite", max_examples=50, deadline=None)
hypothesis.settings.register_profile("thorough", max_examples=2000, deadline=None)
hypothesis.settings.register_profile(
    "mutants",
    max_examples=50,
    deadline=None,
    derandomize=True,
    phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


@pytest.hookimpl(optionalhook=True)  # mutants are run without xdist
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Three a core: most of a test's time is an embedded network's, which waits for its next block, not for a core."""
    return 3 * (os.cpu_count() or 1)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """The package runs on asyncio (uvicorn and websockets do), so the tests do too."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _schemas_judged_once() -> Iterator[None]:
    """Each client judges the schemas of its tools anew, a fifth of a test's time; all here see the same dozen."""
    judged: set[str] = set()
    check_schema = Draft202012Validator.check_schema

    def check(schema: dict[str, Any]) -> None:
        text = json.dumps(schema, sort_keys=True)
        if text not in judged:
            check_schema(schema)
            judged.add(text)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Draft202012Validator, "check_schema", check)
        yield


@pytest.fixture
def sdl() -> str:
    return (examples_dir() / "web.yaml").read_text(encoding="utf-8")


@pytest.fixture
def generation() -> Generation:
    """Which Console API the network plays. A test that wants another parametrizes it."""
    return "reference"


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses before a request is sent again, and between two of a balance, are as much shorter as time in the network
    is faster."""
    monkeypatch.setattr(retries, "LONGEST_BACKOFF_SECONDS", retries.LONGEST_BACKOFF_SECONDS / SPEED)
    monkeypatch.setattr(account_reader, "MEMO_SECONDS", account_reader.MEMO_SECONDS / SPEED)


@pytest.fixture
async def network(generation: Generation, quick_retries: None) -> AsyncIterator[EmbeddedNetwork]:
    # What only the source of `2026-11` sends, and its document does not name, is needed by no tool.
    strict = generation == "2026-11"
    async with EmbeddedNetwork(Options(speed=SPEED, generation=generation, strict=strict)) as running:
        yield running


@pytest.fixture
def settings(network: EmbeddedNetwork, tmp_path: Path) -> config.Settings:
    return config.Settings(
        api_key=SecretStr(network.api_key),
        console_url=network.console_url,
        chain_rest_url=network.chain_rest_url,
        state_dir=tmp_path / "state",
        allow_private_providers=("127.0.0.0/8", "::1/128"),
    )


@pytest.fixture
def connect(settings: config.Settings) -> Connect:
    """`async with connect(era, answer=…, **settings) as agent`. Without an answer the client cannot be asked."""

    @asynccontextmanager
    async def connected(
        era: str = ERAS[0],
        *,
        answer: ElicitResult | None = None,
        intervals: Intervals = INTERVALS,
        extensions: Sequence[ClientExtension] = (),
        hears: MessageHandlerFnT | None = None,
        log_level: LoggingLevel | None = None,
        **changed: Any,
    ) -> AsyncIterator[Agent]:
        asked: list[str] = []

        async def respond(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
            asked.append(params.message)
            assert answer is not None
            return answer

        chosen = config.Settings(**{**dict(settings), **changed})
        server = build(chosen, intervals=intervals)
        async with Client(
            server,
            mode=era,
            elicitation_callback=respond if answer else None,
            extensions=extensions,
            message_handler=hears,
            log_level=log_level,
        ) as client:
            yield Agent(client, asked)

    return connected
