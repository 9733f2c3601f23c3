"""docs/console-api.md is so: methods, tools, tests and endpoints that it names exist, and it leaves none out."""

from __future__ import annotations

import inspect
import json
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import shared_data
from console_api_page import PLANNED, coded, rows
from console_requests import OTHER_READS, OTHER_WRITES, READS, WRITES

from akash_mcp.clients.console.reader import ConsoleReader
from akash_mcp.clients.console.writer import ConsoleWriter

TOP = Path(__file__).parents[2]
TOOLS = {path.stem for path in (TOP / "tests" / "snapshots" / "tools").glob("*.json")}


def public(cls: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(cls, inspect.isfunction) if not name.startswith("_")}


METHODS = public(ConsoleReader) | public(ConsoleWriter)
ENDPOINTS = rows("endpoints")


def test_every_method_is_on_the_page_and_every_method_on_it_exists() -> None:
    assert {method for row in ENDPOINTS for method in coded(row[3])} == METHODS


def test_every_method_is_among_the_requests_that_are_checked() -> None:
    assert {*READS, *OTHER_READS, *WRITES, *OTHER_WRITES} == METHODS - {"generation"}


@pytest.mark.parametrize("row", ENDPOINTS, ids=lambda row: row[0])
def test_a_row_names_what_exists(row: list[str]) -> None:
    _, known, generations, methods, used_by, test = row
    assert set(known.split()) <= set("CMLOSA")
    assert set(generations.split()) <= {"25", "ref", "26"}
    commands = {"akash-mcp doctor"}
    assert (
        used_by in (*PLANNED, "every tool that asks the Console") or set(coded(used_by)) <= TOOLS | commands
    )
    assert used_by
    source = (TOP / "tests" / "clients" / f"{coded(test)[0]}.py").read_text(encoding="utf-8")
    catalogue = (TOP / "tests" / "clients" / "console_requests.py").read_text(encoding="utf-8")
    imports = catalogue if "import" in source and "console_requests" in source else ""
    assert any(method in source + imports for method in coded(methods))


def test_every_operation_of_the_document_is_spoken_or_left_out_with_a_reason() -> None:
    paths = json.loads(shared_data.require("console-openapi.json").read_text(encoding="utf-8"))["paths"]
    described = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    spoken = {coded(row[0])[0]: row[1].split() for row in ENDPOINTS}
    assert {endpoint for endpoint, known in spoken.items() if "O" in known} == described & spoken.keys()
    patterns = [pattern for row in rows("left out") for pattern in coded(row[0])]
    for operation in described - spoken.keys():
        assert any(fnmatchcase(operation, pattern) for pattern in patterns), operation
    for endpoint in described & spoken.keys():
        assert not any(fnmatchcase(endpoint, pattern) for pattern in patterns), endpoint
    for pattern in patterns:
        assert any(fnmatchcase(operation, pattern) for operation in described), pattern
