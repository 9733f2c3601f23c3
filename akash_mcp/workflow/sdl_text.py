"""The SDL that a tool's argument means: the text itself, or one that was seen before, by its name."""

from __future__ import annotations

from akash_mcp.errors import BadArgument
from akash_mcp.guard.books.sdls import is_sdl_id
from akash_mcp.ids import SdlId
from akash_mcp.workflow.runtime import Runtime


async def sdl_text(rt: Runtime, sdl: str) -> str:
    """The text behind an `sdl_id`, and any other text as it is. Raises `BadArgument` for a name that is not known."""
    if not is_sdl_id(sdl):
        return sdl
    text = await rt.sdls.find(SdlId(sdl.strip()))
    if text is None:
        raise BadArgument(
            f"{sdl.strip()} is not the sdl_id of an SDL that this server knows: it was never given out, or more than "
            "a day ago.",
            next_step="Send the SDL's text in its place.",
        )
    return text
