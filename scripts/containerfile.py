"""What stands in Containerfile, and the rules that it is held to, told by reading it: no container engine is needed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from manifests import TOP, Project
from release_tools import Failed

CONTAINERFILE = TOP / "Containerfile"


@dataclass(frozen=True, slots=True)
class Instruction:
    """One line of a Containerfile, continued lines joined: `COPY`, and what it says."""

    name: str
    value: str

    @property
    def words(self) -> list[str]:
        """What stands in its JSON list, or its words without options."""
        text = re.sub(r"^(--\S+\s+)+", "", self.value)
        text = text.removeprefix("CMD ").strip() if self.name == "HEALTHCHECK" else text
        if text.startswith("["):
            words: list[str] = json.loads(text)
            return words
        return text.split()

    @property
    def pairs(self) -> dict[str, str]:
        """What an ENV, ARG or LABEL sets."""
        return {
            name: quoted or plain
            for name, quoted, plain in re.findall(r'([\w.]+)=(?:"([^"]*)"|(\S*))', self.value)
        }


@dataclass(slots=True)
class Stage:
    """One `FROM` and what follows it."""

    base: str
    instructions: list[Instruction] = field(default_factory=list)

    def of(self, name: str) -> list[Instruction]:
        """Its instructions of one name."""
        return [each for each in self.instructions if each.name == name]

    def last(self, name: str) -> Instruction:
        """The instruction of one name that counts. Raises `Failed` where there is none."""
        found = self.of(name)
        if not found:
            raise Failed(f"The last stage has no {name}.")
        return found[-1]

    def pairs(self, name: str) -> dict[str, str]:
        """What all ENV, ARG or LABEL instructions set together."""
        return {key: value for each in self.of(name) for key, value in each.pairs.items()}


def parse(text: str) -> list[Stage]:
    """The stages of a Containerfile. `${PYTHON}` and its like are filled in from the ARGs before the first one."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    before = Stage("")
    stages: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", lines).splitlines():
        name, _, value = line.strip().partition(" ")
        if name == "FROM":
            base = re.sub(r"\$\{(\w+)\}", lambda m: before.pairs("ARG")[m[1]], value)
            stages.append(Stage(base))
        elif name:
            (stages[-1] if stages else before).instructions.append(Instruction(name, value.strip()))
    return stages


def problems(text: str, of: Project, top: Path = TOP) -> list[str]:
    """What is wrong with a Containerfile, in sentences."""
    stages = parse(text)
    image = stages[-1]
    return [
        *_base_problems(stages),
        *_label_problems(image.pairs("LABEL"), image.pairs("ARG"), of),
        *_user_problems(image),
        *_copy_problems(stages, top),
        *_secret_problems(stages),
    ]


def _base_problems(stages: list[Stage]) -> Iterator[str]:
    for stage in stages:
        image = stage.base.split(" ")[0]
        if not re.fullmatch(
            r"[\w.-]+(?::\d+)?(?:/[\w.-]+)+(?::(?!latest$)[\w.-]+|@sha256:[0-9a-f]{64})", image
        ):
            yield f"The base {image} names no registry, or no version: it would be another one on another day."


def _label_problems(labels: Mapping[str, str], arguments: Mapping[str, str], of: Project) -> Iterator[str]:
    filled_in = {
        name: re.sub(r"\$\{(\w+)\}", lambda m: arguments.get(m[1], ""), value)
        for name, value in labels.items()
    }
    expected = {
        "io.modelcontextprotocol.server.name": of.server_name,
        "org.opencontainers.image.title": of.name,
        "org.opencontainers.image.description": of.description,
        "org.opencontainers.image.authors": of.author,
        "org.opencontainers.image.source": of.repository,
        "org.opencontainers.image.url": of.homepage,
        "org.opencontainers.image.documentation": of.homepage,
        "org.opencontainers.image.licenses": of.license,
        "org.opencontainers.image.version": of.version,
    }
    for name, value in expected.items():
        if filled_in.get(name) != value:
            yield f"The label {name} is {filled_in.get(name)!r} instead of {value!r}."
    for name in ("revision", "created"):
        if not filled_in.get(f"org.opencontainers.image.{name}"):
            yield f"There is no label org.opencontainers.image.{name}."


def _user_problems(image: Stage) -> Iterator[str]:
    users = image.of("USER")
    if not users or not re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1].value):
        yield "It does not run as a numbered user other than root."
    volumes = [folder for each in image.of("VOLUME") for folder in each.words]
    state = image.pairs("ENV").get("AKASH_MCP_STATE_DIR", "")
    if not any(Path(state).is_relative_to(folder) for folder in volumes):
        yield "The ledger is not in a volume: what was spent would be forgotten with the container."
    for needed in ("HEALTHCHECK", "ENTRYPOINT", "CMD"):
        if not image.of(needed):
            yield f"It has no {needed}."


def _copy_problems(stages: list[Stage], top: Path) -> Iterator[str]:
    ignore = (top / ".dockerignore").read_text(encoding="utf-8").split()
    for stage in stages:
        for copy in stage.of("COPY"):
            for source in () if "--from=" in copy.value else copy.words[:-1]:
                if not (top / source).exists():
                    yield f"It copies {source}, which does not exist."
                if f"!{source}" not in ignore:
                    yield f"It copies {source}, which .dockerignore leaves out."


def _secret_problems(stages: list[Stage]) -> Iterator[str]:
    for stage in stages:
        for name in (*stage.pairs("ENV"), *stage.pairs("ARG")):
            if re.search(r"KEY|TOKEN|SECRET|PASSWORD", name):
                yield f"{name} would stand in the image for everybody to read."
