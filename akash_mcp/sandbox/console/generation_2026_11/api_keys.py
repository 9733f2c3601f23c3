"""API keys: a key can make, name and take away keys, for the whole account or for one project of it."""

from __future__ import annotations

from functools import partial
from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.generation_2026_11.projects import Projects
from akash_mcp.sandbox.console.keyring import Key
from akash_mcp.sandbox.console.moments import iso, seconds
from akash_mcp.sandbox.console.responses import Problem, answer

_PATH = "/v1/api-keys"


class ApiKeys:
    """What a user sees of the keys: all but the keys themselves, save once."""

    def __init__(self, backend: Backend, projects: Projects) -> None:
        self._keyring = backend.keyring
        self._projects = projects

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        one = partial(Endpoint, path=f"{_PATH}/{{id}}", path_schema={"id": schema.uuid_text})
        create = schema.obj(
            data=schema.obj(
                name=schema.text(1, 256),
                expiresAt=schema.optional(schema.moment),
                projectId=schema.optional(schema.uuid_text),
            )
        )
        change = schema.obj(data=schema.obj(name=schema.optional(schema.text(1, 256))))
        return [
            Endpoint("GET", _PATH, self.list),
            Endpoint("POST", _PATH, self.create, body_schema=create),
            one("GET", handler=self.read),
            one("PATCH", handler=self.rename, body_schema=change),
            one("DELETE", handler=self.delete),
        ]

    async def list(self, call: Call) -> Response:
        """All of them, the network's own among them."""
        return answer({"data": [self._record(key) for key in self._keyring.keys]})

    async def create(self, call: Call) -> Response:
        """A new one, which this answer alone tells."""
        data = call.body["data"]
        project = self._projects.known(call, data.get("projectId"))
        expires = iso(seconds(data["expiresAt"])) if "expiresAt" in data else None
        key = self._keyring.make(data["name"], expires=expires, project=project)
        return answer({"data": {**self._record(key), "apiKey": key.text}}, 201)

    async def read(self, call: Call) -> Response:
        """One of them."""
        return answer({"data": self._record(self._known(call))})

    async def rename(self, call: Call) -> Response:
        """Another name for it."""
        key = self._known(call)
        wanted: dict[str, Any] = call.body["data"]
        self._keyring.rename(key, wanted.get("name", key.name))
        return answer({"data": self._record(key)})

    async def delete(self, call: Call) -> Response:
        """From now on it opens nothing."""
        self._keyring.keys.remove(self._known(call))
        return Response(status_code=204)

    def _record(self, key: Key) -> dict[str, Any]:
        return {**key.record(), **self._projects.key_record(key.project)}

    def _known(self, call: Call) -> Key:
        for key in self._keyring.keys:
            if key.id == call.path["id"]:
                return key
        raise Problem(404, "API key not found")
