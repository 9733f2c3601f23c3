"""From a compose file to an SDL: what Akash can carry, and a list of what it cannot.

Source of what a compose file means: the Compose Specification (compose-spec.io).
"""

from akash_mcp.sdl.author.compose.convert import Converted, convert
from akash_mcp.sdl.author.compose.file import LeftOut

__all__ = ["Converted", "LeftOut", "convert"]
