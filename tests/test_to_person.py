"""What a person reads on the command line speaks to them, and not to a model about them."""

from __future__ import annotations

import pytest

from akash_mcp.cli.to_person import to_person
from akash_mcp.errors import MissingKey


@pytest.mark.parametrize(
    ("advice", "said"),
    [
        (
            "Ask the user to create one at https://console.akash.network, to set AKASH_API_KEY and to restart it.",
            "Create one at https://console.akash.network, set AKASH_API_KEY and restart it.",
        ),
        ("Ask the user for a key of their own account.", "Use a key of your own account."),
        (
            "Ask the user to correct AKASH_MCP_PROJECT_ID, or for another key.",
            "Correct AKASH_MCP_PROJECT_ID, or use another key.",
        ),
        (
            "Ask the user whose key it is, and to run akash-mcp doctor --fix if it is right.",
            "Find out whose key it is, and run akash-mcp doctor --fix if it is right.",
        ),
        ("Ask for less. Only the user can raise the limit.", "Ask for less. Only you can raise the limit."),
        ("Limits end when the user adds credits.", "Limits end when you add credits."),
        ("Ask the user to unlock their keyring.", "Unlock your keyring."),
        (
            "let the user run: akash-mcp secret set KEY; then write secret://KEY as the value",
            "run: akash-mcp secret set KEY; then write secret://KEY as the value",
        ),
        ("ask the user, and write url=… with the real value", "write url=… with the real value"),
        ("--open db:5432 (convert_compose: open) opens it on purpose", "--open db:5432 opens it on purpose"),
        ("akash-mcp import (convert_compose) makes an SDL of it", "akash-mcp import makes an SDL of it"),
        ("Make it writable, or go on to another one.", "Make it writable, or go on to another one."),
        (
            "Ask the user to set AKUA_API_TOKEN to another one (or to run akash-mcp login --akua).",
            "Set AKUA_API_TOKEN to another one (or run akash-mcp login --akua).",
        ),
        (
            "Ask the user for a token of a member who may, and whether AKUA_WORKSPACE names the right workspace.",
            "Use a token of a member who may, and see whether AKUA_WORKSPACE names the right workspace.",
        ),
        ("with a token from their Akua workspace", "with a token from your Akua workspace"),
    ],
)
def test_advice_to_a_model_is_said_to_the_person(advice: str, said: str) -> None:
    assert to_person(advice) == said


def test_nobody_is_told_to_ask_themselves_for_a_key() -> None:
    said = to_person(str(MissingKey()))
    assert "the user" not in said
    assert "call again" not in said
    assert "Run akash-mcp login in a terminal with a key from https://console.akash.network" in said
    assert "(Settings, API Keys), or set AKASH_API_KEY and restart servers that run. To try" in said
