"""tmp"""

from __future__ import annotations

from akash_mcp.clients.akua.models import PackageVersion
from akash_mcp.clients.akua.reader import AkuaReader


async def version_of(reader: AkuaReader, package_id: str, version: str | None) -> PackageVersion:
    """tmp"""
    listing = await reader.versions(package_id)
    latest = (await reader.package(package_id)).latest_version_id
    return next(
        v
        for v in listing.records
        if (version in (v.id, v.semver) if version and version != "latest" else v.id == latest)
    )
