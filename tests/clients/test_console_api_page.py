"""docs/console-api.md is so: methods, tools, tests and endpoints that it names exist, and it leaves none out."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import pytest
import shared_data
from console_api_page import METHODS, PLANNED, coded, rows
from console_contract import AUGUST, OCTOBER
from console_requests import OTHER_READS, OTHER_WRITES, READS, WRITES

TOP = Path(__file__).parents[2]
TOOLS = {path.stem for path in (TOP / "tests" / "snapshots" / "tools").glob("*.json")}


ENDPOINTS = rows("endpoints")


def test_every_method_is_on_the_page_and_every_method_on_it_exists() -> None:
    assert {method for row in ENDPOINTS for method in coded(row[3])} == METHODS


def test_every_method_is_among_the_requests_that_are_checked() -> None:
    assert {*READS, *OTHER_READS, *WRITES, *OTHER_WRITES} == METHODS - {"generation"}


@pytest.mark.parametrize("row", ENDPOINTS, ids=lambda row: row[0])
def test_a_row_names_what_exists(row: list[str]) -> None:
    _, known, generations, methods, used_by, test = row
    assert set(known.split()) <= set("CMLONSA")
    assert set(generations.split()) <= {"25", "ref", "26"}
    commands = {"akash-mcp doctor", "akash-mcp watch"}
    assert (
        used_by in (*PLANNED, "every tool that asks the Console") or set(coded(used_by)) <= TOOLS | commands
    )
    assert used_by
    source = (TOP / "tests" / "clients" / f"{coded(test)[0]}.py").read_text(encoding="utf-8")
    catalogue = (TOP / "tests" / "clients" / "console_requests.py").read_text(encoding="utf-8")
    imports = catalogue if "import" in source and "console_requests" in source else ""
    assert any(method in source + imports for method in coded(methods))


DOCUMENTS = {"O": AUGUST, "N": OCTOBER}
"""By the letter that stands for it in the column "known from"."""


@shared_data.needed
@pytest.mark.parametrize("letter", DOCUMENTS)
def test_every_operation_of_a_document_is_spoken_or_left_out_with_a_reason(letter: str) -> None:
    described = {operation.name for operation in DOCUMENTS[letter].operations}
    spoken = {coded(row[0])[0]: row[1].split() for row in ENDPOINTS}
    assert {endpoint for endpoint, known in spoken.items() if letter in known} == described & spoken.keys()
    patterns = [pattern for row in rows("left out") for pattern in coded(row[0])]
    for operation in described - spoken.keys():
        assert any(fnmatchcase(operation, pattern) for pattern in patterns), operation
    for endpoint in described & spoken.keys():
        assert not any(fnmatchcase(endpoint, pattern) for pattern in patterns), endpoint


@shared_data.needed
def test_what_is_left_out_is_in_a_document() -> None:
    described = {operation.name for document in DOCUMENTS.values() for operation in document.operations}
    for pattern in (pattern for row in rows("left out") for pattern in coded(row[0])):
        assert any(fnmatchcase(operation, pattern) for operation in described), pattern


@shared_data.needed
def test_what_the_newest_api_is_asked_for_is_in_its_document_or_said_to_be_of_its_source() -> None:
    known = {coded(row[0])[0]: row[1] for row in ENDPOINTS if "26" in row[2].split()}
    assert {name for name, sources in known.items() if sources != "S"} <= {
        operation.name for operation in OCTOBER.operations
    }
