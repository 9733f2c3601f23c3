"""The toolset `market`: what there is to lease, and what it costs, before anything is paid."""

from __future__ import annotations

from akash_mcp.tools.market import screening
from akash_mcp.tools.tool import ToolSpec

TOOLS: tuple[ToolSpec, ...] = (*screening.TOOLS,)
