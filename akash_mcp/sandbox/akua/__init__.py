"""Akua for clients to be tried against: its API over a socket, with workspaces, a cluster and something to install.

It is held to Akua's OpenAPI document of August 2026, and takes what its newer contract allows. Akua is a hosted
Kubernetes platform of another company, and has nothing to do with Akash but a similar name.
"""

from __future__ import annotations

from akash_mcp.sandbox.akua.catalogue import AKUA
from akash_mcp.sandbox.akua.embedded import AkuaOptions, EmbeddedAkua

__all__ = ["AKUA", "AkuaOptions", "EmbeddedAkua"]
