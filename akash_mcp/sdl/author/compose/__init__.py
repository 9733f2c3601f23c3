"""From a compose file to an SDL: what Akash can carry, and a list of what it cannot.

Source of what a compose file means: the Compose Specification (compose-spec.io).
"""

from akash_mcp.sdl.author.compose.convert import Converted, convert
from akash_mcp.sdl.author.compose.env_text import read_env_text
from akash_mcp.sdl.author.compose.left_out import PROTECTIONS, LeftOut
from akash_mcp.sdl.author.compose.missing import MissingVariables
from akash_mcp.sdl.author.compose.protections import LostProtections

__all__ = [
    "PROTECTIONS",
    "Converted",
    "LeftOut",
    "LostProtections",
    "MissingVariables",
    "convert",
    "read_env_text",
]
