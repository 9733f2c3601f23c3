"""A deployment in a company's network: Console and chain through its proxy, which opens TLS; providers directly."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from agents import Connect
from company_proxy import company_proxy

from akash_mcp.sandbox.network import EmbeddedNetwork

pytestmark = pytest.mark.anyio

CREATE = b"POST /v1/deployments HTTP"


async def test_a_deployment_through_a_proxy_that_loses_the_answer_is_not_paid_twice(
    connect: Connect, network: EmbeddedNetwork, sdl: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A Console by such a name is taken for a real one, whose accounts are noted in the configuration folder.
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    services = {"console.test": network.console_url, "chain.test": network.chain_rest_url}
    ports = {host: urlsplit(url).port or 0 for host, url in services.items()}
    async with company_proxy(tmp_path, ports) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        proxy.wants_password = True
        proxy.dies_at = CREATE
        async with connect(
            console_url="https://console.test",
            chain_rest_url="https://chain.test",
            ca_file=proxy.ca_file,
            approval="auto",
        ) as agent:
            begun = await agent.call("deploy", sdl=sdl, deposit_usd=1)
            proxy.dies_at = b""
            deployed = await agent.finished(begun)
            assert deployed["status"] == "ready", deployed
            assert (await agent.call("close_deployment", dseq=deployed["dseq"]))["status"] == "closed"
    assert (proxy.died, network._console.requests["POST /v1/deployments"]) == (1, 1)
    assert {line.split()[1] for line in proxy.asked} == {"console.test:443", "chain.test:443"}
