"""Outer ports of one service: none twice, whatever the protocol.

A provider keys ports by their outer number alone, so of 53/tcp and 53/udp it drops the second (akash-network/provider,
cluster/kube/builder/service.go). The number that the world uses is the provider's choice in any case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from akash_mcp.sdl.author.compose.file import ComposeFile
from akash_mcp.sdl.author.workload import ExposedPort


def with_own_numbers(file: ComposeFile, service: str, opened: Sequence[ExposedPort]) -> list[ExposedPort]:
    """The ports that are open to the world, with another outer number where one is taken."""
    numbers = {each.external or each.port for each in opened}
    taken: set[int] = set()
    found: list[ExposedPort] = []
    for each in opened:
        number = each.external or each.port
        if number not in taken:
            taken.add(number)
            found.append(each)
            continue
        while number in numbers:
            number = number + 10_000 if number <= 55_535 else number - 9_999
        numbers.add(number)
        file.note(
            f"{service}: {each.port}/{each.proto.lower()} is as: {number}, since a provider drops one of two ports of "
            "the same number."
        )
        found.append(replace(each, external=number))
    return found
