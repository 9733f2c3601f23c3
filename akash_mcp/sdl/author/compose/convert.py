"""`convert`: a compose file in, an SDL out, and beside it everything that was left out or decided.

Who reaches whom: on a network of Compose every service reaches every port of the others. So each port that a service
is known to listen on is opened to all others that share a network with it. Known are the ports it names, those that
others' settings name with it (`db:5432`), and, where there are none, the usual port of a well-known image.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from akash_mcp.errors import BadArgument
from akash_mcp.sdl.author.compose import known
from akash_mcp.sdl.author.compose.hosts import ports_named, renamed, sdl_names
from akash_mcp.sdl.author.compose.ports import Published
from akash_mcp.sdl.author.compose.reading import Fields, LeftOut, Reading, label
from akash_mcp.sdl.author.compose.service import Part, read_service
from akash_mcp.sdl.author.compose.volumes import LASTING
from akash_mcp.sdl.author.draft import usual_words
from akash_mcp.sdl.author.workload import NOT_WEB, WEB_PORT, Opening, Workload, usual_amount
from akash_mcp.sdl.author.writer import size_text, write
from akash_mcp.sdl.check import check
from akash_mcp.sdl.report import Report
from akash_mcp.sdl.yaml.loader import BadYaml, load

MAX_SERVICES, MAX_WAYS = 100, 1_500
"""Services, and ways from one to another's port, that are converted. An SDL of more is larger than Console takes."""
UNUSED_PORT = 65_535
"""Where nobody listens: opened where a file opens nothing, since a provider runs nothing without an open port."""


@dataclass(frozen=True, slots=True)
class Converted:
    """An SDL, what the judges say of it, what it does not carry of the compose file, and what was decided."""

    sdl: str
    report: Report
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]


def convert(
    compose: str, *, variables: Mapping[str, str] | None = None, images: Mapping[str, str] | None = None
) -> Converted:
    """The SDL of a compose file.

    `variables` are the values for `${NAME}`, `images` those of services that the file builds, or would run from
    another image. Raises `BadArgument`, with line and column where there is one, for text that is no compose file and
    for one that leaves nothing to run. The report is not ok where a service is larger than the chain allows.
    """
    images = images or {}
    try:
        document = load(compose)
    except BadYaml as bad:
        line, column = bad.mark
        raise BadArgument(
            f"The compose file cannot be read: line {line}, column {column}: {bad.message}.",
            next_step=bad.fix,
        ) from bad
    reading = Reading(document, variables or {})
    top = reading.fields(document.data, ())
    services = top.take("services")
    if not isinstance(services, dict) or not services:
        raise reading.bad(("services",), "must be a map of services")
    if len(services) > MAX_SERVICES:
        raise reading.bad(("services",), f"holds more than {MAX_SERVICES} services: split the file")
    if unknown := sorted(set(images) - set(services)):
        raise BadArgument(f"There is no service {unknown[0][:60]!r} to give an image to.")
    found = [read_service(reading, name, value, images.get(name)) for name, value in services.items()]
    parts = [part for part in found if part is not None]
    if not parts:
        reasons = "; ".join(f"{each.service}: {each.why}" for each in reading.left_out[:5])
        raise BadArgument(
            f"No service of the compose file can run on Akash. {reasons}".strip() + ".",
            next_step="Name an image for what is built.",
        )
    _top(reading, top, parts)
    workloads = _Neighbourhood(reading, parts).workloads()
    amounts = {workload.name: usual_amount(workload) for workload in workloads}
    sdl = write(workloads, amounts)
    report = check(sdl)
    _notes(reading, parts, report)
    return Converted(sdl, report, reading.left_out, reading.notes)


