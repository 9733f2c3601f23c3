"""What every judge takes and cannot be changed later: names and numbers that the Console's own PATCH refuses.

Creating a deployment with them works, and so does running it.
Source: akash-network/console `deployment.schema.ts` and its OpenAPI document of October 2026.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from akash_mcp.sdl.model import Sdl, Service
from akash_mcp.sdl.report import Fault
from akash_mcp.sdl.rules.name_rules import ENV_NAME
from akash_mcp.sdl.yaml.loader import Path

PATCHABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
"""The names of variables that can be changed."""
FROM_ONE = ("max_body_size", "read_timeout", "send_timeout")
"""Options of HTTP that begin at 1 there: 0 means something else to each provider."""
SEAL = "ac-secret://"
"""How the Console shows a value that it keeps sealed."""


def check_patchable(sdl: Sdl) -> Iterator[Fault]:
    """Warnings (D14, D15) of what a later update could not change, or not to what it is."""
    for service in sdl.services.values():
        at: Path = ("services", service.name)
        yield from _variables(at, service)
        for i, expose in enumerate(service.expose):
            for option in FROM_ONE:
                if expose.http_options.get(option, 1) == 0:
                    message = (
                        f"a {option} of 0 means something else to each provider, and no update can set it"
                    )
                    fix = "write what it should be, or leave it out"
                    yield Fault("D14", (*at, "expose", i, "http_options", option), message, fix, "console")
            if expose.http_options.get("next_cases") == []:
                path: Path = (*at, "expose", i, "http_options", "next_cases")
                message = "no update can set an empty next_cases"
                yield Fault("D14", path, message, 'write next_cases: ["off"], or leave it out', "console")


def _variables(at: Path, service: Service) -> Iterator[Fault]:
    for i, entry in enumerate(service.env):
        name = entry.partition("=")[0]
        if ENV_NAME.fullmatch(name) and not PATCHABLE_NAME.fullmatch(name):
            message = (
                'no update can change this variable: only names of A-Z, a-z, 0-9 and "_" can be, from a letter or '
                '"_" on'
            )
            yield Fault(
                "D15",
                (*at, "env", i),
                message,
                "name it in such letters, where the program takes such a name",
                "console",
            )
