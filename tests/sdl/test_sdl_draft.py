"""A draft passes every judge, whatever it was made of, or it is not made."""

from __future__ import annotations

import inspect
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from akash_mcp.cli import main
from akash_mcp.cli.commands.draft import DRAFT
from akash_mcp.errors import BadArgument
from akash_mcp.money import Usd, usd_per_hour
from akash_mcp.sdl import check
from akash_mcp.sdl.author.draft import draft
from akash_mcp.sdl.author.workload import GIB
from akash_mcp.sdl.images.usual_ports import USUAL_PORTS
from akash_mcp.sdl.yaml.loader import load

IMAGE = "nginx:1.29.3"


def service(sdl: str) -> dict[str, Any]:
    """The one service of an SDL, and its resources beside it."""
    tree = json.loads(json.dumps(load(sdl).data))
    (name,) = tree["services"]
    return {**tree["services"][name], **tree["profiles"]["compute"][name]["resources"]}


def test_an_image_alone_is_enough_and_draws_no_warning() -> None:
    drafted = draft(IMAGE)
    assert drafted.report.ok
    assert not drafted.report.warnings
    assert drafted.report == check(drafted.sdl)


def test_a_web_server_gets_a_web_address_whatever_its_port() -> None:
    (port,) = service(draft(IMAGE, port=3000).sdl)["expose"]
    assert port == {"port": 3000, "as": 80, "to": [{"global": True}]}


@pytest.mark.parametrize("port", [22, 80])
def test_raw_tcp_never_becomes_a_web_address(port: int) -> None:
    (group,) = draft(IMAGE, port=port, protocol="tcp").report.groups
    assert [endpoint.kind for endpoint in group.resources[0].endpoints] == [1]


def test_udp() -> None:
    (port,) = service(draft(IMAGE, port=53, protocol="udp").sdl)["expose"]
    assert port["proto"] == "UDP"


@pytest.mark.parametrize(
    ("image", "port", "outer"),
    [
        ("ghost:5.101", 2368, 80),
        ("docker.io/vllm/vllm-openai:v0.10.2", 8000, 80),
        ("example/unheard-of:1", 80, 80),
        ("postgres:17", 5432, None),  # a web address speaks HTTP, which no database but a few does
        ("itzg/minecraft-server:java21", 25565, None),
    ],
)
def test_an_image_that_is_known_gets_its_own_port_opened(image: str, port: int, outer: int | None) -> None:
    drafted = draft(image)
    (exposed,) = service(drafted.sdl)["expose"]
    assert (exposed["port"], exposed.get("as")) == (port, outer)
    assert [line.split(",")[0] for line in drafted.assumed[:-3]] == [
        f"port {port}",
        *["protocol tcp"] * (outer is None),
    ]


def test_what_is_said_of_port_and_protocol_holds() -> None:
    (exposed,) = service(draft("postgres:17", port=8080, protocol="http").sdl)["expose"]
    assert (exposed["port"], exposed["as"]) == (8080, 80)


def test_a_port_of_a_database_is_no_web_address_either_where_it_is_named() -> None:
    (exposed,) = service(draft(IMAGE, port=5432).sdl)["expose"]
    assert "as" not in exposed


def test_a_disk_that_lasts() -> None:
    drafted = draft(IMAGE, mount="/data", mount_size="20Gi", mount_class="beta2")
    made = service(drafted.sdl)
    assert made["params"]["storage"] == {"data": {"mount": "/data"}}
    assert made["storage"][1]["attributes"] == {"persistent": True, "class": "beta2"}
    assert any("closing the deployment deletes it" in note for note in drafted.notes)


def test_gpu_names_are_written_as_providers_write_them() -> None:
    drafted = draft(IMAGE, gpus=2, gpu_models=["A100", "a100", "H100"], gpu_ram="80GB")
    models = service(drafted.sdl)["gpu"]["attributes"]["vendor"]["nvidia"]
    assert models == [{"model": "a100", "ram": "80Gi"}, {"model": "h100", "ram": "80Gi"}]
    assert not drafted.report.warnings


def test_without_a_model_any_gpu_will_do() -> None:
    assert service(draft(IMAGE, gpus=1).sdl)["gpu"]["attributes"] == {"vendor": {"nvidia": None}}


