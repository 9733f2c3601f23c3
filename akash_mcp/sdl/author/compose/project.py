"""The services of a compose file together: their names in the SDL, and who reaches whom.

On a Compose network every service reaches every port of the others. So each port that a service is known to listen on
is opened to all others that share a network with it. Known are the ports it names, those that others' settings name
with it (`db:5432`), and, where there are none, the usual port of a well-known image.
"""

from __future__ import annotations

from collections.abc import Sequence

from akash_mcp.errors import BadArgument
from akash_mcp.sdl.author.compose.data_folders import mended
from akash_mcp.sdl.author.compose.file import ComposeFile
from akash_mcp.sdl.author.compose.hostnames import ports_named, renamed, sdl_names
from akash_mcp.sdl.author.compose.openings import Opened, opened_ports
from akash_mcp.sdl.author.compose.outer_ports import with_own_numbers
from akash_mcp.sdl.author.compose.ports import PublishedPort
from akash_mcp.sdl.author.compose.service import ComposeService
from akash_mcp.sdl.author.workload import RAW_TCP_PORT, WEB_PORT, ExposedPort, Workload
from akash_mcp.sdl.images.names import image_name
from akash_mcp.sdl.images.ports import PORTS
from akash_mcp.sdl.images.usual_ports import UNUSED_PORT

MAX_PAIRS = 1_500
"""The most pairs of a service and another's port that are converted. The SDL of more would be larger than Console
takes."""


