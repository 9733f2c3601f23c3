"""A secret among the values of an install goes to Akua, and is written, shown and logged nowhere else."""

from __future__ import annotations

import logging
from pathlib import Path

import anyio
import pytest
from agents import ERAS, SPEED, YES, Connect, text_of
from akua_deeds import cluster_id, package_id
from akua_world import done, things

from akash_mcp import config
from akash_mcp.guard.approval import tokens
from akash_mcp.sandbox.akua import AkuaOptions, EmbeddedAkua
from akash_mcp.sandbox.akua.errors import Refused
from akash_mcp.sandbox.akua.install_life import InstallLife

pytestmark = pytest.mark.anyio

SECRET = "correct-horse-battery-staple"
PLAIN = "shop-of-somebody.example.com"
"""A value that is shown to whoever agrees to it."""


@pytest.fixture
def akua_options() -> AkuaOptions:
    return AkuaOptions(speed=SPEED, automine=True, plan="pro")


def arguments(akua: EmbeddedAkua) -> dict[str, object]:
    return {
        "region": "eu-central",
        "package_id": package_id(akua),
        "cluster_id": cluster_id(akua),
        "values": {"hostname": PLAIN, "admin_password": SECRET},
    }


def written(folder: Path) -> bytes:
    """All bytes that a server keeps, the log of its database too."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("asks", [True, False], ids=["questions", "two-step"])
async def test_a_secret_is_forgotten_when_it_is_over(
    akua: EmbeddedAkua,
    akua_settings: config.Settings,
    at_akua: Connect,
    caplog: pytest.LogCaptureFixture,
    era: str,
    asks: bool,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with at_akua(era, answer=YES if asks else None) as agent:
        answer = await agent.call("akua_create_install", **arguments(akua))
        told = [*agent.asked, str(answer)]
        if not asks:
            assert SECRET.encode() in written(akua_settings.state_dir)  # until it is agreed to
        answer = await done(agent, answer)
        told += [str(answer), str(await agent.call("akua_get_operation", operation_id=answer["op_id"]))]
    kept = written(akua_settings.state_dir)
    assert SECRET.encode() not in kept
    assert PLAIN.encode() not in kept
    assert b"Its values are not kept." in kept
    assert PLAIN in told[0]
    assert not [text for text in told if SECRET in text]
    assert SECRET not in caplog.text
    assert things(akua, "installs")[0]["values"]["admin_password"] == SECRET


async def test_a_secret_that_akua_repeats_is_hidden(
    akua: EmbeddedAkua, akua_settings: config.Settings, at_akua: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise Refused(422, f"{SECRET} is too easy to guess")

    monkeypatch.setattr(InstallLife, "create", refuse)
    async with at_akua(answer=YES) as agent:
        result = await agent.ask("akua_create_install", **arguments(akua))
    assert result.is_error
    assert "is too easy to guess" in text_of(result)
    assert SECRET not in text_of(result)
    assert SECRET.encode() not in written(akua_settings.state_dir)


async def test_a_plan_that_nobody_agreed_to_is_forgotten_in_its_time(
    akua: EmbeddedAkua, akua_settings: config.Settings, at_akua: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "TOKEN_SECONDS", 0)
    async with at_akua() as agent:
        await agent.call("akua_create_install", **arguments(akua))
        with anyio.fail_after(20):
            while SECRET.encode() in written(akua_settings.state_dir):
                await agent.call("akua_list_clusters")
    assert things(akua, "installs") == []
