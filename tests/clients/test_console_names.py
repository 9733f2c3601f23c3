from __future__ import annotations

import pytest

from akash_mcp.clients.console.names import bears, full_name, words_for, words_of
from akash_mcp.ids import OpId

OURS = OpId("op_0123456789abcdef")


@pytest.mark.parametrize(
    ("asked", "services", "words"),
    [
        ("  my\n blog ", ["web"], "my blog"),
        ("", ["web", "db"], "web+db"),
        ("", [], ""),
        ("ghp_" + "aB3" * 12, [], "<masked>"),
    ],
)
def test_a_deployment_is_called_as_was_asked_else_by_its_services(
    asked: str, services: list[str], words: str
) -> None:
    assert words_for(asked, services) == words


@pytest.mark.parametrize("words", ["my blog", "", "web+db", "op_fedcba9876543210", "a · b · op_1"])
def test_the_operation_is_found_in_a_name_and_not_shown(words: str) -> None:
    name = full_name(words, OURS)
    assert bears(name, OURS)
    assert words_of(name) == words


@pytest.mark.parametrize(
    "name", [None, "", "blog", f"{OURS}-2", f"{OURS} · blog", f"x{OURS}", f"blog · {OURS}2"]
)
def test_a_name_that_only_holds_an_operation_is_not_its_own(name: str | None) -> None:
    assert not bears(name, OURS)
    assert words_of(name) == (name or "")
