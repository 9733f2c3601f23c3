"""The layers hold, and a wrong import really fails."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent
LINT = Path(sys.executable).with_name("lint-imports")

TWO_ENDS = "Two ends: the embedded network imports sdl and ids, and nothing else of ours"

BREACHES = {
    "a tool that takes the writer": (
        "akash_mcp/tools/thief.py",
        "from akash_mcp.clients.console.writer import ConsoleWriter",
        "One gate: only the gate builds a writer or a shell",
    ),
    "a tool that takes the writer of Akua": (
        "akash_mcp/tools/akua/thief.py",
        "from akash_mcp.clients.akua.writer import AkuaWriter",
        "One gate: only the gate builds a writer or a shell",
    ),
    "a workflow that takes the writer": (
        "akash_mcp/workflow/thief.py",
        "from akash_mcp.clients.console.writer import ConsoleWriter",
        "One gate: only the gate builds a writer or a shell",
    ),
    "a workflow that takes the shell": (
        "akash_mcp/workflow/thief.py",
        "from akash_mcp.clients.provider.shell import ProviderShell",
        "One gate: only the gate builds a writer or a shell",
    ),
    "a sandbox that reads with the client's eyes": (
        "akash_mcp/sandbox/mirror.py",
        "from akash_mcp.clients.console.models import Bid",
        TWO_ENDS,
    ),
    "a sandbox that counts with the product's money": (
        "akash_mcp/sandbox/prices.py",
        "from akash_mcp.money import BLOCKS_PER_HOUR",
        TWO_ENDS,
    ),
    "a client that knows the sandbox": (
        "akash_mcp/clients/mirror.py",
        "from akash_mcp.sandbox.chain import Chain",
        "Two ends, the other way",
    ),
    "a diagnosis that knows the launch": (
        "akash_mcp/workflow/diagnosis/thief.py",
        "from akash_mcp.workflow.launch import launch",
        "Workflows are independent: what only reads knows nothing of what spends",
    ),
    "SDL rules that check by themselves": (
        "akash_mcp/sdl/rules/thief.py",
        "from akash_mcp.sdl.check import check",
        "Inside sdl: authors, checks, rules, output, model, YAML",
    ),
    "YAML reading that knows the SDL": (
        "akash_mcp/sdl/yaml/thief.py",
        "from akash_mcp.sdl.model import Sdl",
        "Inside sdl: authors, checks, rules, output, model, YAML",
    ),
    "a guard that leans on the market": (
        "akash_mcp/guard/judge.py",
        "from akash_mcp.market.ranking import rank",
        "Imports go down only",
    ),
    "a cleaner that is not a leaf": (
        "akash_mcp/sanitize/heavy.py",
        "from akash_mcp.errors import AkashError",
        "Imports go down only",
    ),
    "a room that no layer names": (
        "akash_mcp/attic.py",
        "",
        "Imports go down only",
    ),
    "a Console client that asks providers": (
        "akash_mcp/clients/console/upward.py",
        "from akash_mcp.clients.provider.tokens import Tokens",
        "Clients: providers over the Console and the chain, all over HTTP",
    ),
    "an import that goes up": (
        "akash_mcp/guard/upward.py",
        "from akash_mcp.tools.tool import Effect",
        "Imports go down only",
    ),
}


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(LINT), "--config", "pyproject.toml", "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


@pytest.fixture
def package(tmp_path: Path) -> Path:
    shutil.copytree(TOP / "akash_mcp", tmp_path / "akash_mcp", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(TOP / "pyproject.toml", tmp_path)
    return tmp_path


def test_layers_hold(package: Path) -> None:
    done = _lint(package)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("where", "line", "contract"), BREACHES.values(), ids=BREACHES.keys())
def test_a_wrong_import_fails(where: str, line: str, contract: str, package: Path) -> None:
    (package / where).write_text(f'"""A breach."""\n\n{line}\n', encoding="utf-8")
    done = _lint(package)
    assert done.returncode != 0
    assert f"{contract} BROKEN" in done.stdout


def test_the_embedded_network_is_kept_from_every_module_but_two() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (forbidden,) = (contract["forbidden_modules"] for contract in contracts if contract["name"] == TWO_ENDS)
    modules = {
        path.stem
        for path in (TOP / "akash_mcp").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    allowed = {"__init__", "sandbox", "sdl", "ids"}
    assert {f"akash_mcp.{name}" for name in modules - allowed} == set(forbidden)


@pytest.mark.parametrize("dangerous", ["AkuaWriter", "ConsoleWriter", "ProviderShell"])
def test_only_the_gate_builds_what_spends_or_runs(dangerous: str) -> None:
    named: dict[str, str] = {}
    for path in (TOP / "akash_mcp").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if re.search(rf"\b{dangerous}\b", text):
            named[path.relative_to(TOP / "akash_mcp").as_posix()] = text
    assert [name for name, text in named.items() if f"{dangerous}(" in text] == ["guard/gate.py"]
    assert {name.split("/")[0] for name in named} == {"clients", "guard"}


def test_what_only_secrets_need_is_imported_when_one_is_used() -> None:
    for path in (TOP / "akash_mcp").rglob("*.py"):
        at_once = re.findall(r"(?m)^(?:import|from) (keyring|joserfc)\b", path.read_text(encoding="utf-8"))
        assert not at_once, path
