"""Whom a service reaches and by which name: `networks`, `network_mode`, `depends_on`, `links`, `container_name`."""

from __future__ import annotations

import re

from akash_mcp.sdl.author.compose.file import ComposeFile, Fields, label

DEFAULT_NETWORK = "default"
"""The network of every service that names none."""


def read_neighbours(
    file: ComposeFile, service: str, fields: Fields
) -> tuple[tuple[str, ...], dict[str, str]]:
    """The services named under `depends_on` and `links`, and other names of services: alias to service.

    An SDL knows one name a service, so each alias is listed as left out.
    """
    depends_on: dict[str, None] = {}
    aliases: dict[str, str] = {}
    depends, at = fields.take("depends_on"), fields.at("depends_on")
    if isinstance(depends, dict):
        for name, condition in depends.items():
            depends_on[name] = None
            options = file.fields(condition, (*at, name), service)
            for key in ("condition", "required", "restart"):
                options.take(key)  # what the note on the order of starting says of all of them
            options.leave_out_rest()
    else:
        depends_on |= dict.fromkeys(name for name, _ in file.texts(depends, at, service))
    for link, path in file.texts(fields.take("links"), fields.at("links"), service):
        name, _, alias = link.partition(":")
        depends_on[name] = None
        if alias and alias != name:
            aliases[alias] = name
            file.leave_out(
                service,
                f"{label(path)}: the name {alias[:60]}",
                "a service has one name",
                f"write {name} in its settings, where it was not recognised as a host and changed already",
            )
    if name := fields.text_or_left_out("container_name"):
        aliases[name] = service
        if name != service:
            file.leave_out(
                service,
                f"container_name: {name[:60]}",
                "a service has one name",
                f"reach it as {service}",
            )
    return tuple(depends_on), aliases


def read_networks(
    file: ComposeFile, service: str, fields: Fields, aliases: dict[str, str]
) -> tuple[frozenset[str], str | None]:
    """The networks that a service is on, and the name of the service or container whose network it would join.

    Its aliases there are added to `aliases` and listed as left out.
    """
    networks, at = fields.take("networks"), fields.at("networks")
    mode = fields.text_or_left_out("network_mode")
    if joined := re.fullmatch(r"(?:service|container):(.+)", mode):
        return frozenset({DEFAULT_NETWORK}), joined[1]
    if mode not in ("", "bridge"):
        file.leave_out(
            service,
            f"network_mode: {mode[:60]}",
            "a provider gives each service a network of its own",
            "publish the ports that others need to reach",
            protects="network" if mode == "none" else "",
        )
        return frozenset() if mode == "none" else frozenset({DEFAULT_NETWORK}), None
    if isinstance(networks, dict):
        for name, options in networks.items():
            own = file.fields(options, (*at, name), service)
            for alias, path in file.texts(own.take("aliases"), own.at("aliases"), service):
                aliases[alias] = service
                file.leave_out(
                    service,
                    f"{label(path)}: the name {alias[:60]}",
                    "a service has one name",
                    f"reach it as {service}",
                )
            own.leave_out_rest()
        named = frozenset(networks)
    else:
        named = frozenset(name for name, _ in file.texts(networks, at, service))
    return named or frozenset({DEFAULT_NETWORK}), None
