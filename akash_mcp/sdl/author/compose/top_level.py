"""What stands beside the services: volumes, networks, secrets, configs, extensions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from akash_mcp.sdl.author.compose import unsupported
from akash_mcp.sdl.author.compose.file import ComposeFile, Fields, label
from akash_mcp.sdl.author.compose.service import ComposeService
from akash_mcp.sdl.yaml.javascript import Value


def read_top_level(
    file: ComposeFile, top: Fields, services: Mapping[str, Value], converted: list[ComposeService]
) -> set[str]:
    """Read all that is left at the top of the file; what has no effect is left out by name.

    `services` are those of the file, `converted` what became of them. Returns the networks that are internal.
    """
    internal = _volumes_and_networks(file, top, converted)
    for kind in ("secrets", "configs"):
        _definitions(file, top, kind, _mounted(services, converted, kind))
    extensions = {
        name: ("an extension; what refers to it is converted", "") for name in top.names() if name[:2] == "x-"
    }
    top.leave_out_rest({**unsupported.TOP, **extensions})
    return internal


def _volumes_and_networks(file: ComposeFile, top: Fields, services: list[ComposeService]) -> set[str]:
    """Read the volumes and networks beside the services; what has no effect is left out by name.

    Returns the networks that are internal.
    """
    volumes = file.fields(top.take("volumes"), ("volumes",))
    for name in volumes.names():
        path = volumes.at(name)
        options = file.fields(volumes.take(name), path)
        users = [service.name for service in services if name in service.volumes]
        if not users:
            file.leave_out("", label(path), "no service that is converted mounts it")
        if (external := options.take("external")) is not None and str(external).lower() != "false":
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
    internal: set[str] = set()
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
        if options.flag("internal"):
            internal.add(name)
            users = [service.name for service in services if name in service.networks]
            file.leave_out(
                "",
                f"networks.{name}.internal",
                f"on Akash {', '.join(users)} can reach the Internet" if users else "no service is on it",
                protects="internal" if users else "",
            )
        options.leave_out_rest()
    return internal


def _definitions(file: ComposeFile, top: Fields, kind: str, mounted: Collection[str]) -> None:
    """Read where the file has its secrets or configs from. What becomes of each is told of the services that mount it;
    one that none does is left out by name."""
    defined = file.fields(top.take(kind), (kind,))
    for name in defined.names():
        path = defined.at(name)
        options = file.fields(defined.take(name), path)
        if name in mounted:
            for source in ("file", "environment", "content", "external", "name"):
                options.take(source)
            options.leave_out_rest()
        else:
            file.leave_out("", label(path), "no service that is converted mounts it")


def _mounted(services: Mapping[str, Value], converted: list[ComposeService], kind: str) -> set[str]:
    """The secrets or configs that the services mount."""
    found: set[str] = set()
    for each in converted:
        fields = services[each.name]
        items = fields.get(kind) if isinstance(fields, dict) else None
        for item in items if isinstance(items, list) else ():
            source = item.get("source") if isinstance(item, dict) else item
            if isinstance(source, str):
                found.add(source)
    return found
