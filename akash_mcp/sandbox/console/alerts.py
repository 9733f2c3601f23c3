"""Alerts and notification channels: another service behind Console, with other manners.

Its errors are `{statusCode, message}`, and Console's proxy answers strangers 403 where everything else says 401.
What alerts would send is not played: nothing leaves this machine.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from akash_mcp.sandbox.chain import Lease
from akash_mcp.sandbox.console import schema
from akash_mcp.sandbox.console.backend import Backend
from akash_mcp.sandbox.console.endpoint import Call, Endpoint
from akash_mcp.sandbox.console.moments import iso
from akash_mcp.sandbox.console.responses import answer
from akash_mcp.sandbox.console.schema import Issues, Parser

_ALERT, _CHANNEL = "/v1/alerts", "/v1/notification-channels"
_MOST = 1000


@dataclass
class _Alert:
    """An alert on one deployment. `threshold` is in uact and only there for an alert on the balance."""

    id: str
    kind: str
    dseq: str
    channel: str
    enabled: bool
    created: str
    updated: str
    threshold: float | None = None


class _Refused(Exception):
    def __init__(self, status: int, message: str, issues: Issues | None = None) -> None:
        super().__init__(message)
        body: dict[str, Any] = {"statusCode": status, "message": message}
        self.answer = answer(body if issues is None else {**body, "errors": {"issues": issues}}, status)


class Alerts:
    """The user's alerts and channels."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._alerts: dict[str, _Alert] = {}
        self._channels: dict[str, dict[str, Any]] = {}
        backend.chain.on_lease_created.append(self._leased)

    def endpoints(self) -> list[Endpoint]:
        """The routes. Creating and changing alerts of one's own is switched off by a feature flag."""

        def route(method: str, path: str, handler: Any) -> Endpoint:
            async def answered(call: Call) -> Response:
                try:
                    response: Response = await handler(call)
                except _Refused as refused:
                    return refused.answer
                return response

            body = schema.anything if method in ("POST", "PATCH") else None
            page = {key: schema.optional(schema.string) for key in ("page", "limit", "dseq", "type")}
            query = page if method == "GET" else {}
            named = {name: schema.string for name in ("id", "dseq") if f"{{{name}}}" in path}
            return Endpoint(
                method,
                path,
                answered,
                path_schema=named,
                query_schema=query,
                body_schema=body,
                proxied=True,
            )

        one, channel, on = f"{_ALERT}/{{id}}", f"{_CHANNEL}/{{id}}", "/v1/deployment-alerts/{dseq}"
        return [
            route("GET", _ALERT, self.list_alerts),
            route("POST", _ALERT, self.switched_off),
            route("GET", one, self.read_alert),
            route("PATCH", one, self.switched_off),
            route("DELETE", one, self.delete_alert),
            route("GET", on, self.read_of),
            route("POST", on, self.write_of),
            route("GET", _CHANNEL, self.list_channels),
            route("POST", _CHANNEL, self.create_channel),
            route("POST", f"{_CHANNEL}/default", self.create_default),
            route("GET", channel, self.read_channel),
            route("PATCH", channel, self.change_channel),
            route("DELETE", channel, self.delete_channel),
        ]

    async def switched_off(self, call: Call) -> Response:
        """What a feature flag keeps from everybody."""
        return answer({"error": "MethodNotAllowed"}, 405)

    async def list_alerts(self, call: Call) -> Response:
        """A page of alerts, of one deployment where the query says which."""
        wanted = call.query.get("dseq")
        found = [self._record(alert) for alert in self._alerts.values() if wanted in (None, alert.dseq)]
        return _page(found, call)

    async def read_alert(self, call: Call) -> Response:
        """One alert."""
        return answer({"data": self._record(self._alert(call))})

    async def delete_alert(self, call: Call) -> Response:
        """Remove one alert."""
        alert = self._alert(call)
        del self._alerts[alert.id]
        return answer({"data": self._record(alert)})

    async def read_of(self, call: Call) -> Response:
        """The alerts of a deployment, by what they watch."""
        return self._answer_of(self._deployment(call))

    async def write_of(self, call: Call) -> Response:
        """Set the alerts of a deployment."""
        watch = {"notificationChannelId": schema.uuid_text, "enabled": schema.optional(schema.boolean, True)}
        balance = schema.obj(**watch, threshold=schema.at_least(0))
        wanted = schema.obj(
            deploymentBalance=schema.optional(balance), deploymentClosed=schema.optional(schema.obj(**watch))
        )
        data = _valid(schema.obj(data=schema.obj(alerts=wanted)), call.body)
        dseq = self._deployment(call)
        for kind, setting in data["alerts"].items():
            if setting["notificationChannelId"] not in self._channels:
                raise _Refused(404, "Notification channel not found")
            self._set(dseq, kind, setting)
        return self._answer_of(dseq, 201)

    async def list_channels(self, call: Call) -> Response:
        """A page of channels."""
        return _page(list(self._channels.values()), call)

    async def create_channel(self, call: Call) -> Response:
        """A new channel."""
        optional = schema.optional(schema.boolean, False)
        data = _valid(schema.obj(data=schema.obj(**_CHANNEL_FIELDS, isDefault=optional)), call.body)
        return answer({"data": self._channel_with(data)}, 201)

    async def create_default(self, call: Call) -> Response:
        """The default channel, unless there is one."""
        data = _valid(schema.obj(data=schema.obj(**_CHANNEL_FIELDS)), call.body)
        if not any(channel["isDefault"] for channel in self._channels.values()):
            self._channel_with({**data, "isDefault": True})
        return Response(status_code=204)

    async def read_channel(self, call: Call) -> Response:
        """One channel."""
        return answer({"data": self._channel(call)})

    async def change_channel(self, call: Call) -> Response:
        """Other values for what is named."""
        fields = {name: schema.optional(parser) for name, parser in _CHANNEL_FIELDS.items()}
        channel = self._channel(call)
        channel.update(_valid(schema.obj(data=schema.obj(**fields)), call.body))
        channel["updatedAt"] = self._now()
        return answer({"data": channel})

    async def delete_channel(self, call: Call) -> Response:
        """Remove a channel that no alert uses."""
        channel = self._channel(call)
        if any(alert.channel == channel["id"] for alert in self._alerts.values()):
            raise _Refused(400, "Cannot delete notification channel with alerts")
        del self._channels[channel["id"]]
        return answer({"data": channel})

    def _leased(self, owner: str, lease: Lease) -> None:
        """Console watches by itself for the end of what has a lease, by e-mail."""
        if owner != self._backend.account.address:
            return
        default = next((c for c in self._channels.values() if c["isDefault"]), None)
        if default is None:
            config = {"addresses": ["sandbox@akash.example"]}
            default = self._channel_with(
                {"name": "Default", "type": "email", "config": config, "isDefault": True}
            )
        setting = {"notificationChannelId": default["id"], "enabled": True}
        self._set(lease.dseq, "deploymentClosed", setting)

    def _set(self, dseq: str, kind: str, setting: dict[str, Any]) -> None:
        name = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self._backend.user_id}/{dseq}/{kind}"))
        known = self._alerts.get(name)
        now = self._now()
        channel, enabled = setting["notificationChannelId"], setting["enabled"]
        created = known.created if known else now
        self._alerts[name] = _Alert(
            name, kind, dseq, channel, enabled, created, now, setting.get("threshold")
        )

    def _channel_with(self, data: dict[str, Any]) -> dict[str, Any]:
        now = self._now()
        owned = {"id": str(uuid.uuid4()), "userId": self._backend.user_id, "createdAt": now, "updatedAt": now}
        channel = {**data, **owned}
        self._channels[channel["id"]] = channel
        return channel

    def _alert(self, call: Call) -> _Alert:
        if (alert := self._alerts.get(call.path["id"])) is None:
            raise _Refused(404, "Alert not found")
        return alert

    def _channel(self, call: Call) -> dict[str, Any]:
        if (channel := self._channels.get(call.path["id"])) is None:
            raise _Refused(404, "Notification channel not found")
        return channel

    def _deployment(self, call: Call) -> str:
        dseq: str = call.path["dseq"]
        if self._backend.chain.deployment(self._backend.account.address, dseq) is None:
            raise _Refused(404, "Deployment not found")
        return dseq

    def _answer_of(self, dseq: str, status: int = 200) -> Response:
        shown: dict[str, Any] = {}
        for alert in self._alerts.values():
            if alert.dseq == dseq:
                shown[alert.kind] = {
                    "id": alert.id,
                    "status": "OK",
                    "notificationChannelId": alert.channel,
                    "enabled": alert.enabled,
                }
                if alert.threshold is not None:
                    shown[alert.kind]["threshold"] = alert.threshold
        return answer({"data": {"dseq": dseq, "alerts": shown}}, status)

    def _record(self, alert: _Alert) -> dict[str, Any]:
        balance = alert.kind == "deploymentBalance"
        owner = self._backend.account.address
        watched = (
            {"type": "DEPLOYMENT_BALANCE", "params": {"dseq": alert.dseq, "owner": owner}}
            if balance
            else {"type": "CHAIN_MESSAGE", "params": {"dseq": alert.dseq, "type": "MsgCloseDeployment"}}
        )
        condition = (
            {"operator": "lt", "field": "balance", "value": alert.threshold or 0}
            if balance
            else {"operator": "eq", "field": "value.id.dseq", "value": alert.dseq}
        )
        return {
            "id": alert.id,
            "userId": self._backend.user_id,
            "notificationChannelId": alert.channel,
            "name": "Balance alert" if balance else "Deployment closed",
            "enabled": alert.enabled,
            "summary": f"Deployment {alert.dseq}",
            "description": f"Watches deployment {alert.dseq}",
            "status": "OK",
            "createdAt": alert.created,
            "updatedAt": alert.updated,
            "conditions": condition,
            **watched,
        }

    def _now(self) -> str:
        return iso(self._backend.chain.clock.wall())


