"""Ten crashes that the suite runs: each tool, each generation, each blow and each fate, where the most is at stake."""

from __future__ import annotations

from crash_scenarios import ERAS, Scenario, Tool
from server_processes import Blow
from stopping_proxy import Fate, Point

_LEGACY = ERAS[1]
_CREATE = Point("POST /v1/deployments")
_LEASE = Point("POST /v1/leases")

QUICK = (
    Scenario(Tool.DEPLOY, "reference", _CREATE, Fate.LOST, Blow.KILL),
    Scenario(Tool.DEPLOY, "2025", _CREATE, Fate.LATE, Blow.KILL, era=_LEGACY),
    Scenario(Tool.DEPLOY, "2026-11", _CREATE, Fate.ANSWERED, Blow.EOF),
    Scenario(Tool.DEPLOY, "reference", Point("GET /v1/bids", 2), Fate.LOST, Blow.KILL, era=_LEGACY),
    Scenario(Tool.DEPLOY, "2026-11", _LEASE, Fate.LANDED, Blow.STOP),
    Scenario(Tool.DEPLOY, "reference", _LEASE, Fate.UNHEARD, Blow.TERM),
    Scenario(Tool.FUND, "reference", Point("POST /v1/deposit-deployment"), Fate.LANDED, Blow.KILL),
    Scenario(
        Tool.FUND,
        "2026-11",
        Point("PATCH /v2/deployment-settings/{dseq}"),
        Fate.ANSWERED,
        Blow.TERM,
        era=_LEGACY,
    ),
    Scenario(Tool.UPDATE, "2025", Point("PUT /v1/deployments/{dseq}"), Fate.LOST, Blow.EOF),
    Scenario(Tool.CLOSE, "reference", Point("DELETE /v1/deployments/{dseq}"), Fate.LANDED, Blow.KILL),
)
