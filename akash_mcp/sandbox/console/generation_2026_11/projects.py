"""Organizations, their projects, and keys that reach no further than one of them (behind a switch of the network).

What a key may is from single files of akash-network/console of autumn 2026 (the rules of abilities, the context of an
organization, the tests of keys and of deployments in projects). One team with two projects is played: the user owns it,
a colleague has a deployment in it, and three keys are told apart.

- the network's own key reaches everything;
- a key of a project works on that project's deployments alone, and on nothing that belongs to the whole team;
- a viewer's key reads.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from starlette.responses import Response

from akash_mcp.sandbox import transactions
from akash_mcp.sandbox.chain import Account, Chain, Deployment
from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.deployments import FIXED_DEPOSIT_UACT
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.judgement import judge
from akash_mcp.sandbox.console.moments import iso
from akash_mcp.sandbox.console.responses import Problem, answer
from akash_mcp.sandbox.tokens import address_of

_KEYS = "/v1/api-keys"
_OF_THE_TEAM = (_KEYS, "/v1/wallet-settings")
_OF_DEPLOYMENTS = ("/v1/deployments", "/v1/leases", "/v1/deployment-settings", "/v2/deployment-settings")
_PROJECTS = "/v1/projects"
_FORBIDDEN = "Forbidden"
_COLLEAGUES_UACT = 10_000_000
_COLLEAGUES_SDL = Path(__file__).parents[1] / "gallery" / "hello-world.yaml"


@dataclass
class Project:
    """One project of the team."""

    name: str
    is_default: bool = False
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def record(self, created: str) -> dict[str, Any]:
        """As it is told."""
        return {
            "id": self.id,
            "name": self.name,
            "slug": self.name.lower().replace(" ", "-"),
            "description": None,
            "isDefault": self.is_default,
            "createdAt": created,
            "createdBy": None,
        }


class Projects:
    """The team, and who sees what of it. Switched off, everybody sees everything and nothing is told of projects."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._organization = str(uuid.uuid4())
        self._created = iso(backend.chain.clock.wall())
        self._slug = "sandbox-team"
        default, other = Project("default", is_default=True), Project("ci")
        self._projects = {each.id: each for each in (default, other)}
        self._placed: dict[str, str] = {}
        self._is_on = backend.organizations
        if self._is_on:
            backend.keyring.make("project", project=other.id)
            backend.keyring.make("viewer", role="viewer")
            theirs = _colleague_deploys(backend.chain)
            self._placed[theirs.dseq] = default.id

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer; none while it is switched off."""
        if not self._is_on:
            return []
        named = schema.obj(data=schema.obj(name=schema.text(1, 256, trimmed=True)))
        moved = schema.obj(data=schema.obj(projectId=schema.uuid_text))
        by_dseq = {"dseq": schema.dseq}
        path = "/v1/deployments/{dseq}/project"
        return [
            Endpoint("GET", "/v1/organizations", self.organizations),
            Endpoint("GET", _PROJECTS, self.list),
            Endpoint("POST", _PROJECTS, self.create, body_schema=named),
            Endpoint("PATCH", path, self.move, path_schema=by_dseq, body_schema=moved),
        ]

    def guarded(self, endpoints: Sequence[Endpoint]) -> list[Endpoint]:
        """The same routes, each of which looks first at how far the key reaches."""
        return [self._guarded(each) for each in endpoints] if self._is_on else list(endpoints)

    def place(self, call: Call, dseq: str) -> None:
        """File a new deployment where the request, the key, the header or the default says."""
        if self._is_on:
            self._placed[dseq] = self._target(call).id

    def check(self, call: Call) -> None:
        """Raises `Problem` 404 for a project that a create names and the key does not reach."""
        if self._is_on:
            self._target(call)

    def sees(self, call: Call, deployment: Deployment) -> bool:
        """Whether a deployment is within what the request may see, and in the project that its query names."""
        if not self._is_on:
            return True
        project = self._placed.get(deployment.dseq)
        return project in self._reach(call) and call.query.get("projectId", project) == project

    def colleagues(self) -> list[Deployment]:
        """Deployments of the team that other people own, under addresses of their own."""
        mine, chain = self._backend.account.address, self._backend.chain
        return [d for d in chain.deployments.values() if d.owner != mine] if self._is_on else []

    def record(self, dseq: str) -> dict[str, Any]:
        """What a list adds to a deployment while there are organizations."""
        return {"projectId": self._placed.get(dseq)} if self._is_on else {}

    def key_record(self, project: str | None) -> dict[str, Any]:
        """What is told of a key besides."""
        return {"organizationId": self._organization, "projectId": project} if self._is_on else {}

    def known(self, call: Call, project: str | None) -> str | None:
        """The project that a new key is for. Raises `Problem` 404 where it is not reached."""
        if project is not None and (not self._is_on or project not in self._reach(call)):
            raise Problem(404, "Project not found")
        return project

    async def organizations(self, call: Call) -> Response:
        """The one team of the user, as a key sees it: of all organizations its own alone."""
        role = call.key.role if call.key else "owner"
        team = {
            "id": self._organization,
            "slug": self._slug,
            "name": "Sandbox",
            "type": "team",
            "role": role,
            "isActive": True,
            "createdAt": self._created,
        }
        return answer({"data": [team]})

    async def list(self, call: Call) -> Response:
        """The projects that the key reaches."""
        reach = self._reach(call)
        shown = [each.record(self._created) for each in self._projects.values() if each.id in reach]
        return answer({"data": shown})

    async def create(self, call: Call) -> Response:
        """A new project."""
        name = call.body["data"]["name"]
        if name in [each.name for each in self._projects.values()]:
            raise Problem(409, "A project of this name exists already", code="project_name_taken")
        project = Project(name)
        self._projects[project.id] = project
        return answer({"data": project.record(self._created)}, 201)

    async def move(self, call: Call) -> Response:
        """File a deployment elsewhere."""
        dseq, wanted = call.path["dseq"], call.body["data"]["projectId"]
        if wanted not in self._reach(call):
            raise Problem(404, "Project not found")
        self._placed[self._backend.deployment(dseq).dseq] = wanted
        return answer({"data": {"dseq": dseq, "projectId": wanted}})

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        async def handler(call: Call) -> Response:
            if call.key is not None:
                self._refuse(endpoint, call)
            return await endpoint.handler(call)

        return replace(endpoint, handler=handler)

    def _refuse(self, endpoint: Endpoint, call: Call) -> None:
        """Raises `Problem` for what the key does not reach."""
        organization = call.headers.get("x-organization-id", self._slug).strip().lower()
        if organization not in (self._organization, self._slug):
            message = "The organization header names another organization than the API key's"
            raise Problem(400, message, code="organization_mismatch")
        reach, key = self._reach(call), call.key
        is_project_key = key is not None and key.project is not None
        of_team = endpoint.path.startswith(_OF_THE_TEAM) or (
            endpoint.path.startswith(_PROJECTS) and call.method != "GET"
        )
        moves = endpoint.path.endswith("/project")
        if is_project_key and (of_team or moves):
            raise Problem(403, _FORBIDDEN, kind="authorization_error")
        # Whoever belongs to the team may make keys, which reach as far as their owner does.
        of_others = of_team and not endpoint.path.startswith(_KEYS)
        writes = call.method != "GET" and (endpoint.path.startswith(_OF_DEPLOYMENTS) or of_others)
        if key is not None and key.role == "viewer" and writes:
            raise Problem(403, _FORBIDDEN, kind="authorization_error")
        for dseq in _named(endpoint, call):
            if self._placed.get(dseq) not in (None, *reach):
                raise Problem(404, "Deployment not found")

    def _reach(self, call: Call) -> Sequence[str]:
        """The projects within reach. Raises `Problem` 403 where a header names one that is not."""
        key = call.key
        reach = list(self._projects) if key is None or key.project is None else [key.project]
        header = call.headers.get("x-project-id", "").strip().lower()
        if header and header not in reach:
            message = "The project is not reachable in this organization"
            raise Problem(403, message, code="project_forbidden")
        return [header] if header else reach

    def _target(self, call: Call) -> Project:
        reach = self._reach(call)
        named = call.body["data"].get("projectId")
        if named is not None and named not in reach:
            raise Problem(404, "Project not found")
        within = [self._projects[each] for each in ([named] if named else reach)]
        return next((each for each in within if each.is_default), within[0])


def _named(endpoint: Endpoint, call: Call) -> set[str]:
    """The deployments that a request is about."""
    if endpoint.path == "/v1/leases":
        return {lease["dseq"] for lease in call.body["leases"]}
    data = call.body.get("data") if isinstance(call.body, dict) else None
    held = (call.path, call.query, data if isinstance(data, dict) else {})
    return {each["dseq"] for each in held if isinstance(each.get("dseq"), str)}


def _colleague_deploys(chain: Chain) -> Deployment:
    """Somebody else of the team, with a wallet and a deployment that waits for a lease."""
    key = ec.generate_private_key(ec.SECP256K1())
    owner = address_of(key.public_key())
    chain.accounts[owner] = Account(owner, key, _COLLEAGUES_UACT)
    judged = judge(_COLLEAGUES_SDL.read_text(encoding="utf-8"))
    # A dseq is a time in ms; this one is of a moment ago, so that nothing of the user's own has the same.
    dseq = str(int(chain.clock.wall() * 1000) - 1)
    return transactions.create_deployment(
        chain, owner, dseq, groups=judged.groups, version=judged.version, deposit_uact=FIXED_DEPOSIT_UACT
    )
