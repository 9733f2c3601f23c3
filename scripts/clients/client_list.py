"""The clients that are held against the server: what to install of each, what drives it, and how it can connect."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DRIVERS = Path(__file__).with_name("drivers")
_INSTALL_SECONDS = 600
_COMPLETE = ".complete"
"""A file that says that nothing interrupted an installation."""

STDIO, HTTP, SSE = "stdio", "http", "sse"
LEGACY, AUTO, MODERN = "legacy", "auto", "modern"
OWN = "its own"
"""The client lets nobody choose."""


@dataclass(frozen=True, slots=True)
class Way:
    """A transport, and the era that the client is told to speak."""

    transport: str
    era: str = LEGACY


@dataclass(frozen=True, slots=True)
class ClientSpec:
    """A client: its packages, the first of which it is named after, its driver, and its ways."""

    name: str
    driver: str
    packages: tuple[str, ...]
    ways: tuple[Way, ...]
    asks: bool = True
    """Whether its users can be asked, by what the library offers."""
    no_tasks: str = ""
    """Why it has no way to take tasks; empty where it takes them, in the newer era."""
    environment: tuple[tuple[str, str], ...] = ()
    """What its driver is told beside its target."""

    @property
    def is_npm(self) -> bool:
        """Whether npm installs it."""
        return "==" not in self.packages[0]

    @property
    def version(self) -> str:
        """The version of the package that it is named after."""
        return self.packages[0].rpartition("@" if self.is_npm else "==")[2]

    @property
    def folder(self) -> str:
        """A name for where it is installed."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.packages[0]).strip("-")


def _ways(transports: str, *eras: str) -> Iterator[Way]:
    for transport in transports.split():
        # SSE is older than the newer era.
        yield from (Way(transport, era) for era in eras if transport != SSE or era in (LEGACY, OWN))


_OLDEST = tuple(_ways("stdio sse", LEGACY))
_ALL = tuple(_ways("stdio http sse", LEGACY))
_OWN_ERA = tuple(_ways("stdio http sse", OWN))
_BOTH_ERAS = tuple(_ways("stdio http sse", LEGACY, AUTO))
_EVERY_ERA = tuple(_ways("stdio http sse", LEGACY, AUTO, MODERN))
_INSPECTED = tuple(_ways("stdio http", LEGACY, AUTO, MODERN))
_TASKED = tuple(_ways("stdio http", AUTO))
_BRIDGED = (Way("bridge", LEGACY), Way("bridge", AUTO))

_OLDER = "It speaks no protocol that has the extension."
_UNPUBLISHED = "Its `fastmcp-tasks` is not published for this version, the row below has the newest that is."
_NO_EXTENSIONS = "It hands no extension to its session, so a server never meets one."

CLIENTS = (
    ClientSpec(
        "Python SDK", "python_sdk_1.py", ("mcp==1.2.1", "pydantic<2.11"), _OLDEST, asks=False, no_tasks=_OLDER
    ),
    ClientSpec(
        "Python SDK", "python_sdk_1.py", ("mcp==1.6.0", "pydantic<2.11"), _OLDEST, asks=False, no_tasks=_OLDER
    ),
    ClientSpec(
        "Python SDK", "python_sdk_1.py", ("mcp==1.9.4", "pydantic<2.11"), _ALL, asks=False, no_tasks=_OLDER
    ),
    ClientSpec("Python SDK", "python_sdk_1.py", ("mcp==1.28.1",), _ALL, no_tasks=_OLDER),
    ClientSpec("Python SDK", "python_sdk_2.py", ("mcp==2.3.0",), _EVERY_ERA),
    ClientSpec(
        "TypeScript SDK", "typescript_sdk.mjs", ("@modelcontextprotocol/sdk@1.32.2",), _ALL, no_tasks=_OLDER
    ),
    ClientSpec(
        "TypeScript SDK",
        "typescript_sdk.mjs",
        ("@modelcontextprotocol/client@2.4.0", "@modelcontextprotocol/ext-tasks@0.2.2"),
        _EVERY_ERA,
    ),
    ClientSpec("fastmcp", "fastmcp_client.py", ("fastmcp==2.14.7",), _ALL, no_tasks=_OLDER),
    ClientSpec("fastmcp", "fastmcp_client.py", ("fastmcp==4.2.3",), _BOTH_ERAS, no_tasks=_UNPUBLISHED),
    ClientSpec(
        "fastmcp, fastmcp-tasks", "fastmcp_client.py", ("fastmcp==4.1.4", "fastmcp-tasks==4.1.4"), _TASKED
    ),
    ClientSpec(
        "LangChain adapters", "langchain_tools.py", ("langchain-mcp-adapters==0.3.2",), _ALL, no_tasks=_OLDER
    ),
    ClientSpec(
        "OpenAI Agents SDK",
        "openai_agents.py",
        ("openai-agents==0.24.0",),
        _OWN_ERA,
        asks=False,
        no_tasks=_NO_EXTENSIONS,
    ),
    ClientSpec(
        "OpenAI Agents SDK, 60 s a call",
        "openai_agents.py",
        ("openai-agents==0.24.0",),
        _OWN_ERA,
        asks=False,
        no_tasks=_NO_EXTENSIONS,
        environment=(("CALL_SECONDS", "60"),),
    ),
    ClientSpec(
        "pydantic-ai",
        "pydantic_ai_toolset.py",
        ("pydantic-ai-slim[mcp]==2.68.0",),
        _OWN_ERA,
        no_tasks="Not without its extra `mcp-tasks`, which has a row of its own.",
    ),
    ClientSpec(
        "pydantic-ai, mcp-tasks",
        "pydantic_ai_toolset.py",
        ("pydantic-ai-slim[mcp,mcp-tasks]==2.68.0",),
        tuple(_ways("stdio http", OWN)),
    ),
    ClientSpec("mcp-remote", "python_sdk_2.py", ("mcp-remote@0.15.1",), _BRIDGED),
    ClientSpec(
        "Inspector", "inspector_cli.py", ("@modelcontextprotocol/inspector@2.12.0",), _INSPECTED, asks=False
    ),
)

