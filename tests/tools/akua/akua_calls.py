"""The reading tools by name, the ids that each needs, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping

from agents import Agent

CALLS: Mapping[str, tuple[str, ...]] = {
    "akua_whoami": (),
    "akua_list_clusters": (),
    "akua_list_packages": (),
    "akua_list_products": (),
    "akua_get_package_inputs": ("package_id",),
    "akua_list_installs": (),
    "akua_get_install": ("install_id",),
    "akua_get_install_logs": ("install_id",),
    "akua_list_repositories": (),
}

LISTS: Mapping[str, tuple[str, str]] = {
    "akua_list_clusters": ("clusters", "/clusters"),
    "akua_list_packages": ("packages", "/packages"),
    "akua_list_products": ("products", "/products"),
    "akua_list_installs": ("installs", "/installs"),
    "akua_list_repositories": ("repositories", "/repositories"),
}
"""Those that list: the field of their rows, and Akua's path."""


async def install_of(agent: Agent) -> str:
    """The first install that there is."""
    return str((await agent.call("akua_list_installs"))["installs"][0]["id"])


async def ids_of(agent: Agent) -> dict[str, str]:
    """An id for each argument that names something."""
    packages = (await agent.call("akua_list_packages"))["packages"]
    return {"package_id": packages[0]["id"], "install_id": await install_of(agent)}
