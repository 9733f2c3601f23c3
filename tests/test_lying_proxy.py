"""The proxy that other tests lie with: it changes, loses, repeats and refuses what it is told to, and nothing else."""

from __future__ import annotations

import httpx2
import pytest
from lying_proxy import lying_proxy
from scripted_console import CREATE, DSEQ, LIST, ScriptedConsole

pytestmark = pytest.mark.anyio


async def test_the_proxy_lies_as_told() -> None:
    async with (
        ScriptedConsole() as console,
        lying_proxy(console.url) as proxy,
        httpx2.AsyncClient(base_url=proxy.url) as client,
    ):
        body = {"data": {"sdl": "x"}}
        assert (await client.post("/v1/deployments", json=body)).json()["data"]["dseq"] == DSEQ
        assert console.sent(CREATE)[0].body == body

        proxy.rewrite("GET /v1/deployments", lambda told: {"data": {"deployments": None}}, times=1)
        assert (await client.get("/v1/deployments?limit=1")).json() == {"data": {"deployments": None}}
        assert (await client.get("/v1/deployments")).json()["data"]["deployments"] == []
        assert console.sent(LIST)[0].query == "limit=1"

        proxy.refuse(CREATE, 502, {"message": "bad gateway"})
        assert (await client.post("/v1/deployments", json=body)).status_code == 502
        assert len(console.sent(CREATE)) == 1

        proxy.lose(CREATE)
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.post("/v1/deployments", json=body)
        assert len(console.sent(CREATE)) == 2

        proxy.drop(CREATE)
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.post("/v1/deployments", json=body)
        assert len(console.sent(CREATE)) == 2

        proxy.repeat(CREATE)
        assert (await client.post("/v1/deployments", json=body)).status_code == 201
        assert len(console.sent(CREATE)) == proxy.sent(CREATE) == 4
