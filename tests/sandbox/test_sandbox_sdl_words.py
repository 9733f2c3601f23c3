"""The embedded Console and chain refuse an SDL in the words of the real ones."""

from __future__ import annotations

import pytest
from judged_sdls import Judged, each_source, parser_errors

from akash_mcp.sandbox.console.chain_words import chain_refusal
from akash_mcp.sandbox.console.judgement import judge
from akash_mcp.sandbox.console.responses import Problem
from akash_mcp.sandbox.transactions import ChainError
from akash_mcp.sdl.output.orders import orders

SDL = """\
version: "2.0"
services:
  web:
    image: nginx:1.27.0
    expose: [{port: 80, as: 80, to: [{global: true}]}]
profiles:
  compute:
    web: {resources: {cpu: {units: 0.5}, memory: {size: 512Mi}, storage: [{size: 1Gi}]}}
  placement:
    dc: {pricing: {web: {denom: uact, amount: 1000}}}
deployment:
  web: {dc: {profile: web, count: 1}}
"""
GPU = "cpu: {units: 0.5}, gpu: {units: %s, attributes: {vendor: {nvidia: [%s]}}}"


def refused(sdl: str) -> str:
    """What follows `Invalid SDL: ` in the embedded Console's answer."""
    with pytest.raises(Problem) as caught:
        judge(sdl)
    assert caught.value.status == 400
    return caught.value.message.removeprefix("Invalid SDL: ")


@each_source
def test_a_refusal_has_the_consoles_own_words(judged: Judged) -> None:
    for sdl in judged():
        if not sdl.verdict["console"]["ok"]:
            said = sdl.verdict["console"]["errors"] or parser_errors(sdl.verdict)
            assert refused(sdl.text) == ", ".join(said), sdl.file


@each_source
def test_the_embedded_console_takes_what_the_console_takes(judged: Judged) -> None:
    for sdl in judged():
        if sdl.verdict["console"]["ok"]:
            assert judge(sdl.text).manifest, sdl.file


@each_source
def test_the_embedded_chain_refuses_what_check_says_that_the_chain_refuses(judged: Judged) -> None:
    for sdl in judged():
        report = sdl.report
        if report.console_ok and report.model:
            expected = any(finding.judge == "chain" for finding in report.errors)
            assert (chain_refusal(orders(report.model)) is not None) == expected, sdl.file


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", '"" should be object.'),
        ("null", '"" should be object.'),
        ("[]", '"" should be object.'),
        ("a: \x1b[31m", "the stream contains non-printable characters"),
        ("a: 1\n---\nb: 2", "expected a single document in the stream, but found more"),
        ("a:\n\tb: 1", "tab characters must not be used in indentation (2:1)"),
        ("a: 'x", "unexpected end of the stream within a single quoted scalar (1:6)"),
        ('a: "x\n', "unexpected end of the stream within a double quoted scalar (2:1)"),
        ("a: 1\na: 2", "duplicated mapping key (2:1)"),
        ("a: *b", 'unidentified alias "b" (1:4)'),
        ("<<: 1", "cannot merge mappings; the provided source object is unacceptable (1:1)"),
        ("a: !secret x", "unknown tag !<!secret> (1:4)"),
        ("a: !!set {x}", "unknown tag !<tag:yaml.org,2002:set> (1:4)"),
        ("a: !!int x", "cannot resolve a node with !<tag:yaml.org,2002:int> explicit tag (1:4)"),
    ],
)
def test_a_text_that_is_not_an_sdl_is_refused_in_the_parsers_words(source: str, words: str) -> None:
    assert refused(source) == words


def test_each_branch_of_a_choice_complains() -> None:
    assert refused(SDL.replace("port: 80,", "port: 0,")) == (
        '"port" at "/services/web/expose/0" must be at least 1., "expose" at "/services/web" should be null.'
    )


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("{dc: {profile: web, count: 1}}", "{}", "Invalid groups"),
        ("units: 0.5", "units: 9m", "error: invalid unit CPU (384000 > 9 > 384000 fails)"),
        ("units: 0.5", "units: 2.01", 'bad int "2009.9999999999998"'),
        ("512Mi", "1Ki", "error: invalid unit memory (2199023255552 > 1024 > 2199023255552 fails)"),
        ("1Gi", "4Mi", "error: invalid unit storage (35184372088832 > 4194304 > 5242880 fails)"),
        ("[{size: 1Gi}]", "[]", "error: invalid unit storage, cannot be nil"),
        ("cpu: {units: 0.5}", GPU % ("25", ""), "error: invalid unit GPU (24 > 25 > 24 fails)"),
        (
            "cpu: {units: 0.5}",
            GPU % ("'0.5'", "{model: a100}"),
            "error: invalid GPU state. attributes cannot be present if units == 0",
        ),
        (
            "cpu: {units: 0.5}",
            GPU % ("1", "{model: a 1}"),
            "error: invalid GPU attributes: attribute key does not match regexp",
        ),
        (
            "cpu: {units: 0.5}",
            GPU % ("1", "{model: a1}, {model: a1}"),
            "error: invalid GPU attributes: attributes cannot have duplicate keys",
        ),
        ("amount: 1000", "amount: 1.0e-7", "failed to set decimal string with base 10: 1e-7"),
        ("amount: 1000", "amount: 10000001", "error: invalid unit price (10000000 > 10000001uact fails)"),
        ("count: 1", "count: 204800", "invalid total CPU (19200000 > 102400000 > 0 fails)"),
        ("dc:", "'':", "empty group spec name denomination"),
    ],
)
def test_the_chain_says_what_it_refuses(old: str, new: str, words: str) -> None:
    judged = judge(SDL.replace(old, new))
    with pytest.raises(ChainError) as caught:
        judged.let_chain_judge()
    assert str(caught.value) == f"failed to execute message; message index: 0: {words}"
