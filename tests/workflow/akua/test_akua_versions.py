"""Which version of a package is meant: never one by chance, and those that there are are named where it is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from lying_proxy import LyingProxy

from akash_mcp.clients.akua.models import PackageVersion
from akash_mcp.clients.akua.pages import LARGEST_PAGE
from akash_mcp.clients.akua.reader import AkuaReader
from akash_mcp.errors import BadArgument, NotFound
from akash_mcp.workflow.akua.versions import version_of

pytestmark = pytest.mark.anyio

VERSIONS = "GET /v1/packages/[^/]+/versions"


async def package_of(akua_reader: AkuaReader) -> str:
    return (await akua_reader.packages()).records[0].id


async def refusal(akua_reader: AkuaReader, version: str) -> str:
    with pytest.raises(BadArgument) as refused:
        await version_of(akua_reader, await package_of(akua_reader), version)
    return str(refused.value)


async def test_latest_a_semver_and_an_id_each_name_one(akua_reader: AkuaReader) -> None:
    package = await package_of(akua_reader)
    latest = await version_of(akua_reader, package, "latest")
    first = await version_of(akua_reader, package, "1.0.0")
    assert (latest.semver, first.semver) == ("1.1.0", "1.0.0")
    assert await version_of(akua_reader, package, first.id) == first


async def test_what_is_not_there_is_refused_and_what_is_there_named(akua_reader: AkuaReader) -> None:
    said = await refusal(akua_reader, "3.0.0\n\x1b[31m")
    assert 'no version "3.0.0"' in said
    assert '"1.1.0"' in said
    assert '"1.0.0"' in said


async def test_which_is_the_latest_is_not_guessed(akua_reader: AkuaReader, akua_proxy: LyingProxy) -> None:
    akua_proxy.rewrite("GET /v1/packages/[^/]+", lambda told: {**told, "latest_version_id": None})
    said = await refusal(akua_reader, "latest")
    assert "does not say which version of this package is the latest" in said
    assert '"1.1.0"' in said


async def test_a_semver_that_two_have_names_neither(akua_reader: AkuaReader, akua_proxy: LyingProxy) -> None:
    akua_proxy.rewrite(VERSIONS, of_each(lambda told: {**told, "semver": "1.0.0"}))
    assert '"1.0.0" names 2 versions' in await refusal(akua_reader, "1.0.0")


def of_each(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Any], Any]:
    """A page with each record changed."""
    return lambda told: {**told, "data": [change(each) for each in told["data"]]}


async def test_a_semver_is_compared_before_nothing_else_than_an_id(
    akua_reader: AkuaReader, akua_proxy: LyingProxy
) -> None:
    """A version that calls itself by another's id does not take its place."""
    package = await package_of(akua_reader)
    listed = (await akua_reader.versions(package)).records
    wanted = listed[1].id
    akua_proxy.rewrite(VERSIONS, of_each(lambda told: {**told, "semver": wanted}))
    assert (await version_of(akua_reader, package, wanted)).id == wanted


async def test_what_a_list_that_is_not_whole_lacks_is_asked_for_by_itself(
    akua_reader: AkuaReader, akua_proxy: LyingProxy
) -> None:
    package = await package_of(akua_reader)
    every = {each.semver: each for each in (await akua_reader.versions(package)).records}
    akua_proxy.rewrite(VERSIONS, lambda told: {**told, "data": told["data"][:1], "has_more": True})
    found: list[PackageVersion] = [await version_of(akua_reader, package, each.id) for each in every.values()]
    assert [each.id for each in found] == [each.id for each in every.values()]
    with pytest.raises(NotFound):
        await version_of(akua_reader, package, "7.7.7")


async def test_many_versions_are_named_by_the_first_ten(
    akua_reader: AkuaReader, akua_proxy: LyingProxy
) -> None:
    def many(told: dict[str, Any]) -> dict[str, Any]:
        return {
            **told,
            "data": [
                {**told["data"][0], "id": f"pkgv_{number}", "semver": f"1.{number}.0"} for number in range(30)
            ],
        }

    akua_proxy.rewrite(VERSIONS, many)
    said = await refusal(akua_reader, "9.9.9")
    assert "and 20 more" in said
    assert "pkgv_11" not in said


async def test_the_latest_is_read_by_itself(akua_reader: AkuaReader, akua_proxy: LyingProxy) -> None:
    """Each version in the list comes with its whole schema: that of a large chart is more than we take."""
    package = await package_of(akua_reader)
    akua_proxy.rewrite(VERSIONS, lambda told: {**told, "padding": "x" * LARGEST_PAGE})
    assert (await version_of(akua_reader, package, "latest")).semver == "1.1.0"
