"""What Console keeps of a deployment: its SDL, its name and its manifest, and how named fields of it are changed."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from akash_mcp.sandbox.console.judgement import Judged
from akash_mcp.sandbox.console.responses import Problem
from akash_mcp.sdl.yaml.loader import load

_PLAIN = ("image", "command", "args", "credentials")


@dataclass(frozen=True)
class Definition:
    """One recorded SDL. `version` names this state of it for whoever changes it next."""

    sdl: str
    judged: Judged

    @property
    def version(self) -> str:
        """Base64 of the manifest's hash, as the chain has it."""
        return base64.b64encode(self.judged.version).decode("ascii")


class Definitions:
    """Definitions and names, by dseq."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self._kept: dict[str, Definition] = {}

    def keep(self, dseq: str, definition: Definition) -> None:
        """Record, in place of what was recorded before."""
        self._kept[dseq] = definition

    def find(self, dseq: str) -> Definition | None:
        """What is recorded, if anything is."""
        return self._kept.get(dseq)

    def get(self, dseq: str) -> Definition:
        """What is recorded. Raises `Problem` 404."""
        if (found := self.find(dseq)) is None:
            raise Problem(404, "Deployment definition not found")
        return found


def patched(sdl: str, services: dict[str, dict[str, Any]]) -> str:
    """The SDL with these fields of services set, as JSON, which is YAML too. Raises `Problem` 400 or 404.

    The text is one that was judged, so its shape is known.
    """
    tree: Any = json.loads(json.dumps(load(sdl).data, default=str))
    for name, changes in services.items():
        service = tree["services"].get(name)
        if service is None:
            raise Problem(404, f"Service {name} not found")
        for field in _PLAIN:
            if field in changes:
                service[field] = changes[field]
        if "env" in changes:
            _patch_env(service, changes["env"])
        for port, exposure in changes.get("expose", {}).items():
            _patch_exposure(name, service, port, exposure)
        for volume, mount in changes.get("storage", {}).items():
            known = ((service.get("params") or {}).get("storage") or {}).get(volume)
            if known is None:
                raise Problem(404, f"Volume {volume} of service {name} not found")
            known.update(mount)
    return json.dumps(tree, indent=2, ensure_ascii=False)


def _patch_env(service: dict[str, Any], changes: dict[str, str | None]) -> None:
    held: dict[str, str] = {}
    for line in service.get("env") or []:
        key, _, text = str(line).partition("=")
        held[key] = text
    for name, value in changes.items():
        if value is None:
            held.pop(name, None)
        else:
            held[name] = value
    service["env"] = [f"{key}={value}" for key, value in held.items()]


def _patch_exposure(name: str, service: dict[str, Any], port: str, changes: dict[str, Any]) -> None:
    known = [each for each in service.get("expose") or [] if str(each.get("port")) == port]
    if not known:
        raise Problem(404, f"Port {port} of service {name} not found")
    options = changes.pop("httpOptions", None)
    for each in known:
        each.update(changes)
        if options is not None:
            each["http_options"] = options
