"""What `serve --sandbox` says of its money, so that nobody takes it for real, nor real money for play money.

Whether it is play money is known only where the network was started by this process: a Console on this machine's
loopback may lead to the real one.
"""

from __future__ import annotations

from typing import Any

SANDBOX = "a simulated network: all money here is play money"
"""The value of the field `sandbox` in every answer."""

FIELD = "sandbox"
SCHEMA: dict[str, Any] = {"type": "string", "description": "That this is not the real network: tell the user"}

_BEFORE = "Play money, in a sandbox: "


def marked(text: str) -> str:
    """A sentence of money, a question or an error, so that it says by itself what money it speaks of."""
    return f"{_BEFORE}{text}" if text else text


def marked_answer(shown: dict[str, Any]) -> dict[str, Any]:
    """An answer with the field, and with its summary and what it says of money marked."""
    sentences = {
        name: marked(shown[name]) for name in ("summary", "money") if isinstance(shown.get(name), str)
    }
    return {FIELD: SANDBOX, **shown, **sentences}
