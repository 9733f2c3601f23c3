"""Reading YAML as the Console does, within bounds."""

from __future__ import annotations

import pytest
from sdl_data import BASE, changed, only

from akash_mcp.sdl import check
from akash_mcp.sdl.yaml.javascript import Date
from akash_mcp.sdl.yaml.loader import BadYaml, Mark, load


@pytest.mark.parametrize(
    ("plain", "value"),
    [
        ("80", 80),
        ("80.0", 80),
        ("0120", 120),
        ("0o120", 80),
        ("0x50", 80),
        ("0b11", 3),
        ("1e3", 1000),
        (".5", 0.5),
        ("8_0", "8_0"),
        ("1:30", "1:30"),
        ("on", "on"),
        ("yes", "yes"),
        ("True", True),
        ("~", None),
        ("", None),
        ("'80'", "80"),
        ("!!str 80", "80"),
        ("!!int 80", 80),
        (".inf", float("inf")),
        ("2024-01-01", Date("Mon Jan 01 2024 00:00:00 GMT+0000 (Coordinated Universal Time)")),
        ("2024-01-31T23:59:59-01:00", Date("Thu Feb 01 2024 00:59:59 GMT+0000 (Coordinated Universal Time)")),
        ("0000-01-01", Date("Invalid Date")),
    ],
)
def test_a_plain_scalar_means_what_it_means_to_js_yaml(plain: str, value: object) -> None:
    assert load(f"a: {plain}").data == {"a": value}


def test_a_merge_key_adds_only_missing_keys() -> None:
    data = load("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {y: 4, <<: [*a, {z: 5}]}").data
    assert data == {"a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": {"y": 4, "x": 1, "z": 5}}


def test_keys_become_text_as_in_javascript() -> None:
    assert load("1: a\n2.0: b\ntrue: c\n~: d\n[1, 2]: e").data == {
        "1": "a",
        "2": "b",
        "true": "c",
        "null": "d",
        "1,2": "e",
    }


def test_only_js_line_breaks_end_a_line() -> None:
    assert load("a: x\u2028y\u0085z").data == {"a": "x\u2028y\u0085z"}


def test_places_are_counted_from_one_through_aliases_and_merges() -> None:
    document = load("\ufeffa: &x\n  b: [1, 2]\nc: *x\nd:\n  <<: *x\n")
    assert document.where(("a", "b", 1)) == Mark(2, 10)
    assert document.where(("c", "b", 0)) == Mark(2, 7)
    assert document.where(("d", "b"), key=True) == Mark(2, 3)
    assert document.where(("a", "nowhere", "at all")) == Mark(1, 1)


@pytest.mark.parametrize(
    ("source", "mark", "word"),
    [
        ("a: 1\na: 2", Mark(2, 1), "twice"),
        ("'1': a\n1: b", Mark(2, 1), "twice"),
        ("a: 1\n---\nb: 2", Mark(2, 1), "second YAML document"),
        ("a:\n\tb: 1", Mark(2, 1), "tab"),
        ("a: 'x", Mark(1, 6), "never closed"),
        ("a: [1, 2", Mark(1, 9), "broken"),
        ("a: *b", Mark(1, 4), "anchor"),
        ("a: &b [*b]", Mark(1, 8), "anchor"),
        ("a: !secret x", Mark(1, 4), "tag"),
        ("a: !!set {x}", Mark(1, 4), "tag"),
        ("a: !!int x", Mark(1, 4), "tag"),
        ("!!merge x: {}", Mark(1, 1), "tag"),
        ("!!merge <<: 1", Mark(1, 1), "merge"),
        ("<<: 1", Mark(1, 1), "merge"),
        ("a: \x1b[31m", Mark(1, 4), "U+001B"),
        ("a: \ud800", Mark(1, 4), "U+D800"),
        ("%YAML 3.0\n---\na", Mark(1, 1), "broken"),
    ],
)
def test_broken_yaml_is_refused_at_its_place(source: str, mark: Mark, word: str) -> None:
    with pytest.raises(BadYaml, match=word.replace("+", r"\+")) as caught:
        load(source)
    assert caught.value.mark == mark


@pytest.mark.parametrize("source", ["", "# nothing", "---", "null", "5", "[]"])
def test_what_is_not_a_map_is_refused(source: str) -> None:
    assert "must be a map" in only(check(source)).message


def test_anchors_and_merges_may_stand_in_an_sdl() -> None:
    report = changed(
        ("resources:\n", "resources: &r\n"),
        ("  placement:", "    other:\n      resources: {<<: *r, cpu: {units: 1}}\n  placement:"),
    )
    assert report.ok


def test_line_endings_and_a_byte_order_mark_change_nothing() -> None:
    assert check("\ufeff" + BASE.replace("\n", "\r\n")).manifest_sha256 == check(BASE).manifest_sha256


def test_a_second_byte_order_mark_is_a_part_of_the_first_key_as_the_console_reads_it() -> None:
    report = check("\ufeff\ufeff" + BASE)
    assert [finding.rule for finding in report.errors] == ["S01", "S02"]
    assert load("a: b\n\ufeffc: \ufeffd\n").data == {"a": "b", "\ufeffc": "\ufeffd"}


@pytest.mark.parametrize(
    "key", ["!!merge <<", '!!merge "<<"', "!<tag:yaml.org,2002:merge> <<", "? !!merge\n  "]
)
def test_a_merge_key_may_say_that_it_is_one(key: str) -> None:
    assert load(f"a: &a {{x: 1, y: 2}}\nb:\n  {key}: *a\n  y: 3\n").data == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 3},
    }
    assert load("[!!merge <<, !!merge ]").data == ["<<", None]


def test_a_number_that_no_double_holds_is_text_as_the_console_reads_it() -> None:
    endless = "9" * 400
    assert load(f"[1e400, -{endless}, .inf, 1e308]").data == ["1e400", f"-{endless}", float("inf"), 1e308]


def test_an_error_in_yaml_is_a_finding_like_any_other() -> None:
    report = changed(("    image: nginx:1.27.0\n", "    image: nginx:1.27.0\n    image: redis:7\n"))
    finding = only(report)
    assert (finding.rule, finding.judge, finding.line, finding.column) == ("Y01", "console", 5, 5)


@pytest.mark.parametrize("blank", ["\t", "  \t ", "\t# a comment", " \t#"])
def test_tabs_that_indent_nothing_are_taken(blank: str) -> None:
    assert load(f"a:\n  b: 1\n{blank}\nc: 2\n").data == {"a": {"b": 1}, "c": 2}
