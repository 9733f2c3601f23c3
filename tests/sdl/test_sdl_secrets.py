"""Secrets in an SDL: where a reference can stand, what is warned of, and that values are put in exactly."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from sdl_data import BASE

from akash_mcp.sdl import check
from akash_mcp.sdl.secret_values import CannotFill, with_console_references, with_values

IMAGE = "    image: nginx:1.27.0\n"


def with_lines(*lines: str) -> str:
    assert IMAGE in BASE
    return BASE.replace(IMAGE, IMAGE + "".join(f"    {line}\n" for line in lines))


def env(*items: str) -> str:
    return with_lines("env:", *(f"  - {item}" for item in items))


def placed(line: str) -> str:
    """A placement, all of which is public on the chain, beside a variable that gets the secret."""
    return env("A=secret://DB").replace("      pricing:", f"      {line}\n      pricing:", 1)


STYLES = (
    "A=secret://DB",
    "A=secret://DB # a comment",
    "'A=secret://DB'",
    '"A=secret://DB"',
    "&again A=secret://DB",
    "!!str A=secret://DB",
    ">-\n        A=secret://DB",
    "|-\n        A=secret://DB\n      # less indented",
)
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@given(value=VALUES, style=st.sampled_from(STYLES))
def test_any_value_is_put_in_exactly(value: str, style: str) -> None:
    held = "credentials: {host: ghcr.io, username: me, password: secret://PW}"
    sdl = env(style, "MODE=fast").replace("    expose:", f"    {held}\n    expose:", 1)
    text = with_values(sdl, {"DB": value, "PW": f"{value}654321"})
    filled = check(text)
    assert filled.model is not None
    service = filled.model.services["web"]
    assert service.env == (f"A={value}", "MODE=fast")
    assert service.credentials is not None
    assert service.credentials["password"] == f"{value}654321"
    # Another reader of YAML than our own.
    loaded = yaml.safe_load(text)
    assert loaded["services"]["web"]["env"][0] == f"A={value}"


def test_all_that_is_no_reference_stays_as_it_was_written() -> None:
    sdl = env("A=secret://DB  # why", "'B=it''s secret'", "C=ac-secret://DB")
    assert with_values(sdl, {"DB": "x"}) == sdl.replace("A=secret://DB", '"A=x"', 1)
    assert with_console_references(sdl) == sdl.replace("A=secret://DB", '"A=ac-secret://DB"', 1)


def test_a_secret_without_a_value_is_not_put_in() -> None:
    with pytest.raises(CannotFill, match="DB has no value"):
        with_values(env("A=secret://DB"), {"OTHER": "x"})


def test_what_cannot_be_put_in_exactly_is_not_put_in() -> None:
    too_long = "x" * (600 * 1024)
    with pytest.raises(CannotFill) as refused:
        with_values(env("A=secret://DB"), {"DB": too_long})
    assert "xxx" not in str(refused.value)


@pytest.mark.parametrize("line", ["attributes: {region: secret://DB}", "signedBy: {anyOf: [secret://DB]}"])
def test_a_value_is_never_put_into_what_goes_on_the_chain(line: str) -> None:
    with pytest.raises(CannotFill, match="cannot be put in exactly"):
        with_values(placed(line), {"DB": "a value"})


def test_the_names_that_an_sdl_uses_are_listed_by_service() -> None:
    report = check(env("A=secret://DB", "B=secret://KEY", "C=secret://DB", "D=plain"))
    assert (report.ok, report.secrets) == (True, (("DB", "web"), ("KEY", "web")))
    assert json.loads(report.manifest or "")[0]["services"][0]["env"][0] == "A=secret://DB"


@pytest.mark.parametrize(
    ("sdl", "rule"),
    [
        (env("URL=postgres://u:secret://DB@h/x"), "K01"),
        (env("A=secret://1X"), "K01"),
        (env("A=secret://"), "K01"),
        (env(f"A=secret://{'x' * 65}"), "K01"),
        (with_lines("args: ['secret://DB']"), "K02"),
        (with_lines("command: [sh, '-c', 'echo secret://DB']"), "K02"),
        (with_lines("credentials: {host: secret://DB, username: u, password: p4ssword1}"), "K02"),
        (placed("attributes: {region: secret://DB}"), "K02"),
        (placed("attributes: {region: NOTE=secret://DB}"), "K02"),
        (placed("attributes: {secret://DB: us}"), "K02"),
        (placed("signedBy: {anyOf: [secret://DB]}"), "K02"),
        (env(*(f"V{n}=secret://S{n}" for n in range(101))), "K03"),
    ],
)
def test_a_reference_that_cannot_be_filled_in_is_an_error(sdl: str, rule: str) -> None:
    report = check(sdl)
    assert not report.ok
    assert {error.rule for error in report.errors} == {rule}
    assert all(error.line > 1 and error.fix for error in report.errors)


@pytest.mark.parametrize(
    ("item", "warned"),
    [
        ("DB_PASSWORD=correct-horse", True),
        ("OPENAI=sk-proj-abcdefghijklmnop0123", True),
        ("DB_PASSWORD=secret://DB", False),
        ("DB_PASSWORD=ac-secret://DB", False),
        ("DB_PASSWORD=${DB}", False),
        ("USE_TOKEN=true", False),
        ("LOG_LEVEL=debug", False),
    ],
)
def test_a_literal_that_looks_like_a_secret_is_warned_of_and_not_repeated(item: str, warned: bool) -> None:
    report = check(env(item))
    assert report.ok
    found = [warning for warning in report.warnings if warning.rule == "K04"]
    assert bool(found) == warned
    value = item.partition("=")[2]
    assert all("akash-mcp secret set" in each.fix and value not in each.message + each.fix for each in found)
