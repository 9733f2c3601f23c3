"""`convert`: from a compose file to an SDL, with a list of what was left out and notes on what was decided."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from akash_mcp.errors import BadArgument
from akash_mcp.sanitize.unicode import visible
from akash_mcp.sdl.author.compose import unsupported
from akash_mcp.sdl.author.compose.env_files import EnvFileReader
from akash_mcp.sdl.author.compose.extends import TAGS, extended
from akash_mcp.sdl.author.compose.file import ComposeFile
from akash_mcp.sdl.author.compose.joined import separated
from akash_mcp.sdl.author.compose.left_out import LeftOut
from akash_mcp.sdl.author.compose.missing import refuse_missing
from akash_mcp.sdl.author.compose.notes import note_decisions
from akash_mcp.sdl.author.compose.openings import parse_opened
from akash_mcp.sdl.author.compose.ports import Ports
from akash_mcp.sdl.author.compose.project import Project
from akash_mcp.sdl.author.compose.protections import check_accepted, refuse_lost
from akash_mcp.sdl.author.compose.proxies import without_proxies
from akash_mcp.sdl.author.compose.service import ComposeService, read_service
from akash_mcp.sdl.author.compose.top_level import read_top_level
from akash_mcp.sdl.author.compose.variables import Variables
from akash_mcp.sdl.author.compose.version1 import version_1
from akash_mcp.sdl.author.registry_login import check_all_used, login_for, parse_login
from akash_mcp.sdl.author.workload import Workload, default_ceiling
from akash_mcp.sdl.author.writer import write
from akash_mcp.sdl.check import check
from akash_mcp.sdl.report import Report
from akash_mcp.sdl.yaml.javascript import Value
from akash_mcp.sdl.yaml.loader import BadYaml, Document, load

MAX_SERVICES = 100
"""The most services that are converted. The SDL of more would be larger than Console takes."""


@dataclass(frozen=True, slots=True)
class Converted:
    """An SDL and the workloads in it, what the judges say of it, what it does not carry of the compose file, and what
    was decided. `secrets` are those that have to be stored before it is deployed, with the variables that get them."""

    sdl: str
    workloads: tuple[Workload, ...]
    report: Report
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    secrets: Mapping[str, tuple[str, ...]]


def convert(
    compose: str,
    *,
    variables: Mapping[str, str] | None = None,
    allow_missing: Collection[str] = (),
    images: Mapping[str, str] | None = None,
    accept: Collection[str] = (),
    opened: Collection[str] = (),
    registries: Sequence[str] = (),
    env_file_reader: EnvFileReader | None = None,
) -> Converted:
    """The SDL of a compose file.

    `variables` are the values for `${NAME}`, and those in `allow_missing` are empty where they have none. `images` are
    those of services that the file builds, or would run from another image. `accept` names the protections that may be
    lost, `opened` the ports, as SERVICE:PORT, that are opened to the Internet although they are those of a database, or
    anyone gets in there, `registries` credentials (`registry_login.FORM`) for the images that come from there.
    `env_file_reader` gives the texts of files that the services' `env_file` names.

    Raises `MissingVariables` where what runs would be another thing without a variable, `LostProtections` where
    something that protects cannot be carried and was not accepted, and `BadArgument`, with line and column where there
    is one, for text that is not a compose file and for one in which nothing can run. The report is not ok where a
    service is larger than the chain allows.
    """
    images = images or {}
    check_accepted(accept)
    logins = [parse_login(each) for each in registries]
    given = Variables(variables or {}, allow_missing, said=compose)
    document = _loaded(compose)
    document = extended(document, ComposeFile(document, given).bad)
    file = ComposeFile(document, given)
    top = file.fields(document.data, ())
    services = top.take("services")
    if not isinstance(services, dict) or not services:
        raise file.bad(("services",), "must be a map of services")
    if len(services) > MAX_SERVICES:
        raise file.bad(("services",), f"holds more than {MAX_SERVICES} services: split the file")
    if unknown := sorted(set(images) - set(services)):
        known = ", ".join(visible(name)[:60] for name in list(services)[:10])
        raise BadArgument(
            f"The compose file has no service {unknown[0][:60]!r} to give an image to.",
            next_step=f"Its services: {known}.",
        )
    started = [name for name, fields in services.items() if _is_started(fields, images.get(name))]
    refuse_missing(file, document.data, started, images)
    found = [
        read_service(file, name, value, images.get(name), env_file_reader) for name, value in services.items()
    ]
    converted = [service for service in found if service is not None]
    if not converted:
        reasons = "; ".join(f"{each.service}: {each.why}" for each in file.left_out[:5])
        raise BadArgument(
            visible(f"No service of the compose file can run on Akash. {reasons}".strip() + "."),
            next_step="Push an image of each to a registry, and give it with --image SERVICE=IMAGE (convert_compose: "
            "images).",
        )
    internal = read_top_level(file, top, services, converted)
    inside = [_kept_inside(file, service, internal) for service in separated(file, converted)]
    converted = without_proxies(file, inside)
    check_all_used(logins, [service.image for service in converted])
    workloads = [
        replace(workload, credentials=login_for(workload.image, logins))
        for workload in Project(file, converted, parse_opened(opened)).workloads()
    ]
    amounts = {workload.name: default_ceiling(workload) for workload in workloads}
    sdl = write(workloads, amounts)
    report = check(sdl)
    refuse_lost(file.left_out, accept)
    note_decisions(file, converted, report)
    return Converted(sdl, tuple(workloads), report, file.left_out, file.notes, file.secrets)


def _loaded(compose: str) -> Document:
    try:
        document = load(compose, as_written=True)
    except BadYaml as bad:
        line, column = bad.mark
        fix = f"{unsupported.MERGED}: it has carried the tag out" if bad.what in TAGS else bad.fix
        raise BadArgument(
            visible(f"The compose file cannot be read: line {line}, column {column}: {bad.message}."),
            next_step=f"{fix[:1].upper()}{fix[1:]}." if fix else "",
        ) from bad
    if isinstance(document.data, dict) and {"profiles", "deployment"} <= document.data.keys():
        raise BadArgument(
            "This is an SDL already, and not a compose file.",
            next_step="Deploy it as it is; akash-mcp lint (validate_sdl) checks it.",
        )
    if old := version_1(document.data):
        raise old
    return document


def _is_started(fields: Value, image: str | None) -> bool:
    """Whether a service is converted, as far as that can be told before it is read."""
    return isinstance(fields, dict) and not fields.get("profiles") and bool(image or fields.get("image"))


def _kept_inside(file: ComposeFile, service: ComposeService, internal: set[str]) -> ComposeService:
    """A service that is on internal networks only, or on none: nobody outside reaches the ports that it publishes."""
    if not service.ports.published or not service.networks <= internal:
        return service
    shown = ", ".join(str(each.port) for each in service.ports.published)
    why = "all its networks are internal" if service.networks else "it has no network"
    file.leave_out(
        service.name,
        f"opening {shown} to the outside",
        f"{why}, so Compose does not open it either",
        "put it on another network as well to open it",
    )
    return replace(service, ports=Ports((), service.ports.listening))
