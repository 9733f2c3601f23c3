"""A service with a GPU can load a model that fits its GPU, and says what it assumed."""

from __future__ import annotations

import pytest
from conversion import convert, left_out, noted, resources, services

from akash_mcp.sdl.author.gpu_sizes import memory_of, sizes_for
from akash_mcp.sdl.author.workload import GIB, Gpus
from akash_mcp.sdl.rules.chain_rules import MAX_CPU, MAX_MEMORY, MAX_VOLUME
from akash_mcp.sdl.rules.known_gpus import NAMES

SIZES: dict[str, tuple[Gpus, int, str]] = {
    "any model": (Gpus(1), 24, "1 GPU of 24Gi (assumed)"),
    "two of any": (Gpus(2), 48, "2 GPUs of 24Gi (assumed)"),
    "a known model": (Gpus(1, ("h100",)), 80, "1 GPU of 80Gi (h100)"),
    "the smallest of several": (Gpus(1, ("h100", "rtx4090")), 24, "1 GPU of 24Gi (rtx4090)"),
    "memory that is named": (Gpus(1, ("a100",), "80Gi"), 80, "1 GPU of 80Gi"),
    "one that is not known among others": (Gpus(1, ("h100", "mystery")), 24, "1 GPU of 24Gi (assumed)"),
}


@pytest.mark.parametrize(("gpus", "gib", "why"), SIZES.values(), ids=SIZES.keys())
def test_a_model_that_fits_the_gpus_fits_memory_and_disk(gpus: Gpus, gib: int, why: str) -> None:
    sizes = sizes_for(gpus)
    assert (sizes.memory, sizes.disk, sizes.why) == (gib * GIB, 2 * gib * GIB, why)
    assert sizes.shm * 4 == sizes.memory
    assert sizes.cpu == 4000 * gpus.count


@pytest.mark.parametrize("model", sorted(NAMES))
def test_no_size_is_more_than_the_chain_takes(model: str) -> None:
    sizes = sizes_for(Gpus(24, (model,)))
    assert sizes.cpu <= MAX_CPU
    assert sizes.memory <= MAX_MEMORY
    assert sizes.root + sizes.disk <= MAX_VOLUME


def test_every_model_that_providers_name_has_its_memory() -> None:
    assert all(map(memory_of, NAMES))


VLLM = "services: {llm: {image: 'vllm/vllm-openai:v0.10.2', ports: [8000], gpus: all, %s}}"


def test_a_service_with_a_gpu_is_sized_for_it() -> None:
    made = convert(VLLM % "command: [serve]")
    ordered = resources(made, "llm")
    assert (ordered["cpu"]["units"], ordered["memory"]["size"]) == (4, "24Gi")
    assert ordered["storage"] == {"size": "68Gi"}  # 20 for itself, 48 for models
    assert noted(made, "it gets") == (
        "llm: it gets 4 cores, 24Gi of memory, a root disk of 68Gi, so that a model that fits 1 GPU of 24Gi (assumed) "
        "can be loaded."
    )
    assert not any("0.5 cores" in note or "Every service" in note for note in made.notes)


@pytest.mark.parametrize("mount", ["hf:/root/.cache/huggingface", "ollama:/root/.ollama", "storage:/root"])
def test_a_disk_for_models_holds_them(mount: str) -> None:
    made = convert(VLLM % f"volumes: ['conf:/etc/app', '{mount}']")
    assert [disk["size"] for disk in resources(made, "llm")["storage"]] == ["20Gi", "10Gi", "48Gi"]
    assert f"a disk of 48Gi at {mount.partition(':')[2]}" in noted(made, "it gets")


def test_the_only_disk_is_the_one_for_models() -> None:
    root, store = resources(convert(VLLM % "volumes: ['x:/data']"), "llm")["storage"]
    assert (root["size"], store["size"]) == ("20Gi", "48Gi")


def test_sizes_that_the_file_gives_are_kept() -> None:
    assert noted(convert(VLLM % "cpus: 2"), "it gets").startswith("llm: it gets 24Gi of memory, a root disk")
    made = convert(VLLM % "mem_limit: 8g, cpus: 2")
    ordered = resources(made, "llm")
    assert (ordered["cpu"]["units"], ordered["memory"]["size"], ordered["storage"]["size"]) == (
        2,
        "8Gi",
        "68Gi",
    )
    assert noted(made, "it gets").startswith("llm: it gets a root disk of 68Gi, so")


def test_ipc_of_the_host_becomes_memory_of_its_own() -> None:
    made = convert(VLLM % "ipc: host")
    assert resources(made, "llm")["storage"][1] == {
        "name": "memory",
        "size": "6Gi",
        "attributes": {"persistent": False, "class": "ram"},
    }
    assert services(made)["llm"]["params"]["storage"] == {"memory": {"mount": "/dev/shm"}}
    assert "paid like memory" in noted(made, "ipc: host")
    assert left_out(made) == []


def test_shared_memory_that_is_named_counts_before_ipc() -> None:
    made = convert(VLLM % "ipc: host, shm_size: 16g")
    assert [disk["size"] for disk in resources(made, "llm")["storage"][1:]] == ["16Gi"]


@pytest.mark.parametrize(
    ("ipc", "listed"), [("private", []), ("shareable", []), ("service:b", ["ipc: service:b"])]
)
def test_other_kinds_of_ipc(ipc: str, listed: list[str]) -> None:
    assert left_out(convert(f"services: {{a: {{image: 'x:1', ports: [80], ipc: '{ipc}'}}}}")) == listed


def test_without_a_gpu_ipc_of_the_host_is_a_quarter_of_the_memory() -> None:
    made = convert("services: {a: {image: 'x:1', ports: [80], ipc: host, mem_limit: 2g}}")
    assert resources(made, "a")["storage"][1]["size"] == "512Mi"


def test_the_runtime_of_nvidia_is_a_gpu() -> None:
    made = convert("services: {a: {image: 'x:1', ports: [80], runtime: nvidia}}")
    assert resources(made, "a")["gpu"]["units"] == 1
    assert left_out(made) == []
    assert left_out(convert("services: {a: {image: 'x:1', ports: [80], runtime: sysbox}}")) == [
        "runtime: sysbox"
    ]
