"""The Console API's reads about the market: providers, GPUs, prices, templates, the chain's index. They need no key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Literal, TypedDict, Unpack
from urllib.parse import quote

from akash_mcp.clients.console.account_models import FUNDING, FundingConfig
from akash_mcp.clients.console.client import LARGEST_LIST, ConsoleClient
from akash_mcp.clients.console.explorer_models import (
    INDEX,
    PUBLIC_DEPLOYMENT,
    IndexedDeployment,
    PublicDeployment,
)
from akash_mcp.clients.console.generation import FUNDING_PATH
from akash_mcp.clients.console.market_models import (
    ADDRESSES,
    ATTRIBUTES,
    AUDITORS,
    BLOCK,
    BLOCKS,
    COMPARED,
    GPU_PRICES,
    GPU_USE,
    GPU_VENDORS,
    GPUS,
    MARKET_DATA,
    NETWORK,
    PLACEMENT,
    PREDICTED_DATE,
    PREDICTED_HEIGHT,
    PROVIDER,
    PROVIDER_PAGE,
    PROVIDERS,
    REACHABLE,
    REGIONS,
    SCREENED,
    TEMPLATE,
    TEMPLATES,
    AttributeSchema,
    Auditor,
    Block,
    ComparedPrice,
    GpuAvailability,
    GpuPrice,
    GpuUse,
    GpuVendor,
    MarketData,
    NetworkCapacity,
    PlacementOptions,
    PredictedDate,
    PredictedHeight,
    ProviderRecord,
    Region,
    ScreenedProvider,
    Template,
    TemplateCategory,
)
from akash_mcp.errors import NotFound
from akash_mcp.ids import AccountAddress, Dseq, ProviderAddress

ADDRESSES_A_CALL = 20
SPECS_A_CALL = 10
SPEC_BYTES = 512
"""The API takes no more of specs in one call, which is about nine of them."""
PAGE = 100

State = Literal["active", "closed"]


@dataclass(frozen=True, slots=True)
class Spec:
    """What is to be priced: millicores, bytes, bytes."""

    cpu: int
    memory: int
    storage: int


class ProviderFilter(TypedDict, total=False):
    """How a search for providers is narrowed. `gpu_models` are such as `h100`."""

    search: str
    online: bool
    audited: bool
    regions: Sequence[str]
    gpu: bool
    gpu_models: Sequence[str]
    sort: str
    skip: int
    limit: int


class MarketReader:
    """Reads about the market."""

    _client: ConsoleClient

    async def get_provider(self, address: ProviderAddress) -> ProviderRecord:
        """One provider. Raises `NotFound` for an address that is none. At most half a minute old, mostly."""
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

    async def search_providers(self, **narrowed: Unpack[ProviderFilter]) -> list[ProviderRecord]:
        """A page of at most 100 providers that match. Raises `NotOffered` on an API older than autumn 2026."""
        await self._client.require_2026_11("search for providers")
        answer = await self._client.get_public("/v1/provider-search", _query(narrowed))
        return answer.unwrapped(PROVIDER_PAGE).providers

    async def placement_options(self) -> PlacementOptions:
        """Regions and GPUs that can be had now. Raises `NotOffered` on an API older than autumn 2026."""
        await self._client.require_2026_11("placement options")
        return (await self._client.get_public("/v1/placement-options")).unwrapped(PLACEMENT)

    async def trial_providers(self) -> list[ProviderAddress]:
        """Providers that a trial account may lease from."""
        return (await self._client.get_public("/v1/trial-providers")).unwrapped(ADDRESSES)

    async def auditors(self) -> list[Auditor]:
        """Whose signatures an SDL may ask for."""
        return (await self._client.get_public("/v1/auditors")).unwrapped(AUDITORS)

    async def provider_regions(self) -> list[Region]:
        """The regions that providers claim to be in."""
        return (await self._client.get_public("/v1/provider-regions")).unwrapped(REGIONS)

    async def attribute_schema(self) -> dict[str, AttributeSchema]:
        """What providers' attributes are called and may say, by name."""
        return (await self._client.get_public("/v1/provider-attributes-schema")).unwrapped(ATTRIBUTES)

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

    async def gpu_breakdown(self, *, vendor: str | None = None, model: str | None = None) -> list[GpuUse]:
        """How many GPUs were leased, by day and model."""
        chosen = {name: value for name, value in (("vendor", vendor), ("model", model)) if value}
        return (await self._client.get_public("/v1/gpu-breakdown", chosen)).unwrapped(GPU_USE)

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

    async def templates(self) -> list[TemplateCategory]:
        """Ready-made SDLs, by category."""
        return (await self._client.get_public("/v1/templates-list")).unwrapped(TEMPLATES)

    async def template(self, template_id: str) -> Template:
        """One ready-made SDL. Raises `NotFound`."""
        answer = await self._client.get_public(f"/v1/templates/{quote(template_id, safe='')}")
        return answer.unwrapped(TEMPLATE)

    async def market_data(self, coin: Literal["akt", "akash-network"] = "akt") -> MarketData:
        """The price of AKT."""
        return (await self._client.get_public(f"/v1/market-data/{coin}")).unwrapped(MARKET_DATA)

    async def network_capacity(self) -> NetworkCapacity:
        """What all providers have together."""
        return (await self._client.get_public("/v1/network-capacity")).unwrapped(NETWORK)

    async def blockchain_reachable(self) -> bool:
        """Whether the Console reaches the chain."""
        return (await self._client.get_public("/v1/blockchain-status")).read(
            REACHABLE, "isBlockchainReachable"
        )

    async def latest_height(self) -> int:
        """The latest block's height that the Console's index knows, about a block late."""
        return max((block.height for block in await self.blocks(1)), default=0)

    async def blocks(self, limit: int = 20) -> list[Block]:
        """The latest blocks, at most 100, newest first."""
        return (await self._client.get_public("/v1/blocks", {"limit": str(limit)})).unwrapped(BLOCKS)

    async def block(self, height: int) -> Block:
        """One block. Raises `NotFound`."""
        return (await self._client.get_public(f"/v1/blocks/{height}")).unwrapped(BLOCK)

    async def predicted_date(self, height: int) -> PredictedDate:
        """When the block of a height will probably be made."""
        return (await self._client.get_public(f"/v1/predicted-block-date/{height}")).unwrapped(PREDICTED_DATE)

    async def predicted_height(self, timestamp: int) -> PredictedHeight:
        """Which block will probably be made at a time, in seconds since the epoch."""
        return (await self._client.get_public(f"/v1/predicted-date-height/{timestamp}")).unwrapped(
            PREDICTED_HEIGHT
        )

    async def public_deployment(self, owner: AccountAddress, dseq: Dseq) -> PublicDeployment:
        """A deployment as anyone may see it, once the index has it. Raises `NotFound` until then, and a while after."""
        answer = await self._client.get_public(
            f"/v1/deployment/{quote(owner, safe='')}/{quote(dseq, safe='')}"
        )
        return answer.unwrapped(PUBLIC_DEPLOYMENT)

    async def deployments_of(self, owner: AccountAddress, state: State) -> list[IndexedDeployment]:
        """All deployments of an address in one state, newest first.

        On the APIs before autumn 2026 this is the only way to list closed ones.
        """
        found: dict[Dseq, IndexedDeployment] = {}
        while True:
            path = f"/v1/addresses/{quote(owner, safe='')}/deployments/{len(found)}/{PAGE}"
            answer = await self._client.get_public(path, {"status": state, "reverseSorting": "true"})
            page = answer.unwrapped(INDEX).results
            news = {listed.dseq: listed for listed in page if listed.dseq not in found}
            found |= news
            # The count may speak of this page only.
            if len(page) < PAGE or not news:
                return list(found.values())

    async def funding_config(self) -> FundingConfig | None:
        """How the API of autumn 2026 funds deployments by itself; None on an older one."""
        try:
            return (await self._client.get_public(FUNDING_PATH)).read(FUNDING, "data")
        except NotFound:
            return None


def _query(narrowed: ProviderFilter) -> dict[str, str]:
    """Query parameters: camelCase names, comma-separated lists, `true` and `false`."""
    params: dict[str, str] = {}
    for name, value in narrowed.items():
        head, *rest = name.split("_")
        key = head + "".join(part.capitalize() for part in rest)
        if isinstance(value, bool):
            params[key] = str(value).lower()
        elif isinstance(value, str | int):
            params[key] = str(value)
        elif isinstance(value, Sequence):
            params[key] = ",".join(value)
    return params


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