def _valid(parser: Parser, body: Any) -> dict[str, Any]:
    issues: Issues = []
    parsed = parser(body, (), issues)
    if issues:
        raise _Refused(400, "Validation failed", issues)
    data: dict[str, Any] = parsed["data"]
    return data


def _page(found: Sequence[dict[str, Any]], call: Call) -> Response:
    bounds = []
    for key, default in (("page", 1), ("limit", 10)):
        text = call.query.get(key, str(default))
        if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) >= 1):
            raise _Refused(400, "Validation failed", [schema.issue((key,), "Expected a positive number")])
        bounds.append(int(text))
    page, limit = bounds[0], min(bounds[1], _MOST)
    pages = -(-len(found) // limit)
    shown = found[(page - 1) * limit : page * limit]
    pagination = {
        "page": page,
        "limit": limit,
        "total": len(found),
        "totalPages": pages,
        "hasNextPage": page < pages,
        "hasPreviousPage": page > 1,
    }
    return answer({"data": list(shown), "pagination": pagination})


_CHANNEL_FIELDS: dict[str, Parser] = {
    "name": schema.string,
    "type": schema.choice("email"),
    "config": schema.obj(addresses=schema.array(schema.text(3, 320, r"[^@\s]+@[^@\s]+\.[^@\s]+"))),
}
