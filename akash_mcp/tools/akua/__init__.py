"""The toolsets `akua` and `akua-clusters`: another company's hosted Kubernetes platform, unrelated to Akash."""

from __future__ import annotations

from akash_mcp.tools.akua import clusters, operations, reading, writing
from akash_mcp.tools.tool import ToolSpec

TOOLS: tuple[ToolSpec, ...] = (*reading.TOOLS, operations.TOOL, *writing.TOOLS)

CLUSTER_TOOLS: tuple[ToolSpec, ...] = clusters.TOOLS