class _Neighbourhood:
    """The services together: their names in the SDL, and who reaches whom."""

    def __init__(self, reading: Reading, parts: list[Part]) -> None:
        self._reading = reading
        self._parts = {part.service: part for part in parts}
        self._names = sdl_names(self._parts)
        aliases = {
            alias: name for part in parts for alias, name in part.aliases.items() if name in self._parts
        }
        self._hosts = {**{alias: self._names[name] for alias, name in aliases.items()}, **self._names}
        self._by_alias = {**aliases, **{name: name for name in self._parts}}
        self._listening = self._known_ports()
        for part in parts:
            for name in part.needs:
                if name not in self._parts:
                    reading.leave_out(
                        part.service, f"its dependency on {name[:60]}", "that service is not carried"
                    )
        for service, name in self._names.items():
            if service != name:
                self._reading.note(
                    f'The service "{service}" is called "{name}": an SDL takes a-z, 0-9 and "-".'
                )

    def workloads(self) -> list[Workload]:
        """The services as an SDL has them, in the order of the file."""
        webs = {service: _web(part) for service, part in self._parts.items()}
        placeholder = None if any(part.ports.published for part in self._parts.values()) else self._silent()
        ways = sum(len(self._listening[name]) for name in self._parts) * len(self._parts)
        if ways > MAX_WAYS:
            raise BadArgument(
                f"The services of the compose file have {ways} ways to each other's ports; {MAX_WAYS} are converted.",
                next_step="Name fewer ports, or split the file.",
            )
        return [
            self._workload(part, webs[service], service == placeholder)
            for service, part in self._parts.items()
        ]

    def _workload(self, part: Part, web: Published | None, placeholder: bool) -> Workload:
        hosts = {old: new for old, new in self._hosts.items() if old != new}
        env = {name: renamed(text, hosts, setting=name) for name, text in part.env.items()}
        for name in (name for name in env if env[name] != part.env[name]):
            self._reading.note(f"{part.service}: {name} names its neighbour as the SDL does.")
        openings = self._openings(part, web)
        if placeholder:
            openings.append(Opening(UNUSED_PORT, WEB_PORT, everyone=True))
        return Workload(
            name=self._names[part.service],
            image=part.image,
            openings=tuple(openings),
            command=tuple(renamed(word, hosts) for word in part.command),
            args=tuple(renamed(word, hosts) for word in part.args),
            env=tuple(f"{name}={text}" for name, text in self._with_data_folder(part, env).items()),
            dependencies=tuple(self._names[name] for name in part.needs if name in self._names),
            cpu=part.size.cpu,
            memory=part.size.memory,
            disks=part.disks,
            gpus=part.size.gpus,
            count=part.size.count,
        )

    def _openings(self, part: Part, web: Published | None) -> list[Opening]:
        neighbours = tuple(
            sorted(
                self._names[other.service]
                for other in self._parts.values()
                if other is not part and other.networks & part.networks
            )
        )
        opened: list[Opening] = []
        for each in part.ports.published:
            if each is web:
                opened.append(Opening(each.port, WEB_PORT, everyone=True))
                if each.host not in (None, WEB_PORT):
                    self._reading.note(
                        f"{part.service}: its web page is at port 80 of its address, not {each.host}."
                    )
            else:
                outside = NOT_WEB if each.port == WEB_PORT and each.proto == "TCP" else None
                opened.append(Opening(each.port, outside, each.proto, everyone=True))
        raw = [
            f"{each.host or each.port}/{each.proto.lower()}"
            for each in part.ports.published
            if each is not web
        ]
        if raw:
            self._reading.leave_out(
                part.service,
                f"the outer port {', '.join(raw)}",
                "a provider chooses outer ports",
                "get_deployment shows them once it runs",
            )
        if neighbours:
            opened += [
                Opening(port, proto=proto, services=neighbours)
                for port, proto in sorted(self._listening[part.service])
            ]
        return opened

    def _known_ports(self) -> dict[str, set[tuple[int, str]]]:
        listening = {service: set(part.ports.listening) for service, part in self._parts.items()}
        named: dict[str, set[int]] = {}
        for part in self._parts.values():
            for text in (*part.env.values(), *part.command, *part.args):
                for host, port in ports_named(text):
                    service = self._by_alias.get(host)
                    if service is not None and service != part.service:
                        named.setdefault(service, set()).add(port)
        for service, ports in named.items():
            if new := sorted(ports - {port for port, _ in listening[service]}):
                listening[service] |= {(port, "TCP") for port in new}
                shown = ", ".join(map(str, new))
                self._reading.note(
                    f"{service}: port {shown} is opened to its neighbours, because their settings name it."
                )
        for service, part in self._parts.items():
            usual = known.LISTENS.get(known.image_name(part.image), ())
            if not listening[service] and usual and len(self._parts) > 1:
                listening[service] = {(port, "TCP") for port in usual}
                shown = ", ".join(map(str, usual))
                self._reading.note(
                    f"{service}: port {shown} is opened to its neighbours, as this image usually listens there."
                )
            elif not listening[service] and any(service in other.needs for other in self._parts.values()):
                self._reading.leave_out(
                    service,
                    "reaching it from other services",
                    "no port of it is known",
                    "name its ports under expose",
                )
        return listening

    def _silent(self) -> str:
        """The service that gets a port for show: one that listens on nothing, else the first."""
        service = next((name for name in self._parts if not self._listening[name]), next(iter(self._parts)))
        self._reading.note(
            f"The file opens no port to the world, and providers run nothing without one: {service} got port "
            f"{UNUSED_PORT}, where nothing listens. Publish a port to reach something."
        )
        return service

    def _with_data_folder(self, part: Part, env: dict[str, str]) -> dict[str, str]:
        if known.image_name(part.image) not in known.POSTGRES or "PGDATA" in env:
            return env
        for disk in part.disks:
            if disk.mount == "/var/lib/postgresql/data" and disk.kind != "ram":
                folder = f"{disk.mount}/pgdata"
                self._reading.note(
                    f"{part.service}: PGDATA={folder} was added, since PostgreSQL refuses the top of a fresh disk, "
                    "which holds lost+found."
                )
                return {**env, "PGDATA": folder}
        return env