def test_what_nobody_said_is_named_a_line_each() -> None:
    port = "port 80, where nginx usually listens"
    assert draft("nginx:1.29.3").assumed == (port, "cpu 0.5", "memory 1Gi", "storage 1Gi")
    said = draft("nginx:1.29.3", port=80, cpu=1, memory="1Gi", storage="1Gi", mount="/data")
    assert said.assumed == ("mount_size 10Gi",)


@pytest.mark.parametrize(
    ("mount", "root", "disks"), [(None, "68Gi", ["68Gi"]), ("/models", "20Gi", ["20Gi", "48Gi"])]
)
def test_a_gpu_gets_the_memory_and_the_disk_for_a_model_that_fits_it(
    mount: str | None, root: str, disks: list[str]
) -> None:
    drafted = draft("vllm/vllm-openai:v0.10.2", port=8000, gpus=1, gpu_models=["rtx4090"], mount=mount)
    resources = drafted.report.groups[0].resources[0]
    assert (resources.cpu, resources.memory) == (4000, 24 * GIB)
    assert sorted(volume.size // GIB for volume in resources.storage) == [int(d[:-2]) for d in disks]
    assert drafted.assumed[:3] == (
        "cpu 4, for 1 GPU of 24Gi (rtx4090)",
        "memory 24Gi, for 1 GPU of 24Gi (rtx4090)",
        f"storage {root}, for models that fit them and their packages",
    )


def test_several_gpus_get_memory_that_their_programs_share() -> None:
    text = draft("vllm/vllm-openai:v0.10.2", gpus=2, gpu_models=["h100"]).sdl
    assert "mount: /dev/shm" in text
    assert "class: ram" in text
    assert "/dev/shm" not in draft("vllm/vllm-openai:v0.10.2", gpus=1).sdl


def test_cores_that_a_double_would_spoil_are_millicores() -> None:
    assert [service(draft(IMAGE, cpu=cpu).sdl)["cpu"]["units"] for cpu in (16.1, "16.1", "500m", 2)] == [
        "16100m",
        "16100m",
        "500m",
        2,
    ]


def test_words_that_yaml_would_read_as_something_else_stay_words() -> None:
    words = [
        "yes",
        "0o17",
        "2024-01-01",
        "8",
        "null",
        "- a: b #c",
        "",
        "é☃😀",
        "line\nbreak\ttab",
        "{}",
        "*a",
        "1:30",
    ]
    made = service(draft(IMAGE, args=words, command=words, env=["A=b: c", "B"]).sdl)
    assert made["args"] == made["command"] == words
    assert made["env"] == ["A=b: c", "B"]


def test_the_region_and_other_attributes_are_asked_of_the_provider() -> None:
    (group,) = draft(IMAGE, region="us-west", attributes={"tier": "true"}).report.groups
    assert {each.key: each.value for each in group.attributes} == {
        "location-region": "us-west",
        "tier": "true",
    }


@pytest.mark.parametrize(
    ("models", "ram", "asked"),
    [
        (["4090"], None, ["vendor/nvidia/model/rtx4090"]),
        (["RTX 4090", "nvidia-geforce-rtx-3090"], None, ["vendor/nvidia/model/rtx4090", "vendor/nvidia/model/rtx3090"]),
        (["A100 80GB"], None, ["vendor/nvidia/model/a100/ram/80Gi"]),
        (["a100-80gb", "H100 80 GB"], None, ["vendor/nvidia/model/a100/ram/80Gi", "vendor/nvidia/model/h100/ram/80Gi"]),
        (["A100 80GB"], "80", ["vendor/nvidia/model/a100/ram/80Gi"]),
        (["l40s"], None, ["vendor/nvidia/model/l40s"]),
        (["a10080gb"], None, ["vendor/nvidia/model/a100/ram/80Gi"]),
        (["H100 SXM5"], None, ["vendor/nvidia/model/h100/interface/sxm"]),
    ],
)  # fmt: skip
def test_gpus_are_asked_for_by_the_names_that_providers_use(
    models: list[str], ram: str | None, asked: list[str]
) -> None:
    (group,) = draft(IMAGE, gpus=1, gpu_models=models, gpu_ram=ram).report.groups
    assert [each.key for each in group.resources[0].gpu_attributes] == asked


@given(st.decimals("0.01", "5000", places=4), st.integers(1, 40))
def test_a_ceiling_that_was_named_is_kept_to_the_last_digit(dollars: Decimal, count: int) -> None:
    (group,) = draft(IMAGE, count=count, max_usd_per_hour=Usd(dollars)).report.groups
    assert usd_per_hour(group.price) <= Usd(dollars)
    assert Usd(dollars) - usd_per_hour(group.price) < Usd("0.0001")


def test_without_one_the_ceiling_follows_from_the_size_and_says_so() -> None:
    small, large = draft(IMAGE), draft(IMAGE, cpu=8, memory="32Gi")
    assert small.report.ceiling_usd_hour is not None
    assert large.report.ceiling_usd_hour is not None
    assert small.report.ceiling_usd_hour < large.report.ceiling_usd_hour < Usd("0.2")
    assert "price list of providers" in small.notes[0]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no image": ({"image": ""}, "nginx"),
    "an image with spaces": ({"image": "a b"}, "image"),
    "a name that is none": ({"name": "My_App"}, "a-z"),
    "a long name": ({"name": "a" * 64}, "63"),
    "port 0": ({"port": 0}, "1 to 65535"),
    "no such protocol": ({"protocol": "icmp"}, "http, tcp or udp"),
    "no cores": ({"cpu": 0}, "0.01 to 384"),
    "a third of a core": ({"cpu": "0.3333"}, "three decimals"),
    "not a number": ({"cpu": float("nan")}, "0.01 to 384"),
    "memory without a unit": ({"memory": "512"}, "512Mi"),
    "memory in GB": ({"memory": "2GB"}, "2Gi"),
    "too much memory": ({"memory": "3Ti"}, "2Ti"),
    "too small a disk": ({"storage": "1Mi"}, "5Mi"),
    "a relative mount": ({"mount": "data"}, "absolute"),
    "a mount that climbs": ({"mount": "/a/../b"}, "absolute"),
    "the root as a mount": ({"mount": "/"}, "absolute"),
    "a class that does not last": ({"mount": "/d", "mount_class": "ram"}, "beta3"),
    "a model without a GPU": ({"gpu_models": ["h100"]}, "gpus is 0"),
    "too many GPUs": ({"gpus": 25}, "0 to 24"),
    "GPU memory without a model": ({"gpus": 1, "gpu_ram": "80Gi"}, "gpu_models"),
    "GPU memory that is none": ({"gpus": 1, "gpu_models": ["h100"], "gpu_ram": "lots"}, "80Gi"),
    "a variable's name": ({"env": ["A B=1"]}, "NAME=VALUE"),
    "a variable twice": ({"env": ["A=1", "A=2"]}, "once"),
    "a control character": ({"args": ["\x00"]}, "control characters"),
    "a line separator": ({"env": ["A=\u2028"]}, "line separators"),
    "a word for a list": ({"command": "sh"}, "list"),
    "no replicas": ({"count": 0}, "from 1 to 4294967295"),
    "more than a placement may order": ({"count": 100_000, "cpu": 300}, "placement"),
    "two sizes of GPU memory": ({"gpus": 1, "gpu_models": ["A100 80GB", "A100 40GB"]}, "same memory"),
    "another size of GPU memory": ({"gpus": 1, "gpu_models": ["A100 80GB"], "gpu_ram": "40"}, "gpu_ram says"),
    "a country for a region": ({"region": "Germany"}, "us-west"),
    "a region with a line break": ({"region": "us\nwest"}, "region"),
    "no money": ({"max_usd_per_hour": Usd("0.0000000001")}, "max_usd_per_hour"),
    "all the money": ({"max_usd_per_hour": Usd("1e18")}, "max_usd_per_hour"),
}


