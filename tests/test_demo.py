"""The README's first command, and what it does when the job cannot be done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import shared_data


def demo(home: Path, *arguments: str) -> tuple[int, dict[str, object], str]:
    done = subprocess.run(
        [sys.executable, "-m", "akash_mcp", "demo", "--json", *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=55,
    )
    return done.returncode, json.loads(done.stdout.splitlines()[-1]), done.stderr


def test_the_main_job_is_done_and_seen_from_outside(tmp_path: Path) -> None:
    status, line, _ = demo(tmp_path)
    assert status == 0
    assert line["ok"] is True
    assert line["closed"] is True
    assert str(line["uri"]).startswith("http://localhost:")
    assert set(line) == {"ok", "dseq", "provider", "uri", "bids", "spent_usd", "closed", "seconds"}


def test_one_of_the_larger_real_sdls_is_deployed(tmp_path: Path) -> None:
    path = shared_data.require("sdl/corpus/langfuse__deploy.yaml")
    status, line, told = demo(tmp_path, str(path))
    assert status == 0, told
    assert line["ok"] is True


def test_an_sdl_that_crashes_ends_closed_and_says_why(tmp_path: Path) -> None:
    sdl = tmp_path / "crash.yaml"
    web = (Path(__file__).parent.parent / "examples" / "web.yaml").read_text(encoding="utf-8")
    sdl.write_text(web.replace("nginx:1.28.0-alpine", "ghcr.io/acme/crash:1"), encoding="utf-8")
    status, line, told = demo(tmp_path, str(sdl), "--speed", "60")
    assert status == 1
    assert (line["ok"], line["closed"]) == (False, True)
    assert "keeps starting and ending" in " ".join(told.split())


def test_an_sdl_that_would_be_refused_costs_nothing(tmp_path: Path) -> None:
    sdl = tmp_path / "bad.yaml"
    sdl.write_text("version: '2.0'\n", encoding="utf-8")
    status, line, told = demo(tmp_path, str(sdl))
    assert (status, line["ok"], line["dseq"]) == (1, False, None)
    assert "nothing was spent" in told
