"""Variables are set in place: the others, and all else in an SDL, stay to the letter as they were."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from judged_sdls import Judged, JudgedSdl, each_source, probes
from sdl_data import BASE

from akash_mcp.errors import BadArgument
from akash_mcp.sdl import Report, check
from akash_mcp.sdl.author.set_variables import values_of, with_variables

IMAGE = "    image: nginx:1.27.0\n"
NEW = "new: 'value' # {x}"
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NAMES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,20}", fullmatch=True)


def with_lines(*lines: str) -> str:
    return BASE.replace(IMAGE, IMAGE + "".join(f"    {line}\n" for line in lines))


def env_of(text: str, service: str = "web") -> tuple[str, ...]:
    model = check(text).model
    assert model is not None
    return model.services[service].env


def without_env(report: Report) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = json.loads(report.manifest or "")
    for group in groups:
        for service in group["services"]:
            service["env"] = None
    return groups


def readable(judged: tuple[JudgedSdl, ...]) -> list[JudgedSdl]:
    return [sdl for sdl in judged if sdl.report.manifest is not None]


@each_source
def test_setting_every_variable_anew_changes_nothing_else_in_any_sdl(judged: Judged) -> None:
    for sdl in readable(judged()):
        assert sdl.report.model is not None
        held = {
            service.name: {name for entry in service.env if (name := entry.partition("=")[0].strip())}
            for service in sdl.report.model.services.values()
        }
        values = {service: {**dict.fromkeys(names, NEW), "ONE_MORE": NEW} for service, names in held.items()}
        changed = check(with_variables(sdl.text, values))
        assert changed.model is not None
        for service, names in held.items():
            assert {f"{name}={NEW}" for name in (*names, "ONE_MORE")} <= set(
                changed.model.services[service].env
            )
        assert without_env(changed) == without_env(sdl.report), sdl.file
        assert changed.groups == sdl.report.groups, sdl.file
        assert changed.ok or not sdl.report.ok, sdl.file


@given(data=st.data(), name=NAMES, value=VALUES)
def test_any_value_is_set_exactly_and_the_rest_judges_the_same(
    data: st.DataObject, name: str, value: str
) -> None:
    with_services = [each for each in readable(probes()) if each.report.services]
    sdl = data.draw(st.sampled_from(with_services))
    assert sdl.report.model is not None
    service = data.draw(st.sampled_from(list(sdl.report.model.services)))
    text = with_variables(sdl.text, {service: {name: value}})
    assert f"{name}={value}" in env_of(text, service)
    changed = check(text)
    assert changed.groups == sdl.report.groups
    assert without_env(changed) == without_env(sdl.report)


@given(value=VALUES)
def test_other_readers_of_yaml_read_the_same_value(value: str) -> None:
    text = with_variables(with_lines("env:", "  - A=1", "  - B=2 # kept"), {"web": {"A": value, "C": value}})
    assert yaml.safe_load(text)["services"]["web"]["env"] == [f"C={value}", f"A={value}", "B=2"]


STYLES = {
    "a list": (["env:", "  - A=1", "  - B=2"], ['"N=v"', "A=1", "B=2"]),
    "a list in a line": (["env: [A=1, B=2]"], ['"N=v"', "A=1", "B=2"]),
    "an empty list": (["env: []"], ['"N=v"']),
    "nothing": (["env:"], ['"N=v"']),
    "null": (["env: null # none"], ['"N=v"']),
    "a tilde": (["env: ~"], ['"N=v"']),
    "no list": ([], ['"N=v"']),
    "a list that is not indented": (["env:", "- A=1"], ['"N=v"', "A=1"]),
}


@pytest.mark.parametrize(("lines", "entries"), STYLES.values(), ids=STYLES.keys())
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_new_variable_comes_first_however_the_others_are_written(
    lines: list[str], entries: list[str], newline: str
) -> None:
    before = with_lines(*lines).replace("\n", newline)
    text = with_variables(before, {"web": {"N": "v"}})
    assert list(env_of(text)) == [entry.strip('"') for entry in entries]
    assert len(text) - len(before) < 40


def test_what_does_not_change_stays_to_the_letter() -> None:
    before = with_lines("env:", "  - A=1  # why", "  - 'B=it''s' # this", "  # and that")
    assert with_variables(before, {"web": {"A": "2"}}) == before.replace("A=1", '"A=2"')


@pytest.mark.parametrize("entry", ["'A=1'", '"A=1"', "&again A=1", "!!str A=1", ">-\n        A=1", "A"])
def test_an_entry_is_replaced_however_it_is_written(entry: str) -> None:
    assert env_of(with_variables(with_lines("env:", f"  - {entry}", "  - B=2"), {"web": {"A": "x"}})) == (
        "A=x",
        "B=2",
    )


TWO = BASE.replace("services:\n", "services:\n  db: {image: 'postgres:17', env: [A=1, B=2]}\n", 1).replace(
    IMAGE, f"{IMAGE}    env: [A=1, B=3]\n", 1
)
TWO = TWO.replace(
    "    web:\n      resources:",
    "    db: {resources: {cpu: {units: 1}, memory: {size: 1Gi}, storage: {size: 1Gi}}}\n    web:\n      resources:",
    1,
)
TWO = TWO.replace(
    "        web:\n          denom",
    "        db: {denom: uact, amount: 1000}\n        web:\n          denom",
    1,
)
TWO = TWO.replace("deployment:\n", "deployment:\n  db: {dc: {profile: db, count: 1}}\n", 1)


def test_a_name_alone_means_the_variable_wherever_it_has_one_value() -> None:
    assert values_of(TWO, ["A=x=y"]) == {"db": {"A": "x=y"}, "web": {"A": "x=y"}}
    assert values_of(TWO, ["web.B=1", "db.NEW="]) == {"web": {"B": "1"}, "db": {"NEW": ""}}
    assert values_of(BASE, ["NEW.ONE=1"]) == {"web": {"NEW.ONE": "1"}}


@pytest.mark.parametrize(
    ("items", "part"),
    [
        (["B=hunter22"], "not the same value everywhere"),
        (["NEW=hunter22"], "No service has NEW"),
        (["hunter22"], "NAME=VALUE"),
        (["=hunter22"], "NAME=VALUE"),
        (["A B=hunter22"], "NAME=VALUE"),
        (["web.A=hunter22", "web.A=hunter23"], "two values for A of service web"),
    ],
)
def test_what_could_mean_two_things_is_refused_without_its_value(items: list[str], part: str) -> None:
    with pytest.raises(BadArgument, match=part) as refused:
        values_of(TWO, items)
    assert "hunter2" not in str(refused.value)


def test_a_list_that_two_services_share_is_not_changed_for_one_of_them() -> None:
    shared = TWO.replace("env: [A=1, B=2]", "env: &env [A=1, B=2]").replace("env: [A=1, B=3]", "env: *env")
    assert check(shared).ok
    with pytest.raises(BadArgument, match="cannot be put into this SDL exactly"):
        with_variables(shared, {"web": {"A": "x"}})
    both = with_variables(shared, {"web": {"A": "x"}, "db": {"A": "x"}})
    assert env_of(both, "db") == env_of(both, "web") == ("A=x", "B=2")


@pytest.mark.parametrize("text", ["", "a: 1", "{[", "services: {}"])
def test_what_is_no_sdl_takes_no_variables(text: str) -> None:
    with pytest.raises(BadArgument, match="nothing can be filled in"):
        values_of(text, ["A=1"])
    with pytest.raises(BadArgument, match="nothing can be filled in"):
        with_variables(text, {"web": {"A": "1"}})
