"""A record of an installation, as pip leaves it, whose script stands where a test wants it."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

SCRIPT = "akash-mcp.exe" if sys.platform == "win32" else "akash-mcp"


def record_installation(site: Path, script: Path, direct_url: str = "") -> Path:
    """Write the record into a folder of packages, and return that: `direct_url` as PEP 610 has it."""
    info = site / "akash_mcp-0.1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: akash-mcp\nVersion: 0.1.0\n")
    with (info / "RECORD").open("w", newline="") as file:
        csv.writer(file).writerow([script, "", ""])  # pip writes it relative to the folder
    if direct_url:
        (info / "direct_url.json").write_text(direct_url)
    return site


def install_program(folder: Path, record: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have this process find akash-mcp installed with its script in `folder`; returns the script."""
    script = folder / SCRIPT
    folder.mkdir(parents=True, exist_ok=True)
    if not script.exists():
        script.touch(mode=0o755)
    monkeypatch.syspath_prepend(str(record_installation(record, script)))
    return script
