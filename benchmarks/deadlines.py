"""Fifty deployments whose servers are killed at random, and then `akash-mcp watch` alone: how late is each closed?

    python benchmarks/deadlines.py [DEPLOYMENTS] [GENERATION] [SEED]

The embedded network runs 600 times as fast, so that an hour of a run lasts 6 seconds and a look of the watch comes
every half second (a tick). Servers are processes of their own, killed (SIGKILL) while they deploy or after it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

import anyio
from anyio.abc import ByteReceiveStream
from mcp import Client, StdioServerParameters

from akash_mcp.data import examples_dir
from akash_mcp.sandbox.network import EmbeddedNetwork, Options
from akash_mcp.workflow.runtime import Intervals

SPEED = 600.0
TICK = 0.5
HOUR = 3600 / SPEED
LONGEST_HOURS = 8


def environment(network: EmbeddedNetwork, home: str, many: int) -> dict[str, str]:
    """What a server and the watch are told."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("AKASH")},
        "HOME": home,
        "XDG_CONFIG_HOME": home,
        "AKASH_API_KEY": network.api_key,
        "AKASH_CONSOLE_URL": network.console_url,
        "AKASH_CHAIN_REST_URL": network.chain_rest_url,
        "AKASH_MCP_STATE_DIR": f"{home}/state",
        "AKASH_MCP_APPROVAL": "auto",
        "AKASH_MCP_MAX_DEPLOYMENTS": str(many),
        "AKASH_MCP_MAX_USD_PER_DAY": "1000",
        "AKASH_MCP_ALLOW_PRIVATE_PROVIDERS": "127.0.0.0/8,::1/128",
    }


async def deploy_and_die(env: dict[str, str], random: Random, sdl: str, several: int) -> None:
    """A server that begins so many deployments, and is killed in the middle of it or after."""
    pid_file = Path(env["HOME"]) / f"server-{random.random()}"
    command = f"import os, pathlib, sys; pathlib.Path({str(pid_file)!r}).write_text(str(os.getpid())); "
    command += "from akash_mcp.cli.main import main; sys.exit(main(sys.argv[1:]))"
    server = StdioServerParameters(
        command=sys.executable, args=["-c", command, "serve", "--speed", str(SPEED)], env=env
    )

    async def call(client: Client) -> None:
        arguments: dict[str, Any] = {"sdl": sdl, "deposit_usd": 5, "hours": random.randint(1, LONGEST_HOURS)}
        with contextlib.suppress(Exception):  # its server dies meanwhile
            await client.call_tool(random.choice(["deploy", "create_deployment"]), arguments)

    with contextlib.suppress(Exception), anyio.move_on_after(60):
        async with Client(server) as client, anyio.create_task_group() as tasks:
            for _ in range(several):
                tasks.start_soon(call, client)
            await anyio.sleep(random.uniform(0.5, 6))
            os.kill(int(pid_file.read_text()), signal.SIGKILL)
            tasks.cancel_scope.cancel()


def ends_of(folder: Path) -> dict[str, float]:
    """When each run ends by the journal."""
    with contextlib.closing(sqlite3.connect(folder / "akash-mcp.sqlite3")) as connection:
        rows = connection.execute(
            "SELECT dseq, ends_at FROM operations WHERE kind = 'launch' AND dseq IS NOT NULL"
        )
        return dict(rows.fetchall())


def held_in(folder: Path) -> int:
    """How many reservations are held."""
    with contextlib.closing(sqlite3.connect(folder / "akash-mcp.sqlite3")) as connection:
        return int(connection.execute("SELECT COUNT(*) FROM reservations WHERE state = 'held'").fetchone()[0])


async def swallow(said: ByteReceiveStream) -> None:
    """Read what a process says, so that it never waits for a reader."""
    async for _ in said:
        pass


async def measure(many: int, generation: str, seed: int) -> int:
    """Print how late each was closed. 1 where one was not closed within a tick of its end (and what that takes)."""
    random, sdl = Random(seed), (examples_dir() / "web.yaml").read_text(encoding="utf-8")
    options: Any = {"generation": generation}
    with tempfile.TemporaryDirectory() as home:
        async with EmbeddedNetwork(Options(speed=SPEED, balance_uact=10**9, **options)) as network:
            env, state = environment(network, home, many), Path(home) / "state"
            for first in range(0, many, 5):
                await deploy_and_die(env, random, sdl, min(5, many - first))
            command = [sys.executable, "-m", "akash_mcp", "watch", "--speed", str(SPEED)]
            chain, closed = network.chain.deployments, dict[str, float]()
            async with (
                await anyio.open_process(command, env=env, stdout=None, stderr=subprocess.PIPE) as watch,
                anyio.create_task_group() as beside,
            ):
                assert watch.stderr is not None
                await (
                    watch.stderr.receive()
                )  # it says that it watches: what came due before was nobody's to close
                beside.start_soon(swallow, watch.stderr)
                started = time.time()
                while time.time() - started < 180:
                    network.chain.schedule.catch_up()
                    for (_, dseq), deployment in chain.items():
                        if deployment.state == "closed":
                            closed.setdefault(dseq, time.time())
                    if len(closed) == len(chain) and not held_in(state):
                        break
                    await anyio.sleep(0.05)
                watch.terminate()
                await watch.wait()
            ends = ends_of(state)
            first_look = started + Intervals().first_look
            late = {dseq: at - max(ends.get(dseq) or at, first_look) for dseq, at in closed.items()}
            worst = max(late.values(), default=0.0)
            at_its_end = sum(value > 0 for value in late.values())
            servers = -(-many // 5)
            print(
                f"{generation}: {len(chain)} created by {servers} servers that were killed; {len(closed)} closed, "
                f"{at_its_end} of them at the end of their run, the others before it (unwound, or by the platform)."
            )
            print(
                f"  the latest {worst:.2f} s after its end, {worst / TICK:.1f} ticks; still held: {held_in(state)}"
            )
            return int(len(closed) < len(chain) or held_in(state) > 0)


def main() -> int:
    words = sys.argv[1:]
    many = int(words[0]) if words else 50
    return anyio.run(
        measure, many, words[1] if len(words) > 1 else "reference", int(words[2]) if len(words) > 2 else 7
    )


if __name__ == "__main__":
    sys.exit(main())
