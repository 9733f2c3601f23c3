"""The toolset `market`: what there is to lease, and what it costs, before anything is paid."""

from __future__ import annotations

from akash_mcp.tools.market import prices, providers, screening, templates
from akash_mcp.tools.tool import ToolSpec

TOOLS: tuple[ToolSpec, ...] = (*screening.TOOLS, *prices.TOOLS, *providers.TOOLS, *templates.TOOLS)
