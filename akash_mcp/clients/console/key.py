"""The Console API key: whose money is spent."""

from __future__ import annotations

from akash_mcp.clients.api_key import ApiKey
from akash_mcp.errors import MissingKey


class ConsoleKey(ApiKey):
    """The key of one account at the Console."""

    title = "The Akash Console API key"
    missing = MissingKey
