"""Deployments that Console keeps the SDL of: created with a limit in place of a deposit, patched, closed behind one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.chain import Deployment
from akash_mcp.sandbox.console import chain_records, schema, trial
from akash_mcp.sandbox.console import deployments as earlier
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.generation_2026_11 import patches, references
from akash_mcp.sandbox.console.generation_2026_11.activities import Activities
from akash_mcp.sandbox.console.generation_2026_11.definitions import (
    Definition,
    Definitions,
    define,
    recorded,
)
from akash_mcp.sandbox.console.generation_2026_11.lease_gpus import lease_gpus
from akash_mcp.sandbox.console.generation_2026_11.limit_settings import LimitSettings
from akash_mcp.sandbox.console.generation_2026_11.projects import Projects
from akash_mcp.sandbox.console.generation_2026_11.secrets import Secrets
from akash_mcp.sandbox.console.judgement import judge
from akash_mcp.sandbox.console.responses import Problem, answer
from akash_mcp.sandbox.console.runtime_limits import STEP_HOURS

_PAGE = 100
_SDL = schema.text(0, 512 * 1024)
_NAME = schema.optional(schema.text(1, 256, trimmed=True))
_SEAL = schema.optional(schema.text(1, float("inf")))
_CREATE = schema.obj(
    data=schema.obj(
        sdl=_SDL,
        name=_NAME,
        runtimeLimitHours=schema.optional(schema.at_least(1, STEP_HOURS, whole=True)),
        sealedSecrets=_SEAL,
        inheritSecretsFrom=schema.optional(schema.dseq),
        projectId=schema.optional(schema.uuid_text),
    )
)
_PATCH = schema.obj(
    data=schema.obj(
        services=schema.optional(schema.mapping(patches.SERVICE)),
        name=_NAME,
        sealedSecrets=_SEAL,
        ifManifestVersion=schema.optional(schema.text(1, 64)),
    )
)
_PUT = schema.obj(data=schema.obj(sdl=schema.string, name=_NAME))
_DEFINE = schema.obj(data=schema.obj(sdl=_SDL, sealedSecrets=_SEAL))
_PROVIDER_BEHIND = (
    "Your update was accepted, but the provider has not picked it up yet. Wait a minute and try again."
)


class Deployments(earlier.Deployments):
    """The user's deployments."""

    def __init__(
        self,
        backend: Backend,
        definitions: Definitions,
        activities: Activities,
        settings: LimitSettings,
        secrets: Secrets,
        projects: Projects,
    ) -> None:
        super().__init__(backend)
        self._definitions = definitions
        self._activities = activities
        self._settings = settings
        self._secrets = secrets
        self._projects = projects

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        every, one, by_dseq = "/v1/deployments", "/v1/deployments/{dseq}", {"dseq": schema.dseq}
        listing = {
            "state": schema.optional(schema.choice("active", "closed"), "active"),
            "search": schema.optional(schema.text(0, 256)),
            "reverse": schema.optional(schema.choice("true", "false"), "false"),
            "skip": schema.optional(schema.query_number(0), 0),
            "limit": schema.optional(schema.query_number(1, _PAGE), _PAGE),
            "projectId": schema.optional(schema.uuid_text),
        }
        closing = {
            "async": schema.optional(schema.choice("true", "false"), "false"),
            "batchId": schema.optional(schema.uuid_text),
        }
        names = {"dseq": schema.repeated(schema.dseq, 100)}
        changed = [
            Endpoint("POST", every, self.create, body_schema=_CREATE, max_body=1024 * 1024),
            Endpoint("GET", every, self.list, query_schema=listing),
            Endpoint("PUT", one, self.update, path_schema=by_dseq, body_schema=_PUT),
            Endpoint("PATCH", one, self.patch, path_schema=by_dseq, body_schema=_PATCH),
            Endpoint("POST", f"{one}/definition", self.define, path_schema=by_dseq, body_schema=_DEFINE),
            Endpoint("DELETE", one, self.close, path_schema=by_dseq, query_schema=closing),
            Endpoint("GET", "/v1/deployment-names", self.names, query_schema=names),
        ]
        taken = {(endpoint.method, endpoint.path) for endpoint in changed}
        return changed + [e for e in super().endpoints() if (e.method, e.path) not in taken]

    async def create(self, call: Call) -> Response:
        """Open it with the default deposit, whatever a caller would rather pay in."""
        data = call.body["data"]
        if self._backend.faults.take("fair-use-policy", call.line):
            raise Problem(403, "Accept the fair use policy first", code="fair_use_policy_required")
        self._projects.check(call)
        definition = define(
            data["sdl"], supplied=self._opened(call, data["sdl"]), inherited=self._inherited(data)
        )

        def keep(deployment: Deployment) -> None:
            if not self._backend.faults.take("definition-missing", call.line):
                self._definitions.keep(deployment.dseq, definition)
            services = "+".join(definition.judged.report.services)
            self._definitions.names[deployment.dseq] = data.get("name", services)
            self._projects.place(call, deployment.dseq)
            self._settings.begin(deployment.dseq, data.get("runtimeLimitHours"))

        created = await self.open(call, definition.judged, earlier.FIXED_DEPOSIT_UACT, keep)
        # The manifest that is told has references where values were sealed.
        told = {**created.record(), "manifest": judge(data["sdl"]).manifest}
        return answer({"data": told}, 201)

    async def list(self, call: Call) -> Response:
        """A page of the deployments in one state. `total` is not always known; `hasMore` is."""
        query = call.query
        wanted = query.get("search")
        if wanted is not None and self._backend.faults.take("search-too-wide", call.line):
            raise Problem(422, "The search spans too many deployments: narrow it")
        found = [
            d
            for d in (*self._owned(), *self._projects.colleagues())
            if d.state == query["state"] and self._named(d, wanted) and self._projects.sees(call, d)
        ]
        if query["reverse"] == "true":
            found.reverse()
        skip, limit = query["skip"], query["limit"]
        shown = found[skip : skip + limit]
        items = [
            {**item, **self._console_record(deployment)}
            for item, deployment in zip(self.records(shown, call.line), shown, strict=False)
        ]
        lies = len(items) < len(shown)
        pagination = {
            # A count across names is not kept.
            "total": None if wanted is not None else len(found) - lies,
            "skip": skip,
            "limit": limit,
            "hasMore": not lies and len(found) > skip + limit,
        }
        return answer({"data": {"deployments": items, "pagination": pagination}})

    async def names(self, call: Call) -> Response:
        """Names by dseq, null where there is none or no such deployment."""
        return answer({"data": {dseq: self._definitions.names.get(dseq) for dseq in call.query["dseq"]}})

    async def read(self, call: Call) -> Response:
        """One deployment, with its name and the definition that is kept of it."""
        dseq = call.path["dseq"]
        shown = await self.detail(dseq)
        definition = self._definitions.find(dseq)
        kept = definition and {"sdl": definition.sdl, "manifestVersion": definition.version}
        return answer({"data": {**shown, "name": self._definitions.names.get(dseq), "consoleSettings": kept}})

    async def update(self, call: Call) -> Response:
        """The whole SDL anew: deprecated, and recorded like any other change. It takes no seal."""
        dseq, data = call.path["dseq"], call.body["data"]
        deployment = self._backend.deployment(dseq)
        await self._put(deployment, define(data["sdl"], supplied=None, inherited={}))
        if "name" in data:
            self._definitions.names[dseq] = data["name"]
        return answer({"data": await self.detail(dseq)})

    async def patch(self, call: Call) -> Response:
        """Named fields only. The same patch again finishes one whose manifest did not get through."""
        dseq, data = call.path["dseq"], call.body["data"]
        deployment = self._backend.deployment(dseq)
        services = data.get("services", {})
        if not patches.names_a_field(services) and "sealedSecrets" not in data:
            if "name" not in data:
                raise Problem(400, "At least one field must be patched, or sealed secrets supplied")
            self._definitions.names[dseq] = data["name"]
            return answer({"data": {**self.unasked(deployment), "name": data["name"]}})
        known = self._definitions.get(dseq)
        wanted = self._patched(known, services, self._opened(call, known.sdl))
        expected = data.get("ifManifestVersion")
        if expected not in (None, known.version) and wanted.version != known.version:
            message = "Deployment definition changed concurrently, please retry"
            raise Problem(409, message, code="deployment_definition_changed")
        if "name" in data:
            self._definitions.names[dseq] = data["name"]
        await self._put(deployment, wanted)
        told = {"name": self._definitions.names.get(dseq), "manifestVersion": wanted.version}
        return answer({"data": {**await self.detail(dseq), **told}})

    async def define(self, call: Call) -> Response:
        """Record the SDL of a deployment that Console has none of. It must be the one that is on chain."""
        dseq, data = call.path["dseq"], call.body["data"]
        deployment = self._backend.deployment(dseq)
        if self._definitions.find(dseq):
            message = "The console already holds a definition"
            raise Problem(409, message, code="deployment_definition_exists")
        definition = define(data["sdl"], supplied=self._opened(call, data["sdl"]), inherited={})
        if definition.judged.version != deployment.version:
            message = "This SDL does not describe what the deployment is running"
            raise Problem(422, message, code="deployment_definition_mismatch")
        self._definitions.keep(dseq, definition)
        return answer({"data": {"sdl": definition.sdl, "manifestVersion": definition.version}}, 201)

    async def close(self, call: Call) -> Response:
        """Close it, now or behind an activity. What is closed already is so at once."""
        deployment = self._backend.deployment(call.path["dseq"])
        if call.query["async"] == "false" or deployment.state == "closed":
            return await super().close(call)
        activity = self._activities.begin(
            deployment.dseq, call.query.get("batchId"), lambda: self.end(deployment, call.line)
        )
        return answer({"data": {"activityId": activity}}, 202)

    def record(self, deployment: Deployment) -> dict[str, Any]:
        """One deployment, with the GPUs of its leases."""
        shown = super().record(deployment)
        definition = self._definitions.find(deployment.dseq)
        for told, lease in zip(shown["leases"], deployment.leases, strict=True):
            judged = definition.judged if definition else None
            told |= lease_gpus(self._backend, deployment, lease, judged)
        return shown

    def unasked(self, deployment: Deployment) -> dict[str, Any]:
        """One deployment as the chain has it: no provider is asked for the status of a lease."""
        shown = super().record(deployment)
        for lease in shown["leases"]:
            lease["status"] = None
        return shown

    def _console_record(self, deployment: Deployment) -> dict[str, Any]:
        """What the list adds to the chain's record."""
        name = self._definitions.names.get(deployment.dseq)
        groups = [chain_records.group_record(deployment, i + 1) for i in range(len(deployment.groups))]
        settings = {"name": name, **self._settings.bounds(deployment)}
        return {
            "name": name,
            "groups": groups,
            "settings": settings,
            **self._projects.record(deployment.dseq),
        }

    def _opened(self, call: Call, sdl: str) -> dict[str, str] | None:
        seal = call.body["data"].get("sealedSecrets")
        return None if seal is None else self._secrets.open(seal, call.line, sdl=sdl)

    def _inherited(self, data: dict[str, Any]) -> dict[str, str]:
        """The secrets of the deployment that is named, which may be closed. Raises `Problem` 404."""
        if "inheritSecretsFrom" not in data:
            return {}
        source = self._definitions.find(data["inheritSecretsFrom"])
        if source is None:
            raise Problem(404, "The deployment to inherit secrets from was not found")
        return dict(source.secrets)

    def _patched(
        self, known: Definition, services: dict[str, dict[str, Any]], supplied: dict[str, str] | None
    ) -> Definition:
        """What the definition becomes. Values that a patch writes are sealed, unless it brings a seal."""
        tree = references.parsed(known.sdl)
        wrote = patches.apply(tree, services)
        references.refuse_unreferenced(tree, supplied or {})
        taken = references.sealed(tree, env=supplied is None, only=wrote)
        secrets = {**known.secrets, **(supplied or {}), **taken}
        references.refuse_too_many(references.kept(tree, secrets))
        judged = judge(references.written(references.resolved(tree, secrets)))
        return recorded(tree, judged, secrets)

    async def _put(self, deployment: Deployment, wanted: Definition) -> None:
        """Record it, put it on chain, send it to every provider. Raises `Problem`; by then it may be recorded."""
        backend = self._backend
        if backend.trial:
            trial.refuse_groups(wanted.judged.groups)
        if wanted.judged.groups != deployment.groups:
            message = "Resources cannot be changed: create a new deployment"
            raise Problem(422, message, code="deployment_resources_changed")
        self._definitions.keep(deployment.dseq, wanted)
        await self.set_version(deployment, wanted.judged)
        for address in _providers(deployment):
            provider = backend.chain.providers[address]
            try:
                await backend.proxy.send_manifest(provider, deployment.dseq, wanted.judged.manifest)
            except Problem as problem:
                if problem.status == 422:
                    code = "provider_manifest_version_stale"
                    raise Problem(409, _PROVIDER_BEHIND, code=code) from problem
                raise

    def _named(self, deployment: Deployment, wanted: str | None) -> bool:
        name = self._definitions.names.get(deployment.dseq, "")
        return wanted is None or wanted.lower() in name.lower() or wanted in deployment.dseq


def _providers(deployment: Deployment) -> Sequence[str]:
    """Those with an active lease, each once."""
    return list(dict.fromkeys(lease.provider for lease in deployment.active_leases))
