"""The host applications, one row each: where its file is, how an entry looks there, and what its person then sees.

Above each row stands where that was read. What only a program's own behaviour showed is marked as seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from akash_mcp.cli.hosts.entry import KEY, Shape
from akash_mcp.cli.hosts.formats import Name, Tree, Value
from akash_mcp.cli.hosts.machine import Machine, first_there

Asks = Literal["asks", "sometimes", "cannot", "not stated"]
"""Whether a host shows its person a server's question (elicitation)."""


@dataclass(frozen=True, slots=True)
class Host:
    """A host application."""

    name: str
    title: str
    file: Callable[[Machine], Path]
    """The person's own file."""
    shape: Shape
    asks: Asks
    then: str
    """What to do once the entry is there, and what is then seen."""
    servers: tuple[str, ...] = ("mcpServers",)
    """The keys under which the file has its servers."""
    format: Name = "jsonc"
    project: str | None = None
    """A project's file, below its folder."""
    program: str | None = None
    """The program by which the host is found on the PATH."""
    own_command: bool = False
    """Whether the person's own file is written by the host's program alone, since it keeps changing it."""
    reads_environment: bool = False
    """Whether a key in the environment that the host starts in reaches the server."""
    input: Value = None
    """What the host asks its person for and keeps, in the list `inputs` of its file."""
    newer: str | None = None
    """A key below `servers` that a newer generation of the host has its servers in, where the file has it."""

    def keys(self, tree: Tree) -> tuple[str, ...]:
        """The keys under which this file has its servers."""
        outer = tree.get(self.servers[0])
        if self.newer is not None and isinstance(outer, dict) and isinstance(outer.get(self.newer), dict):
            return (*self.servers, self.newer)
        return self.servers

    def shape_in(self, tree: Tree) -> Shape:
        """How an entry looks in this file: what stands beside the command is another in a newer generation."""
        return self.shape if self.keys(tree) == self.servers else replace(self.shape, beside={})


_INPUT = "akash-api-key"


def _claude_desktop(machine: Machine) -> Path:
    """On Windows the application is a package since February 2026, and sees a folder of its own as %APPDATA%."""
    name = Path("Claude", "claude_desktop_config.json")
    if machine.platform != "win32":
        return machine.applications / name
    packages = sorted((machine.local / "Packages").glob("Claude_*"))
    virtual = [package / "LocalCache" / "Roaming" / name for package in packages]
    there = [file for file in virtual if file.exists()]
    return (there or virtual or [machine.roaming / name])[0]


def _vscode(folder: str) -> Callable[[Machine], Path]:
    return lambda machine: machine.applications / folder / "User" / "mcp.json"


def _cline(machine: Machine) -> Path:
    shared = machine.home / ".cline" / "data" / "settings" / "cline_mcp_settings.json"
    extension = machine.applications.joinpath(
        "Code", "User", "globalStorage", "saoudrizwan.claude-dev", "settings", shared.name
    )
    return machine.named("CLINE_MCP_SETTINGS_PATH", first_there(shared, extension, shared))


def _opencode(machine: Machine) -> Path:
    folder = machine.xdg_config / "opencode"
    return first_there(folder / "opencode.jsonc", folder / "opencode.json")


def _goose(machine: Machine) -> Path:
    if machine.platform == "win32":
        return machine.roaming / "Block" / "goose" / "config" / "config.yaml"
    return machine.xdg_config / "goose" / "config.yaml"


def _zed(machine: Machine) -> Path:
    if machine.platform == "win32":
        return machine.roaming / "Zed" / "settings.json"
    folder = machine.home / ".config" if machine.platform == "darwin" else machine.xdg_config
    return folder / "zed" / "settings.json"


def _lm_studio(machine: Machine) -> Path:
    return first_there(machine.home / ".cache" / "lm-studio", machine.home / ".lmstudio") / "mcp.json"


_STDIO = Shape(type="stdio")


