"""A program that others wrote, run against the embedded network of 2026-11: clouddeck 0.1.2 from PyPI.

    .venv/bin/python benchmarks/outside_client.py

Installs it into an environment that is thrown away (this needs the network, so it is no test of the suite), and drives
its controller through a whole life: balance, create, bids, lease, endpoint, spend rate, close, closed. Nothing of it is
changed but its address (its own `DDC_AKASH_API`) and the step that logs in by ssh, which is answered with yes, since
what runs in the embedded network takes no logins. Fails where any step does, and where the network's own books do not
say the same.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from akash_mcp.sandbox.network import EmbeddedNetwork, Options

PROGRAM = "clouddeck==0.1.2"
PROFILE = "16"

LIFE = """
import json, os, pathlib, sys
import clouddeck.controller as ddc

ddc.LOG_STDERR = True
ddc.init_files(pathlib.Path(os.environ["DDC_CONFIG"]))
ddc.reload_config(os.environ["DDC_CONFIG"])
ddc.set_secret("AKASH_API_KEY", sys.argv[1])
ddc.set_secret("DDC_BACKUP_PASSPHRASE", "x" * 40)
for name in ("access", "worker"):
    ddc.ensure_key(name)
for name in ("github_known_hosts", "gitconfig"):
    (ddc.KEYS / name).write_text("#\\n")
ddc.ssh = lambda *args, **kwargs: "ok"

steps = {"balance": ddc.balance_usd(), "preflight": ddc.preflight("dev")}
box = ddc.create_box("dev", sys.argv[2])
dseq = box["dseq"]
steps |= {"dseq": dseq, "provider": box["provider"], "endpoint": f"{box['host']}:{box['port']}"}
steps["billing"] = dseq in ddc.billing_dseqs()
steps["listed"] = [each["name"] for each in ddc.list_account_deployments()] == [box["name"]]
steps["cost"] = ddc.close_box(dseq)
steps["closed"] = ddc.deployment_status(dseq)[0]
print(json.dumps(steps))
"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="outside-") as folder:
        home = Path(folder)
        python = installed(home / "env")
        steps, state = anyio.run(lived, python, home)
    print(json.dumps(steps, indent=2))
    told = (steps["preflight"], steps["billing"], steps["listed"], steps["closed"], state)
    if told != ([], True, True, "closed", "closed"):
        raise SystemExit(f"{PROGRAM} and the network do not agree: {told}")
    print(f"{PROGRAM} lived its whole life")


def installed(place: Path) -> Path:
    """The interpreter of a new environment that has the program."""
    venv.create(place, with_pip=True)
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", PROGRAM], check=True)
    return python


async def lived(python: Path, home: Path) -> tuple[dict[str, Any], str]:
    """What the program tells of its steps, and the state that the chain has of its deployment in the end."""
    async with EmbeddedNetwork(Options(generation="2026-11", speed=20)) as network:
        environ = {
            **os.environ,
            "HOME": str(home),
            "DDC_AKASH_API": network.console_url,
            "DDC_CONFIG": str(home / "config.toml"),
            "DDC_STATE_DIR": str(home / "state"),
            "DDC_SECRETS_DIR": str(home / "secrets"),
        }
        done = await anyio.to_thread.run_sync(
            lambda: subprocess.run(
                [python, "-", network.api_key, PROFILE],
                input=LIFE,
                env=environ,
                stdout=subprocess.PIPE,
                text=True,
                timeout=300,
                check=False,
            )
        )
        if done.returncode:
            sys.exit(done.returncode)
        steps = json.loads(done.stdout)
        deployment = network.chain.deployment(network.owner, steps["dseq"])
        return steps, "" if deployment is None else deployment.state


if __name__ == "__main__":
    main()
