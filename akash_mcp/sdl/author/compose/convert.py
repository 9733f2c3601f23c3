"""`convert`: from a compose file to an SDL, with a list of what was left out and notes on what was decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from akash_mcp.errors import BadArgument
from akash_mcp.sdl.author.compose import unsupported
from akash_mcp.sdl.author.compose.file import ComposeFile, Fields, LeftOut, label
from akash_mcp.sdl.author.compose.project import Project
from akash_mcp.sdl.author.compose.service import ComposeService, read_service
from akash_mcp.sdl.author.compose.volumes import LASTING
from akash_mcp.sdl.author.draft import default_ceiling_note
from akash_mcp.sdl.author.registry_login import check_all_used, login_for, parse_login
from akash_mcp.sdl.author.workload import Workload, default_ceiling
from akash_mcp.sdl.author.writer import size_text, write
from akash_mcp.sdl.check import check
from akash_mcp.sdl.report import Report
from akash_mcp.sdl.yaml.loader import BadYaml, load

MAX_SERVICES = 100
"""The most services that are converted. The SDL of more would be larger than Console takes."""


@dataclass(frozen=True, slots=True)
class Converted:
    """An SDL, what the judges say of it, what it does not carry of the compose file, and what was decided."""

    sdl: str
    report: Report
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]


def convert(
    compose: str,
    *,
    variables: Mapping[str, str] | None = None,
    images: Mapping[str, str] | None = None,
    registries: Sequence[str] = (),
) -> Converted:
    """The SDL of a compose file.

    `variables` are the values for `${NAME}`, `images` those of services that the file builds, or would run from
    another image. `registries` are credentials (`registry_login.FORM`), for the images that come from there. Raises
    `BadArgument`, with line and column where there is one, for text that is not a compose file and for one in which
    nothing can run. The report is not ok where a service is larger than the chain allows.
    """
    images = images or {}
    logins = [parse_login(each) for each in registries]
    try:
        document = load(compose)
    except BadYaml as bad:
        line, column = bad.mark
        raise BadArgument(
            f"The compose file cannot be read: line {line}, column {column}: {bad.message}.",
            next_step=f"{bad.fix[:1].upper()}{bad.fix[1:]}." if bad.fix else "",
        ) from bad
    file = ComposeFile(document, variables or {})
    top = file.fields(document.data, ())
    services = top.take("services")
    if not isinstance(services, dict) or not services:
        raise file.bad(("services",), "must be a map of services")
    if len(services) > MAX_SERVICES:
        raise file.bad(("services",), f"holds more than {MAX_SERVICES} services: split the file")
    if unknown := sorted(set(images) - set(services)):
        raise BadArgument(f"The compose file has no service {unknown[0][:60]!r} to give an image to.")
    found = [read_service(file, name, value, images.get(name)) for name, value in services.items()]
    converted = [service for service in found if service is not None]
    if not converted:
        reasons = "; ".join(f"{each.service}: {each.why}" for each in file.left_out[:5])
        raise BadArgument(
            f"No service of the compose file can run on Akash. {reasons}".strip() + ".",
            next_step="Give an image for each service that is built from a Dockerfile.",
        )
    _top(file, top, converted)
    check_all_used(logins, [service.image for service in converted])
    workloads = [
        replace(workload, credentials=login_for(workload.image, logins))
        for workload in Project(file, converted).workloads()
    ]
    amounts = {workload.name: default_ceiling(workload) for workload in workloads}
    sdl = write(workloads, amounts)
    report = check(sdl)
    _notes(file, converted, report)
    return Converted(sdl, report, file.left_out, file.notes)


def _top(file: ComposeFile, top: Fields, services: list[ComposeService]) -> None:
    """Read what stands beside the services: volumes, networks, extensions; what has no effect is left out by name."""
    volumes = file.fields(top.take("volumes"), ("volumes",))
    for name in volumes.names():
        path = volumes.at(name)
        options = file.fields(volumes.take(name), path)
        users = [service.name for service in services if name in service.volumes]
        if not users:
            file.leave_out("", label(path), "no service that is converted mounts it")
        if options.take("external") not in (None, False):
            file.leave_out(
                "",
                f"{label(path)}: what it holds now",
                "the disk on Akash is new and empty",
                "copy the data once it runs",
            )
        if (driver := options.text_or_left_out("driver")) not in ("", "local"):
            file.leave_out("", f"{label(path)}.driver: {driver[:40]}", "a provider stores it in its own way")
        options.leave_out_rest()
    mounted = Counter(name for service in services for name in service.volumes)
    for name in (name for name, times in mounted.items() if times > 1):
        file.leave_out(
            "",
            f"volumes.{name}: sharing it",
            "each service gets a disk of its own",
            "put the programs into one service, or pass the data over the network",
        )
    networks = file.fields(top.take("networks"), ("networks",))
    for name in networks.names():
        options = file.fields(networks.take(name), networks.at(name))
        options.take("name")
        if (driver := options.text_or_left_out("driver")) not in ("", "bridge", "overlay"):
            file.leave_out(
                "",
                f"networks.{name}.driver: {driver[:40]}",
                "a deployment has one network",
            )
        options.leave_out_rest()
    extensions = {
        name: ("an extension; what refers to it is converted", "") for name in top.names() if name[:2] == "x-"
    }
    top.leave_out_rest({**unsupported.TOP, **extensions})


def _notes(file: ComposeFile, services: list[ComposeService], report: Report) -> None:
    """What was decided for the whole file."""
    if file.defaulted:
        file.note(f"Defaults are used for {', '.join(sorted(file.defaulted))}.")
    if any(service.depends_on for service in services):
        file.note(
            "All services start at once, whatever depends_on says: a program must try again until its "
            "neighbour is there."
        )
    usual = Workload("", "")
    file.note(f"Every service has a root disk of {size_text(usual.root)}: a compose file gives no size.")
    if unsized := [service.name for service in services if not service.size.is_given]:
        file.note(
            f"The file gives no cores and memory for {', '.join(unsized)}: {usual.cpu / 1000} cores and "
            f"{size_text(usual.memory)} each."
        )
    lasting = sorted({name for service in services for name in service.volumes})
    if lasting:
        file.note(
            f"Each of the volumes {', '.join(lasting)} became a new disk of {size_text(LASTING)} (beta3, NVMe), "
            "since a compose file gives no size. It lasts as long as the lease: closing the deployment deletes it."
        )
    for service in services:
        if service.size.count > 1 and service.volumes:
            file.note(f"{service.name}: each of its {service.size.count} replicas has disks of its own.")
    if report.ceiling_usd_hour is not None:
        gpus = any(service.size.gpus for service in services)
        file.note(
            f"The most it may cost is {report.ceiling_usd_hour} an hour: {default_ceiling_note(gpus=gpus)} "
            "Providers bid at or below it."
        )
