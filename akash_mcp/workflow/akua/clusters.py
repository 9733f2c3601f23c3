"""What there is at Akua to install something on: clusters, how many machines each has, and regions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from akash_mcp.clients.akua.models import Cluster, ComputeSettings, Region
from akash_mcp.clients.akua.pages import Listing
from akash_mcp.clients.akua.reader import AkuaReader
from akash_mcp.workflow.akua.parts import reading

MOST_ASKED = 20
"""So many clusters are asked for their machines, each by a request of its own."""
AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Clusters:
    """The clusters and regions of a workspace, as far as they could be read; `problems` says what is missing.

    `machines` has the compute settings of the clusters that told them, by their ids.
    """

    listing: Listing[Cluster]
    machines: dict[str, ComputeSettings]
    regions: list[Region] | None
    problems: list[str]


async def read_clusters(reader: AkuaReader) -> Clusters:
    """Read them. Raises `AkashError` where not even the clusters could be read."""
    listing = await reader.clusters()
    async with reading(at_once=AT_ONCE) as parts:
        regions = parts.read("The list of regions", reader.regions)
        asked = {
            each.id: parts.read(f"The machines of {each.id}", partial(reader.compute_settings, each.id))
            for each in listing.records[:MOST_ASKED]
        }
    problems = [regions.problem] if regions.problem else []
    if not listing.is_whole:
        problems.append(f"The list of clusters is not whole: {listing.problem}")
    if regions.value is not None and not regions.value.is_whole:
        problems.append(f"The list of regions is not whole: {regions.value.problem}")
    unread = [part.problem for part in asked.values() if part.problem]
    if unread:
        more = f" The same goes for {len(unread) - 1} more." if len(unread) > 1 else ""
        problems.append(unread[0] + more)
    if len(listing.records) > MOST_ASKED:
        problems.append(f"Only the first {MOST_ASKED} clusters were asked for their machines.")
    return Clusters(
        listing=listing,
        machines={name: part.value for name, part in asked.items() if part.value is not None},
        regions=None if regions.value is None else regions.value.records,
        problems=problems,
    )
