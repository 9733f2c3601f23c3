"""Where providers are, by the names that people use: `Germany`, `DE`, `Oregon`, `EU`, `Europe`, `us-west`.

A provider is where its address is measured to be: region, country, code of the country, continent, and `eu` for a
member state of the European Union, the narrower of what people mean by it. What it says of itself has no influence on
any of these names.

No measurement is called `us-west`. Such a code of a region is taken from what the provider says (the attributes
`location-region` and `region`), where the country or continent that it begins with is the one that is measured; which
part of that country it is remains its own word, and `only_claimed` tells so. Cities and free text are in no way
checked, and are no place: whoever asks for one is told what is measured where it is claimed.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches

from akash_mcp.clients.console.market_models import ProviderRecord
from akash_mcp.errors import BadArgument
from akash_mcp.market.continents import CONTINENTS, EUROPEAN_UNION
from akash_mcp.sanitize.text import field, quoted

_EVERYDAY: Mapping[str, str] = {
    "usa": "us",
    "america": "us",
    "unitedstatesofamerica": "us",
    "uk": "gb",
    "greatbritain": "gb",
    "britain": "gb",
    "holland": "nl",
    "czechrepublic": "cz",
    "europeanunion": "eu",
}
"""What people write, without spaces, and what is measured."""

_CONTINENT_CODES: Mapping[str, frozenset[str]] = {
    "eu": frozenset({"europe"}),
    "europe": frozenset({"europe"}),
    "na": frozenset({"north america"}),
    "sa": frozenset({"south america"}),
    "as": frozenset({"asia"}),
    "asia": frozenset({"asia"}),
    "ap": frozenset({"asia", "oceania"}),
    "apac": frozenset({"asia", "oceania"}),
    "af": frozenset({"africa"}),
    "africa": frozenset({"africa"}),
    "oc": frozenset({"oceania"}),
    "oceania": frozenset({"oceania"}),
}
"""What the codes of regions begin with that is not the code of a country."""

_REGION_CODE = re.compile(r"(?=.{4,24}\Z)[a-z]{2,8}(-[a-z0-9]{1,12}){1,3}")
_REGION_ATTRIBUTES = ("location-region", "region")
_LONGEST_PLACE = 60
_MOST_LISTED = 40
_MOST_NEAR = 3
_MOST_CLAIMS = 20


def places_of(record: ProviderRecord) -> frozenset[str]:
    """The names, case-folded, of where a provider is: those that are measured, and codes of regions that fit them.

    Empty where nothing is measured: what is not known is in no region.
    """
    return measured_places(record) | _fitting_codes(record)


def measured_places(record: ProviderRecord) -> frozenset[str]:
    """Where its address is: region, country, code of the country, continent, and `eu` in the European Union."""
    code = _measured_code(record)
    names = [_folded(record.ip_region), _folded(record.ip_country), code.lower(), CONTINENTS.get(code, "")]
    return frozenset(name for name in (*names, "eu" if code in EUROPEAN_UNION else "") if name)


def claimed_places(record: ProviderRecord) -> frozenset[str]:
    """Where it says that it is, in its own words, case-folded: regions, country, city. Told, and never believed."""
    return frozenset(filter(None, map(_folded, _claims(record))))


def resolve(asked: Sequence[str], records: Iterable[ProviderRecord]) -> frozenset[str]:
    """The names, as `places_of` has them, of the places that are `asked` for in any case and spelling.

    A provider is in one of them where `places_of(record) & resolved`. Nothing asked is an empty set. Raises
    `BadArgument` for a place where none of the `records` is: it names the nearest, those that there are, and where
    those are measured that only claim to be there.
    """
    everyone = list(records) if asked else []
    known = _by_key(everyone)
    found: set[str] = set()
    for name in asked:
        key = _key(name)
        places = known.get(_EVERYDAY.get(key, key))
        if places is None:
            raise _no_such_place(name, everyone, known)
        found |= places
    return frozenset(found)


def only_claimed(places: Iterable[str], records: Iterable[ProviderRecord]) -> frozenset[str]:
    """Those of the `places` that nothing measures: which part of the country it is, providers say of themselves."""
    measured: set[str] = set()
    for record in records:
        measured |= measured_places(record)
    return frozenset(places) - measured


def place_list(records: Iterable[ProviderRecord]) -> str:
    """The countries and regions that the records have, most providers first: `United States (US), …; us-west, …`."""
    countries: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    for record in records:
        if country := _country(record):
            countries[country] += 1
        codes.update(_fitting_codes(record))
    return "; ".join(filter(None, (_most_common(countries), _most_common(codes))))


def _by_key(records: Iterable[ProviderRecord]) -> dict[str, set[str]]:
    known: dict[str, set[str]] = {}
    for record in records:
        for place in places_of(record):
            known.setdefault(_key(place), set()).add(place)
    return known


def _no_such_place(
    name: str, records: Sequence[ProviderRecord], known: Mapping[str, Iterable[str]]
) -> BadArgument:
    key = _key(name)
    claiming = [r for r in records if any(_key(claim) == key for claim in claimed_places(r))]
    what = f"No provider is measured to be in {quoted(name)}."
    if claiming:
        where = Counter(_country(record) or "an unknown place" for record in claiming)
        what += (
            f" {len(claiming)} say{'s' * (len(claiming) == 1)} so of themselves; where their addresses are: "
            f"{_most_common(where)}."
        )
    near = [min(known[match]) for match in get_close_matches(key, known, n=_MOST_NEAR)]
    there_are = place_list(records) or "none is known"
    next_step = f"Did you mean {' or '.join(map(quoted, near))}? " if near else ""
    return BadArgument(what, next_step=f"{next_step}Places with providers: {there_are}.")


def _country(record: ProviderRecord) -> str:
    code = _measured_code(record)
    if name := field(record.ip_country, _LONGEST_PLACE):
        return f"{name} ({code})" if code else name
    return code


def _measured_code(record: ProviderRecord) -> str:
    code = (record.ip_country_code or "").strip().upper()
    return code if re.fullmatch("[A-Z]{2}", code) else ""


def _fitting_codes(record: ProviderRecord) -> frozenset[str]:
    code = _measured_code(record)
    if not code:
        return frozenset()
    claims = (_folded(claim) for claim in _claimed_regions(record))
    return frozenset(claim for claim in claims if _REGION_CODE.fullmatch(claim) and _fits(claim, code))


def _fits(region: str, code: str) -> bool:
    """Whether the code of a region, such as `us-west`, `eu-north` or `na-us-west`, begins with where it is measured."""
    first, second, *_ = region.split("-")
    if first in (code.lower(), "uk" if code == "GB" else ""):
        return True
    if CONTINENTS.get(code) not in _CONTINENT_CODES.get(first, ()):
        return False
    return second.upper() not in CONTINENTS or second == code.lower()


def _claims(record: ProviderRecord) -> Iterator[str]:
    yield from _claimed_regions(record)
    for value in (record.country, record.city):
        yield from _split(value)


def _claimed_regions(record: ProviderRecord) -> Iterator[str]:
    values = [each.value for each in record.attributes if each.key in _REGION_ATTRIBUTES]
    for value in (record.location_region, *values[:_MOST_CLAIMS]):
        yield from _split(value)


def _split(value: str | None) -> Iterable[str]:
    """What a provider lists. It is looked at anew with each bid, so what is longer than any place is not read whole."""
    return (value or "")[: _MOST_CLAIMS * _LONGEST_PLACE].split(",", _MOST_CLAIMS)[:_MOST_CLAIMS]


def _folded(name: str | None) -> str:
    return field(name, _LONGEST_PLACE).casefold()


def _key(name: str) -> str:
    """A name without case, accents, spaces and signs, so that `São Paulo`, `sao-paulo` and `US_West` are found."""
    plain = unicodedata.normalize("NFKD", name[:_LONGEST_PLACE]).casefold()
    return "".join(letter for letter in plain if letter.isalnum())


def _most_common(names: Counter[str]) -> str:
    ordered = sorted(names, key=lambda name: (-names[name], name))
    more = len(ordered) - _MOST_LISTED
    return ", ".join((*ordered[:_MOST_LISTED], *([f"and {more} more"] if more > 0 else [])))
