"""Fast start answers as the SDK does, to the byte, and where it could not it leaves the answer to the SDK.

`UPDATE_SNAPSHOTS=1` makes the record anew.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import version
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from spoken import DEFAULT, ENVELOPE, HANDSHAKES, answers, greeting, request, spoken
from test_stdio import SERVE, environment

from akash_mcp import config
from akash_mcp.fast_start import record as recorded
from akash_mcp.fast_start.certain import certain, default_config_file
from akash_mcp.fast_start.early_answers import FirstAnswers
from akash_mcp.server import build
from akash_mcp.tool_choice import Serving
from akash_mcp.tools import TOOLSETS

UPDATE = bool(os.environ.get("UPDATE_SNAPSHOTS"))
ALL = Serving(tuple(TOOLSETS), read_only=False, sandbox=False)
RECORD = recorded.load() if not UPDATE else None

QUESTIONS = {
    "handshake": (greeting("2025-11-25", "initialize"), request("tools/list", "tools/list")),
    "envelope": (
        request("server/discover", "server/discover", _meta=ENVELOPE),
        request("tools/list", "tools/list", _meta=ENVELOPE),
    ),
}


def results(folder: Path, era: str, serving: Serving) -> dict[str, str]:
    """The SDK's results of the first questions, by method, as text."""
    said = (line.decode().rstrip("\n") for line in answers(folder, QUESTIONS[era], serving))
    return {json.loads(line)["id"]: line.split(',"result":', 1)[1].removesuffix("}") for line in said}


def made(folder: Path) -> dict[str, Any]:
    """The record, from what the SDK says now."""
    said = {era: results(folder, era, ALL) for era in QUESTIONS}
    tools = {
        era: {tool["name"]: tool for tool in json.loads(texts["tools/list"])["tools"]}
        for era, texts in said.items()
    }
    return {
        "made_with": {
            "mcp": version("mcp"),
            "mcp_types": version("mcp_types"),
            "pydantic": version("pydantic").rpartition(".")[0] + ".",
        },
        "toolsets": {toolset: [spec.name for spec in specs] for toolset, specs in TOOLSETS.items()},
        "eras": {
            era: {
                "versions": HANDSHAKES if era == "handshake" else [ENVELOPE[next(iter(ENVELOPE))]],
                "results": {
                    method: json.loads(text) | ({"tools": []} if method == "tools/list" else {})
                    for method, text in texts.items()
                },
                "on_sandbox": {},  # what an embedded network's server says otherwise
            }
            for era, texts in said.items()
        },
        "tools": {
            spec.name: {
                "reads": spec.reads,
                "plans": spec.plans,
                "listed": {era: tools[era][spec.name] for era in QUESTIONS},
            }
            for specs in TOOLSETS.values()
            for spec in specs
        },
    }


def test_the_record_is_what_the_sdk_says(tmp_path: Path) -> None:
    text = json.dumps(made(tmp_path), ensure_ascii=False, indent=1) + "\n"
    path = Path(recorded.PATH)
    if UPDATE:
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("era", QUESTIONS)
@pytest.mark.parametrize("read_only", [False, True], ids=["all", "read-only"])
@pytest.mark.parametrize("toolsets", [DEFAULT.toolsets, ALL.toolsets, *((name,) for name in TOOLSETS)])
def test_every_variant_is_answered_as_the_sdk_answers_it(
    toolsets: tuple[str, ...], read_only: bool, era: str, tmp_path: Path
) -> None:
    serving = Serving(toolsets, read_only=read_only, sandbox=False)
    early = recorded.load().results(serving)
    version = "2025-11-25" if era == "handshake" else "2026-07-28"
    for method, text in results(tmp_path, era, serving).items():
        assert early(era, method, version) == text


def test_the_record_chooses_tools_as_the_server_does(tmp_path: Path) -> None:
    record = recorded.load()
    for count in (2, 3):
        for toolsets in permutations(TOOLSETS, count):
            for read_only in (False, True):
                served = config.Settings(state_dir=tmp_path, toolsets=toolsets, read_only=read_only)
                early = record.results(Serving(toolsets, read_only=read_only, sandbox=False))
                listed = json.loads(early("envelope", "tools/list", "2026-07-28"))["tools"]
                assert [tool["name"] for tool in listed] == [t.name for t in chosen(served)]
