"""The toolset `sdl`: an SDL without writing one, from an image and a few numbers or from a compose file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from pydantic import BaseModel, Field

from akash_mcp.errors import BadArgument
from akash_mcp.sanitize.secrets import sounds_secret
from akash_mcp.sdl.author.compose import LostProtections, MissingVariables, convert
from akash_mcp.sdl.author.draft import DiskClass, draft
from akash_mcp.sdl.author.image_hints import Protocol
from akash_mcp.sdl.author.registry_login import FORM
from akash_mcp.sdl.report import Report
from akash_mcp.tools.approval import AppContext, runtime
from akash_mcp.tools.arguments import ComposeArg, UsdArg
from akash_mcp.tools.checked_images import checked_images
from akash_mcp.tools.present import verdict
from akash_mcp.tools.results import Verdict
from akash_mcp.tools.tool import Effect, ToolSpec
from akash_mcp.workflow.image_checks import CheckedImage
from akash_mcp.workflow.runtime import Runtime

MOST_LEFT_OUT = 60
"""The most things left out that an answer lists; how many there are is said beside them."""


class LeftOutResult(BaseModel):
    """Something of the compose file that the SDL does not carry, and what to do about it."""

    service: str
    what: str
    why: str
    fix: str
    protects: str | None = None


class SdlResult(BaseModel):
    """An SDL, what Console, chain and providers would say of it, and notes on what was decided."""

    sdl: str
    verdict: Verdict
    notes: list[str]
    left_out: list[LeftOutResult] | None = None
    left_out_total: int | None = None
    next_step: str


Texts = Annotated[list[str] | None, Field(max_length=1000)]


async def draft_sdl(
    ctx: AppContext,
    image: Annotated[str, Field(description="With a version tag")],
    name: Annotated[str, Field(description="Of the service; app if absent")] = "app",
    port: Annotated[int | None, Field(description="Where the container listens")] = None,
    protocol: Annotated[Protocol | None, Field(description="http gets a web address")] = None,
    cpu: Annotated[float | None, Field(description="Cores")] = None,
    memory: Annotated[str | None, Field(description="Such as 512Mi")] = None,
    storage: Annotated[str | None, Field(description="Root disk, such as 1Gi")] = None,
    mount: Annotated[str | None, Field(description="Path of a disk that lasts as long as the lease")] = None,
    mount_size: Annotated[str | None, Field(description="Such as 10Gi")] = None,
    mount_class: Annotated[DiskClass, Field(description="HDD, SSD, NVMe; NVMe if absent")] = "beta3",
    gpus: Annotated[int, Field(description="How many")] = 0,
    gpu_models: Annotated[Texts, Field(description="Alternatives, such as rtx4090")] = None,
    gpu_ram: Annotated[str | None, Field(description="Of one, such as 24Gi")] = None,
    env: Annotated[Texts, Field(description="NAME=VALUE")] = None,
    command: Annotated[Texts, Field(description="Replaces the entrypoint")] = None,
    args: Annotated[Texts, Field(description="Its arguments")] = None,
    count: Annotated[int, Field(description="Replicas")] = 1,
    region: Annotated[str | None, Field(description="Such as us-west")] = None,
    max_usd_per_hour: Annotated[UsdArg | None, Field(description="For all replicas")] = None,
    registry: Annotated[str | None, Field(description=FORM)] = None,
    check_images: Annotated[bool, Field(description="Ask its registry for it")] = False,
) -> SdlResult:
    """Write the SDL of one container, ready for deploy: sizes, price ceiling and GPU names as providers take them."""
    rt = runtime(ctx)
    make = partial(
        draft,
        image,
        name=name,
        port=port,
        protocol=protocol,
        cpu=cpu,
        memory=memory,
        storage=storage,
        mount=mount,
        mount_size=mount_size,
        mount_class=mount_class,
        gpus=gpus,
        gpu_models=gpu_models or (),
        gpu_ram=gpu_ram,
        env=env or (),
        command=command or (),
        args=args or (),
        count=count,
        region=region,
        max_usd_per_hour=max_usd_per_hour,
        registry=registry,
    )
    drafted, images = make(), None
    if check_images:
        images = await checked_images(rt, drafted.report)
        drafted = make(config=images[0].answer.config)
    assumed = [f"Assumed: {'; '.join(drafted.assumed)}."] if drafted.assumed else []
    return _result(rt, drafted.sdl, drafted.report, (*assumed, *drafted.notes), images)


async def convert_compose(
    ctx: AppContext,
    compose: ComposeArg,
    variables: Annotated[Texts, Field(description="NAME=VALUE for ${NAME}")] = None,
    allow_missing: Annotated[Texts, Field(description="Variables that may be empty")] = None,
    images: Annotated[Texts, Field(description="SERVICE=IMAGE for what is built")] = None,
    accept: Annotated[Texts, Field(description="Protections the user agreed to lose")] = None,
    open: Annotated[Texts, Field(description="SERVICE:PORT of databases to publish all the same")] = None,
    registries: Annotated[Texts, Field(description=FORM)] = None,
) -> SdlResult:
    """Convert a Docker Compose file to an SDL. left_out lists all that it does not carry: tell the user."""
    try:
        converted = convert(
            compose,
            variables=_pairs("variables", variables),
            allow_missing=allow_missing or (),
            images=_pairs("images", images),
            accept=accept or (),
            opened=open or (),
            registries=registries or (),
        )
    except MissingVariables as missing:
        raise BadArgument(missing.what, next_step=_ways(missing)) from missing
    except LostProtections as lost:
        kinds = ", ".join(f'"{kind}"' for kind in lost.kinds)
        raise BadArgument(
            lost.what,
            next_step=f"Tell the user what would be lost. Change the file, or call again with accept=[{kinds}] once "
            "they agree; what stands in an env_file can be written under environment.",
        ) from lost
    answer = _result(runtime(ctx), converted.sdl, converted.report, converted.notes)
    answer.left_out = [
        LeftOutResult(
            service=each.service, what=each.what, why=each.why, fix=each.fix, protects=each.protects or None
        )
        for each in converted.left_out[:MOST_LEFT_OUT]
    ]
    answer.left_out_total = len(converted.left_out)
    if any(each.fix for each in converted.left_out):
        answer.next_step = f"Tell the user what is left out, and its fixes. {answer.next_step}"
    return answer


def _ways(missing: MissingVariables) -> str:
    way = "Ask the user for the values and give them in variables; no .env file is read."
    secret = next(filter(sounds_secret, (*missing.names, *missing.required)), None)
    if secret:
        way += (
            f" Never ask for a password in the conversation: {secret}=secret://{secret}, once the user ran akash-mcp "
            f"secret set {secret}, does where it is the whole value of a variable; where it is a part of one or of a "
            "command, the user runs akash-mcp import."
        )
    if missing.names:
        way += f" What may be empty, as Compose would have it, goes into allow_missing: {', '.join(missing.names)}."
    return way


def _pairs(argument: str, items: list[str] | None) -> dict[str, str]:
    split = [item.partition("=") for item in items or ()]
    if not all(name and equals for name, equals, _ in split):
        raise BadArgument(f"{argument} must be a list of NAME=VALUE.")
    return {name: value for name, _, value in split}


def _result(
    rt: Runtime,
    sdl: str,
    report: Report,
    notes: tuple[str, ...],
    images: Sequence[CheckedImage] | None = None,
) -> SdlResult:
    judged = verdict(report, rt.sdls.keep(sdl) if report.ok else None, images)
    return SdlResult(sdl=sdl, verdict=judged, notes=list(notes), next_step=judged.next_step)


TOOLS = (
    ToolSpec(draft_sdl, "Draft an SDL", Effect.READS),
    ToolSpec(convert_compose, "Convert a compose file", Effect.READS, open_world=False),
)
