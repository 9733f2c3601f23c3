"""How one deployment is funded, and until when: read by the request that changes nothing, or not at all.

On `reference` the Console's own read of a deployment's settings switches automatic top-up ON where there are none yet
(akash-network/console `deployment-setting.service.ts`). So it is asked only of deployments whose settings this server
made; of any other it is unknown, and said so.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from akash_mcp.clients.console.generation import Generation
from akash_mcp.ids import Dseq
from akash_mcp.workflow.runtime import Runtime


class TopUp(StrEnum):
    """Whether the Console adds money by itself. `ALWAYS`: it cannot be switched off, and the runtime limit bounds it.
    `NONE`: this Console has no such thing.
    """

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"
    ALWAYS = "always"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Funding:
    """What funds and bounds a deployment. `limit_hours`: its runtime limit, and `limit_ends_at` as the Console writes
    that.
    """

    dseq: Dseq
    generation: Generation
    top_up: TopUp
    limit_hours: Decimal | None = None
    limit_ends_at: str | None = None


async def funding_of(rt: Runtime, dseq: Dseq) -> Funding:
    """How a deployment is funded, changing nothing. Raises what the Console does, `NotFound` among it."""
    generation = await rt.reader.generation()
    if generation is Generation.V2025:
        await rt.reader.get_deployment(dseq)
        return Funding(dseq, generation, TopUp.NONE)
    if generation is Generation.V2026_11:
        limit = await rt.reader.runtime_limit(dseq)
        return Funding(dseq, generation, TopUp.ALWAYS, limit.runtime_limit_hours, limit.runtime_ends_at)
    settings = await rt.gate.read_settings(dseq)
    if settings is None:
        await rt.reader.get_deployment(dseq)
        return Funding(dseq, generation, TopUp.UNKNOWN)
    is_on = settings.auto_top_up_enabled if settings.dseq == dseq else None
    return Funding(dseq, generation, TopUp.UNKNOWN if is_on is None else TopUp.ON if is_on else TopUp.OFF)
