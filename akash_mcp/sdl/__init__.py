"""The SDL (Akash's deployment file): what Console, chain and providers say of one, before any money is spent."""

from akash_mcp.sdl.check import check
from akash_mcp.sdl.diff import diff
from akash_mcp.sdl.output.groups import Attribute, Endpoint, GroupSpec, ResourceUnit, Storage
from akash_mcp.sdl.report import Finding, Report

__all__ = [
    "Attribute",
    "Endpoint",
    "Finding",
    "GroupSpec",
    "Report",
    "ResourceUnit",
    "Storage",
    "check",
    "diff",
]
