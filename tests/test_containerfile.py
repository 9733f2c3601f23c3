"""The container image keeps its rules, and a Containerfile that breaks one is found. `make container-check` runs it."""

from __future__ import annotations

import pytest
from containerfile import CONTAINERFILE, parse, problems
from manifests import project

TEXT = CONTAINERFILE.read_text(encoding="utf-8")

BREACHES = {
    "no user": ("USER 10001:10001\n", "", "user other than root"),
    "root by its number": ("USER 10001:10001", "USER 0:0", "user other than root"),
    "no volume": ("VOLUME /var/lib/akash-mcp\n", "", "ledger is not in a volume"),
    "a ledger elsewhere": ("STATE_DIR=/var/lib/akash-mcp", "STATE_DIR=/srv", "ledger is not in a volume"),
    "no health check": ("HEALTHCHECK", "#", "no HEALTHCHECK"),
    "a base of any day": (":3.13-slim-trixie", ":latest", "no version"),
    "a base of no registry": ("docker.io/library/python:", "python:", "names no registry"),
    "another name than the registry's": ("io.github.akash-mcp", "io.github.somebody", "server.name"),
    "another version": ("VERSION=0.1.0", "VERSION=0.0.9", "image.version"),
    "a file that is not there": (
        "COPY prompts prompts",
        "COPY promps promps",
        "promps, which does not exist",
    ),
    "a file that is ignored": ("COPY examples examples", "COPY docs/icon.png x", "leaves out"),
    "a key in the image": ("EXPOSE 8427", "ENV AKASH_API_KEY=x", "AKASH_API_KEY would stand in the image"),
}


def test_the_image_keeps_its_rules() -> None:
    assert problems(TEXT, project()) == []


@pytest.mark.parametrize(("good", "bad", "found"), BREACHES.values(), ids=BREACHES)
def test_a_breach_is_found(good: str, bad: str, found: str) -> None:
    assert good in TEXT
    assert any(found in sentence for sentence in problems(TEXT.replace(good, bad), project()))


def test_what_the_image_runs_is_read_as_an_engine_reads_it() -> None:
    build, image = parse(TEXT)
    assert build.base == "docker.io/library/python:3.13-slim-trixie AS build"
    assert image.last("ENTRYPOINT").words == ["akash-mcp"]
    assert image.last("CMD").words == ["serve", "--transport", "http", "--host", "0.0.0.0"]
    assert image.last("HEALTHCHECK").words[:2] == ["python", "-c"]
    assert image.pairs("ENV")["HOME"] == "/var/lib/akash-mcp"
