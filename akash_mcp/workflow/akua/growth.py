"""How far a cluster may grow by itself for what is installed on it, and whether that is still what was agreed to."""

from __future__ import annotations

from akash_mcp.clients.akua.reader import AkuaReader
from akash_mcp.errors import AkashError
from akash_mcp.guard.plans.akua_plans import AkuaPlan, CreateInstallPlan, UpdateInstallPlan
from akash_mcp.workflow.akua.versions_in_words import version_of_product


async def growth_of(reader: AkuaReader, cluster_id: str | None) -> tuple[bool | None, int | None]:
    """Whether a cluster may add machines for an install, and up to how many. None is what is not known."""
    if cluster_id is None:
        return None, None
    try:
        now = await reader.compute_settings(cluster_id)
    except AkashError:
        return None, None
    if now.auto_scaling == "paused":
        return False, None
    return (True if now.auto_scaling == "active" else None), now.max_machines


async def what_changed(reader: AkuaReader, plan: AkuaPlan) -> str:
    """What is not any more as it was agreed to, and can cost more or install something else, in a sentence; "" for
    nothing. What an etag goes with is not looked at: Akua refuses that itself.
    """
    if isinstance(plan, CreateInstallPlan):
        adds, most = await growth_of(reader, plan.cluster_id or None)
        if plan.product_id:
            product = await reader.product(plan.product_id)
            if (await version_of_product(reader, product))[2] != plan.pinned:
                return "The product installs another version now."
        return _grew((plan.adds_machines, plan.most_machines), (adds, most))
    if isinstance(plan, UpdateInstallPlan):
        install = await reader.install(plan.install_id)
        return _grew((plan.adds_machines, plan.most_machines), await growth_of(reader, install.cluster_id))
    return ""


def _grew(agreed: tuple[bool | None, int | None], now: tuple[bool | None, int | None]) -> str:
    adds, most = agreed
    adds_now, most_now = now
    if adds is None or adds_now is False or agreed == now:
        return ""
    if adds is False:
        return "Whether its cluster adds machines for it is another now, or cannot be read."
    if adds_now and (most is None or (most_now is not None and most_now <= most)):
        return ""
    return "Its cluster may grow further now, or how far cannot be read."
