"""What was decided for a whole file: sizes that it does not give, secrets to store, the price."""

from __future__ import annotations

from akash_mcp.sdl.author.compose.file import ComposeFile
from akash_mcp.sdl.author.compose.service import ComposeService
from akash_mcp.sdl.author.draft import default_ceiling_note
from akash_mcp.sdl.author.workload import LASTING, Workload
from akash_mcp.sdl.author.writer import size_text
from akash_mcp.sdl.report import Report

TO_STORE = "Secrets to store before deploying"
"""How the note begins that is something to do, and nothing that was decided."""


def note_decisions(file: ComposeFile, services: list[ComposeService], report: Report) -> None:
    """Add what was decided for the whole file to its notes."""
    if file.variables.defaulted:
        file.note(f"Defaults are used for {', '.join(sorted(file.variables.defaulted))}.")
    if secrets := _secrets(file, report):
        users = ", ".join(user for each in secrets.values() for user in each)
        commands = "; ".join(f"akash-mcp secret set {name}" for name in secrets)
        file.note(f"{TO_STORE} ({users}): {commands}.")
    if any(service.depends_on for service in services):
        file.note("All services start at once: each must try again until its neighbour is there.")
    if sizes := _sizes(services):
        file.note(sizes)
    for service in services:
        if service.size.count > 1 and service.volumes:
            file.note(f"{service.name}: each of its {service.size.count} replicas has disks of its own.")
    if report.ceiling_usd_hour is not None:
        gpus = any(service.size.gpus for service in services)
        file.note(
            f"The most it may cost is {report.ceiling_usd_hour} an hour: {default_ceiling_note(gpus=gpus)} "
            "Providers bid at or below it."
        )


def _secrets(file: ComposeFile, report: Report) -> dict[str, tuple[str, ...]]:
    """Every secret that the SDL names, also one that was given by name, with the variables or services that get it."""
    services: dict[str, tuple[str, ...]] = {}
    for name, service in report.secrets:
        services[name] = (*services.get(name, ()), service)
    return services | dict(file.secrets)


def _sizes(services: list[ComposeService]) -> str:
    """The sizes that were chosen. Those of services with a GPU are told by each."""
    usual = Workload("", "")
    plain = [service for service in services if not service.size.needs]
    told = []
    if plain:
        of_whom = "" if len(plain) == len(services) else " without a GPU"
        told.append(f"root disks{of_whom} {size_text(usual.root)}")
    cores, memory = f"{usual.cpu / 1000} cores", size_text(usual.memory)
    chosen = {
        (False, False): f"{cores}, {memory}",
        (False, True): cores,
        (True, False): f"{memory} of memory",
    }
    for given, sizes in chosen.items():
        if names := [service.name for service in plain if service.size.given == given]:
            told.append(f"{', '.join(names)} {sizes}")
    if lasting := sorted({name for service in services for name in service.volumes}):
        size = size_text(LASTING) + (", or as named for a GPU," if len(plain) < len(services) else "")
        told.append(f"new disks of {size} (beta3, NVMe) {', '.join(lasting)}. Closing deletes them")
    return f"Sizes that the file does not give: {'; '.join(told)}." if told else ""
