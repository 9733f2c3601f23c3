"""Secrets that a file mounts, and the variables that name them: `POSTGRES_PASSWORD_FILE: /run/secrets/db`.

An SDL mounts no file. So the variable itself names the secret: `POSTGRES_PASSWORD=secret://db`, which a person stores,
and no deployment starts without it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from akash_mcp.sanitize.secrets import sounds_secret
from akash_mcp.sdl.author.compose.file import ComposeFile, Fields
from akash_mcp.sdl.author.compose.interpolation import Unresolved
from akash_mcp.sdl.images.names import image_name
from akash_mcp.sdl.images.secret_files import is_read_from_a_file
from akash_mcp.sdl.secret_reference import NAME
from akash_mcp.sdl.yaml.javascript import Value
from akash_mcp.sdl.yaml.loader import Path

FOLDER = "/run/secrets/"
_SUFFIX = re.compile("(.+?)_{1,2}FILE")
_NO_FILE = "an SDL mounts no file"


def read_secret_files(file: ComposeFile, service: str, fields: Fields) -> dict[str, str]:
    """The secrets that a service mounts: the path in the container, and the secret's name."""
    mounted: dict[str, str] = {}
    for item, path in file.items(fields.take("secrets"), fields.at("secrets")):
        try:
            source, target = _mount(file, service, item, path)
        except Unresolved as missing:
            file.unresolved(service, path, missing)
            continue
        mounted[target if target.startswith("/") else f"{FOLDER}{target}"] = source
    return mounted


def _mount(file: ComposeFile, service: str, item: Value, path: Path) -> tuple[str, str]:
    if not isinstance(item, dict):
        name = file.text(item, path)
        return name, name
    fields = file.fields(item, path, service)
    source = fields.text("source")
    target = fields.text("target") or source
    for owner in ("uid", "gid", "mode"):
        fields.take(owner)
    fields.leave_out_rest()
    return source, target


def with_secrets_by_name(
    file: ComposeFile, service: str, image: str, env: Mapping[str, str], mounted: Mapping[str, str]
) -> dict[str, str]:
    """The variables, with those that name a mounted secret's file replaced by ones that name the secret.

    What cannot be carried for certain is listed as a protection that is lost.
    """
    found: dict[str, str] = {}
    used: set[str] = set()
    for variable, value in env.items():
        suffixed = _SUFFIX.fullmatch(variable)
        secret = mounted.get(value)
        if suffixed is None or (secret is None and not _is_a_secret_elsewhere(variable, value)):
            found[variable] = value
        elif secret is None:
            found[variable] = value
            why = f"{_NO_FILE}, and none of the service's secrets is at {value[:60]}"
            file.leave_out(service, f"the file of {variable}", why, f"set {suffixed[1]} instead")
        else:
            used.add(value)
            direct = suffixed[1]
            if direct not in env:
                found[direct] = file.secret(_name(secret), f"{service}: {direct}")
            if not is_read_from_a_file(image_name(image), direct):
                file.leave_out(
                    service,
                    f"environment: {variable}",
                    f"{_NO_FILE}, and this image is not known to take {direct} in its place",
                    f"look it up; {direct}=secret://{_name(secret)} is written, if you accept it",
                    protects="secret_file",
                )
    for target, secret in mounted.items():
        if target not in used:
            file.leave_out(
                service,
                f"secrets: {secret[:60]} at {target[:60]}",
                f"{_NO_FILE}, and no variable of the service names it",
                f"let the program read it from a variable, and write NAME=secret://{_name(secret)} in environment",
                protects="secret_file",
            )
    return found


def _is_a_secret_elsewhere(variable: str, value: str) -> bool:
    return value.startswith(FOLDER) or (
        sounds_secret(variable.removesuffix("_FILE")) and value.startswith("/")
    )


def _name(secret: str) -> str:
    """The name under which a person stores a secret of the file."""
    plain = re.sub("[^A-Za-z0-9_]", "_", secret)[:63]
    return plain if NAME.fullmatch(plain) else f"_{plain}"
