"""The client certificate of the API of 2025: how its file is kept, and when there is another."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import time as wall

import pytest
from agents import Agent, Connect, text_of
from cryptography.hazmat.primitives import serialization
from provider_certificates import Shown, registered
from test_chain_reader import chain, listed
from test_console_reader import reader
from wire_servers import Act, Server, Time, reply

from akash_mcp import config
from akash_mcp.clients.console.account_models import Certificate
from akash_mcp.clients.console.generation import Generation
from akash_mcp.clients.provider.client_certificate import ClientCertificates
from akash_mcp.errors import BadSettings
from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio

ACCOUNT = "akash1qufa3xzrf34qvwyejkhvnc4psf49fftaw0asmh"
OTHER = "akash1u5cdg7k3gl43mukca4aeultuz8x2j68mgwn28e"
USER = reply(200, {"data": {"id": "user"}})
WALLET = reply(200, {"data": [{"address": ACCOUNT}]})
NOT_REVOKED = reply(200, listed())


def pems(shown: Shown) -> Certificate:
    key = shown.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Certificate(cert_pem=shown.pem, encrypted_key=key.decode())


@dataclass
class Keeper:
    certificates: ClientCertificates
    file: Path
    console: Server
    node: Server
    time: Time


@asynccontextmanager
async def keeper(folder: Path, node: Act = NOT_REVOKED) -> AsyncIterator[Keeper]:
    time = Time()
    time.now = 0.0
    async with Server(USER, WALLET) as console, Server(node) as nodes:
        kept = ClientCertificates(
            reader(console, generation=Generation.V2025),
            chain(nodes),
            folder,
            clock=lambda: wall() + time.now,
        )
        yield Keeper(kept, folder / f"certificate-{ACCOUNT}.pem", console, nodes, time)


async def test_a_certificate_is_found_again_with_its_key(tmp_path: Path) -> None:
    made = pems(registered(ACCOUNT))
    async with keeper(tmp_path) as now:
        assert await now.certificates.current() is None
        await now.certificates.keep(made)
    async with keeper(tmp_path) as later:
        found = await later.certificates.current()
    assert found is not None
    assert found.pems.cert_pem.strip() == made.cert_pem.strip()
    assert found.pems.encrypted_key.strip() == made.encrypted_key.strip()
    assert "PRIVATE" not in repr(found) + str(found)


async def test_nobody_else_can_ever_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modes: list[int] = []
    written = os.fsync

    def fsync(opened: int) -> None:
        modes.append(stat.S_IMODE(os.fstat(opened).st_mode))
        written(opened)

    monkeypatch.setattr(os, "fsync", fsync)
    mask = os.umask(0)
    try:
        async with keeper(tmp_path / "state") as now:
            await now.certificates.keep(pems(registered(ACCOUNT)))
    finally:
        os.umask(mask)
    assert modes == [0o600]
    assert stat.S_IMODE(now.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(now.file.parent.stat().st_mode) == 0o700
    assert list(now.file.parent.iterdir()) == [now.file]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
async def test_a_file_that_others_can_use_is_not(mode: int, tmp_path: Path) -> None:
    async with keeper(tmp_path) as now:
        await now.certificates.keep(pems(registered(ACCOUNT)))
        now.file.chmod(mode)
        with pytest.raises(BadSettings, match="others can read or replace it"):
            await now.certificates.current()


async def test_a_link_is_neither_read_nor_written_through(tmp_path: Path) -> None:
    async with keeper(tmp_path) as now:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.write_text("mine")
        now.file.symlink_to(elsewhere)
        with pytest.raises(BadSettings, match="is not used"):
            await now.certificates.current()
        await now.certificates.keep(pems(registered(ACCOUNT)))
        assert await now.certificates.current() is not None
    assert elsewhere.read_text() == "mine"


@pytest.mark.parametrize(
    "text", ["", "x" * 99_999, "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"]
)
async def test_a_damaged_file_is_told_without_its_text(text: str, tmp_path: Path) -> None:
    async with keeper(tmp_path) as now:
        now.file.write_text(text)
        now.file.chmod(0o600)
        with pytest.raises(BadSettings, match="holds no certificate") as caught:
            await now.certificates.current()
    assert "xxx" not in str(caught.value)


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    async with keeper(tmp_path / "state") as now:
        with pytest.raises(BadSettings, match="cannot be kept") as caught:
            await now.certificates.keep(pems(registered(ACCOUNT)))
    assert "PRIVATE" not in str(caught.value)


async def test_an_expired_one_is_as_good_as_none(tmp_path: Path) -> None:
    async with keeper(tmp_path) as now:
        await now.certificates.keep(pems(registered(ACCOUNT, lasts=timedelta(days=1))))
        assert await now.certificates.current() is not None
        now.time.now += 86_400
        assert await now.certificates.current() is None


async def test_one_of_another_account_is_as_good_as_none(tmp_path: Path) -> None:
    async with keeper(tmp_path) as now:
        await now.certificates.keep(pems(registered(OTHER)))
        assert await now.certificates.current() is None


async def test_a_revoked_one_is_not_used_for_more_than_a_minute(tmp_path: Path) -> None:
    shown = registered(ACCOUNT)
    async with keeper(tmp_path) as now:
        await now.certificates.keep(pems(shown))
        assert await now.certificates.current() is not None
        now.node._script[:] = [reply(200, listed(shown.listed("revoked")))]
        now.time.now += 59
        assert await now.certificates.current() is not None
        now.time.now += 2
        assert await now.certificates.current() is None
    assert f"filter.serial={shown.certificate.serial_number}" in now.node.requests[0].path


async def test_a_node_that_is_down_does_not_make_it_bad(tmp_path: Path) -> None:
    async with keeper(tmp_path, node=reply(500, "")) as now:
        await now.certificates.keep(pems(registered(ACCOUNT)))
        assert await now.certificates.current() is not None


MISSING = "no valid client certificate"
OF_2025 = pytest.mark.parametrize("generation", ["2025"])


async def running(agent: Agent, sdl: str) -> str:
    deployed = await agent.finished(await agent.call("deploy", sdl=sdl, deposit_usd=5))
    return str(deployed["dseq"])


async def logs(agent: Agent, dseq: str) -> str:
    return text_of(await agent.ask("get_logs", dseq=dseq))


def ours(network: EmbeddedNetwork) -> list[str]:
    return [c.state for c in network.chain.certificates if c.owner == network.owner]


@OF_2025
async def test_logs_are_read_with_the_certificate_that_a_lease_made(
    connect: Connect,
    network: EmbeddedNetwork,
    settings: config.Settings,
    sdl: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    async with connect(approval="auto") as agent:
        dseq = await running(agent, sdl)
        assert "nginx" in await logs(agent, dseq)
    async with connect(approval="auto") as another:
        assert "nginx" in await logs(another, dseq)
    assert ours(network) == ["valid"], "the next session uses the same"
    [file] = settings.state_dir.glob("certificate-*.pem")
    key = file.read_text().split("PRIVATE KEY-----")[1].split()[0]
    assert key not in caplog.text


@OF_2025
async def test_reading_makes_no_certificate(
    connect: Connect, network: EmbeddedNetwork, settings: config.Settings, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        dseq = await running(agent, sdl)
        [file] = settings.state_dir.glob("certificate-*.pem")
        file.unlink()
        assert MISSING in await logs(agent, dseq)
        assert ours(network) == ["valid"]
        await agent.finished(await agent.call("update_deployment", dseq=dseq, sdl=sdl))
        assert ours(network) == ["valid", "valid"]
        assert "nginx" in await logs(agent, dseq)


@OF_2025
async def test_a_revoked_certificate_is_replaced_with_the_next_update(
    connect: Connect, network: EmbeddedNetwork, sdl: str
) -> None:
    async with connect(approval="auto") as agent:
        dseq = await running(agent, sdl)
    [made] = [c for c in network.chain.certificates if c.owner == network.owner]
    made.state = "revoked"
    async with connect(approval="auto") as agent:
        assert MISSING in await logs(agent, dseq)
        await agent.finished(await agent.call("update_deployment", dseq=dseq, sdl=sdl))
        assert ours(network) == ["revoked", "valid"]
        assert "nginx" in await logs(agent, dseq)
