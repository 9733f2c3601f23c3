"""A bid, read as an offer."""

from __future__ import annotations

from decimal import Decimal

import pytest

from akash_mcp.clients.console.models import Bid, ProviderRecord
from akash_mcp.ids import Dseq, LeaseId, ProviderAddress
from akash_mcp.market.offers import NO_PRICE, Offer, offer_from
from akash_mcp.money import Usd

PROVIDER = "akash1365yvmc4s7awdyj3n2sav7xfx76adc6dnmlx63"
USDC = "ibc/170C677610AC31DF0904FFE09CD3B5C657492170E7E52372E48756B71E56F2F1"
RECORD = {
    "owner": PROVIDER,
    "hostUri": "https://provider.example:8443",
    "name": None,
    "isOnline": True,
    "isAudited": True,
    "isValidVersion": True,
    "uptime1d": None,
    "uptime7d": 0.9975,
    "uptime30d": 1,
    "ipRegion": "Texas",
    "ipCountry": "United States",
    "ipCountryCode": "US",
    "gpuModels": [
        {"vendor": "nvidia", "model": "a100", "ram": "80Gi", "interface": "SXM4"},
        {"vendor": "nvidia", "model": "a100", "ram": "40Gi", "interface": "PCIe"},
    ],
}


def bid(amount: str = "1000.5", denom: str = "uact") -> Bid:
    return Bid.model_validate(
        {
            "id": {"owner": PROVIDER, "dseq": "12345", "gseq": 2, "oseq": 1, "provider": PROVIDER, "bseq": 0},
            "state": "open",
            "price": {"denom": denom, "amount": amount},
            "created_at": "22000000",
            "resources_offer": [],
        }
    )


def test_a_bid_and_its_provider_make_an_offer() -> None:
    offer = offer_from(bid(), ProviderRecord.model_validate(RECORD), age_seconds=Decimal(12))
    assert offer.price_uact_per_block == Decimal("1000.5")
    assert offer.usd_per_hour.plain() == "0.591"
    assert (offer.region, offer.country, offer.country_code) == ("Texas", "United States", "US")
    assert (offer.uptime_1d, offer.uptime_7d, offer.uptime_30d) == (None, Decimal("0.9975"), Decimal(1))
    assert offer.gpu_models == ("nvidia/a100",)
    assert (offer.audited, offer.online, offer.valid_version) == (True, True, True)


def test_without_a_record_all_about_the_provider_is_unknown() -> None:
    offer = offer_from(bid(), None)
    assert (offer.online, offer.valid_version, offer.uptime_30d, offer.audited) == (None, None, None, False)


def test_it_names_the_lease_that_would_come_of_it() -> None:
    lease = offer_from(bid(), None).lease_id(Dseq("12345"))
    assert lease == LeaseId(Dseq("12345"), 2, 1, ProviderAddress(PROVIDER))


def test_a_dollar_is_a_dollar_in_either_denomination() -> None:
    assert offer_from(bid(denom=USDC), None) == offer_from(bid(), None)


@pytest.mark.parametrize(
    ("amount", "denom"), [("5", "uakt"), ("0", "uact"), ("-1", "uact"), ("1e30", "uact")]
)
def test_an_unreadable_price_is_over_every_limit(amount: str, denom: str) -> None:
    offer = offer_from(bid(amount, denom), None)
    assert not offer.has_price
    assert offer.usd_per_hour == NO_PRICE > Usd(10**8)


def test_a_price_that_is_not_a_number_is_none() -> None:
    offer = Offer(provider=ProviderAddress(PROVIDER), gseq=1, price_uact_per_block=Decimal("NaN"))
    assert offer.usd_per_hour == NO_PRICE
