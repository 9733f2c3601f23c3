"""Operations: looked at, waited for, cancelled."""

from __future__ import annotations

from akash_mcp.sandbox.akua.backend import Backend
from akash_mcp.sandbox.akua.endpoint import Answer, Call, Endpoint
from akash_mcp.sandbox.akua.errors import Refused, not_found
from akash_mcp.sandbox.akua.operations import Operation
from akash_mcp.sandbox.akua.schemas import bounded, one_of, whole

_OWNERS = (
    "install",
    "repository_change_request",
    "repository",
    "workspace",
    "machine",
    "cluster",
    "package",
)
_DEFAULT_WAIT = 30


def endpoints(backend: Backend) -> list[Endpoint]:
    """Its routes."""
    operations = backend.operations

    def list_operations(call: Call) -> Answer:
        owner_type, owner_id = call.query.get("owner_type"), call.query.get("owner_id")
        if (owner_type is None) != (owner_id is None):
            raise Refused(400, "owner_type and owner_id are given together or not at all.")
        found = [
            operation
            for operation in operations.of.values()
            if operation.workspace_id == call.workspace.id
            and owner_type in (None, operation.owner_type)
            and owner_id in (None, operation.owner_id)
        ]
        page = backend.pages.page(call.line, call.query, found, lambda each: each.tell_briefly())
        return Answer(lambda: page)

    def get(call: Call) -> Answer:
        return Answer(_operation(call).tell)

    async def wait(call: Call) -> Answer:
        operation = _operation(call)
        await operations.wait(operation, call.query.get("timeout", _DEFAULT_WAIT))
        return Answer(operation.tell)

    def cancel(call: Call) -> Answer:
        operation = _operation(call)
        operations.cancel(operation)
        return Answer(operation.tell, 202)

    def _operation(call: Call) -> Operation:
        found = operations.of.get(call.path["id"])
        if found is None or all(found.workspace_id != workspace.id for workspace in call.workspaces):
            raise not_found("Operation")
        return found

    owner = {"owner_type": one_of(*_OWNERS), "owner_id": bounded(64)}
    return [
        Endpoint("GET", "/operations", list_operations, query=owner, paged=True),
        Endpoint("GET", "/operations/{id}", get),
        Endpoint("POST", "/operations/{id}:wait", wait, "optional", {"timeout": whole(1, 60)}),
        Endpoint("POST", "/operations/{id}:cancel", cancel, if_match="optional", key="optional"),
    ]
