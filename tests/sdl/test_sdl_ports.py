"""Of two ports of one service with one outer number a provider keeps the first: who loses is told, and nobody else."""

from __future__ import annotations

import pytest
from sdl_data import changed

from akash_mcp.sdl import Finding

ENTRY = "      - port: 80\n        as: 80\n        to:\n          - global: true\n"
EVERYBODY = "to: [{global: true}]"
NEIGHBOUR = "to: [{service: other}]"
ENDPOINT = ("deployment:", "endpoints: {mine: {kind: ip}}\ndeployment:")


def lost(*entries: str) -> list[Finding]:
    """What is told of a service with these expose entries, each on a line from the sixth on."""
    lines = "".join(f"      - {{{entry}}}\n" for entry in entries)
    ends = [ENDPOINT] if "mine" in lines else []
    report = changed((ENTRY, lines), *ends)
    assert report.ok, report.errors
    return [found for found in report.warnings if found.rule == "D17"]


@pytest.mark.parametrize(
    ("entries", "loser", "winner"),
    [
        # the manifest is sorted by port: not the order of the SDL decides
        ((f"port: 3000, as: 80, {EVERYBODY}", f"port: 80, {EVERYBODY}"), "port 3000 TCP", "port 80 TCP (line 7)"),
        (
            (f"port: 80, accept: [a.com], {EVERYBODY}", f"port: 3000, as: 80, accept: [b.com], {EVERYBODY}"),
            "port 3000 TCP",
            "whatever the host name, 80 leads to port 80 TCP (line 6)",
        ),
        ((f"port: 80, {EVERYBODY}", f"port: 53, {EVERYBODY}", f"port: 53, proto: UDP, {EVERYBODY}"),
         "port 53 UDP", "port 53 TCP (line 7)"),
        ((f"port: 80, {EVERYBODY}", f"port: 22, as: 2222, {EVERYBODY}", f"port: 23, as: 2222, {EVERYBODY}"),
         "port 23 TCP", "port 22 TCP (line 7)"),
        # the web address stands among the ports for neighbours
        ((f"port: 3000, as: 80, {EVERYBODY}", f"port: 80, {NEIGHBOUR}"), "port 80 TCP", "port 3000 TCP (line 6)"),
    ],
)  # fmt: skip
def test_a_port_that_never_answers_is_a_warning_with_both_lines(
    entries: tuple[str, ...], loser: str, winner: str
) -> None:
    (found,) = lost(*entries)
    assert found.judge == "runtime"
    assert f"nothing reaches {loser}:" in found.message
    assert found.message.endswith(winner)
    assert "another as:" in found.fix
    assert "service of its own" in found.fix


@pytest.mark.parametrize(
    "entries",
    [
        (f"port: 80, {EVERYBODY}", f"port: 443, {EVERYBODY}"),
        # one container port for everybody and for a neighbour
        ("port: 80, to: [{global: true}, {service: other}]",),
        (f"port: 80, {EVERYBODY}", f"port: 80, {NEIGHBOUR}"),
        # a random port and one for neighbours are in two Kubernetes services
        (f"port: 80, {EVERYBODY}", f"port: 53, proto: UDP, {EVERYBODY}", f"port: 53, {NEIGHBOUR}"),
        (f"port: 80, {EVERYBODY}", f"port: 80, proto: UDP, {EVERYBODY}"),
        # a leased IP has one for each protocol
        tuple(f"port: 53, proto: {proto}, to: [{{global: true, ip: mine}}]" for proto in ("TCP", "UDP")),
    ],
)
def test_ports_that_are_kept_apart_are_not_warned_of(entries: tuple[str, ...]) -> None:
    assert lost(*entries) == []


@pytest.mark.parametrize("change", ["as: 2223", "port: 22"])
def test_following_the_fix_is_enough(change: str) -> None:
    last = f"port: 23, as: 2222, {EVERYBODY}".replace("as: 2222" if "as" in change else "port: 23", change)
    assert lost(f"port: 80, {EVERYBODY}", f"port: 22, as: 2222, {EVERYBODY}", last) == []
