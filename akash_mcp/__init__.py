"""akash-mcp: an MCP server that runs workloads on Akash Network without losing its owner's money."""

__version__ = "0.1.0"
