"""`network_mode: service:X`: what it meant, what is lost, and who has the ports now."""

from __future__ import annotations

from functools import partial

import pytest
from conversion import left_out, noted, published, services, why

from akash_mcp.sdl.author import compose

convert = partial(compose.convert, accept=["vpn"])

VPN = """
services:
  vpn: {image: 'qmcgaw/gluetun:v3.39', container_name: gluetun, ports: [8080, 6881, 6881/udp, '8888:8888']}
  torrent:
    image: lscr.io/linuxserver/qbittorrent:5.0.2
    network_mode: "%s"
    environment: [WEBUI_PORT=8080]
"""


@pytest.mark.parametrize("mode", ["service:vpn", "container:gluetun"])
def test_traffic_that_leaves_without_the_vpn_is_told(mode: str) -> None:
    made = convert(VPN % mode)
    assert "its traffic does not go through" in why(made, "network_mode")
    assert "leaves with the provider's address" in why(made, "network_mode")


def test_the_ports_that_a_vpn_publishes_for_another_go_to_it() -> None:
    made = convert(VPN % "service:vpn")
    assert published(made) == {
        "vpn": [(8888, 80, "TCP", ())],  # its own proxy
        "torrent": [(8080, 80, "TCP", ()), (6881, None, "TCP", ()), (6881, 16_881, "UDP", ())],
    }
    assert "torrent: port 8080/tcp, 6881/tcp, 6881/udp" in noted(made, "is its own now")
    assert made.report.ok


def test_without_a_vpn_localhost_is_what_is_lost() -> None:
    made = convert(
        "services:\n"
        "  app: {image: 'example/app:1', ports: [80, 5432]}\n"
        "  db: {image: 'postgres:17', network_mode: 'service:app'}\n"
    )
    assert "do not meet at localhost" in why(made, "network_mode")
    assert published(made)["db"] == []  # a database stays closed
    assert "db:5432" in why(made, "opening port 5432 to the Internet")
    assert left_out(made, "app") == ["port 80/tcp for those in its network"]  # whose it is, nobody says


def test_ports_of_several_are_theirs_where_that_is_known() -> None:
    made = convert(
        "services:\n"
        "  vpn: {image: 'qmcgaw/gluetun:v3.39', ports: [8080, 9696, 1234]}\n"
        "  a: {image: 'example/a:1', network_mode: 'service:vpn', environment: {WEBUI_PORT: '8080'}}\n"
        "  b: {image: 'example/b:1', network_mode: 'service:vpn', expose: [9696]}\n"
        "  c: {image: 'example/c:1', environment: {URL: 'http://vpn:8080/api'}}\n"
    )
    open_to_all = {name: [port for port, *_ in ports] for name, ports in published(made).items()}
    assert open_to_all == {"vpn": [1234], "a": [8080], "b": [9696], "c": []}
    assert left_out(made, "vpn")[:2] == ["its tunnel", "port 1234/tcp for those in its network"]
    assert why(made, "environment: URL: vpn:8080") == "that port belongs to a now; write a:8080"
    assert {"service": "c"} in services(made)["a"]["expose"][-1]["to"]


def test_a_web_address_that_is_told_at_the_vpn_is_that_of_the_service_behind_it() -> None:
    made = convert(
        "services:\n"
        "  vpn: {image: 'qmcgaw/gluetun:v3.39', labels: [traefik.http.routers.r.rule=Host(`a.example.org`), "
        "traefik.http.services.s.loadbalancer.server.port=9000]}\n"
        "  app: {image: 'example/app:1', network_mode: 'service:vpn'}\n"
    )
    assert published(made) == {"vpn": [], "app": [(9000, 80, "TCP", ("a.example.org",))]}


def test_a_network_of_something_that_is_not_there_is_told_as_well() -> None:
    made = convert("services: {a: {image: 'x:1', ports: [80], network_mode: 'container:elsewhere'}}")
    assert left_out(made) == ["network_mode: the network of elsewhere"]


def test_a_vpn_of_another_file_is_known_by_its_name() -> None:
    made = convert("services: {a: {image: 'x:1', ports: [80], network_mode: 'container:gluetun'}}")
    assert "its traffic does not go through gluetun" in why(made, "network_mode")


def test_a_service_that_joins_itself_keeps_its_ports() -> None:
    made = convert("services: {a: {image: 'x:1', ports: [80], network_mode: 'service:a'}}")
    assert published(made) == {"a": [(80, 80, "TCP", ())]}
