"""`check_images`: what registries tell of an SDL's images, for the tools that judge or write one."""

from __future__ import annotations

from akash_mcp.sdl.report import Report
from akash_mcp.workflow.image_checks import CheckedImage, check_images_for_model
from akash_mcp.workflow.runtime import Runtime


async def checked_images(rt: Runtime, report: Report) -> list[CheckedImage]:
    """Ask registries that all share, as a stranger; of none, where the SDL's fields are wrong."""
    if report.model is None:
        return []
    async with rt.open_registries() as registries:
        return await check_images_for_model(report.model, registries)