NODE = "node@22.23.3"


@dataclass(frozen=True)
class Installed:
    """A client that is installed: the command line of its driver, less the argument, and its environment."""

    spec: ClientSpec
    command: tuple[str, ...]
    environment: dict[str, str]
    bridge: tuple[str, ...] = ()
    """A program that speaks stdio with the client, and HTTP with the server."""


class ClientInstaller:
    """Installs clients into folders of their own under `place`, with Node for those that need it."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def install(self, spec: ClientSpec) -> Installed:
        """The client, installed where it is not. Raises `CalledProcessError` with the installer's own words."""
        driver, told = DRIVERS / spec.driver, dict(spec.environment)
        if spec.name == "mcp-remote":
            proxy = self._npm(spec) / "mcp-remote/dist/proxy.js"
            python = self._python(next(each for each in CLIENTS if each.packages == ("mcp==2.3.0",)))
            return Installed(spec, (str(python), str(driver)), told, bridge=(self._node(), str(proxy)))
        if spec.name == "Inspector":
            launcher = self._npm(spec) / "@modelcontextprotocol/inspector/clients/launcher/build/index.js"
            command = json.dumps([self._node(), str(launcher), "--cli"])
            return Installed(spec, (sys.executable, str(driver)), told | {"INSPECTOR": command})
        if spec.is_npm:
            # What it imports is found beside it.
            folder = self._npm(spec).parent
            for module in DRIVERS.glob("*.mjs"):
                shutil.copyfile(module, folder / module.name)
            beside = folder / driver.name
            package = spec.packages[0].rpartition("@")[0]
            return Installed(spec, (self._node(), str(beside)), told | {"PACKAGE": package})
        return Installed(spec, (str(self._python(spec)), str(driver)), told)

    def _python(self, spec: ClientSpec) -> Path:
        """The interpreter of an environment that has its packages."""
        folder = self._place / spec.folder
        python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
        if not (folder / _COMPLETE).exists():
            uv = shutil.which("uv")
            if uv:
                _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
                _run([uv, "pip", "install", "--quiet", "--python", str(python), *spec.packages])
            else:
                venv.create(folder, clear=True, with_pip=True)
                _run([str(python), "-m", "pip", "install", "--quiet", *spec.packages])
            (folder / _COMPLETE).touch()
        return python

    def _node(self) -> str:
        return str(self._modules("node", (NODE,)) / "node/bin/node")

    def _npm(self, spec: ClientSpec) -> Path:
        return self._modules(spec.folder, spec.packages)

    def _modules(self, name: str, packages: tuple[str, ...]) -> Path:
        folder = self._place / name
        if not (folder / _COMPLETE).exists():
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "package.json").write_text('{"private": true, "type": "module"}\n', encoding="utf-8")
            quiet = ("--no-package-lock", "--no-save", "--no-audit", "--no-fund", "--loglevel=error")
            _run(["npm", "install", *quiet, *packages], folder)
            (folder / _COMPLETE).touch()
        return folder / "node_modules"


def _run(command: list[str], folder: Path | None = None) -> None:
    subprocess.run(command, cwd=folder, check=True, timeout=_INSTALL_SECONDS, capture_output=True)
