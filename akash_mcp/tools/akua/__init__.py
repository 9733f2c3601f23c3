"""The toolsets `akua` and `akua-clusters`: another company's hosted Kubernetes platform, unrelated to Akash."""

from __future__ import annotations

from akash_mcp.tools.akua import clusters, operations, writing
from akash_mcp.tools.tool import ToolSpec

TOOLS: tuple[ToolSpec, ...] = (operations.TOOL, *writing.TOOLS)

CLUSTER_TOOLS: tuple[ToolSpec, ...] = clusters.TOOLS
