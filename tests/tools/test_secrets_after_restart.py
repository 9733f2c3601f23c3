"""A secret through a lost answer, a restart and a keyring that is locked meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from agents import YES, Connect, text_of
from keyring_in_a_file import FileKeyring
from workloads import STARTED, run_workload

from akash_mcp import config
from akash_mcp.guard.secret_store import SecretStore
from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio

VALUE = "value:of a secret"


@pytest.fixture
def keyring_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    before = keyring.get_keyring()
    monkeypatch.setenv("KEYRING_FILE", str(tmp_path / "keyring"))
    keyring.set_keyring(FileKeyring())
    yield tmp_path / "keyring"
    keyring.set_keyring(before)


async def test_what_was_lost_is_found_leased_after_a_restart_and_shown_while_the_keyring_is_locked(
    connect: Connect, network: EmbeddedNetwork, settings: config.Settings, keyring_file: Path, sdl: str
) -> None:
    SecretStore(settings.state_dir, lambda: 0.0).set("DB", VALUE)
    lines = '    command: [sh, "-c", "env; nginx"]\n    env: [PASSWORD=secret://DB]\n    expose:'
    sdl = sdl.replace("    expose:", lines, 1)
    await network.inject("create-500-but-landed", count=1)
    async with connect(approval="auto") as agent:
        made = await agent.finished(await agent.call("create_deployment", sdl=sdl, deposit_usd=5))
        assert made["status"] == "created"
        dseq = made["dseq"]
        offers: dict[str, Any] = await agent.call("list_bids", dseq=dseq)
    assert len(network.chain.deployments) == 1
    provider = offers["offers"][0]["provider"]
    lock(keyring_file, locked=True)
    async with connect(answer=YES) as agent:
        refused = await agent.refused(
            "create_lease", dseq=dseq, providers=[provider], max_usd_per_hour="0.05"
        )
        assert "keyring cannot be read (KeyringLocked)" in refused
        assert not agent.asked
        lock(keyring_file, locked=False)
        leased = await agent.finished(
            await agent.call("create_lease", dseq=dseq, providers=[provider], max_usd_per_hour="0.05")
        )
        assert leased["status"] == "ready"
        [question] = agent.asked
        assert 'Secret DB goes to "nginx:1.28.0-alpine"' in question
        assert provider in question
    lock(keyring_file, locked=True)
    async with connect() as agent:
        logs = text_of(await agent.ask("get_logs", dseq=dseq))
        assert "| web: PASSWORD=" in logs
        assert "Not hidden in this answer: the value of DB" in logs
        said = await agent.ask("diagnose_deployment", dseq=dseq)
        assert "Not hidden in this answer: the value of DB" in text_of(said)


async def test_what_a_confirmed_command_shows_is_hidden_or_said_not_to_be(
    connect: Connect, settings: config.Settings, keyring_file: Path, sdl: str
) -> None:
    SecretStore(settings.state_dir, lambda: 0.0).set("DB", VALUE)
    sdl = sdl.replace("    expose:", "    env: [PASSWORD=secret://DB]\n    expose:", 1)
    async with connect(approval="auto") as agent:
        made = await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=5))
    lock(keyring_file, locked=True)
    async with connect(toolsets=("deploy", "exec")) as agent:
        shown = await agent.call("run_command", dseq=made["dseq"], service="web", command=["env"])
        token = shown["approval_token"]
        for _ in range(2):
            said = text_of(await agent.ask("confirm", approval_token=token))
            assert "Not hidden in this answer: the value of DB" in said
        lock(keyring_file, locked=False)
        assert VALUE not in text_of(await agent.ask("confirm", approval_token=token))


async def test_what_an_update_gave_to_a_deployment_of_somebody_else_is_hidden_after_a_restart(
    connect: Connect, network: EmbeddedNetwork, settings: config.Settings, keyring_file: Path, sdl: str
) -> None:
    SecretStore(settings.state_dir, lambda: 0.0).set("DB", VALUE)
    lines = '    command: [sh, "-c", "env; nginx"]\n    env: [MODE=plain]\n    expose:'
    sdl = sdl.replace("    expose:", lines, 1)
    dseq = run_workload(network, sdl)
    async with connect(answer=YES) as agent:
        await agent.call("update_deployment", dseq=dseq, sdl=sdl.replace("MODE=plain", "MODE=secret://DB"))
    network.clock.skip(STARTED)
    async with connect() as agent:
        assert "MODE=[secret DB]" in text_of(await agent.ask("get_logs", dseq=dseq))


async def test_what_is_confirmed_after_a_restart_hides_what_its_deployment_got(
    connect: Connect, network: EmbeddedNetwork, settings: config.Settings, keyring_file: Path, sdl: str
) -> None:
    SecretStore(settings.state_dir, lambda: 0.0).set("DB", VALUE)
    lines = '    command: [sh, "-c", "env; nginx"]\n    env: [PASSWORD=secret://DB]\n    expose:'
    async with connect(approval="auto") as agent:
        ran = await agent.finished(
            await agent.call("deploy", sdl=sdl.replace("    expose:", lines, 1), deposit_usd=5)
        )
    dseq, command = ran["dseq"], ["sh", "-c", "env"]
    async with connect(toolsets=("exec",)) as agent:
        shown = await agent.call("run_command", dseq=dseq, command=command)
        assert "PASSWORD=[secret DB]" in (await agent.agreed(shown))["stdout"]
    async with connect(toolsets=("observe", "deploy")) as agent:
        shown = await agent.call("add_funds", dseq=dseq, amount_usd=1)
    async with connect() as agent:
        lock(keyring_file, locked=True)
        funded = await agent.ask("confirm", approval_token=shown["approval_token"])
        assert "Not hidden in this answer: the value of DB" in text_of(funded)


def lock(file: Path, *, locked: bool) -> None:
    """Lock a keyring, or open it again with what is in it."""
    kept = file.with_suffix(".kept")
    if locked:
        kept.write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    file.write_text("locked" if locked else kept.read_text(encoding="utf-8"), encoding="utf-8")
