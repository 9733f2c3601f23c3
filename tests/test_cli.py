"""The command line: what it answers, its exit status, and that nothing secret or technical reaches a person.

Commands run in this process; one of their own is started only where a process is what is tested: what it imports, a
stdout that nobody reads, and a stdin that ends.
"""

from __future__ import annotations

import json
import logging
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from mcp import Client

from akash_mcp import __version__, config
from akash_mcp.cli import flags, main
from akash_mcp.cli.hosts import install
from akash_mcp.cli.serve import embedded_network
from akash_mcp.config import Settings
from akash_mcp.errors import BadSettings, NotFound
from akash_mcp.server import build

ROOT = Path(__file__).parent.parent
KEY = "sk-console-0123456789"


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine on which nothing is set up, by its home. What a command does to this process is undone."""
    for name in os.environ:
        if name.startswith("AKASH"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    root, ours = logging.getLogger(), logging.getLogger("akash_mcp")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield tmp_path
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


def python(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """A Python process of its own, on that machine."""
    return subprocess.run(
        [sys.executable, *words],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=os.environ["HOME"],
        text=True,
        capture_output=True,
        input=stdin,
        timeout=50,
        check=False,
    )


def test_it_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"akash-mcp {__version__}\n"


def test_help_imports_nothing_heavy() -> None:
    code = "import sys, akash_mcp.cli.main; sys.exit(any(m in sys.modules for m in ('pydantic', 'mcp', 'asyncio')))"
    assert python("-c", code).returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        ["fly"],
        ["--transprot", "http"],
        ["--max-usd-per-da", "5"],
        ["lint"],
        ["sandbox", "--speed", "0"],
        ["sandbox", "--port", "99999999999"],
        ["sandbox", "--seed", "9" * 5_001],
        ["draft", "--image", "x", "--count", "9" * 5_001],
        ["sandbox", "--speed", "nan"],
        ["install"],
    ],
)
def test_wrong_usage_is_status_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main.main(words)
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"akash-mcp( \w+)?: .+[.?]\nakash-mcp( \w+)? --help shows what it takes\.\n", err)


def test_a_setting_that_cannot_be_taken_is_a_plain_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--chain-rest-url", "ftp://example.org"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("akash-mcp: --chain-rest-url is 'ftp://example.org': ")
    assert err.count("\n") == 1


def test_debug_adds_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--debug", "--chain-rest-url", "x"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_no_secret_can_be_given_on_the_command_line_and_everything_else_can() -> None:
    by_flag = {*flags.SETTINGS, *flags.SWITCHES}
    # Secrets, and agents, which are tables.
    assert set(Settings.model_fields) - by_flag == {"api_key", "akua_token", "token", "notify_url", "agents"}
    assert by_flag <= set(Settings.model_fields)


def test_without_a_command_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[tuple[Settings, float]] = []

    def run(settings: Settings, *, speed: float, wire: None) -> int:
        served.append((settings, speed))
        return 0

    commands = ModuleType("akash_mcp.cli.serve")
    commands.run = run  # type: ignore[attr-defined]  # a module is made here to see what the command line asks for
    monkeypatch.setitem(sys.modules, "akash_mcp.cli.serve", commands)
    monkeypatch.setattr("akash_mcp.cli.serve", commands, raising=False)
    assert main.main([]) == 0
    assert main.main(["--sandbox", "--read-only", "--max-usd-per-day", "3", "--speed", "9"]) == 0
    (plain, _), (settings, speed) = served
    assert (plain.sandbox, settings.sandbox, speed) == (False, True, 9.0)
    assert settings.read_only
    assert str(settings.max_usd_per_day) == "$3.00"


def fails_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    def fail(host: str, **_: object) -> int:
        raise error

    monkeypatch.setattr(install, "install", fail)
    return main.main(["install", "cursor"])


def test_errors_inside_a_task_group_are_told_one_by_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = ExceptionGroup("inner", [NotFound("No such thing.", status=404)])
    status = fails_with(ExceptionGroup("outer", [inner, BadSettings("Bad.", money="")]), monkeypatch)
    assert status == 1
    assert capsys.readouterr().err == "akash-mcp: No such thing. No money moved.\nakash-mcp: Bad.\n"


def test_an_interrupt_is_status_130(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fails_with(KeyboardInterrupt(), monkeypatch) == 130


def test_a_fault_of_ours_shows_neither_traceback_nor_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        fails_with(ExceptionGroup("tasks", [RuntimeError(KEY)]), monkeypatch)
    sys.excepthook(type(caught.value), caught.value, None)
    said = capsys.readouterr().err
    assert "unexpected RuntimeError" in said
    assert KEY not in said


def test_output_that_nobody_reads_is_not_an_error() -> None:
    code = "import sys; from akash_mcp.cli.main import main; sys.exit(main(['install', 'vscode']))"
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-u", "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_a_host_that_hangs_up_at_once_meets_a_clean_end() -> None:
    done = python("-m", "akash_mcp", "serve")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_debug_keeps_stdout_clean_and_the_key_unsaid(monkeypatch: pytest.MonkeyPatch) -> None:
    request = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        },
    }
    monkeypatch.setenv("AKASH_API_KEY", KEY)
    done = python("-m", "akash_mcp", "serve", "--debug", stdin=json.dumps(request) + "\n")
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [1]
    assert KEY not in done.stderr
    assert done.returncode == 0


@pytest.mark.anyio
async def test_without_key_and_network_it_tells_its_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKASH_CONSOLE_URL", "http://127.0.0.1:9")
    async with Client(build(config.load())) as client:
        assert {"deploy", "get_budget"} <= {tool.name for tool in (await client.list_tools()).tools}


@pytest.mark.anyio
async def test_the_sandbox_has_play_money_and_leaves_the_real_ledger_alone(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AKASH_API_KEY", KEY)
    monkeypatch.setenv("AKASH_MCP_STATE_DIR", str(machine / "state"))
    async with embedded_network(config.load(), 50) as settings, Client(build(settings)) as client:
        assert settings.api_key is not None
        assert settings.api_key.get_secret_value() != KEY
        answer = await client.call_tool("list_deployments")
        assert not answer.is_error, answer.content
        assert settings.state_dir.exists()
    assert not (machine / "state").exists()


def test_http_on_a_port_in_use_is_a_plain_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main.main(["serve", "--transport", "http", "--port", port]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"akash-mcp: Cannot listen on 127.0.0.1 port {port}")
    assert "Traceback" not in err


def test_http_beyond_loopback_without_a_token_does_not_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["serve", "--transport", "http", "--host", "0.0.0.0"]) == 1
    assert "AKASH_MCP_TOKEN" in capsys.readouterr().err


def test_installing_the_watch_is_handed_to_the_installer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AKASH_API_KEY", KEY)
    assert main.main(["watch", "--install", "--print", "--every", "5"]) == 0
    assert "--every" in capsys.readouterr().out
    assert main.main(["watch", "--uninstall"]) == 0
    assert "is not installed" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main.main(["watch", "--once", "--install"])
