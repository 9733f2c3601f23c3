"""The toolset `sdl`, and that what it writes can be deployed as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from agents import ERAS, Connect
from pydantic import SecretStr

from akash_mcp import config
from akash_mcp.clients.registry.answers import ImageAnswer, Outcome
from akash_mcp.sandbox.network import EmbeddedNetwork
from akash_mcp.sdl import check
from akash_mcp.sdl.author.draft import draft
from akash_mcp.tools.present import verdict
from akash_mcp.workflow.image_checks import CheckedImage

pytestmark = pytest.mark.anyio

COMPOSE = (Path(__file__).parent.parent / "compose" / "blog-with-database.yaml").read_text(encoding="utf-8")


@pytest.fixture
def settings(tmp_path: Path) -> config.Settings:
    """No network and no key: nothing here needs them."""
    return config.Settings(
        state_dir=tmp_path, console_url="http://127.0.0.1:9", toolsets=("sdl",), read_only=True
    )


@pytest.mark.parametrize("era", ERAS)
async def test_a_draft_comes_with_its_verdict_and_its_ceiling(era: str, connect: Connect) -> None:
    async with connect(era) as agent:
        made = await agent.call(
            "draft_sdl",
            image="vllm/vllm-openai:v0.10.2",
            port=8000,
            gpus=1,
            gpu_models=["RTX4090"],
            max_usd_per_hour=0.7,
        )
    assert check(made["sdl"]).ok
    assert made["verdict"]["ok"]
    assert made["verdict"]["ceiling_usd_per_hour"] == "0.70"
    assert "deploy" in made["next_step"]


@pytest.mark.parametrize("era", ERAS)
async def test_a_compose_file_comes_with_what_was_left_out(era: str, connect: Connect) -> None:
    async with connect(era) as agent:
        made = await agent.call("convert_compose", compose=COMPOSE)
    assert check(made["sdl"]).ok
    assert made["left_out_total"] == len(made["left_out"]) == 7
    assert made["left_out"][0] == {
        "service": "db",
        "what": "healthcheck",
        "why": "a provider checks only that the program runs",
        "fix": "",
    }
    assert made["next_step"].startswith("Tell the user what is left out, and its fixes. It can be deployed")


async def test_variables_and_images_are_given_as_words(connect: Connect) -> None:
    async with connect() as agent:
        made = await agent.call(
            "convert_compose",
            compose="services: {web: {build: ., ports: [80], environment: {A: '${B}'}}}",
            variables=["B=1"],
            images=["web=nginx:1.29.3"],
        )
    assert "A=1" in made["sdl"]
    assert "nginx:1.29.3" in made["sdl"]


async def test_what_may_be_missing_and_lost_is_said_by_name(connect: Connect) -> None:
    async with connect() as agent:
        made = await agent.call(
            "convert_compose",
            compose="services: {web: {image: 'x:1${TAG}', ports: [80], user: app, tty: true}}",
            allow_missing=["TAG"],
            accept=["user"],
        )
    assert "image: x:1\n" in made["sdl"]
    assert [(each["what"], each.get("protects")) for each in made["left_out"]] == [
        ("user: app", "user"),
        ("tty", None),
    ]


async def test_a_database_is_open_only_where_the_call_says_so(connect: Connect) -> None:
    compose = "services: {db: {image: 'redis:8.2.1', ports: ['6379:6379']}}"
    async with connect() as agent:
        closed = await agent.call("convert_compose", compose=compose)
        opened = await agent.call("convert_compose", compose=compose, open=["db:6379"])
    assert closed["verdict"]["exposed"] == ["db port 80 (HTTP): nothing listens there"]
    assert opened["verdict"]["exposed"] == ["db port 6379 (TCP at a random port): Redis without a password"]


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a size": ("draft_sdl", {"image": "a", "memory": "2GB"}, "512Mi"),
    "no image": ("draft_sdl", {}, "'image' is missing"),
    "no compose file": ("convert_compose", {"compose": "a: 1"}, "must be a map of services"),
    "nothing to run": (
        "convert_compose",
        {"compose": "services: {a: {build: .}}"},
        "convert_compose: images",
    ),
    "a bad pair": ("convert_compose", {"compose": "a", "variables": ["B"]}, "NAME=VALUE"),
    "a missing variable": (
        "convert_compose",
        {"compose": "services: {a: {image: 'x:${TAG}', command: '${PW:?}'}}"},
        "goes into allow_missing: TAG.",
    ),
    "a missing password": (
        "convert_compose",
        {"compose": "services: {a: {image: x:1, command: 'run --password ${DB_PASSWORD:?}'}}"},
        "DB_PASSWORD=secret://DB_PASSWORD, once the user ran akash-mcp secret set DB_PASSWORD",
    ),
    "a protection that is lost": (
        "convert_compose",
        {"compose": "services: {a: {image: x:1, user: app, read_only: true}}", "accept": ["user"]},
        'accept=["read_only"]',
    ),
    "a protection that is none": ("convert_compose", {"compose": "a: 1", "accept": ["all"]}, "The kinds are"),
    "a port that is not there": (
        "convert_compose",
        {"compose": "services: {a: {image: b}}", "open": ["a:1"]},
        "no port 1",
    ),
    "too long": ("convert_compose", {"compose": "a" * 600_000}, "compose"),
}


@pytest.mark.parametrize(("tool", "arguments", "part"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_cannot_be_is_refused_in_words(
    tool: str, arguments: dict[str, Any], part: str, connect: Connect
) -> None:
    async with connect() as agent:
        said = await agent.refused(tool, **arguments)
    assert part in said
    assert "No money moved." in said


async def test_an_sdl_that_does_not_pass_says_so(connect: Connect) -> None:
    async with connect() as agent:
        made = await agent.call("convert_compose", compose="services: {a: {image: x:1, mem_limit: 9t}}")
    assert not made["verdict"]["ok"]
    assert "Fix" in made["next_step"]


@pytest.mark.parametrize("tool", ["draft_sdl", "convert_compose"])
async def test_what_is_written_can_be_deployed_as_it_is(
    tool: str, connect: Connect, network: EmbeddedNetwork
) -> None:
    there = {
        "api_key": SecretStr(network.api_key),
        "console_url": network.console_url,
        "chain_rest_url": network.chain_rest_url,
        "allow_private_providers": ("127.0.0.0/8", "::1/128"),
        "toolsets": ("deploy", "observe", "sdl"),
        "read_only": False,
        "approval": "auto",
    }
    arguments = {"image": "nginx:1.29.3"} if tool == "draft_sdl" else {"compose": COMPOSE}
    async with connect(**there) as agent:
        made = await agent.call(tool, **arguments)
        ready = await agent.finished(await agent.call("deploy", sdl=made["sdl"], deposit_usd=1))
        assert ready["status"] == "ready"
        assert any(service.get("uris") for service in ready["services"])
        await agent.call("close_deployment", dseq=ready["dseq"])


@pytest.mark.parametrize("era", ERAS)
async def test_images_are_checked_where_that_is_asked_for(era: str, connect: Connect) -> None:
    image = "registry.example.org/team/app:1"
    async with connect(era, toolsets=("deploy", "sdl")) as agent:
        drafted = await agent.call("draft_sdl", image=image, check_images=True)
        named = drafted["verdict"]["sdl_id"]
        judged = await agent.call("validate_sdl", sdl=named, check_images=True)
        unasked = await agent.call("validate_sdl", sdl=named)
        unreadable = await agent.call("validate_sdl", sdl="nothing", check_images=True)
    (line,) = drafted["verdict"]["images"]
    assert line.startswith(f"image {image} was not asked about: registry.example.org is not a registry that")
    assert judged["images"] == [line]
    assert "images" not in unasked
    assert not unreadable["ok"]


async def test_credentials_go_by_name(connect: Connect) -> None:
    image, login = "ghcr.io/team/app:1", "ghcr.io=robot:secret://GH_TOKEN"
    async with connect() as agent:
        drafted = await agent.call("draft_sdl", image=image, registry=login)
        compose = f"services: {{app: {{image: '{image}'}}}}"
        converted = await agent.call("convert_compose", compose=compose, registries=[login])
        refused = await agent.refused("draft_sdl", image=image, registry="ghcr.io=robot:hunter2-hunter2")
    for made in (drafted, converted):
        assert made["verdict"]["secrets"] == ["GH_TOKEN"]
    assert "hunter2" not in refused
    assert "akash-mcp secret set" in refused


def test_an_image_that_cannot_be_pulled_is_not_to_be_deployed() -> None:
    report = check(draft("nginx:9.9").sdl)
    answer = ImageAnswer(Outcome.NOT_THERE, "is not there: no such tag")
    judged = verdict(report, images=[CheckedImage("nginx:9.9", ("app",), answer)])
    assert judged.images == ["image nginx:9.9 is not there: no such tag"]
    assert judged.next_step.startswith("Do not deploy it yet: no provider can pull nginx:9.9.")
    unknown = CheckedImage("nginx:9.9", ("app",), ImageAnswer(Outcome.UNKNOWN, "could not be asked about"))
    assert "call deploy" in verdict(report, images=[unknown]).next_step
