"""What is open to the Internet is told before anybody says yes: in the verdict, and in the question."""

from __future__ import annotations

import pytest
from agents import YES, Connect

from akash_mcp.sdl import check
from akash_mcp.tools.present import verdict

pytestmark = pytest.mark.anyio


def test_of_many_ports_what_anyone_gets_into_is_listed_and_the_rest_counted(sdl: str) -> None:
    ports = "".join(f"      - {{port: {port}, to: [{{global: true}}]}}\n" for port in range(2351, 2376))
    exposed = verdict(check(sdl.replace("    expose:\n", f"    expose:\n{ports}", 1))).exposed
    assert exposed is not None
    assert exposed[0] == "web port 2375 (TCP at a random port): usually a Docker daemon without a login"
    assert exposed[20:] == ["and 6 more"]


async def test_what_anyone_gets_into_is_told_in_the_verdict_and_in_each_question(
    connect: Connect, sdl: str
) -> None:
    cache = sdl.replace("nginx:1.28.0-alpine", "redis:8.2.1").replace("port: 80", "port: 6379", 1)
    async with connect(answer=YES) as agent:
        plain = await agent.call("validate_sdl", sdl=sdl)
        verdict = await agent.call("validate_sdl", sdl=cache)
        dseq = (await agent.call("create_deployment", sdl=sdl, deposit_usd=1))["dseq"]
        await agent.call("update_deployment", dseq=dseq, sdl=cache)
        created, updated = agent.asked
    assert plain["exposed"] == ["web port 80 (HTTP)"]
    assert "warnings" not in plain
    assert 'Open to the Internet: "web" port 80 (HTTP). $1.00 goes' in created
    assert verdict["exposed"] == ["web port 80 (HTTP): Redis without a password"]
    assert verdict["warnings"][0]["rule"] == "E01"
    assert "ports (6379 is open to the Internet now)" in updated
    assert (
        'Open to the Internet: "web" port 80 (HTTP). '
        'Not safe: "web" port 80 is Redis without a password: anyone can read and change what it holds.'
    ) in updated
