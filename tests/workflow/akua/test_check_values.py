"""Values are checked by a package's own schema before anything is sent, and what cannot be checked is not called right.

The schema is somebody else's: whatever it says, a check ends, fetches nothing, and never repeats a value.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, validators

from akash_mcp.errors import BadArgument
from akash_mcp.workflow.akua import schema_judge, values
from akash_mcp.workflow.akua.values import check_values

pytestmark = pytest.mark.anyio

SECRET = "hunter2-hunter2-hunter2"
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["domain", "password"],
    "additionalProperties": False,
    "properties": {
        "domain": {"type": "string", "pattern": r"^[a-z.]+$", "x-ui": {"order": 1}},
        "password": {"type": "string", "minLength": 8},
        "replicas": {"type": "integer", "minimum": 1, "maximum": 5},
        "size": {"enum": ["small", "large"]},
        "price": {"type": "number", "multipleOf": 0.01},
        "database": {
            "type": "object",
            "required": ["name"],
            "properties": {"name": {"type": "string", "maxLength": 10}},
        },
    },
}
RIGHT: dict[str, Any] = {"domain": "example.com", "password": SECRET}


async def fault_of(schema: dict[str, Any], given: dict[str, Any]) -> str:
    with pytest.raises(BadArgument) as refused:
        await check_values(schema, given)
    return str(refused.value)


async def test_right_values_pass() -> None:
    await check_values(SCHEMA, {**RIGHT, "replicas": 2.0, "size": "large", "price": 1.13})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"domain": None}, "/domain must be text"),
        ({"domain": "A B"}, '/domain does not match the pattern "^[a-z.]+$"'),
        ({"password": "short"}, "/password must have at least 8 characters"),
        ({"replicas": 9}, "/replicas must be at most 5"),
        ({"replicas": True}, "/replicas must be a whole number"),
        ({"size": "medium"}, '/size must be one of "small", "large"'),
        ({"price": 1.135}, "/price must be a multiple of 0.01"),
        ({"database": {}}, "/database/name is missing"),
        ({"database": {"name": "x" * 11}}, "/database/name must have at most 10 characters"),
        ({"databse": {}}, "/databse is not an input of this package"),
    ],
)
async def test_a_fault_is_named_by_its_place_and_its_rule(changed: dict[str, Any], said: str) -> None:
    assert said in await fault_of(SCHEMA, {**RIGHT, **changed})


async def test_what_is_missing_is_named_each_by_itself() -> None:
    assert "/domain is missing; /password is missing." in await fault_of(SCHEMA, {})


async def test_a_rejected_value_is_never_repeated() -> None:
    wrong = {
        "domain": SECRET.upper(),
        "password": [SECRET],
        "replicas": SECRET,
        "size": SECRET,
        "price": {"a": SECRET},
        "database": SECRET,
    }
    said = await fault_of(SCHEMA, wrong)
    assert said.count("must") >= 5
    assert SECRET.casefold() not in said.casefold()


async def test_at_most_ten_faults_are_named_and_that_there_are_more() -> None:
    said = await fault_of(SCHEMA, {**RIGHT, **{f"unknown{number}": 1 for number in range(12)}})
    assert said.count("is not an input of this package") == 10
    assert "; and there are more faults" in said


async def test_alternatives_are_told_by_the_nearest() -> None:
    forms = {"anyOf": [{"type": "string"}, {"type": "object", "required": ["host"]}]}
    said = await fault_of({"properties": {"db": forms}}, {"db": {"port": 1}})
    assert "/db has none of the forms that it may have; of the nearest, /db/host is missing" in said
    both = {"oneOf": [{"type": "string"}, {"minLength": 1}]}
    assert "/db has more than one of the forms" in await fault_of({"properties": {"db": both}}, {"db": "x"})


def doubling(levels: int) -> dict[str, Any]:
    """A schema of a few kilobytes that takes 2^levels steps."""
    definitions: dict[str, Any] = {
        f"d{level}": {"allOf": [{"$ref": f"#/$defs/d{level + 1}"}] * 2} for level in range(levels)
    }
    definitions[f"d{levels}"] = {"type": "object"}
    return {"$defs": definitions, "$ref": "#/$defs/d0"}


@pytest.mark.parametrize(
    ("schema", "given"),
    [
        ({"properties": {"a": {"pattern": "^(a+)+$"}}}, {"a": "a" * 40 + "!"}),
        ({"patternProperties": {"^(a+)+$": {}}}, {"a" * 40 + "!": 1}),
        (doubling(40), {}),
    ],
    ids=["a pattern that backtracks", "one for names", "definitions that double"],
)
async def test_a_schema_that_takes_for_ever_is_ended_and_nothing_else_waits(
    schema: dict[str, Any], given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values, "SECONDS", 1.0)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await anyio.sleep(0.02)
            ticks += 1

    began = time.monotonic()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(tick)
        said = await fault_of(schema, given)
        tasks.cancel_scope.cancel()
    assert "cannot be checked" in said
    assert "takes too" in said
    assert time.monotonic() - began < 10
    assert ticks > 10


async def test_a_judge_ends_by_itself_where_nobody_ends_it() -> None:
    """As when the server is killed while it waits: its processor time is bounded."""
    began = time.monotonic()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(values, "SECONDS", 40.0)
        said = await fault_of({"properties": {"a": {"pattern": "^(a+)+$"}}}, {"a": "a" * 40 + "!"})
    assert "too much time or memory" in said
    assert time.monotonic() - began < 30


async def test_a_call_that_is_cancelled_leaves_no_judge_behind() -> None:
    with anyio.move_on_after(0.5):
        await check_values({"properties": {"a": {"pattern": "^(a+)+$"}}}, {"a": "a" * 40 + "!"})
    assert not judges()


def judges() -> list[str]:
    """The processes of this one that judge."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:  # it ended meanwhile
            continue
        if schema_judge.__name__.encode() in command and parent == str(os.getpid()):
            found.append(folder.name)
    return found