_ROWS = (
    # Claude Code's documentation, "Connect Claude Code to tools via MCP" and "Settings" (CLAUDE_CONFIG_DIR). Seen with
    # 2.1.197: it hands its whole environment to a server.
    Host(
        "claude-code",
        "Claude Code",
        lambda machine: machine.named("CLAUDE_CONFIG_DIR", machine.home) / ".claude.json",
        _STDIO,
        asks="asks",
        then="Start Claude Code anew: /mcp shows akash as connected.",
        project=".mcp.json",
        program="claude",
        own_command=True,
        reads_environment=True,
    ),
    # Model Context Protocol, "Connect to local MCP servers"; claude-code issue 26073 for the package on Windows.
    Host(
        "claude-desktop",
        "Claude Desktop",
        _claude_desktop,
        Shape(),
        asks="cannot",
        then="Quit Claude Desktop whole and start it again: akash stands under Settings, Developer.",
    ),
    # Cursor's documentation, "Model Context Protocol (MCP)": places, and ${env:NAME}.
    Host(
        "cursor",
        "Cursor",
        lambda machine: machine.home / ".cursor" / "mcp.json",
        Shape(type="stdio", key={"env": {KEY: f"${{env:{KEY}}}"}}),
        asks="asks",
        then="Restart Cursor: akash stands among the MCP servers of its settings.",
        project=".cursor/mcp.json",
        program="cursor",
        reads_environment=True,
    ),
    # VS Code's documentation, "MCP configuration reference": `servers`, `inputs`; a profile other than the default has
    # a file of its own.
    *(
        Host(
            name,
            title,
            _vscode(folder),
            Shape(type="stdio", key={"env": {KEY: f"${{input:{_INPUT}}}"}}),
            asks="asks",
            then=f"Run “MCP: List Servers” in {title} and start akash. It asks for the key once and keeps it; leave it "
            "empty where akash-mcp login has it.",
            servers=("servers",),
            project=".vscode/mcp.json",
            program=program,
            input={
                "type": "promptString",
                "id": _INPUT,
                "description": "Akash Console API key (empty after akash-mcp login)",
                "password": True,
            },
        )
        for name, title, folder, program in (
            ("vscode", "VS Code", "Code", "code"),
            ("vscode-insiders", "VS Code Insiders", "Code - Insiders", "code-insiders"),
        )
    ),
    # Codex's documentation, "Model Context Protocol" and "Configuration reference": CODEX_HOME, `env_vars`, time-outs.
    # A server gets a short list of variables and these. The person's session bus is where a keyring is found, and the
    # folders decide which ledger is shared.
    Host(
        "codex",
        "Codex",
        lambda machine: machine.named("CODEX_HOME", machine.home / ".codex") / "config.toml",
        Shape(
            beside={
                "env_vars": [
                    KEY,
                    "AKASH_MCP_CONFIG",
                    "AKASH_MCP_STATE_DIR",
                    "XDG_CONFIG_HOME",
                    "XDG_STATE_HOME",
                    "XDG_RUNTIME_DIR",
                    "DBUS_SESSION_BUS_ADDRESS",
                    "HTTPS_PROXY",
                    "NO_PROXY",
                    "SSL_CERT_FILE",
                    "AKASH_MCP_CA_FILE",
                ],
                "startup_timeout_sec": 30,
                "tool_timeout_sec": 300,
            }
        ),
        asks="sometimes",
        then="Start Codex anew: /mcp shows akash.",
        servers=("mcp_servers",),
        format="toml",
        project=".codex/config.toml",
        program="codex",
        reads_environment=True,
    ),
    # GitHub's documentation, "Adding MCP servers for GitHub Copilot CLI"; `copilot help environment` for COPILOT_HOME.
    Host(
        "copilot-cli",
        "GitHub Copilot CLI",
        lambda machine: machine.named("COPILOT_HOME", machine.home / ".copilot") / "mcp-config.json",
        Shape(type="local", key={"env": {KEY: f"${{{KEY}}}"}}, beside={"tools": ["*"]}),
        asks="asks",
        then="Start copilot anew: /mcp show lists akash.",
        project=".github/mcp.json",
        program="copilot",
        reads_environment=True,
    ),
    # OpenCode's documentation, "MCP servers" of both generations: the second has them in `mcp.servers`, and reads the
    # first's form as well ("Migrate from V1"). The time-out, in milliseconds, is that of a tool's call as well.
    Host(
        "opencode",
        "opencode",
        _opencode,
        Shape(
            type="local", args=None, key={"environment": {KEY: f"{{env:{KEY}}}"}}, beside={"timeout": 120_000}
        ),
        asks="asks",
        then="Start opencode anew: opencode mcp list shows akash as connected.",
        servers=("mcp",),
        project="opencode.json",
        program="opencode",
        reads_environment=True,
        newer="servers",
    ),
    # Antigravity's documentation, "MCP": one file for the IDE and `agy`; a project has .agents/mcp_config.json.
    Host(
        "antigravity",
        "Antigravity",
        lambda machine: machine.home / ".gemini" / "config" / "mcp_config.json",
        Shape(),
        asks="not stated",
        then="Refresh under Manage MCP Servers, or start agy anew: akash stands among the servers.",
        project=".agents/mcp_config.json",
        program="agy",
    ),
    # Gemini CLI's documentation, "MCP servers with Gemini CLI": it keeps variables that look like keys from a server
    # unless the entry names them.
    Host(
        "gemini-cli",
        "Gemini CLI",
        lambda machine: machine.home / ".gemini" / "settings.json",
        Shape(key={"env": {KEY: f"${{{KEY}}}"}}),
        asks="not stated",
        then="Start gemini anew: /mcp shows akash.",
        project=".gemini/settings.json",
        program="gemini",
        reads_environment=True,
    ),
    # goose's documentation, "Configuration files" and "Using extensions". `env_keys` are looked for in goose's own
    # keyring, and the extension does not start where one is missing; the environment reaches it without.
    Host(
        "goose",
        "goose",
        _goose,
        Shape(
            type="stdio",
            command="cmd",
            beside={
                "enabled": True,
                "name": "akash",
                "description": "Run workloads on Akash Network",
                "envs": {},
                "env_keys": [],
                "timeout": 300,
            },
        ),
        asks="asks",
        then="Start goose anew: akash stands among its extensions.",
        servers=("extensions",),
        format="yaml",
        program="goose",
        reads_environment=True,
    ),
    # Zed's documentation, "Model Context Protocol" and "Configuring Zed" (places).
    Host(
        "zed",
        "Zed",
        _zed,
        Shape(beside={"env": {}}),
        asks="cannot",
        then="Zed takes it at once: the dot beside akash in the Agent Panel's settings turns green.",
        servers=("context_servers",),
        program="zed",
    ),
    # LM Studio's documentation, "Use MCP Servers"; before 0.3.9 its home was ~/.cache/lm-studio.
    Host(
        "lm-studio",
        "LM Studio",
        _lm_studio,
        Shape(),
        asks="not stated",
        then="Switch mcp/akash on in the Program tab of LM Studio.",
        program="lms",
    ),
    # Cline's documentation, "Adding & Configuring Servers" and the CLI's "Configuration": the extension kept its file
    # in VS Code's storage before it shared the CLI's.
    Host(
        "cline",
        "Cline",
        _cline,
        _STDIO,
        asks="not stated",
        then="Open Cline's MCP Servers: akash is listed with a green dot.",
        program="cline",
    ),
    # Windsurf's documentation, "Cascade MCP Integration": place, and ${env:NAME}.
    Host(
        "windsurf",
        "Windsurf",
        lambda machine: machine.home / ".codeium" / "windsurf" / "mcp_config.json",
        Shape(key={"env": {KEY: f"${{env:{KEY}}}"}}),
        asks="not stated",
        then="Press refresh among the MCP servers of Cascade: akash is listed.",
        program="windsurf",
        reads_environment=True,
    ),
)

HOSTS = {host.name: host for host in _ROWS}
