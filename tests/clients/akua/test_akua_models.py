"""Akua's records: whatever stands in a field, the others are read, and what is missing stays missing."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from akash_mcp.clients.akua import models
from akash_mcp.clients.akua.fields import moment
from akash_mcp.clients.akua.models import (
    ComputeSettings,
    Install,
    InstallMutation,
    Operation,
    Package,
    Pod,
    Product,
    Quota,
    Repository,
    Workspace,
)
from akash_mcp.clients.api_model import ApiModel, read_json
from akash_mcp.clients.http import Response
from akash_mcp.errors import ServerError

RECORDS: list[type[ApiModel]] = [
    each
    for each in vars(models).values()
    if isinstance(each, type) and issubclass(each, ApiModel) and each.__module__ == models.__name__
]
NAMES = sorted({name for each in RECORDS for name in each.model_fields} | {"operation_id", "type", "message"})


def read(shape: type[Any], value: object) -> Any:
    return Response(200, json.dumps(value).encode(), lambda why: ServerError(why, status=200)).read(
        TypeAdapter(shape)
    )


def test_every_record_is_looked_at() -> None:
    assert {Workspace, Install, Operation, InstallMutation, Pod} < set(RECORDS)


@pytest.mark.parametrize("record", RECORDS)
def test_what_is_missing_is_none(record: type[ApiModel]) -> None:
    required = {
        name: {"id": "x"} if name == "install" else "x"
        for name, field in record.model_fields.items()
        if field.is_required()
    }
    assert set(required) <= {"id", "name", "install"}
    told = read(record, required)
    for name in record.model_fields.keys() - required.keys():
        assert getattr(told, name) is None
        assert type(None) in get_args(record.model_fields[name].annotation)


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("nothing", [None, ""])
def test_null_and_nothing_are_missing(record: type[ApiModel], nothing: object) -> None:
    everything = dict.fromkeys(record.model_fields, nothing) | {
        "id": "x",
        "name": "x",
        "install": {"id": "x"},
    }
    told = read(record, everything)
    given_names = {"id", "name", "install"}
    assert {name for name in record.model_fields if getattr(told, name) is not None} <= given_names


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**9, 10**14)
    | st.floats()
    | st.text(st.characters(), max_size=6)
    | st.sampled_from(["RUNNING", "SUCCEEDED", "2026-01-01T00:00:00Z", "1e999999999", "\ud800", "9" * 5000]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=8),
    max_leaves=20,
)


@given(st.sampled_from(RECORDS), JSON)
def test_whatever_is_answered_it_is_a_record_or_an_error_of_ours(record: type[ApiModel], value: Any) -> None:
    try:
        told = read(record, value)
    except ServerError:
        return
    assert isinstance(value, dict)
    for name in record.model_fields.keys() - value.keys() - {"id"}:
        assert getattr(told, name) is None
    json.dumps(_written(told), ensure_ascii=False).encode()  # no half of a pair, no endless number
    if isinstance(told, Operation):
        assert told.succeeded <= told.is_over
        assert all(isinstance(each, str) for each in told.results.values())
        assert isinstance(told.failure, str)


def _written(told: BaseModel) -> Any:
    return {
        name: str(value)
        for name, value in told
        if name not in ("metadata", "response", "error", "last_error", "input_schema")
    }


@pytest.mark.parametrize("value", [{}, [], 5, "x", None, {"id": None}, {"id": ""}, {"id": []}, {"id": True}])
def test_a_record_without_a_name_cannot_be_read(value: object) -> None:
    for shape in (Install, Operation, Workspace):
        with pytest.raises(ServerError):
            read(shape, value)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        (1734567890, 1734567890.0),
        (1734567890000, 1734567890.0),
        ("1734567890", 1734567890.0),
        (1734567890.5, 1734567890.5),
        ("2024-12-19T00:24:50Z", 1734567890.0),
        ("2024-12-19T01:24:50.000+01:00", 1734567890.0),
        (0, 0.0),
        ("2024-12-19T00:24:50", None),
        (-1, None),
        (10**18, None),
        (True, None),
        ("soon", None),
        (None, None),
        ({"seconds": 1}, None),
    ],
)
def test_a_time_is_seconds_since_the_epoch(told: object, seconds: float | None) -> None:
    assert moment(told) == seconds
    assert read(Workspace, {"id": "ws_1", "created_at": told}).created_at == seconds


def test_an_operation_is_read() -> None:
    told = read(
        Operation,
        {
            "id": "op_1",
            "state": "SUCCEEDED",
            "done": True,
            "metadata": {"type": "install.create"},
            "response": {"type": "install.create", "install_id": "inst_1", "argo_app_name": "x",
                         "sandbox_skipped": True, "machine_id": None, "number_id": 7},
            "error": None,
            "steps": [{"name": "approve", "status": "pending", "execution_type": "approval", "retryable": False}, 5],
        },
    )  # fmt: skip
    assert (told.kind, told.is_over, told.succeeded, told.failure) == ("install.create", True, True, "")
    assert dict(told.results) == {"install_id": "inst_1", "number_id": "7"}
    assert [(step.execution_type, step.skippable) for step in told.steps] == [("approval", None)]


@pytest.mark.parametrize(
    ("told", "is_over", "succeeded"),
    [
        ({}, False, False),
        ({"state": "RUNNING", "done": False}, False, False),
        ({"state": "RUNNING", "done": True}, True, False),
        ({"state": "FAILED"}, True, False),
        ({"state": "CANCELLED", "done": True}, True, False),
        ({"state": "SUCCEEDED", "done": False}, True, True),
        ({"state": "succeeded"}, True, True),
        ({"done": True}, True, False),
        ({"done": "true"}, False, False),
        ({"done": 1}, False, False),
        ({"completed_at": 5}, False, False),
        ({"state": "SUCCEEDING"}, False, False),
    ],
)
def test_an_operation_is_over_only_where_it_says_so(
    told: dict[str, object], is_over: bool, succeeded: bool
) -> None:
    operation = read(Operation, {"id": "op_1", **told})
    assert (operation.is_over, operation.succeeded) == (is_over, succeeded)


@pytest.mark.parametrize(
    ("told", "failure"),
    [
        ({"error": {"message": "no image"}, "last_error": {"message": "older"}}, "no image"),
        ({"last_error": {"message": "retrying", "step_name": "x"}}, "retrying"),
        ({"error": "in words"}, "in words"),
        ({"error": {"message": None}, "last_error": []}, ""),
        ({}, ""),
    ],
)
def test_why_an_operation_failed_is_told(told: dict[str, object], failure: str) -> None:
    assert read(Operation, {"id": "op_1", **told}).failure == failure


def test_an_envelope_that_only_names_its_operation_is_one() -> None:
    assert read(Operation, {"operation_id": "op_1"}).id == "op_1"
    assert read(Operation, {"id": "op_2", "operation_id": "op_1"}).id == "op_2"


def test_half_of_a_surrogate_pair_keeps_nobody_from_reading_the_rest() -> None:
    told = read(Workspace, {"id": "ws_1", "name": "a\ud800b", "slug": {"x": 1}, "etag": 7})
    assert (told.name, told.slug, told.etag) == ("a?b", None, "7")


def test_what_is_not_a_number_is_unknown_and_not_zero() -> None:
    settings = read(ComputeSettings, {"machines": [1], "max_machines": "many", "auto_scaling": {}})
    assert (settings.machines, settings.max_machines, settings.auto_scaling) == (None, None, None)
    assert read(ComputeSettings, {"machines": 0, "max_machines": 2.5}).machines == 0
    assert read(Quota, {"limit": "1e999999999", "remaining": "NaN"}).limit is None


def test_records_within_records_are_read() -> None:
    product = read(Product, {"id": "prod_1", "package": {"id": "pkg_1", "version_pin": {"kind": "latest"}}})
    assert product.package.version_pin.kind == "latest"
    assert read(Product, {"id": "prod_1", "package": "pkg_1"}).package is None
    assert (
        read(Package, {"id": "pkg_1", "source": {"kind": "oci", "oci_ref": "oci://x"}}).source.oci_ref
        == "oci://x"
    )
    assert read(Pod, {"name": "web-0", "containers": ["web", None, {}]}).containers == ["web"]
    assert (
        read(Repository, {"id": "repo_1", "purpose": "deploy", "cluster_id": "clu_1"}).cluster_id == "clu_1"
    )
    mutation = read(InstallMutation, {"install": {"id": "inst_1", "etag": "e"}, "render": None})
    assert (mutation.install.etag, mutation.render) == ("e", None)
    with pytest.raises(ServerError):
        read(InstallMutation, {"render": {"id": "rnd_1"}})


def test_a_record_keeps_what_it_was_read_as() -> None:
    operation = read(Operation, {"id": "op_1", "response": {"a_id": "1"}})
    with pytest.raises(ValidationError):
        operation.id = "op_2"
    with pytest.raises(TypeError):
        operation.results["a_id"] = "2"
    assert read_json(b'{"x": 1.5}')["x"] * 2 == 3