class Project:
    """The services of one file, with their names in the SDL and the ports they are known to listen on."""

    def __init__(self, file: ComposeFile, services: list[ComposeService], on_purpose: Opened = ()) -> None:
        self._file = file
        self._opened = opened_ports(file, services, on_purpose)
        self._services = {service.name: service for service in services}
        self._names = sdl_names(self._services)
        aliases = {
            alias: name
            for service in services
            for alias, name in service.aliases.items()
            if name in self._services
        }
        self._hosts = {**{alias: self._names[name] for alias, name in aliases.items()}, **self._names}
        self._by_alias = {**aliases, **{name: name for name in self._services}}
        self._listening = self._known_ports()
        for service in services:
            for name in service.depends_on:
                if name not in self._services:
                    file.leave_out(service.name, f"its dependency on {name[:60]}", "that service is left out")
        for name, sdl_name in self._names.items():
            if name != sdl_name:
                file.note(f'The service "{name}" is called "{sdl_name}": an SDL takes a-z, 0-9 and "-".')

    def workloads(self) -> list[Workload]:
        """The services as an SDL has them, in the order of the file."""
        webs = {name: _web(self._services[name], ports) for name, ports in self._opened.items()}
        placeholder = None if any(self._opened.values()) else self._placeholder()
        pairs = sum(len(self._listening[name]) for name in self._services) * len(self._services)
        if pairs > MAX_PAIRS:
            raise BadArgument(
                f"The services of the compose file have {pairs} pairs of a service and another's port, and "
                f"at most {MAX_PAIRS} can be converted.",
                next_step="Name fewer ports, or split the file.",
            )
        return [
            self._workload(service, webs[name], name == placeholder)
            for name, service in self._services.items()
        ]

    def _workload(self, service: ComposeService, web: PublishedPort | None, placeholder: bool) -> Workload:
        hosts = {old: new for old, new in self._hosts.items() if old != new}
        env = {name: renamed(text, hosts, setting=name) for name, text in service.env.items()}
        for name in (name for name in env if env[name] != service.env[name]):
            self._file.note(f"{service.name}: {name} now has its neighbour's name in the SDL.")
        env, plain_args = mended(self._file, service, env)
        command = tuple(renamed(word, hosts) for word in service.command)
        args = tuple(renamed(word, hosts) for word in plain_args)
        if (command, args) != (service.command, plain_args):
            self._file.note(f"{service.name}: its command now has its neighbour's name in the SDL.")
        exposed = self._exposed(service, web)
        if placeholder:
            exposed.append(ExposedPort(UNUSED_PORT, WEB_PORT, is_global=True))
        return Workload(
            name=self._names[service.name],
            image=service.image,
            exposed=tuple(exposed),
            command=command,
            args=args,
            env=tuple(f"{name}={text}" for name, text in env.items()),
            dependencies=tuple(self._names[name] for name in service.depends_on if name in self._names),
            cpu=service.size.cpu,
            memory=service.size.memory,
            root=service.root,
            disks=service.disks,
            gpus=service.size.gpus,
            count=service.size.count,
        )

    def _exposed(self, service: ComposeService, web: PublishedPort | None) -> list[ExposedPort]:
        neighbours = tuple(
            sorted(
                self._names[other.name]
                for other in self._services.values()
                if other is not service and other.networks & service.networks
            )
        )
        opened: list[ExposedPort] = []
        for each in self._opened[service.name]:
            if each is web:
                hosts = service.route.hosts if service.route else ()
                opened.append(ExposedPort(each.port, WEB_PORT, is_global=True, hosts=hosts))
                if each.host not in (None, WEB_PORT):
                    self._file.note(
                        f"{service.name}: its web page is at port 80 of its address, not {each.host}."
                    )
            else:
                external = RAW_TCP_PORT if each.port == WEB_PORT and each.proto == "TCP" else None
                opened.append(ExposedPort(each.port, external, each.proto, is_global=True))
        opened = with_own_numbers(self._file, service.name, opened)
        raw = [
            f"{each.host or each.port}/{each.proto.lower()}"
            for each in self._opened[service.name]
            if each is not web
        ]
        if raw:
            self._file.leave_out(
                service.name,
                f"the outer port {', '.join(raw)}",
                "a provider chooses outer ports",
                "read them from get_deployment once it runs",
            )
        if neighbours:
            inner = dict(sorted(self._listening[service.name], reverse=True))  # TCP before UDP
            opened += [
                ExposedPort(port, proto=proto, services=neighbours) for port, proto in sorted(inner.items())
            ]
            for port, proto in sorted(self._listening[service.name] - inner.items()):
                self._file.leave_out(
                    service.name,
                    f"port {port}/{proto.lower()} for its neighbours",
                    "a provider drops one of two ports that have the same number, and TCP has it",
                    "let the program listen at another number for one of the two",
                )
        return opened

    def _known_ports(self) -> dict[str, set[tuple[int, str]]]:
        listening = {name: set(service.ports.listening) for name, service in self._services.items()}
        named: dict[str, set[int]] = {}
        for service in self._services.values():
            for text in (*service.env.values(), *service.command, *service.args):
                for host, port in ports_named(text):
                    target = self._by_alias.get(host)
                    if target is not None and target != service.name:
                        named.setdefault(target, set()).add(port)
        for name, ports in named.items():
            if new := sorted(ports - {port for port, _ in listening[name]}):
                listening[name] |= {(port, "TCP") for port in new}
                shown = ", ".join(map(str, new))
                self._file.note(
                    f"{name}: port {shown} is opened to its neighbours, because their settings name it."
                )
        for name, service in self._services.items():
            usual = PORTS.get(image_name(service.image), ())
            if not listening[name] and usual and len(self._services) > 1:
                listening[name] = {(port, "TCP") for port in usual}
                shown = ", ".join(map(str, usual))
                self._file.note(
                    f"{name}: port {shown} is opened to its neighbours: this image usually listens there."
                )
            elif not listening[name] and any(name in other.depends_on for other in self._services.values()):
                self._file.leave_out(
                    name,
                    "reaching it from other services",
                    "no port of it is known",
                    "name its ports under expose",
                )
        return listening

    def _placeholder(self) -> str:
        """The service that gets `UNUSED_PORT`: one that listens on nothing, else the first."""
        name = next(
            (each for each in self._services if not self._listening[each]), next(iter(self._services))
        )
        self._file.note(
            f"Nothing is open to the Internet, and providers run nothing without an open port: {name} exposes port "
            f"{UNUSED_PORT}, where nothing listens. Publish a port to reach something from outside."
        )
        return name


def _web(service: ComposeService, ports: Sequence[PublishedPort]) -> PublishedPort | None:
    """The open port that gets the service's web address: the one that a proxy leads to, then 80 before others, else the
    first that looks like one."""
    if service.route:
        return next((each for each in ports if each.port == service.route.port), None)
    webs = [each for each in ports if each.is_web]
    return next((each for each in webs if each.port == WEB_PORT), webs[0] if webs else None)
