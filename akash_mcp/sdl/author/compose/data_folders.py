"""Disks that a database refuses as a provider gives them: fresh, with `lost+found` in the top folder."""

from __future__ import annotations

from akash_mcp.sdl.author.compose.file import ComposeFile
from akash_mcp.sdl.author.compose.service import ComposeService
from akash_mcp.sdl.images.fresh_disks import Mend, mend_of


def mended(
    file: ComposeFile, service: ComposeService, env: dict[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The variables and arguments of a service, with those added that have it start on its fresh disks."""
    args = service.args
    for disk in service.disks:
        if disk.kind == "ram":
            continue
        if mend := mend_of(service.image, disk.mount):
            env, args = _mended(file, service, mend, env, args)
    return env, args


def _mended(
    file: ComposeFile, service: ComposeService, mend: Mend, env: dict[str, str], args: tuple[str, ...]
) -> tuple[dict[str, str], tuple[str, ...]]:
    reason = (
        "the image refuses the top of a fresh disk, which holds lost+found"
        if mend.refuses
        else "the image takes lost+found on a fresh disk for a database"
    )
    added_env = dict(variable.split("=", 1) for variable in mend.env)
    missing = {name: value for name, value in added_env.items() if name not in env}
    words = (*service.command, *args)
    more = tuple(arg for arg in mend.args if not any(_option(word) == _option(arg) for word in words))
    if more and not _takes_options(words, mend):
        file.note(f"{service.name}: {reason}. Fix: start it with {' '.join(more)}.")
        more = ()
    for added in (*(f"{name}={value}" for name, value in missing.items()), *more):
        file.note(f"{service.name}: {added} was added, since {reason}.")
    return {**env, **missing}, (*args, *more)


def _option(word: str) -> str:
    return word.partition("=")[0]


def _takes_options(words: tuple[str, ...], mend: Mend) -> bool:
    """Whether what a service starts takes arguments at its end: the image's own program, alone or with options."""
    first = words[0] if words else "-"
    return first.startswith("-") or first.rpartition("/")[2] in mend.programs
