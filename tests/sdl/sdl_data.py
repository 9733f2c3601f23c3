"""What the tests of the SDL share: one good SDL, changes to it, and what the official judges said of 761 others."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from akash_mcp.sdl import Finding, Report, check

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "sdl"

BASE = """\
version: "2.0"
services:
  web:
    image: nginx:1.27.0
    expose:
      - port: 80
        as: 80
        to:
          - global: true
profiles:
  compute:
    web:
      resources:
        cpu:
          units: 0.5
        memory:
          size: 512Mi
        storage:
          size: 1Gi
  placement:
    dc:
      pricing:
        web:
          denom: uact
          amount: 1000
deployment:
  web:
    dc:
      profile: web
      count: 1
"""


def changed(*changes: tuple[str, str]) -> Report:
    """What `check` says of the good SDL after each old text gave way to a new one."""
    source = BASE
    for old, new in changes:
        assert old in source, old
        source = source.replace(old, new, 1)
    return check(source)


def only(report: Report) -> Finding:
    """The one error of a report."""
    (finding,) = report.errors
    return finding


@cache
def verdicts() -> tuple[dict[str, Any], ...]:
    """One row for each file: what the official judges said of it."""
    if not DATA.is_dir():
        pytest.skip(f"the official judges' verdicts are not at {DATA}")
    return tuple(json.loads(line) for line in (DATA / "verdicts.jsonl").read_text().splitlines())


@cache
def reports() -> dict[str, Report]:
    """What `check` says of each of those files."""
    return {row["file"]: check((DATA / row["file"]).read_bytes().decode()) for row in verdicts()}
