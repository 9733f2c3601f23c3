"""The Console API's reads about the market: providers, GPUs, prices, templates, the chain's index. They need no key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Literal
from urllib.parse import quote

from akash_mcp.clients.console.client import LARGEST_LIST, ConsoleClient
from akash_mcp.clients.console.market_models import (
    AUDITORS,
    BLOCKS,
    COMPARED,
    GPU_PRICES,
    GPU_VENDORS,
    GPUS,
    PLACEMENT,
    PROVIDER,
    PROVIDERS,
    SCREENED,
    TEMPLATE,
    TEMPLATES,
    Auditor,
    Block,
    ComparedPrice,
    GpuAvailability,
    GpuPrice,
    GpuVendor,
    PlacementOptions,
    ProviderRecord,
    ScreenedProvider,
    Template,
    TemplateCategory,
)
from akash_mcp.clients.console.remembered import Aged, Remembered
from akash_mcp.ids import ProviderAddress

ADDRESSES_A_CALL = 20
SPECS_A_CALL = 10
EVERYONE_SECONDS = 60.0
"""How long the list of all providers is kept: as long as the Console keeps it."""
SPEC_BYTES = 512
"""The API takes no more of specs in one call, which is about nine of them."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What is to be priced: millicores, bytes, bytes."""

    cpu: int
    memory: int
    storage: int


class MarketReader:
    """Reads about the market."""

    _client: ConsoleClient
    _everyone: Remembered[tuple[ProviderRecord, ...]]

    async def get_provider(self, address: ProviderAddress) -> ProviderRecord:
        """One provider. Raises `NotFound` for an address that is not a provider's. Mostly at most half a minute old."""
        answer = await self._client.get_public(f"/v1/providers/{quote(address, safe='')}")
        return answer.unwrapped(PROVIDER)

    async def list_providers(
        self, addresses: Sequence[ProviderAddress] | None = None, *, scope: Literal["all", "trial"] = "all"
    ) -> list[ProviderRecord]:
        """The providers of these addresses, unknown ones left out.

        Without addresses: all there are, several MB. `scope` trial: only those that a trial account may lease from.
        """
        narrowed = {"scope": scope} if scope != "all" else {}
        if addresses is None:
            everyone = await self._client.get_public("/v1/providers", narrowed or None, largest=LARGEST_LIST)
            return everyone.unwrapped(PROVIDERS)
        wanted = list(dict.fromkeys(addresses))
        found: list[ProviderRecord] = []
        for start in range(0, len(wanted), ADDRESSES_A_CALL):
            some = {**narrowed, "addresses": ",".join(wanted[start : start + ADDRESSES_A_CALL])}
            answer = await self._client.get_public("/v1/providers", some)
            known: list[ProviderRecord] = answer.unwrapped(PROVIDERS)
            found += known
        return found

    async def all_providers(self) -> Aged[tuple[ProviderRecord, ...]]:
        """All providers, asked for once a minute at the most, and how old the answer is.

        The Console keeps its list for a minute too, and hands out an older one once more before it reads it anew.
        """

        async def ask() -> tuple[ProviderRecord, ...]:
            return tuple(await self.list_providers())

        return await self._everyone.get(ask)

    async def placement_options(self) -> PlacementOptions:
        """Regions and GPUs that can be had now. Raises `NotOffered` on an API older than autumn 2026."""
        await self._client.require_2026_11("placement options")
        return (await self._client.get_public("/v1/placement-options")).unwrapped(PLACEMENT)

    async def auditors(self) -> list[Auditor]:
        """Whose signatures an SDL may ask for."""
        return (await self._client.get_public("/v1/auditors")).unwrapped(AUDITORS)

    async def gpus(
        self,
        *,
        vendor: str | None = None,
        model: str | None = None,
        memory: str | None = None,
        provider: str | None = None,
    ) -> GpuAvailability:
        """GPUs there are and are free. Filters are exact, and case matters: `nvidia`, `h100`, `80Gi`."""
        chosen = {"provider": provider, "vendor": vendor, "model": model, "memory_size": memory}
        answer = await self._client.get_public(
            "/v1/gpu", {name: value for name, value in chosen.items() if value}
        )
        return answer.read(GPUS, "gpus")

    async def gpu_models(self) -> list[GpuVendor]:
        """GPU models that an SDL may name, whether or not anyone has one."""
        return (await self._client.get_public("/v1/gpu-models")).unwrapped(GPU_VENDORS)

    async def gpu_prices(self) -> list[GpuPrice]:
        """What one GPU cost an hour in the bids of the last month, by model."""
        return (await self._client.get_public("/v1/gpu-prices")).read(GPU_PRICES, "models")

    async def compare_prices(self, specs: Sequence[Spec]) -> list[ComparedPrice]:
        """What each spec would cost a month here and elsewhere, by a fixed formula."""
        compared: list[ComparedPrice] = []
        for body in _batches(specs):
            answer = await self._client.query_public("/v1/pricing", body)
            page: list[ComparedPrice] = answer.unwrapped(COMPARED)
            compared += page
        return compared

    async def screen_bids(
        self,
        resources: Sequence[Mapping[str, object]],
        *,
        requirements: Mapping[str, object] | None = None,
        timezone: str = "UTC",
        reclamation_window: int | None = None,
    ) -> list[ScreenedProvider]:
        """Providers that would probably bid on one group, without creating anything, in no order.

        `resources` and `requirements` are those of the chain's group spec in camelCase JSON, with values as decimal
        strings and the price as a whole number; no resources at all is every provider.
        """
        body: dict[str, object] = {"resources": list(resources), "timezone": timezone}
        if requirements is not None:
            body["requirements"] = requirements
        if reclamation_window is not None:
            body["reclamationWindow"] = reclamation_window
        return (await self._client.query_public("/v1/bid-screening", _json(body))).read(SCREENED, "providers")

    async def templates(self) -> list[TemplateCategory | None]:
        """Ready-made SDLs, by category. None stands for one that cannot be read."""
        return (await self._client.get_public("/v1/templates-list")).unwrapped(TEMPLATES)

    async def template(self, template_id: str) -> Template:
        """One ready-made SDL. Raises `NotFound`."""
        answer = await self._client.get_public(f"/v1/templates/{quote(template_id, safe='')}")
        return answer.unwrapped(TEMPLATE)

    async def latest_block(self) -> Block:
        """The latest block that the Console's index knows, about a block late. One of height 0 where it knows none."""
        newest: list[Block] = (await self._client.get_public("/v1/blocks", {"limit": "1"})).unwrapped(BLOCKS)
        return max(newest, key=lambda block: block.height, default=Block())

    async def latest_height(self) -> int:
        """Its height."""
        return (await self.latest_block()).height


def _batches(specs: Sequence[Spec]) -> Iterator[str]:
    """The specs as few bodies of what the API takes at once."""
    batch: list[str] = []
    for spec in map(_json, map(asdict, specs)):
        longer = [*batch, spec]
        if batch and (len(longer) > SPECS_A_CALL or len(",".join(longer)) + 2 > SPEC_BYTES):
            yield f"[{','.join(batch)}]"
            longer = [spec]
        batch = longer
    if batch:
        yield f"[{','.join(batch)}]"


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
