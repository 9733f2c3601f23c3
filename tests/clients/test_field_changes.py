"""A new SDL as the named fields of a PATCH."""

from __future__ import annotations

import re

import pytest
from console_requests import DSEQ, writer
from wire_servers import Server, reply

from akash_mcp.clients.console.generation import Generation
from akash_mcp.sdl.patch import field_changes

pytestmark = pytest.mark.anyio

SDL = """
version: "2.0"
services:
  web:
    image: nginx:1.27
    env: [LEVEL=info, OLD=1]
    command: [nginx]
    expose:
      - port: 80
        as: 80
        accept: [a.example]
        http_options: {max_body_size: 1000}
        to: [{global: true}]
    params:
      storage:
        data: {mount: /data}
profiles:
  compute:
    web:
      resources:
        cpu: {units: 0.5}
        memory: {size: 512Mi}
        storage:
          - size: 512Mi
          - {name: data, size: 1Gi, attributes: {persistent: true, class: beta2}}
  placement:
    dcloud:
      pricing:
        web: {denom: uact, amount: 10000}
deployment:
  web:
    dcloud: {profile: web, count: 1}
"""
DETAIL = {"deployment": {"id": {"dseq": DSEQ}, "state": "active"}, "leases": []}


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ("nginx:1.27", "nginx:1.28", {"image": "nginx:1.28"}),
        ("LEVEL=info, OLD=1", "LEVEL=debug, NEW=a=b", {"env": {"LEVEL": "debug", "OLD": None, "NEW": "a=b"}}),
        ("command: [nginx]", "command: [nginx, -g]", {"command": ["nginx", "-g"]}),
        ("    command: [nginx]\n", "", {"command": None}),
        ("command: [nginx]", "command: [nginx]\n    args: [-g]", {"args": ["-g"]}),
        ("accept: [a.example]", "accept: [b.example]", {"expose": {"80": {"accept": ["b.example"]}}}),
        ("max_body_size: 1000", "max_body_size: 2000, read_timeout: 500",
         {"expose": {"80": {"httpOptions": {"maxBodySize": 2000, "readTimeout": 500}}}}),
        ("mount: /data", "mount: /srv, readOnly: true", {"storage": {"data": {"mount": "/srv", "readOnly": True}}}),
    ],
)  # fmt: skip
def test_a_change_of_one_field_is_sent_by_name(old: str, new: str, change: dict[str, object]) -> None:
    assert field_changes(SDL, SDL.replace(old, new)) == {"web": change}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("units: 0.5", "units: 1"),
        ("count: 1", "count: 2"),
        ("port: 80\n", "port: 81\n"),
        ("to: [{global: true}]", "to: [{global: true}]\n        proto: udp"),
        ("max_body_size: 1000", ""),
        (r"web:", "site:"),
        ("version", "vision"),
    ],
)
def test_a_change_that_has_no_field_is_none(old: str, new: str) -> None:
    assert field_changes(SDL, re.sub(re.escape(old), new, SDL)) is None


def test_no_change_has_no_fields() -> None:
    assert field_changes(SDL, SDL) == {}


def test_the_auditor_that_the_console_adds_is_not_a_change() -> None:
    signed = SDL.replace("      pricing:", "      signedBy: {anyOf: [akash1auditor]}\n      pricing:")
    assert field_changes(signed, SDL.replace("nginx:1.27", "nginx:1.28")) == {"web": {"image": "nginx:1.28"}}


async def updated(
    stored: object, sdl: str, generation: Generation = Generation.V2026_11
) -> tuple[str, object]:
    answer = {"data": {**DETAIL, "consoleSettings": stored}}
    async with Server(reply(200, answer)) as server:
        await writer(server, generation).update_deployment(DSEQ, sdl)
    return server.requests[-1].method, server.requests[-1].json


async def test_an_update_names_what_differs_from_what_the_console_keeps() -> None:
    sent = await updated({"sdl": SDL, "manifestVersion": "v1"}, SDL.replace("nginx:1.27", "nginx:1.28"))
    assert sent == ("PATCH", {"data": {"services": {"web": {"image": "nginx:1.28"}}}})


@pytest.mark.parametrize(
    "stored", [None, {"sdl": None}, {"sdl": SDL}, {"sdl": SDL.replace("units: 0.5", "units: 9")}]
)
async def test_an_update_is_sent_whole_where_names_do_not_do(stored: object) -> None:
    assert await updated(stored, SDL) == ("PUT", {"data": {"sdl": SDL}})


async def test_older_apis_get_the_whole_sdl_without_being_asked_for_theirs() -> None:
    async with Server(reply(200, {"data": DETAIL})) as server:
        await writer(server).update_deployment(DSEQ, SDL)
    assert [request.method for request in server.requests] == ["PUT"]