async def test_a_schema_fetches_nothing(tcp_port_that_counts: tuple[int, list[int]]) -> None:
    port, connections = tcp_port_that_counts
    for reference in (f"http://127.0.0.1:{port}/schema", "file:///etc/passwd", "#/$defs/nowhere"):
        assert "refers to a definition that is not in it" in await fault_of({"$ref": reference}, {})
    assert not connections


@pytest.fixture
async def tcp_port_that_counts() -> Any:
    connections: list[int] = []
    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):

        async def count(stream: anyio.abc.SocketStream) -> None:
            connections.append(1)
            await stream.aclose()

        tasks.start_soon(listener.serve, count)
        yield listener.extra(anyio.abc.SocketAttribute.local_port), connections
        tasks.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "nonsense"}, "not a valid JSON Schema"),
        ({"properties": {"a": {"pattern": "("}}}, "not a valid JSON Schema"),
        ({"properties": {"a": {"pattern": r"\p{L}"}}}, "not a valid JSON Schema"),
        ({"$schema": "https://example.com/mine"}, "dialect"),
        ({"$schema": 7}, "dialect"),
        ({"$ref": "#"}, "refers to itself"),
        ({"properties": [1]}, "not a valid JSON Schema"),
        (
            {"properties": {"a": {"$schema": "http://json-schema.org/draft-03/schema#", "extends": 7}}},
            "broke off",
        ),
        ({"a": float("nan")}, "number that nobody can mean"),
        ({"description": "x" * 600_000}, "bytes"),
    ],
)
async def test_a_schema_that_cannot_be_judged_by_does_not_pass(schema: dict[str, Any], why: str) -> None:
    said = await fault_of(schema, {"a": "x"})
    assert "cannot be checked" in said
    assert why in said


async def test_depth_is_bounded_on_both_sides() -> None:
    assert "levels deep" in await fault_of({}, nested(5_000))
    assert "levels deep" in await fault_of(nested(5_000), {})
    await check_values({"type": "object"}, nested(values.DEEPEST))
    assert "levels deep" in await fault_of({}, nested(values.DEEPEST + 1))
    await check_values({"default": nested(values.DEEPEST_SCHEMA - 1)}, {})
    assert "levels deep" in await fault_of({"default": nested(values.DEEPEST_SCHEMA)}, {})


def nested(levels: int) -> dict[str, Any]:
    """So many objects inside each other."""
    value: dict[str, Any] = {"a": 1}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize("odd", [{"a": float("inf")}, {"a": "\ud800"}, {"a": object()}, {"a": b"x"}])
async def test_what_json_cannot_carry_is_refused(odd: dict[str, Any]) -> None:
    assert "JSON cannot carry" in await fault_of({}, odd)


async def test_values_are_bounded_in_size() -> None:
    assert "may have 65,536" in await fault_of({}, {"a": "ä" * 40_000})
    await check_values({}, {"a": "x" * 60_000})


@pytest.mark.parametrize(
    "draft", ["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2019-09/schema"]
)
async def test_the_dialects_of_helm_charts_are_known(draft: str) -> None:
    schema = {
        "$schema": draft,
        "definitions": {"port": {"type": "integer"}},
        "properties": {"p": {"$ref": "#/definitions/port"}},
    }
    await check_values(schema, {"p": 1})
    assert "/p must be a whole number" in await fault_of(schema, {"p": "1"})


