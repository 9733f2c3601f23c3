"""Ports of one service that a provider does not keep apart: only the first of them answers (D17, `runtime`).

A provider makes at most two Kubernetes services of one in the SDL. The first has the ports for its neighbours and the
web address (outer port 80, TCP), the second those that everybody reaches at a random port. Each keeps its ports by the
outer number alone: of two with one number it takes the first in the manifest's order, whatever their protocol and
host names, and drops the other without a word. So every host name of a service leads to one container port. A leased IP
has a Kubernetes service for each number and protocol, and loses none.
Source: akash-network/provider cluster/kube/builder/service.go (ports), cluster/manager.go (doDeploy),
cluster/kube/operators/clients/metallb.
"""

from __future__ import annotations

from collections.abc import Iterator

from akash_mcp.sdl.model import Expose, Sdl, Service, To
from akash_mcp.sdl.output.orders import exposes
from akash_mcp.sdl.report import Fault
from akash_mcp.sdl.rules.references import outer_port_of
from akash_mcp.sdl.yaml.loader import Path


def check_ports(sdl: Sdl) -> Iterator[Fault]:
    """Warnings (D17) of ports that never answer, because another has their outer number."""
    for service in sdl.services.values():
        if len(service.expose) > 1:
            yield from _dropped(service)


def _dropped(service: Service) -> Iterator[Fault]:
    entries = {id(expose): i for i, expose in enumerate(service.expose)}
    kept: dict[tuple[bool, int], Expose] = {}
    told: set[int] = set()
    for expose, to in exposes(service):
        first = kept.setdefault((_is_at_random_port(expose, to), expose.outer_port), expose)
        index = entries[id(expose)]
        if (first.port, first.proto) == (expose.port, expose.proto) or to.ip or index in told:
            continue
        told.add(index)
        yield _fault(service, index, expose, entries[id(first)], first)


def _is_at_random_port(expose: Expose, to: To) -> bool:
    return to.is_global and not expose.is_ingress


def _fault(service: Service, index: int, expose: Expose, first_index: int, first: Expose) -> Fault:
    at: Path = ("services", service.name, "expose")
    names = "whatever the host name, " if expose.accept else ""
    message = (
        f"nothing reaches port {expose.port} {expose.proto}: a provider keeps one port for each outer number of a "
        f"service, and {names}{expose.outer_port} leads to port {first.port} {first.proto}"
    )
    field = "as" if expose.outside else "port"
    return Fault(
        "D17",
        (*at, index, field),
        message,
        _fix(expose, first),
        "runtime",
        beside=(*at, first_index),
        rests_on=(
            *outer_port_of((*at, index)),
            *outer_port_of((*at, first_index)),
            (*at, index, "to"),
            (*at, first_index, "to"),
        ),
    )


def _fix(expose: Expose, first: Expose) -> str:
    if expose.outer_port == 80:
        return "give it another as:, put it behind one proxy with the other, or make it a service of its own"
    if expose.proto != first.proto:
        return "give it another as:, make it a service of its own, or reach both at a leased IP"
    return "give it another as:, or make it a service of its own"
