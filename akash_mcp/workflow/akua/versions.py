"""Which version of a package is meant: the latest, or one that is named by its semver or its id."""

from __future__ import annotations

from collections.abc import Iterable

from akash_mcp.clients.akua.models import PackageVersion
from akash_mcp.clients.akua.pages import Listing
from akash_mcp.clients.akua.reader import AkuaReader
from akash_mcp.errors import BadArgument
from akash_mcp.sanitize.text import quoted

LATEST = "latest"

_MOST_NAMED = 10


async def version_of(reader: AkuaReader, package_id: str, version: str) -> PackageVersion:
    """The version of a package that `latest`, a semver or a version's id names.

    Raises `BadArgument` that names the versions there are where it is none of them, or more than one, or where Akua
    does not say which one is the latest.
    """
    if version == LATEST:
        newest = (await reader.package(package_id)).latest_version_id
        if newest is None:
            raise _unclear(
                "Akua does not say which version of this package is the latest.",
                await reader.versions(package_id),
            )
        # By itself: each version in the list comes with its whole schema, and many are more than a page may hold.
        return await reader.version(package_id, newest)
    listing = await reader.versions(package_id)
    found = [each for each in listing.records if each.id == version]
    if not found:
        found = [each for each in listing.records if each.semver == version]
    if len(found) == 1:
        return found[0]
    if found:
        raise _unclear(f"{quoted(version)} names {len(found)} versions of this package.", listing)
    if listing.is_whole:
        raise _unclear(f"This package has no version {quoted(version)}.", listing)
    # It may be among those that the list left out.
    return await reader.version(package_id, version)


def _unclear(what: str, listing: Listing[PackageVersion]) -> BadArgument:
    named = _named(listing.records)
    known = f"It has: {named}." if named else "No version of it was found."
    missing = f" There may be more: {listing.problem}" if not listing.is_whole else ""
    return BadArgument(f"{what} {known}{missing}", next_step="Name one of its versions by its id.")


def _named(versions: Iterable[PackageVersion]) -> str:
    names = [quoted(each.id) + (f" ({quoted(each.semver)})" if each.semver else "") for each in versions]
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
