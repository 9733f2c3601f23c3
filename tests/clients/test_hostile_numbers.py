"""Whatever an API answers, no number of it stops, fills or misleads the server.

Samples come from the models' own schemas, so a new model or field is fuzzed without a line here.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter
from test_console_models import PROVIDER_ADDRESS, lease

from akash_mcp.clients import chain, lease_status
from akash_mcp.clients.api_model import LARGEST, Coin, believable, read_json, uact
from akash_mcp.clients.console import account_models, market_models, models
from akash_mcp.clients.console.models import BIDS, DEPLOYMENTS, DETAIL, DeploymentDetail
from akash_mcp.clients.http import Response
from akash_mcp.errors import AkashError, ServerError
from akash_mcp.money import Usd
from akash_mcp.tools.deployment_results import deployment_result
from akash_mcp.workflow.readiness import Readiness
from akash_mcp.workflow.status import DeploymentStatus, funds_of

LONGEST_SECONDS = 2.0
"""For one reading; the machine may be busy. They take milliseconds."""

ADAPTERS: dict[str, TypeAdapter[Any]] = {
    f"{module.__name__}.{name}": value
    for module in (chain, lease_status, account_models, market_models, models)
    if isinstance(module, ModuleType)
    for name, value in vars(module).items()
    if isinstance(value, TypeAdapter)
}

TOKENS = (
    *("1e999999999", "-1e999999999", "1e-999990", "1E+400", "NaN", "Infinity", "-Infinity", "9" * 5_001),
    *("-" + "9" * 5_001, "0." + "9" * 5_001, "1e20", "1e21", "-1", "-0", "0", "1.5", "18446744073709551616"),
    *("null", "true", "[]", "{}", '""', "[null]", '{"a": null}', "[[[]]]", '"x"', '"\\ud800"', '"' + "a" * 9_000 + '"'),
    *('"1e999999999"', '"1e-999990"', '"sNaN"', '"NaN123"', '"-Infinity"', '"' + "9" * 5_001 + '"', '"1_000"', '"٣"'),
    *('"0x10"', '" 7 "', '"1e99999999999999999999"', '"--1"', '"1e20"', '"1e21"', '"0.' + "0" * 30 + '1"'),
)  # fmt: skip
"""JSON texts that an API can put anywhere."""
GIANTS = (
    "9" * 1_000_000,
    '"' + "9" * 1_000_000 + '"',
    "1." + "9" * 1_000_000,
    "[" * 100_000,
    '{"a":' * 100_000,
)


def sample(schema: dict[str, Any], definitions: dict[str, Any]) -> Any:
    """Something that a model takes, as full as it can be."""
    if "$ref" in schema:
        return sample(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    if "allOf" in schema:
        return sample(schema["allOf"][0], definitions)
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return sample(schema["anyOf"][0], definitions)
    match schema.get("type"):
        case "object" if "properties" in schema:
            return {name: sample(inner, definitions) for name, inner in schema["properties"].items()}
        case "object":
            return {"web": sample(schema["additionalProperties"], definitions)}
        case "array":
            return [sample(schema["items"], definitions)] * 2
        case "integer" | "number":
            return 7
        case "boolean":
            return True
        case _:
            return "1763759482113"


SAMPLES = {
    name: sample(schema := adapter.json_schema(), schema.get("$defs", {}))
    for name, adapter in ADAPTERS.items()
}


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))


def replaced(value: Any, path: tuple[str | int, ...], token: str) -> str:
    """The JSON text of a value, with a token in place of what stands at a path."""
    if not path:
        return token
    first, rest = path[0], path[1:]
    if isinstance(value, dict):
        pairs = (
            f"{json.dumps(key)}: {replaced(inner, rest, token) if key == first else json.dumps(inner)}"
            for key, inner in value.items()
        )
        return "{" + ", ".join(pairs) + "}"
    items = (
        replaced(inner, rest, token) if i == first else json.dumps(inner) for i, inner in enumerate(value)
    )
    return "[" + ", ".join(items) + "]"


def lost(why: str) -> AkashError:
    return ServerError(f"it cannot be read: {why[:200]}", status=200)


def use(value: object) -> None:
    """Do with an answer what the server does: reckon with it and write it out."""
    if isinstance(value, DeploymentDetail):
        status = DeploymentStatus(
            value,
            True,
            funds_of(value, 10**9, 1.8e9, generation=None, ours=True),
            value.spent_at(10**9),
            Readiness(0, {}),
            {},
        )
        assert len(deployment_result(status).model_dump_json()) < 20_000
    if isinstance(value, BaseModel):
        for name in set(dir(type(value))) - set(dir(BaseModel)):
            if isinstance(getattr(type(value), name), property):
                known = getattr(value, name)
                # A text is as long as it came, and so is a record with a text in it.
                assert isinstance(known, str | list) or len(str(known)) < 20_000
        for name in type(value).model_fields:
            use(getattr(value, name))
    elif isinstance(value, dict):
        for inner in value.values():
            use(inner)
    elif isinstance(value, list):
        for inner in value:
            use(inner)
    elif isinstance(value, int | Decimal):
        assert -LARGEST <= value <= LARGEST
        assert len(f"{Decimal(value):f}") < 100


def read(name: str, text: str) -> float:
    """CPU seconds that one reading takes. Nothing may come of it but an answer, or an error of ours."""
    began = time.process_time()
    with suppress(AkashError):  # an answer that is not one
        use(Response(200, text.encode(), lost).read(ADAPTERS[name]))
    return time.process_time() - began


def test_every_sample_is_an_answer() -> None:
    for name, value in SAMPLES.items():
        use(Response(200, json.dumps(value).encode(), lost).read(ADAPTERS[name]))


def test_ten_thousand_odd_answers_stop_nothing() -> None:
    chosen = random.Random(20261128)
    longest = 0.0
    for _ in range(10_000):
        name = chosen.choice(list(SAMPLES))
        path = chosen.choice(list(places(SAMPLES[name])))
        longest = max(longest, read(name, replaced(SAMPLES[name], path, chosen.choice(TOKENS))))
    assert longest < LONGEST_SECONDS


def test_numbers_of_a_million_digits_and_deep_nesting_stop_nothing() -> None:
    longest = 0.0
    for name, value in SAMPLES.items():
        leaf = max(places(value), key=len)
        for token in GIANTS:
            longest = max(longest, read(name, replaced(value, leaf, token)))
    assert longest < LONGEST_SECONDS


@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_no_answer_that_json_allows_stops_anything(name: str, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(list(places(SAMPLES[name]))))
    numbers = st.one_of(
        st.sampled_from(TOKENS),
        st.integers().map(str),
        st.decimals().map(str).filter(lambda text: "NaN" not in text),
        st.text(max_size=40).map(json.dumps),
        st.decimals().map(lambda number: json.dumps(str(number))),
    )
    assert read(name, replaced(SAMPLES[name], path, data.draw(numbers))) < LONGEST_SECONDS


@pytest.mark.parametrize(
    "value",
    ["1e999999999", "1e-999990", "sNaN", "NaN", "-Infinity", "9" * 5_001, 10**5_000, float("nan"), float("inf"),
     Decimal("1e400"), Decimal("sNaN"), True, None, {}, [], "", "٣", "1,5", "0x10", "1e99999999999999999999"],
    ids=lambda value: f"{type(value).__name__}-{str(value)[:8] if not isinstance(value, int) else 'huge'}",
)  # fmt: skip
def test_what_nobody_can_mean_is_not_a_number(value: object) -> None:
    assert believable(value) is None
    assert Coin.model_validate({"denom": "uact", "amount": value}).amount is None


def test_what_the_chain_writes_is_read_digit_for_digit() -> None:
    assert believable("500000.000000000000000000") == 500_000
    assert believable("-0.000000000000000001") == Decimal("-1e-18")
    assert read_json('{"a": 0.1, "b": 18446744073709551615}') == {"a": Decimal("0.1"), "b": 2**64 - 1}


def test_an_amount_that_cannot_be_read_is_not_zero() -> None:
    coins = [Coin(denom="uact", amount=Decimal(5)), Coin(denom="uact")]
    assert uact(coins) is None
    assert uact(coins[:1]) == 5
    assert uact([Coin(denom="uakt"), *coins[:1]]) == 5


def told(*leases: object, escrow: object = None) -> DeploymentDetail:
    return DETAIL.validate_python(
        {
            "deployment": {"id": {"dseq": 5}, "state": "active"},
            "leases": list(leases),
            "escrow_account": escrow,
        }
    )


@pytest.mark.parametrize(
    "odd",
    [None, 5, [], {}, {"id": {}}, lease() | {"state": None}, lease() | {"price": None}, lease() | {"price": "free"},
     lease() | {"price": {"denom": "uact", "amount": "1e999999999"}},
     lease() | {"price": {"denom": "uakt", "amount": "1"}}],
)  # fmt: skip
def test_a_lease_that_cannot_be_read_makes_the_rate_unknown_and_hides_nothing_else(odd: object) -> None:
    detail = told(lease(5), odd, escrow={"state": {"funds": [{"denom": "uact", "amount": "7"}]}})
    assert detail.rate_uact is None
    assert detail.escrow_funds == 7
    assert detail.active_leases
    assert not funds_of(detail, 10, 0, generation=None, ours=True).rate_is_known


@pytest.mark.parametrize("escrow", [5, "", [], {"state": 5}, {"state": {"funds": [5], "transferred": [5]}}])
def test_an_escrow_that_cannot_be_read_keeps_nobody_from_closing(escrow: object) -> None:
    detail = told(lease(5), escrow=escrow)
    assert (detail.state, detail.rate_uact) == ("active", Decimal("100.5"))
    if escrow != "":  # absent
        assert (detail.escrow_funds, detail.spent, detail.spent_at(9), detail.escrow_left(9)) == (None,) * 4


def test_one_odd_provider_is_one_odd_row(caplog: pytest.LogCaptureFixture) -> None:
    good = {"owner": PROVIDER_ADDRESS, "uptime7d": 0.5}
    rows = [good, 5, {"owner": None}, good | {"uptime7d": "1e999999999", "leaseCount": 10**5_000}]
    read = market_models.PROVIDERS.validate_python(rows)
    assert [row.uptime7d for row in read] == [Decimal("0.5"), None]
    assert read[1].lease_count is None
    assert "2 of 4 records cannot be read" in caplog.text


def test_a_service_that_cannot_be_read_is_told_and_never_ready() -> None:
    services = {"web": {"available": 1, "total": 1}, "db": {"available": "many"}, "odd": 5}
    status = lease_status.LEASE_STATUS.validate_python({"services": services})
    assert sorted(status.unread_services) == ["db", "odd"]
    assert not status.is_ready
    ports = {"web": [{"port": 22, "externalPort": "9" * 5_001}, 5]}
    [port] = lease_status.LEASE_STATUS.validate_python({"forwarded_ports": ports}).forwarded_ports["web"]
    assert (port.port, port.external_port) == (22, 0)


@pytest.mark.parametrize("nothing", [b'{"deployments": null}', b"{}", b'{"deployments": 5}', b"[]"])
def test_no_list_is_not_an_empty_one(nothing: bytes) -> None:
    with pytest.raises(AkashError):
        Response(200, nothing, lost).read(DEPLOYMENTS)
    with pytest.raises(AkashError):
        Response(200, b"null", lost).read(BIDS)


def test_an_odd_entry_of_a_list_is_kept_as_unread() -> None:
    page = Response(200, b'{"deployments": [5, {"deployment": {"id": {"dseq": "7"}}, "leases": 5}]}', lost)
    assert len(page.read(DEPLOYMENTS).deployments) == 2
    assert len(Response(200, b"[5]", lost).read(BIDS)) == 1


def test_a_balance_that_cannot_be_read_is_unknown() -> None:
    balances = account_models.BALANCES.validate_python({"balance": 5, "deployments": "1e999999999"})
    assert (balances.available, balances.in_deployments) == (Usd("0.000005"), None)
    with pytest.raises(AkashError):
        Response(200, b'{"balance": NaN}', lost).read(account_models.BALANCES)
