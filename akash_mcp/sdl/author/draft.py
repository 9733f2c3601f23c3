"""`draft`: an SDL from an image and a few numbers.

Console, chain and provider take what it returns; what they would refuse is a `BadArgument`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, TypeAlias

from akash_mcp.errors import BadArgument
from akash_mcp.money import Usd, usd_per_hour
from akash_mcp.sdl.author.draft_sizes import bad, read_sizes
from akash_mcp.sdl.author.image_hints import Protocol, hints, port_of, protocol_of
from akash_mcp.sdl.author.registry_login import check_all_used, parse_login
from akash_mcp.sdl.author.workload import (
    RAW_TCP_PORT,
    SERVICE_NAME,
    UNLISTED_GPU,
    WEB_PORT,
    Credentials,
    ExposedPort,
    Gpus,
    Workload,
    amount_within,
    default_ceiling,
    is_carried,
    is_variable_name,
)
from akash_mcp.sdl.author.writer import PLACEMENT, write
from akash_mcp.sdl.check import check
from akash_mcp.sdl.images.image_config import ImageConfig
from akash_mcp.sdl.report import Report
from akash_mcp.sdl.rules.chain_rules import (
    ATTRIBUTE_KEY,
    MAX_COUNT,
    MAX_GPU,
    MAX_PRICE,
)
from akash_mcp.sdl.rules.known_gpus import LISTED_ON, Spelled, spelled

DiskClass: TypeAlias = Literal["beta1", "beta2", "beta3"]

REGION = "location-region"
"""The attribute by which providers say where they are."""

_IMAGE = re.compile(r"[!-~]{1,512}")
_MODEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
_GPU_RAM = re.compile(r"([1-9][0-9]{0,3})\s*(?:g|gb|gi|gib)?", re.IGNORECASE)
_REGION_CODE = re.compile(r"[a-z]{2,8}(-[a-z0-9]{1,12}){1,3}")
_VALUE = re.compile(r"[!-~](?:[ -~]{0,254}[!-~])?")


@dataclass(frozen=True, slots=True)
class Draft:
    """An SDL that passes, what the judges say of it (warnings, ceiling), what was decided on the way, and what was
    assumed of what nobody said: each as an argument and its value, with the reason where there is one."""

    sdl: str
    report: Report
    notes: tuple[str, ...]
    assumed: tuple[str, ...]


def draft(
    image: str,
    *,
    name: str = "app",
    port: int | None = None,
    protocol: Protocol | None = None,
    cpu: str | int | float | None = None,
    memory: str | None = None,
    storage: str | None = None,
    mount: str | None = None,
    mount_size: str | None = None,
    mount_class: str = "beta3",
    gpus: int = 0,
    gpu_models: Sequence[str] = (),
    gpu_ram: str | None = None,
    env: Sequence[str] = (),
    command: Sequence[str] = (),
    args: Sequence[str] = (),
    count: int = 1,
    region: str | None = None,
    attributes: Mapping[str, str] | None = None,
    max_usd_per_hour: Usd | None = None,
    registry: str | None = None,
    config: ImageConfig | None = None,
) -> Draft:
    """The SDL of one service.

    `port` is where the container listens, by default where the image's `config` says, else where an image of that
    name usually does, else 80. `protocol`: `http` gives it a web address, `tcp` and `udp` a port of the provider's
    choosing; by default `http`, `udp` where the image's `config` says so, and `tcp` at a port where a database or
    another program speaks a protocol of its own. `cpu` is cores or `500m`; sizes are written like `512Mi` and
    rounded up to whole MiB; those that are not said are assumed (`draft_sizes`). `mount` adds a disk of
    `mount_size` that lasts as long as the lease. `gpu_models` are alternatives; with none, any NVIDIA GPU will do.
    `env` holds NAME=VALUE or NAME. `max_usd_per_hour` is for all `count` replicas together; without it the ceiling
    follows from the size (`workload.default_ceiling`). `registry` are credentials for the image
    (`registry_login.FORM`). Raises `BadArgument`, saying what is accepted.
    """
    image = _image(image)
    assumed: list[str] = []
    port_note = ""
    if port is None:
        port, port_note, why = port_of(image, config, protocol)
        assumed += [f"port {port}, {why}"] * bool(why)
    if protocol is None:
        protocol, why = protocol_of(port, config)
        assumed += [f"protocol {protocol}, {why}"] * bool(why)
    wanted = _gpus(gpus, gpu_models, gpu_ram)
    sizes = read_sizes(
        cpu=cpu,
        memory=memory,
        storage=storage,
        mount=mount,
        mount_size=mount_size,
        mount_class=mount_class,
        gpus=wanted,
    )
    workload = Workload(
        name=_named(name),
        image=image,
        exposed=(_exposed(port, protocol),),
        command=_texts("command", command),
        args=_texts("args", args),
        env=_env(env),
        cpu=sizes.cpu,
        memory=sizes.memory,
        root=sizes.root,
        disks=sizes.disks,
        gpus=wanted,
        count=_count(count),
        credentials=_credentials(registry, image),
    )
    amount = default_ceiling(workload) if max_usd_per_hour is None else _amount(max_usd_per_hour, count)
    sdl = write([workload], {workload.name: amount}, _attributes(region, attributes or {}))
    report = check(sdl)
    if not report.ok:
        first = report.errors[0]
        raise BadArgument(f"The SDL would be refused: {first.message}.", next_step=first.fix)
    notes = _notes(workload, report, is_default=max_usd_per_hour is None)
    of_image = [port_note] * bool(port_note) + ([*hints(config, workload)] if config else [])
    return Draft(sdl, report, (*notes, *of_image), (*assumed, *sizes.assumed))


def _named(name: str) -> str:
    if not SERVICE_NAME.fullmatch(name):
        raise bad(
            "name", 'a-z, 0-9 and "-", beginning with a letter and not ending with "-", at most 63 characters'
        )
    return name


def _image(image: str) -> str:
    if not _IMAGE.fullmatch(image):
        raise bad("image", "the name of a container image, such as nginx:1.29.3")
    return image


def _credentials(registry: str | None, image: str) -> Credentials | None:
    if registry is None:
        return None
    login = parse_login(registry)
    check_all_used([login], [image])
    return login


def _exposed(port: int, protocol: str) -> ExposedPort:
    if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65_535:
        raise bad("port", "a whole number from 1 to 65535")
    match protocol:
        case "http":
            return ExposedPort(port, WEB_PORT, is_global=True)
        case "tcp":
            return ExposedPort(port, RAW_TCP_PORT if port == WEB_PORT else None, is_global=True)
        case "udp":
            return ExposedPort(port, proto="UDP", is_global=True)
    raise bad("protocol", "http, tcp or udp")


def _gpus(count: int, models: Sequence[str], ram: str | None) -> Gpus | None:
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= MAX_GPU:
        raise bad("gpus", f"a whole number from 0 to {MAX_GPU}")
    if not count:
        if models or ram:
            raise BadArgument(
                "A GPU model or GPU memory is named, but gpus is 0.",
                next_step="Set gpus to how many you need.",
            )
        return None
    # Providers write models without spaces, memory and in small letters: rtx4090, a100.
    read = [spelled(model) or Spelled("".join(model.lower().split())) for model in models]
    names = tuple(dict.fromkeys(each.model for each in read))
    if not all(_MODEL.fullmatch(model) for model in names):
        raise bad("gpu_models", "names such as h100, a100 or rtx4090")
    sizes, interfaces = {each.ram for each in read}, {each.interface for each in read}
    if len(interfaces) > 1:
        raise bad("gpu_models", "names that all have the same interface, or none")
    if ram:
        match = _GPU_RAM.fullmatch(ram.strip())
        if match is None:
            raise bad("gpu_ram", "the memory of one GPU, such as 80Gi")
        if not names:
            raise BadArgument("gpu_ram needs gpu_models: an SDL asks for memory only with a model.")
        if sizes - {"", size := f"{match[1]}Gi"}:
            raise bad("gpu_models", "names of the memory that gpu_ram says, or without any")
        sizes = {size}
    if len(sizes) > 1:
        raise bad("gpu_models", "names that all have the same memory, or none")
    return Gpus(count, names, "".join(sizes), "".join(interfaces))


def _texts(argument: str, texts: Sequence[str]) -> tuple[str, ...]:
    if isinstance(texts, str):
        raise bad(argument, "a list of texts")
    if not all(is_carried(text) for text in texts):
        raise bad(argument, "text without control characters and Unicode line separators")
    return tuple(texts)


def _env(env: Sequence[str]) -> tuple[str, ...]:
    items = _texts("env", env)
    names = [item.partition("=")[0] for item in items]
    if not all(is_variable_name(name) for name in names):
        raise bad("env", 'a list of NAME=VALUE or NAME, with names of letters, digits, "_", "." and "-"')
    if len(set(names)) < len(names):
        raise bad("env", "a list in which each name occurs once")
    return items


def _count(count: int) -> int:
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAX_COUNT:
        raise bad("count", f"a whole number of replicas, from 1 to {MAX_COUNT}")
    return count


def _attributes(region: str | None, attributes: Mapping[str, str]) -> dict[str, str]:
    chosen = {**attributes, **({REGION: region} if region else {})}
    if region and _VALUE.fullmatch(region) and not _REGION_CODE.fullmatch(region):
        raise BadArgument(
            "region is a code such as us-west or eu-central, as providers write theirs.",
            next_step="For a country or continent leave it out, and name that in regions of deploy.",
        )
    for key, value in chosen.items():
        if not ATTRIBUTE_KEY.fullmatch(key) or not _VALUE.fullmatch(value):
            raise bad("region and attributes", "what providers say of themselves, such as region us-west")
    return chosen


def _amount(per_hour: Usd, count: int) -> Decimal:
    most = usd_per_hour(MAX_PRICE) * count
    amount = amount_within(min(per_hour, most), count)
    if per_hour > most or not amount:
        raise bad("max_usd_per_hour", f"more than 0 and at most {most} for that many replicas")
    return amount


def _notes(workload: Workload, report: Report, *, is_default: bool) -> list[str]:
    notes = [f"The most it may cost is {report.ceiling_usd_hour} an hour"]
    if is_default:
        notes[0] += f": {default_ceiling_note(gpus=workload.gpus is not None)} Providers bid at or below it; "
        notes[0] += "max_usd_per_hour lowers it."
    else:
        notes[0] += ", as asked, for all replicas together."
    (exposed,) = workload.exposed
    if exposed.external == WEB_PORT:
        notes.append(
            f"The provider gives port {exposed.port} a web address; your container speaks plain HTTP."
        )
    else:
        notes.append(f"The provider chooses the outer port for {exposed.port}; get_deployment shows it.")
    notes += [
        f"What is written to {disk.mount} lasts as long as the lease: closing the deployment deletes it."
        for disk in workload.disks
        if disk.kind != "ram"
    ]
    if workload.gpus and not workload.gpus.models:
        notes.append("Any NVIDIA GPU may be offered; gpu_models narrows it.")
    if report.groups[0].attributes:
        notes.append(f'Only providers with the attributes of placement "{PLACEMENT}" bid.')
    return notes


def default_ceiling_note(*, gpus: bool) -> str:
    """What `default_ceiling` is reckoned from, as the rest of a sentence."""
    return "three times the default price list of providers for this size" + (
        f", and for each GPU twice what its model was listed at on {LISTED_ON}, or {UNLISTED_GPU} a month where it is "
        "not listed."
        if gpus
        else "."
    )
