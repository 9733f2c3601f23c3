"""tmp"""

from __future__ import annotations
from akash_mcp.clients.akua.reader import AkuaReader
from akash_mcp.clients.akua.models import PackageVersion


async def version_of(reader: AkuaReader, package_id: str, version: str | None) -> PackageVersion:
    raise NotImplementedError
