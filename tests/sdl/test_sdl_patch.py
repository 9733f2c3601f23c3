"""A new SDL as the named fields of a PATCH."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.sandbox.console.generation_2026_11 import patches
from akash_mcp.sandbox.console.generation_2026_11.references import parsed, written
from akash_mcp.sdl import check
from akash_mcp.sdl.patch import FieldChanges, field_changes, unsigned
from akash_mcp.workflow.contents import changes_between

SDL = """
version: "2.0"
endpoints: {myip: {kind: ip}}
services:
  web:
    image: nginx:1.27
    env: [LEVEL=info, OLD=1, LOG-FORMAT=json, BARE]
    command: [nginx]
    credentials: {host: ghcr.io, username: me, password: hunter22}
    expose:
      - port: 80
        as: 80
        accept: [a.example]
        http_options: {max_body_size: 1000, next_cases: ["500"]}
        to: [{global: true}]
      - port: 3000
        to: [{global: true}]
      - {port: 53, proto: udp, to: [{service: web}]}
      - {port: 53, to: [{service: web}]}
      - {port: 7777, as: 7777, to: [{global: true, ip: myip}]}
    params:
      storage:
        data: {mount: /data, readOnly: true}
profiles:
  compute:
    web:
      resources:
        cpu: {units: 0.5}
        memory: {size: 512Mi}
        storage:
          - {name: default, size: 512Mi}
          - {name: data, size: 1Gi, attributes: {persistent: true, class: beta2}}
  placement:
    dcloud:
      pricing:
        web: {denom: uact, amount: 10000}
deployment:
  web:
    dcloud: {profile: web, count: 1}
"""
HTTP = 'http_options: {max_body_size: 1000, next_cases: ["500"]}'
MOUNT = "        data: {mount: /data, readOnly: true}\n"
CREDENTIALS = "credentials: {host: ghcr.io, username: me, password: hunter22}"


def changes(old: str, new: str, stored: str = SDL) -> FieldChanges:
    """What gives the SDL with one text for another, from what is `stored`."""
    assert old in SDL, old
    before, after = check(stored), check(SDL.replace(old, new, 1))
    assert before.console_ok
    assert after.ok, after.errors
    return field_changes(before, after)


def at(declared: int, /, **change: Any) -> dict[str, Any]:
    return {"expose": {str(declared): change}}


MUTATIONS: list[tuple[str, str, dict[str, object]]] = [
    ("nginx:1.27", "nginx:1.28", {"image": "nginx:1.28"}),
    ("LEVEL=info, OLD=1", "LEVEL=debug, NEW=a=b", {"env": {"LEVEL": "debug", "OLD": None, "NEW": "a=b"}}),
    (", BARE]", "]", {"env": {"BARE": None}}),
    ("BARE", "BARE=", {"env": {"BARE": ""}}),
    ("command: [nginx]", "command: [nginx, -g]", {"command": ["nginx", "-g"]}),
    ("    command: [nginx]\n", "", {"command": None}),
    ("command: [nginx]", "command: [nginx]\n    args: [-g]", {"args": ["-g"]}),
    ("hunter22", "hunter23",
     {"credentials": {"host": "ghcr.io", "username": "me", "password": "hunter23"}}),
    (f"    {CREDENTIALS}\n", "", {"credentials": None}),
    ("accept: [a.example]", "accept: [b.example]", at(80, accept=["b.example"])),
    ("        accept: [a.example]\n", "", at(80, accept=[])),
    ("max_body_size: 1000", "max_body_size: 2000, read_timeout: 500.0",
     at(80, httpOptions={"maxBodySize": 2000, "readTimeout": 500})),
    (HTTP, "http_options: {}",
     at(80, httpOptions={"maxBodySize": 1048576, "nextCases": ["error", "timeout"]})),
    (HTTP, f"{HTTP[:-1]}, next_tries: 0, next_timeout: 9}}",
     at(80, httpOptions={"nextTries": 0, "nextTimeout": 9})),
    ("port: 80\n", "port: 8080\n", at(80, port=8080)),
    ("port: 3000", "port: 3001", at(3000, port=3001)),
    ("port: 3000", "port: 3001\n        as: 3000", {"expose": {"3000": {"port": 3001, "as": 3000}}}),
    ("port: 3000", "port: 3000\n        as: 4000", {"expose": {"3000": {"as": 4000}}}),
    ("port: 3000", "port: 3000\n        as: 3000", {}),
    ("{port: 53, proto: udp", "{http_options: {}, port: 53, proto: UDP", {}),
    ("mount: /data", "mount: /srv", {"storage": {"data": {"mount": "/srv"}}}),
    (", readOnly: true", "", {"storage": {"data": {"readOnly": False}}}),
    ("LEVEL=info, OLD=1", "OLD=1, LEVEL=info", {}),
    ("amount: 10000", "amount: 9000", {}),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "change"), MUTATIONS)
def test_what_differs_is_named_and_nothing_else(old: str, new: str, change: dict[str, object]) -> None:
    assert changes(old, new) == FieldChanges({"web": change} if change else {})
    told = changes_between(check(SDL), check(SDL.replace(old, new, 1)))
    assert bool(told) == bool(change), told


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("port: 3000", "port: 6379", "ports (6379 is open to the Internet now)"),
        ("port: 3000", "port: 3000\n        as: 4000", "ports"),
        ("port: 80\n", "port: 22\n", "ports (22 is open to the Internet now)"),
    ],
)
def test_a_port_that_a_change_opens_is_told(old: str, new: str, word: str) -> None:
    assert old in SDL
    (told,) = changes_between(check(SDL), check(SDL.replace(old, new, 1)))
    assert told.others[0] == word


@given(st.permutations(MUTATIONS), st.integers(1, len(MUTATIONS)))
def test_what_is_sent_makes_of_the_old_sdl_the_new_one(
    mutations: list[tuple[str, str, object]], most: int
) -> None:
    """By the embedded Console's own hand, which knows nothing of how the fields were found."""
    wanted = SDL
    for old, new, _ in mutations[:most]:
        wanted = wanted.replace(old, new, 1)
    after = check(wanted)
    found = field_changes(check(SDL), after)
    if found.obstacles or not after.ok:
        return
    tree = parsed(SDL)
    issues: list[dict[str, Any]] = []
    taken = {name: patches.SERVICE(change, (), issues) for name, change in found.services.items()}
    assert (issues, taken) == ([], found.services)
    patches.apply(tree, taken)
    assert field_changes(check(written(tree)), after) == FieldChanges()


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("units: 0.5", "units: 1", "cpu 500m → 1000m"),
        ("count: 1", "count: 2", "count 1 → 2"),
        ("port: 3000\n        to: [{global: true}]", "port: 3000\n        to: [{service: web}]",
         "number of random ports"),
        ("port: 53, proto: udp", "port: 53", "the protocol of port 53"),
        ("      - {port: 53, proto: udp, to: [{service: web}]}\n", "", "port 53 is gone"),
        ("      - port: 3000", "      - {port: 54, to: [{service: web}]}\n      - port: 3000", "port 54 is new"),
        ("{port: 53, to", "{port: 54, to", "port 53 is exposed twice"),
        ("port: 3000", "port: 7777\n        as: 3000", "cannot move to 7777"),
        ("port: 3000", "port: 3000\n        as: 53", "cannot be reached at 53"),
        ("port: 7777, as: 7777", "port: 7778, as: 7777", "an IP of its own"),
        (HTTP, "http_options: {max_body_size: 0}", '"max_body_size" of port 80 cannot become 0'),
        (HTTP, f"{HTTP[:-1]}, proxy_buffer_size: 4096}}", '"proxy_buffer_size" of port 80 cannot'),
        ("LOG-FORMAT=json", "LOG-FORMAT=text", 'the variable "LOG-FORMAT" cannot change'),
        ("OLD=1", "OLD", '"OLD" cannot become one without a value'),
        ("hunter22", "hunter22, email: me@example.com", "e-mail address"),
        (MOUNT, f"{MOUNT}      permissions: {{read: [logs]}}\n", "its permissions cannot change"),
        (MOUNT, f"{MOUNT}        default: {{mount: /tmp}}\n", "which of its volumes have mounts"),
    ],
)  # fmt: skip
def test_what_has_no_field_is_said_in_words(old: str, new: str, why: str) -> None:
    found = changes(old, new)
    assert why in "; ".join(found.obstacles)


