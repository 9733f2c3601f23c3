"""The README's first command, and what it does when the job cannot be done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import shared_data

from akash_mcp.cli import demo as demo_command

Demo = Callable[..., tuple[int, dict[str, object], str]]


@pytest.fixture
def demo(capfd: pytest.CaptureFixture[str]) -> Demo:
    """Runs the command here; its server is a process of its own. Status, the line of JSON, and what is on stderr."""

    def run(file: Path | None = None, *, speed: float = 60) -> tuple[int, dict[str, object], str]:
        status = demo_command.run(file, as_json=True, speed=speed)
        out, err = capfd.readouterr()
        return status, json.loads(out.splitlines()[-1]), err

    return run


def test_the_main_job_is_done_and_seen_from_outside(tmp_path: Path) -> None:
    """As a person runs it: a process, with the defaults."""
    done = subprocess.run(
        [sys.executable, "-m", "akash_mcp", "demo", "--json"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=55,
    )
    line = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0
    assert line["ok"] is True
    assert line["closed"] is True
    assert str(line["uri"]).startswith("http://localhost:")
    assert set(line) == {"ok", "dseq", "provider", "uri", "bids", "spent_usd", "closed", "seconds"}


def test_one_of_the_larger_real_sdls_is_deployed(demo: Demo) -> None:
    status, line, told = demo(shared_data.require("sdl/corpus/langfuse__deploy.yaml"))
    assert status == 0, told
    assert line["ok"] is True


def test_an_sdl_that_crashes_ends_closed_and_says_why(demo: Demo, tmp_path: Path) -> None:
    sdl = tmp_path / "crash.yaml"
    web = (Path(__file__).parent.parent / "examples" / "web.yaml").read_text(encoding="utf-8")
    sdl.write_text(web.replace("nginx:1.28.0-alpine", "ghcr.io/acme/crash:1"), encoding="utf-8")
    status, line, told = demo(sdl)
    assert status == 1
    assert (line["ok"], line["closed"]) == (False, True)
    assert "a variable is missing" in " ".join(told.split())


def test_an_sdl_that_would_be_refused_costs_nothing(demo: Demo, tmp_path: Path) -> None:
    sdl = tmp_path / "bad.yaml"
    sdl.write_text("version: '2.0'\n", encoding="utf-8")
    status, line, told = demo(sdl)
    assert (status, line["ok"], line["dseq"]) == (1, False, None)
    assert "nothing was spent" in told
