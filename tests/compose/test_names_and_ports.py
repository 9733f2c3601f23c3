"""What services are called in the SDL, and what ports are numbered."""

from __future__ import annotations

import pytest
from conversion import convert, left_out, noted, published, services
from hypothesis import example, given
from hypothesis import strategies as st

from akash_mcp.sdl.author.compose.hostnames import sdl_names
from akash_mcp.sdl.author.workload import SERVICE_NAME

likely_to_collide = st.text("aA1-_", min_size=1, max_size=4) | st.text(min_size=1, max_size=70)


@given(st.lists(likely_to_collide, max_size=8, unique=True))
@example(["task_queue", "task-queue"])
@example(["a_" + "b" * 70, "a-" + "b" * 58, "a-" + "b" * 58 + "-2"])
def test_every_service_has_a_valid_name_of_its_own_and_keeps_one_that_is(names: list[str]) -> None:
    found = sdl_names(names)
    assert list(found) == names
    assert len(set(found.values())) == len(names)
    assert all(SERVICE_NAME.fullmatch(name) for name in found.values())
    assert all(found[name] == name for name in names if SERVICE_NAME.fullmatch(name))


def test_a_valid_name_is_never_given_to_another() -> None:
    made = convert(
        "services:\n"
        "  task_queue: {image: 'rabbitmq:4.0', ports: [5672]}\n"
        "  task-queue: {image: 'redis:7'}\n"
        "  web: {image: 'x:1', ports: [80], environment: {URL: 'redis://task-queue:6379 amqp://task_queue:5672'}}\n"
    )
    assert {name: service["image"] for name, service in services(made).items()} == {
        "task-queue-2": "rabbitmq:4.0",
        "task-queue": "redis:7",
        "web": "x:1",
    }
    assert services(made)["web"]["env"] == ["URL=redis://task-queue:6379 amqp://task-queue-2:5672"]


def test_tcp_and_udp_of_one_number_are_both_open() -> None:
    made = convert("services: {dns: {image: 'x:1', ports: ['53:53', '53:53/udp', '10053:10053/udp']}}")
    assert published(made) == {
        "dns": [(53, None, "TCP", ()), (53, 20_053, "UDP", ()), (10_053, None, "UDP", ())]
    }
    assert "53/udp is as: 20053" in noted(made, "drops one of two")


def test_a_port_of_the_machine_that_docker_chooses_is_open() -> None:
    made = convert("services: {web: {image: 'x:1', ports: ['0:7777', '127.0.0.1:0:7778']}}")
    assert published(made) == {"web": [(7777, None, "TCP", ())]}


def test_tcp_and_udp_of_one_number_are_not_both_open_to_neighbours() -> None:
    made = convert("services: {dns: {image: 'x:1', expose: [53, 53/udp]}, web: {image: 'y:1', ports: [80]}}")
    assert services(made)["dns"]["expose"] == [{"port": 53, "to": [{"service": "web"}]}]
    assert left_out(made) == ["port 53/udp for its neighbours"]


@pytest.mark.parametrize(
    ("platform", "listed"),
    [
        ("linux/amd64", []),
        ("linux/x86_64", []),
        ("linux", []),
        ("linux/arm64", ["platform: linux/arm64"]),
        ("windows", ["platform: windows"]),
    ],
)
def test_a_platform_is_listed_where_providers_have_another(platform: str, listed: list[str]) -> None:
    assert (
        left_out(convert(f"services: {{a: {{image: 'x:1', ports: [80], platform: {platform}}}}}")) == listed
    )