@pytest.mark.parametrize(("changes", "part"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_says_what_is_accepted(changes: dict[str, Any], part: str) -> None:
    with pytest.raises(BadArgument, match=part):
        draft(**{"image": IMAGE, **changes})


def test_a_value_that_is_refused_is_not_repeated() -> None:
    with pytest.raises(BadArgument) as caught:
        draft(IMAGE, env=["PASS WORD=hunter2"])
    assert "hunter2" not in str(caught.value)


sizes = st.builds(
    "{}{}".format,
    st.integers(0, 5000) | st.decimals(0, 5000, places=3),
    st.sampled_from(["Ki", "Mi", "Gi", "Ti", "", "GB"]),
)
words = st.lists(st.text(max_size=12), max_size=4)
names = st.text("abcz019-_.A", max_size=12)
ARGUMENTS: dict[str, st.SearchStrategy[Any]] = {
    "name": names,
    "port": st.integers(-1, 70_000),
    "protocol": st.sampled_from(["http", "tcp", "udp", "sctp"]),
    "cpu": st.floats()
    | st.integers(0, 500)
    | st.decimals(0, 400, places=3).map(str)
    | st.integers(0, 400_000).map("{}m".format),
    "memory": sizes,
    "storage": sizes,
    "mount": st.none() | st.text("/abc.", max_size=8),
    "mount_size": sizes,
    "mount_class": st.sampled_from(["beta1", "beta2", "beta3", "ram", ""]),
    "gpus": st.integers(0, 26),
    "gpu_models": st.lists(st.sampled_from(["a100", "H100", "rtx 4090", "x" * 40, "é"]), max_size=3),
    "gpu_ram": st.none() | st.sampled_from(["80Gi", "80", "24 GB", "0Gi", "big"]),
    "env": st.lists(st.builds("{}={}".format, names, st.text(max_size=12)) | names, max_size=4),
    "command": words,
    "args": words,
    "count": st.integers(0, 100) | st.integers(0, 10**30),
    "region": st.none() | st.text(max_size=8),
    "attributes": st.dictionaries(names, st.text(max_size=8), max_size=2),
    "max_usd_per_hour": st.none() | st.decimals("0", "100000", places=6).map(Usd) | st.just(Usd("1e-30")),
}


@given(st.text(max_size=8) | st.just(IMAGE), st.fixed_dictionaries({}, optional=ARGUMENTS))
def test_no_draft_is_ever_refused(image: str, arguments: dict[str, Any]) -> None:
    try:
        drafted = draft(image, **arguments)
    except BadArgument:
        return
    assert check(drafted.sdl).ok
    made = service(drafted.sdl)
    for field in ("env", "command", "args"):
        assert made.get(field, []) == list(arguments.get(field, []))


good_sizes = st.builds("{}{}".format, st.integers(5, 1500), st.sampled_from(["Mi", "Gi"]))
GOOD: dict[str, st.SearchStrategy[Any]] = {
    "port": st.integers(1, 65_535).filter(lambda port: port not in USUAL_PORTS),  # of others it is warned
    "protocol": st.sampled_from(["http", "tcp", "udp"]),
    "cpu": st.integers(10, 384_000).map("{}m".format) | st.integers(1, 384),
    "memory": good_sizes,
    "storage": good_sizes,
    "mount": st.none() | st.sampled_from(["/data", "/var/lib/x/", "/a.b/c_d"]),
    "mount_size": good_sizes,
    "mount_class": st.sampled_from(["beta1", "beta2", "beta3"]),
    "gpu_models": st.lists(st.sampled_from(["a100", "H100", "rtx 4090"]), max_size=3),
    "gpus": st.integers(1, 24),
    "count": st.integers(1, 40),
}


@given(st.fixed_dictionaries({}, optional=GOOD))
@example({"port": 23})  # Telnet's: who could reach it is told for any port that is known (E04)
def test_a_good_draft_draws_no_warning(arguments: dict[str, Any]) -> None:
    arguments.setdefault("gpus", 1)
    drafted = draft(IMAGE, **arguments)
    raw = (
        arguments.get("protocol", "http") != "http"
    )  # asked for: raw TCP on a port that looks like the web's
    rules = {warning.rule for warning in drafted.report.warnings}
    assert {rule for rule in rules if not rule.startswith("E")} <= ({"D04"} if raw else set())


def test_the_command_offers_every_argument() -> None:
    by_itself = {
        "attributes",
        "max_usd_per_hour",
        "config",
    }  # what an image says of itself is asked of its registry
    assert {*DRAFT, *by_itself} == set(inspect.signature(draft).parameters)


def test_the_command_prints_the_sdl_alone(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--image", IMAGE, "--port", "3000", "--env", "A=1", "--gpus", "1", "--gpu", "h100", "--args=-x"]
    assert main.main(["draft", *words, "--max-usd-per-hour", "2", "--attribute", "tier=true"]) == 0
    said = capsys.readouterr()
    assert check(said.out).ok
    assert service(said.out)["args"] == ["-x"]
    assert "$2.00 an hour" in said.err


def test_the_command_writes_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "web.yaml"
    assert main.main(["draft", "--image", IMAGE, "-o", str(file)]) == 0
    assert check(file.read_text()).ok
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "words",
    [
        ["--cpu", "0"],
        ["--max-usd-per-hour", "0." + "1" * 50],
        ["--attribute", "tier"],
        ["-o", "/nowhere/at/all.yaml"],
    ],
)
def test_the_command_says_in_one_line_what_is_wrong(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["draft", "--image", IMAGE, *words]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
