"""The embedded providers: gateways as akash-network/provider runs them, over real sockets and real TLS."""

from akash_mcp.sandbox.provider.gateway import Gateway

__all__ = ["Gateway"]
