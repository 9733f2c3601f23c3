"""The token of Akua's API: of a workspace, or of somebody who reaches several."""

from __future__ import annotations

from akash_mcp.clients.api_key import ApiKey
from akash_mcp.errors import MissingAkuaToken


class AkuaToken(ApiKey):
    """The bearer token that goes with every request to Akua."""

    title = "The Akua API token"
    missing = MissingAkuaToken
