"""`--check-images`: whether registries have the images of an SDL, for the commands that judge or write one."""

from __future__ import annotations

import time
from collections.abc import Sequence

import anyio

from akash_mcp import config
from akash_mcp.cli.progress import working
from akash_mcp.clients.registry.reader import RegistryReader
from akash_mcp.guard.secret_store import SecretStore
from akash_mcp.sdl import Report
from akash_mcp.sdl.author.registry_login import parse_login
from akash_mcp.sdl.author.workload import Credentials
from akash_mcp.sdl.model import Sdl
from akash_mcp.workflow.image_checks import CheckedImage, check_images_for_person


def check_images(report: Report, logins: Sequence[str] = ()) -> list[CheckedImage]:
    """Ask the registries of the images of an SDL; of none, where its fields are wrong.

    `logins` are credentials that the person names (`registry_login.FORM`). Raises `BadArgument` and `BadSettings`.
    """
    named = [parse_login(each) for each in logins]
    if report.model is None:
        return []
    with working("Asking registries for the images"):
        return anyio.run(_check, report.model, named)


async def _check(sdl: Sdl, named: Sequence[Credentials]) -> list[CheckedImage]:
    settings = config.load()
    secrets = SecretStore(settings.state_dir, time.time)
    async with RegistryReader(settings.allow_private_providers) as registries:
        return await check_images_for_person(sdl, registries, secrets, named)
