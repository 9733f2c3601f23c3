"""`extends` within a file: two services are merged as the Compose Specification has it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from conversion import convert, extend, services, why
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.errors import BadArgument
from akash_mcp.sdl.author.compose import LostProtections
from akash_mcp.sdl.yaml.loader import load


def merged(base: str, own: str) -> Any:
    """What the service `own` says after it has extended `base`; both are in flow style."""
    text = f"services:\n  base: {{{base}}}\n  own: {{extends: base, {own}}}\n"
    own_now = extend(text)["own"]
    assert "extends" not in own_now
    return own_now


MERGED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "single values are replaced": ("image: a, user: x", "image: b", {"image": "b", "user": "x"}),
    "commands are replaced": ("command: [a, b]", "command: [c]", {"command": ["c"]}),
    "variables by name": (
        "environment: {A: 1, B: 2}",
        "environment: {B: 3, C: 4}",
        {"environment": {"A": 1, "B": 3, "C": 4}},
    ),
    "variables of a list": (
        "environment: [A=1, B=2, D]",
        "environment: {B: 3}",
        {"environment": {"A": "1", "B": 3, "D": None}},
    ),
    "labels of a list": ("labels: {a: x}", "labels: [a=y, b=z=1]", {"labels": {"a": "y", "b": "z=1"}}),
    "lists are joined": ("dns: 1.1.1.1", "dns: [8.8.8.8]", {"dns": ["1.1.1.1", "8.8.8.8"]}),
    "the same port once": ('ports: ["80:80", 81]', 'ports: ["80:80", 82]', {"ports": ["80:80", 81, 82]}),
    "volumes by target": (
        "volumes: ['a:/x', 'b:/y']",
        "volumes: ['c:/x:ro', {source: d, target: /y}, 'e:/z']",
        {"volumes": ["c:/x:ro", {"source": "d", "target": "/y"}, "e:/z"]},
    ),
    "neighbours of a list": (
        "depends_on: [db]",
        "depends_on: {cache: {condition: service_started}}",
        {"depends_on": {"db": None, "cache": {"condition": "service_started"}}},
    ),
    "sizes at every depth": (
        "deploy: {resources: {limits: {cpus: 1, memory: 1g}}}",
        "deploy: {resources: {limits: {memory: 2g}}, replicas: 2}",
        {"deploy": {"resources": {"limits": {"cpus": 1, "memory": "2g"}}, "replicas": 2}},
    ),
    "nothing said changes nothing": ("ports: [80]", "ports: ", {"ports": [80]}),
    "nor does it for a single value": (
        "user: x, read_only: true, deploy: {replicas: 2}",
        "user: , read_only: , deploy: {replicas: }",
        {"user": "x", "read_only": True, "deploy": {"replicas": 2}},
    ),
    "nor for a network": (
        "networks: {a: {aliases: [x]}}",
        "networks: [a]",
        {"networks": {"a": {"aliases": ["x"]}}},
    ),
    "a command is taken away so": (
        "command: [a], entrypoint: [b]",
        "command: , entrypoint: ",
        {"command": None, "entrypoint": None},
    ),
    "and a variable's value": ("environment: {A: 1}", "environment: [A]", {"environment": {"A": None}}),
}


def as_written(value: Any) -> Any:
    """A value as a compose file is read: all but null is text."""
    return load(json.dumps(value), as_written=True).data


@pytest.mark.parametrize(("base", "own", "expected"), MERGED.values(), ids=MERGED.keys())
def test_two_services_are_merged(base: str, own: str, expected: dict[str, Any]) -> None:
    assert merged(base, own) == as_written(expected)


def test_all_of_a_chain_is_there_and_the_base_runs_as_well() -> None:
    made = convert(
        "services:\n"
        "  top: {extends: {service: middle}, environment: {C: '3'}, ports: ['80:80']}\n"
        "  middle: {extends: base, environment: [B=2]}\n"
        "  base: {image: 'example/app:1', environment: {A: '1'}}\n"
    )
    assert made.left_out == ()
    assert [(name, service["env"]) for name, service in services(made).items()] == [
        ("top", ["A=1", "B=2", "C=3"]),
        ("middle", ["A=1", "B=2"]),
        ("base", ["A=1"]),
    ]


def test_a_mistake_is_told_with_the_line_it_stands_on() -> None:
    text = (
        "services:\n  base:\n    image: a\n    ports: [80, 0]\n  web:\n    extends: base\n    ports: [81]\n"
    )
    with pytest.raises(BadArgument, match=r"services\.base\.ports\[1\] \(line 4, column 17\)"):
        convert(text)
    with pytest.raises(BadArgument, match=r"services\.web\.mem_limit \(line 4, column 16\)"):
        convert("services:\n  web: {extends: base}\n  base:\n    mem_limit: lots\n    image: a\n")


def test_what_another_file_holds_is_lost_with_a_yes_only_by_all_that_build_on_it() -> None:
    text = (
        "services:\n"
        "  web: {image: 'x:1', extends: {file: common.yml, service: web}}\n"
        "  worker: {extends: web, command: work}\n"
        "  lost: {extends: {file: common.yml, service: web}}\n"
    )
    with pytest.raises(LostProtections, match=r"web: extends.*docker compose config"):
        convert(text)
    made = convert(text, accept=["extends"])
    assert [each.service for each in made.left_out if each.what == "extends"] == ["web", "worker"]
    assert "docker compose config" in why(made, "the service")
    assert "another file" in why(made, "the service")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("{a: {extends: a}}", "services.a.extends (line 1, column 25) leads back to itself."),
        (
            "{a: {extends: b}, b: {extends: {service: c}}, c: {extends: b}}",
            "services.b.extends (line 1, column 42) leads back to itself, by way of c",
        ),
        ("{a: {image: x, extends: nobody}}", 'names "nobody", which is not in the file'),
        ("{a: {image: x, extends: [b]}}", "must be the name of a service"),
        ("{a: {image: x, extends: {}}}", "must name a service"),
        (
            "{a: {image: x, build: {args: {A: 1}, cache_from: [x]}}, b: {extends: a, build: {cache_from: {x: y}}}}",
            "services.b.build.cache_from",
        ),
    ],
)
def test_what_compose_refuses_is_refused_with_its_place(text: str, part: str) -> None:
    with pytest.raises(BadArgument) as caught:
        convert(f"services: {text}")
    assert part in str(caught.value)


def test_a_file_that_grows_without_end_is_refused() -> None:
    big = ", ".join(f"'{i}:{i}'" for i in range(1, 4_000))
    many = "".join(f"  s{i}: {{extends: base}}\n" for i in range(90))
    with pytest.raises(BadArgument, match="passes 8192 values"):
        convert(f"services:\n  base: {{image: a, ports: [{big}]}}\n{many}")


def test_a_long_chain_is_no_burden() -> None:
    chain = {f"s{i}": {"extends": f"s{i + 1}"} for i in range(2_000)}
    with pytest.raises(BadArgument, match="more than 100 services"):
        convert(json.dumps({"services": {**chain, "s2000": {"image": "a"}}}))


@pytest.mark.parametrize("tag", ["!reset", "!override"])
def test_a_tag_about_merging_is_told_what_to_do(tag: str) -> None:
    with pytest.raises(BadArgument) as caught:
        convert(f"services:\n  web:\n    image: a\n    ports: {tag} []\n")
    assert "line 4" in str(caught.value)
    assert "docker compose config" in caught.value.next_step


def test_a_file_of_version_1_is_called_so() -> None:
    with pytest.raises(BadArgument) as caught:
        convert('web:\n  build: .\n  ports: ["5000:5000"]\nredis:\n  image: redis:7\n')
    assert "version 1" in str(caught.value)
    assert caught.value.next_step == (
        'Write a line "services:" above web, and indent all lines below it by two spaces.'
    )


def test_a_file_without_services_is_not_taken_for_version_1() -> None:
    with pytest.raises(BadArgument, match="must be a map of services"):
        convert("volumes: {data: {driver: local}}")


fields = st.dictionaries(
    st.sampled_from(
        ["environment", "labels", "ports", "volumes", "dns", "deploy", "x-a", "networks", "user"]
    ),
    st.none()
    | st.text("ab=:/", max_size=4)
    | st.lists(st.text("ab=:/", max_size=4) | st.integers(0, 9), max_size=3)
    | st.dictionaries(
        st.text("ab", max_size=2), st.integers(0, 3) | st.lists(st.just("x"), max_size=2), max_size=2
    ),
    max_size=4,
)


@given(fields, fields)
def test_whatever_two_services_hold_they_are_merged_or_refused(
    base: dict[str, Any], own: dict[str, Any]
) -> None:
    text = json.dumps({"services": {"base": base, "own": {**own, "extends": "base"}}})
    try:
        found = extend(text)
    except BadArgument:
        return
    base, own = as_written(base), as_written(own)
    assert found["base"] == base
    assert set(found["own"]) == set(base) | set(own)
    assert all(found["own"][name] == own[name] for name in own if name not in base)
