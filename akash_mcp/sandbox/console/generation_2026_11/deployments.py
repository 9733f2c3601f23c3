"""Deployments that Console keeps the SDL of: created with a limit in place of a deposit, patched, closed behind one."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.bidders import offered_gpu_attributes
from akash_mcp.sandbox.chain import Deployment
from akash_mcp.sandbox.console import chain_records, schema, trial
from akash_mcp.sandbox.console import deployments as earlier
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.generation_2026_11.activities import Activities
from akash_mcp.sandbox.console.generation_2026_11.definitions import Definition, Definitions, patched
from akash_mcp.sandbox.console.generation_2026_11.limit_settings import LimitSettings
from akash_mcp.sandbox.console.judgement import Judged, judge
from akash_mcp.sandbox.console.responses import Problem, answer
from akash_mcp.sandbox.console.runtime_limits import FIRST_HOURS

_DRIVER = "580.95.05"
_PAGE = 100
_SDL = schema.text(0, 512 * 1024)
_NAME = schema.text(1, 256)
_TEXTS = schema.nullable(schema.array(schema.string))
_EXPOSURE = schema.obj(
    port=schema.optional(schema.at_least(1, 65535, whole=True)),
    **{"as": schema.optional(schema.at_least(1, 65535, whole=True))},
    accept=schema.optional(schema.array(schema.string)),
    httpOptions=schema.optional(schema.record),
)
_SERVICE = schema.obj(
    image=schema.optional(schema.string),
    env=schema.optional(schema.mapping(schema.nullable(schema.string))),
    command=schema.optional(_TEXTS),
    args=schema.optional(_TEXTS),
    credentials=schema.optional(schema.nullable(schema.record)),
    expose=schema.optional(schema.mapping(_EXPOSURE)),
    storage=schema.optional(
        schema.mapping(
            schema.obj(mount=schema.optional(schema.string), readOnly=schema.optional(schema.boolean))
        )
    ),
)
_CREATE = schema.obj(
    data=schema.obj(
        sdl=_SDL,
        name=schema.optional(_NAME),
        runtimeLimitHours=schema.optional(schema.at_least(1, FIRST_HOURS)),
        sealedSecrets=schema.optional(schema.anything),
        inheritSecretsFrom=schema.optional(schema.dseq),
    )
)
_PATCH = schema.obj(
    data=schema.obj(
        services=schema.optional(schema.mapping(_SERVICE)),
        name=schema.optional(_NAME),
        ifManifestVersion=schema.optional(schema.string),
    )
)


class Deployments(earlier.Deployments):
    """The user's deployments."""

    def __init__(
        self, backend: Backend, definitions: Definitions, activities: Activities, settings: LimitSettings
    ) -> None:
        super().__init__(backend)
        self._definitions = definitions
        self._activities = activities
        self._settings = settings

    def endpoints(self) -> list[Endpoint]:
        """The routes that these handlers answer."""
        every, one, by_dseq = "/v1/deployments", "/v1/deployments/{dseq}", {"dseq": schema.dseq}
        listing = {
            "state": schema.optional(schema.choice("active", "closed"), "active"),
            "search": schema.optional(schema.string),
            "reverse": schema.optional(schema.choice("true", "false"), "false"),
            "skip": schema.optional(schema.query_number(0), 0),
            "limit": schema.optional(schema.query_number(1, _PAGE), _PAGE),
        }
        closing = {"async": schema.optional(schema.choice("true", "false"), "false")}
        sdl = schema.obj(data=schema.obj(sdl=_SDL))
        changed = [
            Endpoint("POST", every, self.create, body_schema=_CREATE, max_body=1024 * 1024),
            Endpoint("GET", every, self.list, query_schema=listing),
            Endpoint("PATCH", one, self.patch, path_schema=by_dseq, body_schema=_PATCH),
            Endpoint("POST", f"{one}/definition", self.define, path_schema=by_dseq, body_schema=sdl),
            Endpoint("DELETE", one, self.close, path_schema=by_dseq, query_schema=closing),
        ]
        taken = {(endpoint.method, endpoint.path) for endpoint in changed}
        return changed + [e for e in super().endpoints() if (e.method, e.path) not in taken]

    async def create(self, call: Call) -> Response:
        """Open it with the default deposit, whatever a caller would rather pay in."""
        if self._backend.faults.take("fair-use-policy", call.line):
            raise Problem(403, "Accept the fair use policy first", code="fair_use_policy_required")
        created = await self.open(call, judge(call.body["data"]["sdl"]), earlier.FIXED_DEPOSIT_UACT)
        return answer({"data": created.record()}, 201)

    def opened(self, deployment: Deployment, judged: Judged, call: Call) -> None:
        """Keep the definition, the name and the limit, before the answer can be lost."""
        data = call.body["data"]
        if not self._backend.faults.take("definition-missing", call.line):
            self._definitions.keep(deployment.dseq, Definition(data["sdl"], judged))
        if "name" in data:
            self._definitions.names[deployment.dseq] = data["name"]
        self._backend.limits.start(deployment.dseq, data.get("runtimeLimitHours"))

    async def list(self, call: Call) -> Response:
        """A page of the deployments in one state. `total` is not always known; `hasMore` is."""
        query = call.query
        wanted = query.get("search")
        if wanted is not None and self._backend.faults.take("search-too-wide", call.line):
            raise Problem(422, "The search spans too many deployments: narrow it")
        found = [d for d in self._owned() if d.state == query["state"] and self._named(d, wanted)]
        if query["reverse"] == "true":
            found.reverse()
        skip, limit = query["skip"], query["limit"]
        shown = found[skip : skip + limit]
        items = self.records(shown, call.line)
        lies = len(items) < len(shown)
        pagination = {
            # A count across names is not kept.
            "total": None if wanted is not None else len(found) - lies,
            "skip": skip,
            "limit": limit,
            "hasMore": not lies and len(found) > skip + limit,
        }
        return answer({"data": {"deployments": items, "pagination": pagination}})

    async def update(self, call: Call) -> Response:
        """The whole SDL anew: deprecated, and recorded like any other change."""
        dseq, text = call.path["dseq"], call.body["data"]["sdl"]
        await self._put(self._backend.deployment(dseq), Definition(text, self._allowed(text)))
        return answer({"data": await self.detail(dseq)})

    async def patch(self, call: Call) -> Response:
        """Named fields only. The same patch again finishes one whose manifest did not get through."""
        dseq, data = call.path["dseq"], call.body["data"]
        deployment = self._backend.deployment(dseq)
        known = self._definitions.get(dseq)
        text = patched(known.sdl, data["services"]) if data.get("services") else known.sdl
        wanted = Definition(text, self._allowed(text))
        expected = data.get("ifManifestVersion")
        if expected not in (None, known.version) and wanted.version != known.version:
            raise Problem(409, "The definition was changed meanwhile", code="deployment_definition_changed")
        if "name" in data:
            self._definitions.names[dseq] = data["name"]
        if data.get("services"):
            await self._put(deployment, wanted)
        return answer({"data": await self.detail(dseq)})

    async def define(self, call: Call) -> Response:
        """Record the SDL of a deployment that Console has none of. It must be the one that is on chain."""
        dseq, text = call.path["dseq"], call.body["data"]["sdl"]
        deployment = self._backend.deployment(dseq)
        definition = Definition(text, judge(text))
        if definition.judged.version != deployment.version:
            raise Problem(400, "The SDL is not the one that the deployment was made of")
        self._definitions.keep(dseq, definition)
        return answer({"data": {"dseq": dseq, "manifestVersion": definition.version}}, 201)

    async def close(self, call: Call) -> Response:
        """Close it, now or behind an activity."""
        deployment = self._backend.deployment(call.path["dseq"])
        if call.query["async"] == "false":
            return await super().close(call)
        activity = self._activities.begin(
            "close_deployment", deployment.dseq, lambda: self.end(deployment, call.line)
        )
        return answer({"data": {"activityId": activity}}, 202)

    async def detail(self, dseq: str) -> dict[str, Any]:
        """A deployment as it is read, with everything that Console keeps of it."""
        shown = await super().detail(dseq)
        deployment = self._backend.deployment(dseq)
        definition = self._definitions.find(dseq)
        kept = definition and {"sdl": definition.sdl, "manifestVersion": definition.version}
        shown["groups"] = [
            chain_records.group_record(deployment, i + 1) for i in range(len(deployment.groups))
        ]
        shown["consoleSettings"] = kept
        shown |= self._gpus(deployment)
        return shown

    def record(self, deployment: Deployment) -> dict[str, Any]:
        """One deployment as it is listed."""
        name = self._definitions.names.get(deployment.dseq)
        settings = {**self._settings.record(deployment.dseq), "name": name}
        return {**super().record(deployment), "name": name, "settings": settings}

    async def deliver(self, deployment: Deployment, manifest: str) -> None:
        """Send the manifest to every provider with a lease. Raises `Problem` 502: the lease bills all the same."""
        backend = self._backend
        providers = dict.fromkeys(lease.provider for lease in deployment.active_leases)
        try:
            await asyncio.gather(
                *(
                    backend.proxy.send_manifest(backend.chain.providers[address], deployment.dseq, manifest)
                    for address in providers
                )
            )
        except Problem as problem:
            raise Problem(502, problem.message, code="manifest_not_delivered") from problem

    async def _put(self, deployment: Deployment, wanted: Definition) -> None:
        if wanted.judged.groups != deployment.groups:
            raise Problem(
                422,
                "Resources cannot be changed: create a new deployment",
                code="deployment_resources_changed",
            )
        await self.set_version(deployment, wanted.judged)
        self._definitions.keep(deployment.dseq, wanted)
        await self.deliver(deployment, wanted.judged.manifest)

    def _allowed(self, text: str) -> Judged:
        judged = judge(text)
        if self._backend.trial:
            trial.refuse_groups(judged.groups)
        return judged

    def _named(self, deployment: Deployment, wanted: str | None) -> bool:
        name = self._definitions.names.get(deployment.dseq, "")
        return wanted is None or wanted.lower() in name.lower() or wanted in deployment.dseq

    def _gpus(self, deployment: Deployment) -> dict[str, Any]:
        """What was bid, and what containers that run would see."""
        offered = []
        for lease in deployment.leases:
            seller = self._backend.market[lease.provider]
            for unit in deployment.groups[lease.gseq - 1].resources:
                if seller.gpu and offered_gpu_attributes(seller, unit):
                    gpu = seller.gpu
                    offered.append(
                        {
                            "vendor": gpu.vendor,
                            "model": gpu.model,
                            "ram": gpu.ram,
                            "interface": gpu.interface,
                            "count": unit.gpu * unit.count,
                        }
                    )
        running = deployment.active_leases
        detected = [{**gpu, "driver": _DRIVER} for gpu in offered] if running else []
        return {"offeredGpus": offered, "detectedGpus": detected}