def _web(part: Part) -> Published | None:
    """The published port that gets the service's web address: 80 before others, else the first that looks like one."""
    webs = [each for each in part.ports.published if each.is_web]
    return next((each for each in webs if each.port == WEB_PORT), webs[0] if webs else None)


def _top(reading: Reading, top: Fields, parts: list[Part]) -> None:
    """What stands beside the services: volumes and networks as far as they matter, the rest left out by name."""
    volumes = reading.fields(top.take("volumes"), ("volumes",))
    for name in volumes.names():
        path = volumes.at(name)
        options = reading.fields(volumes.take(name), path)
        users = [part.service for part in parts if name in part.volumes]
        if not users:
            reading.leave_out("", label(path), "no service that is carried mounts it")
        if options.take("external") not in (None, False):
            reading.leave_out(
                "",
                f"{label(path)}: what it holds now",
                "the disk on Akash is new and empty",
                "copy the data once it runs",
            )
        if (driver := options.text_or_left_out("driver")) not in ("", "local"):
            reading.leave_out(
                "", f"{label(path)}.driver: {driver[:40]}", "a provider stores it in its own way"
            )
        options.leave_out_rest()
    mounted = Counter(name for part in parts for name in part.volumes)
    for name in (name for name, times in mounted.items() if times > 1):
        reading.leave_out(
            "",
            f"volumes.{name}: sharing it",
            "each service gets a disk of its own",
            "put the programs into one service, or pass the data over the network",
        )
    networks = reading.fields(top.take("networks"), ("networks",))
    for name in networks.names():
        options = reading.fields(networks.take(name), networks.at(name))
        options.take("name")
        if (driver := options.text_or_left_out("driver")) not in ("", "bridge", "overlay"):
            reading.leave_out("", f"networks.{name}.driver: {driver[:40]}", "a provider has one network")
        options.leave_out_rest()
    extensions = {
        name: ("an extension; what refers to it is carried", "") for name in top.names() if name[:2] == "x-"
    }
    top.leave_out_rest({**known.TOP, **extensions})


def _notes(reading: Reading, parts: list[Part], report: Report) -> None:
    """What was decided for the whole file."""
    if reading.defaulted:
        reading.note(f"Defaults are used for {', '.join(sorted(reading.defaulted))}.")
    if any(part.needs for part in parts):
        reading.note(
            "All services start at once, whatever depends_on says: a program must try again until its "
            "neighbour is there."
        )
    usual = Workload("", "")
    reading.note(f"Every service has a root disk of {size_text(usual.root)}: a compose file gives no size.")
    if unsized := [part.service for part in parts if not part.size.is_given]:
        reading.note(
            f"The file sizes no cores and memory for {', '.join(unsized)}: {usual.cpu / 1000} cores and "
            f"{size_text(usual.memory)} each."
        )
    lasting = sorted({name for part in parts for name in part.volumes})
    if lasting:
        reading.note(
            f"Each of the volumes {', '.join(lasting)} became a new disk of {size_text(LASTING)} (beta3, NVMe), "
            "for a compose file gives no size. It lasts as long as the lease: closing the deployment deletes it."
        )
    for part in parts:
        if part.size.count > 1 and part.volumes:
            reading.note(f"{part.service}: each of its {part.size.count} replicas has disks of its own.")
    if report.ceiling_usd_hour is not None:
        gpus = any(part.size.gpus for part in parts)
        reading.note(
            f"The most it may cost is {report.ceiling_usd_hour} an hour: {usual_words(gpus=gpus)} "
            "Providers bid at or below it."
        )