def test_two_endpoints_that_move_together_are_each_named_by_what_they_are_now() -> None:
    moved = SDL.replace("port: 80\n", "port: 8080\n").replace("port: 3000", "port: 3001")
    assert field_changes(check(SDL), check(moved)).services == {
        "web": {"expose": {"80": {"port": 8080}, "3000": {"port": 3001}}}
    }


def test_endpoints_do_not_change_places() -> None:
    swapped = SDL.replace("port: 80\n        as: 80", "port: 3000\n        as: 80", 1).replace(
        "      - port: 3000\n        to", "      - port: 80\n        as: 3000\n        to"
    )
    assert "which another endpoint has" in "; ".join(field_changes(check(SDL), check(swapped)).obstacles)


SEALED = (
    SDL.replace("LEVEL=info, OLD=1", "LEVEL=ac-secret://s0_LEVEL, OLD=ac-secret://s0_OLD")
    .replace("username: me", "username: ac-secret://s0_u")
    .replace("password: hunter22", "password: ac-secret://s0_p")
)


def test_a_value_that_the_console_does_not_show_is_sent_and_one_that_it_shows_is_not() -> None:
    assert changes("nginx:1.27", "nginx:1.28", stored=SEALED).services == {
        "web": {
            "image": "nginx:1.28",
            "env": {"LEVEL": "info", "OLD": "1"},
            "credentials": {"host": "ghcr.io", "username": "me", "password": "hunter22"},
        }
    }
    assert field_changes(check(SEALED), check(SEALED)) == FieldChanges()


def test_the_auditor_that_the_console_adds_is_not_a_change() -> None:
    signed = SDL.replace("      pricing:", "      signedBy: {anyOf: [akash1auditor]}\n      pricing:")
    new = check(SDL.replace("nginx:1.27", "nginx:1.28"))
    assert field_changes(unsigned(check(signed)), unsigned(new)).services == {"web": {"image": "nginx:1.28"}}


def test_no_value_is_told_by_what_is_printed() -> None:
    assert "hunter23" not in repr(changes("hunter22", "hunter23"))
