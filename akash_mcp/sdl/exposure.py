"""What of an SDL is open to the Internet, and who gets in there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from akash_mcp.sdl.guarding import Guarding, Program
from akash_mcp.sdl.model import Expose, Sdl, Service
from akash_mcp.sdl.yaml.loader import Path

_MOST_HOSTS = 3


@dataclass(frozen=True, slots=True)
class Exposed:
    """One port that everybody can reach.

    `port` is the container's, `outer_port` what callers use where they can choose: `way` says how it is reached (`HTTP`
    at a web address and its `hosts`, `TCP at a random port`, `UDP at an IP of its own`). `guarding` is what listens
    there and who gets in, None where that is not known. `is_unused`: it is there only because providers run nothing
    without an open port. `path` leads to it in the SDL.
    """

    service: str
    port: int
    outer_port: int
    way: str
    hosts: tuple[str, ...]
    guarding: Guarding | None
    is_unused: bool
    path: Path

    @property
    def is_unsafe(self) -> bool:
        """Whether it is known that anyone gets in where that should not be."""
        return self.guarding is not None and self.guarding.is_unsafe

    @property
    def note(self) -> str:
        """What listens there and who gets in, such as `Redis without a password`; empty where it is not known."""
        if self.is_unused:
            return "nothing listens there"
        return self.guarding.words if self.guarding else ""

    @property
    def words(self) -> str:
        """`web port 80 (HTTP at www.example.com)`, `cache port 6379 (TCP at a random port): Redis without a password`.

        The names in it are somebody else's words.
        """
        hosts = f" at {', '.join(self.hosts[:_MOST_HOSTS])}" if self.hosts else ""
        more = f" and {len(self.hosts) - _MOST_HOSTS} more" if len(self.hosts) > _MOST_HOSTS else ""
        note = f": {self.note}" if self.note else ""
        return f"{self.service} port {self.outer_port} ({self.way}{hosts}{more}){note}"


def exposed(sdl: Sdl) -> tuple[Exposed, ...]:
    """What is open to the Internet: first where anyone gets in, then what holds data, then the rest as it stands."""
    found = [each for service in sdl.services.values() for each in _exposed(service)]
    return tuple(sorted(found, key=_rank))


def _rank(each: Exposed) -> int:
    return 0 if each.is_unsafe else 1 if each.guarding and each.guarding.kind.is_data else 2


def _exposed(service: Service) -> Iterator[Exposed]:
    program = Program(service.name, service.image, service.env, service.command, service.args)
    for i, expose in enumerate(service.expose):
        if expose.is_open:
            yield Exposed(
                service=service.name,
                port=expose.port,
                outer_port=expose.outer_port,
                way=_way(expose, has_ip=any(to.ip for to in expose.to)),
                hosts=expose.accept,
                guarding=program.guarding(expose.port, expose.proto),
                is_unused=program.leaves_unused(expose.port),
                path=("services", service.name, "expose", i),
            )


def _way(expose: Expose, *, has_ip: bool) -> str:
    if has_ip:
        return f"{expose.proto} at an IP of its own"
    return "HTTP" if expose.is_ingress else f"{expose.proto} at a random port"
