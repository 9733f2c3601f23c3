"""What an agent sees: one module a toolset. A toolset is a tuple of tools; building the server is choosing tuples."""

from __future__ import annotations

from collections.abc import Mapping

from akash_mcp.tools import account, akua, confirm, deploy, exec, market, observe, sdl
from akash_mcp.tools.tool import ToolSpec

TOOLSETS: Mapping[str, tuple[ToolSpec, ...]] = {
    "deploy": (*deploy.TOOLS, confirm.TOOL),
    "observe": observe.TOOLS,
    "market": market.TOOLS,
    "account": account.TOOLS,
    "exec": exec.TOOLS,
    "sdl": sdl.TOOLS,
    "akua": akua.TOOLS,
    "akua-clusters": akua.CLUSTER_TOOLS,
}

CONFIRM = confirm.TOOL
"""Every server has it that has a tool with a plan."""