async def test_no_secret_of_the_server_reaches_the_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKUA_API_TOKEN", SECRET)
    monkeypatch.setenv("AKASH_API_KEY", SECRET)
    assert SECRET not in str(values._environment())
    await check_values(SCHEMA, RIGHT)


async def test_no_file_of_the_folder_it_runs_in_judges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json.py", "jsonschema.py", "akash_mcp.py"):
        (tmp_path / name).write_text("raise SystemExit(1)")
    monkeypatch.chdir(tmp_path)
    await check_values(SCHEMA, RIGHT)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not keep to such a limit")
def test_a_judge_has_little_memory() -> None:
    code = f"from {schema_judge.__name__} import *; take_little(); bytearray(MEMORY_BYTES)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=30)
    assert b"MemoryError" in done.stderr


async def test_a_python_that_cannot_be_started_passes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    assert "cannot be started" in await fault_of(SCHEMA, RIGHT)


async def test_a_judge_that_breaks_passes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert "cannot be checked" in await fault_of(SCHEMA, {"a": "x" * 60_000})


_NAMES = st.sampled_from(["a", "b", "token", "p/q", "é", "~"])
_LEAVES = st.none() | st.booleans() | st.integers(-5, 300) | st.floats(-9, 9) | st.text(max_size=6)
_VALUES = st.dictionaries(
    _NAMES,
    st.recursive(
        _LEAVES,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)
_KINDS = st.sampled_from(["string", "integer", "number", "boolean", "object", "array", "null"])


def _schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    rules: dict[str, st.SearchStrategy[Any]] = {
        "type": _KINDS | st.lists(_KINDS, min_size=1, max_size=2, unique=True),
        "enum": st.lists(_LEAVES, min_size=1, max_size=3),
        "const": _LEAVES,
        "minimum": st.integers(-5, 5),
        "exclusiveMaximum": st.integers(-5, 5),
        "multipleOf": st.sampled_from([1, 2, 0.5]),
        "minLength": st.integers(0, 4),
        "maxLength": st.integers(0, 4),
        "pattern": st.sampled_from(["^a", "[0-9]+", "b$"]),
        "minItems": st.integers(0, 3),
        "uniqueItems": st.booleans(),
        "required": st.lists(_NAMES, max_size=3, unique=True),
        "minProperties": st.integers(0, 3),
        "properties": st.dictionaries(_NAMES, inner, max_size=3),
        "patternProperties": st.dictionaries(st.sampled_from(["^a", "t"]), inner, max_size=2),
        "additionalProperties": st.booleans() | inner,
        "propertyNames": inner,
        "items": inner,
        "contains": inner,
        "anyOf": st.lists(inner, min_size=1, max_size=2),
        "oneOf": st.lists(inner, min_size=1, max_size=2),
        "allOf": st.lists(inner, min_size=1, max_size=2),
        "not": inner,
        "if": inner,
        "then": inner,
        "dependentRequired": st.dictionaries(_NAMES, st.lists(_NAMES, max_size=2, unique=True), max_size=2),
        "unevaluatedProperties": st.booleans(),
        "x-ui": st.dictionaries(_NAMES, _LEAVES, max_size=2),
    }
    return st.fixed_dictionaries({}, optional=rules)


SCHEMAS: st.SearchStrategy[Any] = st.recursive(st.just({}), _schemas, max_leaves=6)


@given(SCHEMAS, _VALUES)
def test_it_agrees_with_the_library_and_tells_each_fault(
    schema: dict[str, Any], given: dict[str, Any]
) -> None:
    """The judge's own verdict on what it is asked, without a process for each example."""
    asked = json.loads(json.dumps({"schema": schema, "values": given}), parse_float=Decimal)
    with pytest.MonkeyPatch.context() as patched:
        # This suite's `check_schema` remembers schemas by their text, for which the judge's numbers are too exact.
        fresh: Any = validators.create(
            Draft202012Validator.META_SCHEMA,
            Draft202012Validator.VALIDATORS,
            type_checker=Draft202012Validator.TYPE_CHECKER,
        )
        patched.setattr(validators, "Draft202012Validator", fresh)
        answer = schema_judge.judge(asked["schema"], asked["values"])
    assert bool(answer["faults"]) is not Draft202012Validator(schema).is_valid(given)
    assert len(answer["faults"]) <= schema_judge.MOST_FAULTS + 1
    for path, what in answer["faults"]:
        assert all(isinstance(step, str | int) for step in path)
        assert what.strip() == what
        assert what
