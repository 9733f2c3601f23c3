"""Which version an install, a product or a render has, as a person is told of it."""

from __future__ import annotations

from contextlib import suppress

from akash_mcp.clients.akua.models import Install, Product
from akash_mcp.clients.akua.reader import AkuaReader
from akash_mcp.errors import BadArgument, NotFound
from akash_mcp.sanitize.text import field
from akash_mcp.workflow.akua.versions import LATEST, version_of

_MOST_PACKAGES = 40
"""Whose versions are read to find out which package an install is of: Akua names the version alone."""


async def version_of_product(reader: AkuaReader, product: Product) -> tuple[str, str, str]:
    """The package of a product, the version of it that is installed now, and that in words."""
    package = product.package
    if package is None or not package.id:
        raise BadArgument(f"Akua does not say which package product {product.id} is of.")
    pin = package.version_pin
    wanted = pin.version if pin is not None and pin.kind == "pinned" else package.default_version_id
    chosen = await version_of(reader, package.id, wanted or LATEST)
    follows = ", the latest now" if pin is None or pin.kind != "pinned" else ""
    return package.id, chosen.id, f"version {field(chosen.semver or chosen.id, 60)}{follows}"


async def version_words(reader: AkuaReader, install: Install) -> tuple[str, str]:
    """Which version an install has, in words, and the package that it is of; "" for what cannot be found out."""
    wanted = install.package_version_id
    packages: list[str] = []
    if install.product_id:
        product = await reader.product(install.product_id)
        packages = [product.package.id] if product.package is not None and product.package.id else []
    else:
        packages = [each.id for each in (await reader.packages()).records]
    for package_id in packages[:_MOST_PACKAGES]:
        for version in (await reader.versions(package_id)).records:
            if version.id == wanted:
                return version.semver or "", package_id
    return "", packages[0] if install.product_id and packages else ""


async def render_words(reader: AkuaReader, install_id: str, render_id: str, package_id: str) -> str:
    """The version that a render brings back, "" where that is not known. Raises `BadArgument` where the install has no
    render of that id, or where it was never deployed."""
    listing = await reader.renders(install_id)
    render = next((each for each in listing.records if each.id == render_id), None)
    if render is None and not listing.is_whole:
        with suppress(NotFound):  # which is told below, with those that there are
            render = await reader.render(install_id, render_id)
    if render is None:
        known = ", ".join(field(each.id, 60) for each in listing.records[:10]) or "none that could be read"
        raise BadArgument(
            f"Install {install_id} has no render of that id"
            + ("." if listing.is_whole else f", as far as the list could be read: {listing.problem}"),
            next_step=f"Its renders: {known}.",
        )
    if render.state != "deployed":
        state = f"is {field(render.state, 20)}" if render.state else "does not say in which state it is"
        raise BadArgument(
            f"That render {state}, so it cannot be restored.",
            next_step="akua_get_install shows those that were deployed.",
        )
    if not render.package_version_id:
        return ""
    versions = (await reader.versions(package_id)).records if package_id else []
    semver = next((each.semver for each in versions if each.id == render.package_version_id), None)
    return semver or render.package_version_id
