"""The template gallery: the SDLs in the folder `gallery`, under ids like those of akash-network/awesome-akash.

They are not the examples that the product shows, so that a client which took one for the other would be noticed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.responses import Problem, answer

_CACHE = (300, 600)
_GALLERY = Path(__file__).with_name("gallery")


class Templates:
    """SDLs to begin with."""

    def __init__(self, backend: Backend) -> None:
        self._files = {
            f"akash-network-awesome-akash-{path.stem}": path for path in sorted(_GALLERY.glob("*.yaml"))
        }

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        by_id = {"id": schema.string}
        return [
            Endpoint("GET", "/v1/templates-list", self.list, False, cache=_CACHE),
            Endpoint("GET", "/v1/templates/{id}", self.read, False, path_schema=by_id, cache=_CACHE),
        ]

    async def list(self, call: Call) -> Response:
        """All templates by category, without their SDLs."""
        keys = ("id", "name", "logoUrl", "summary", "tags")
        shown = [_template(name, path) for name, path in self._files.items()]
        templates = [{key: template[key] for key in keys} for template in shown]
        return answer({"data": [{"title": "Examples", "templates": templates}]})

    async def read(self, call: Call) -> Response:
        """One template with its SDL."""
        name = call.path["id"]
        if name not in self._files:
            raise Problem(404, "Template not found")
        return answer({"data": _template(name, self._files[name])})


def _template(name: str, path: Path) -> dict[str, Any]:
    sdl = path.read_text(encoding="utf-8")
    title = path.stem.replace("-", " ").capitalize()
    remarks = [line.lstrip("# ").strip() for line in sdl.splitlines() if line.startswith("#")]
    return {
        "id": name,
        "name": title,
        "path": path.stem,
        "logoUrl": None,
        "summary": remarks[0] if remarks else title,
        "readme": "\n".join([f"# {title}", "", *remarks]),
        "deploy": sdl,
        "persistentStorageEnabled": "persistent: true" in sdl,
        "githubUrl": f"https://github.com/akash-network/awesome-akash/tree/master/{path.stem}",
        "config": {"ssh": False},
        "tags": ["example"],
    }
