"""Registries as a provider meets them: who is let in, whose credentials are used, and what no provider reaches."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sdl_data import changed

from akash_mcp.sdl import Finding
from akash_mcp.sdl.images.reference import Reference, is_digest, is_reference, parse_reference
from akash_mcp.sdl.images.registries import are_used_for, is_out_of_reach, is_shared, keeps_credentials

IMAGE = "image: nginx:1.27.0"
SHA = "sha256:" + "0123456789abcdef" * 4
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


def parsed(image: str) -> Reference:
    reference = parse_reference(image)
    assert reference is not None
    return reference


def found(image: str, host: str = "", password: str = "secret://TOKEN") -> list[Finding]:
    """What is found of an image's registry, with credentials for a host or without any."""
    written = f"image: {image!r}\n"
    if host:
        written += f"    credentials: {{host: {host!r}, username: robot, password: {password}}}\n"
    warnings = changed((IMAGE + "\n", written)).warnings
    return [finding for finding in warnings if finding.rule.startswith("I")]


# ── references ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("nginx", ("docker.io", "library/nginx", "latest", "")),
        ("me/app:1", ("docker.io", "me/app", "1", "")),
        ("docker.io/nginx", ("docker.io", "library/nginx", "latest", "")),
        ("index.docker.io/me/app", ("docker.io", "me/app", "latest", "")),
        ("ghcr.io/a/b:1", ("ghcr.io", "a/b", "1", "")),
        ("localhost/app", ("localhost", "app", "latest", "")),
        ("reg:5000/a/b", ("reg:5000", "a/b", "latest", "")),
        ("UPPER/app", ("UPPER", "app", "latest", "")),
        ("[fd00::1]:5000/app", ("[fd00::1]:5000", "app", "latest", "")),
        (f"nginx@{SHA}", ("docker.io", "library/nginx", "", SHA)),
        (f"quay.io/a:1@{SHA}", ("quay.io", "a", "1", SHA)),
    ],
)
def test_a_reference_is_completed_as_a_runtime_completes_it(image: str, parts: tuple[str, ...]) -> None:
    reference = parsed(image)
    assert (reference.registry, reference.path, reference.tag, reference.digest) == parts


_names = st.from_regex(r"[a-z0-9]{1,8}([._-][a-z0-9]{1,4}){0,2}", fullmatch=True)
_hosts = st.just("") | st.from_regex(
    r"([a-z0-9]{1,8}\.[a-z]{2,3}|localhost)(:[1-9][0-9]{0,3})?/", fullmatch=True
)
_tags = st.just("") | st.from_regex(r":[A-Za-z0-9_][A-Za-z0-9_.-]{0,12}", fullmatch=True)
_digests = st.just("") | st.from_regex(r"@sha256:[0-9a-f]{64}", fullmatch=True)


@given(_hosts, st.lists(_names, min_size=1, max_size=3), _tags, _digests)
def test_a_reference_read_and_written_again_is_the_same(
    host: str, parts: list[str], tag: str, digest: str
) -> None:
    reference = parsed(f"{host}{'/'.join(parts)}{tag}{digest}")
    assert reference.path.endswith("/".join(parts[1:] or parts))
    assert reference.registry == (host[:-1] or reference.registry)
    again = f"{reference.name}{':' + reference.tag if reference.tag else ''}"
    assert parsed(again + (f"@{reference.digest}" if digest else "")) == reference


@given(st.text(max_size=80) | st.from_regex(r"[a-z0-9:/@._-]{0,60}", fullmatch=True))
def test_any_text_is_a_reference_or_is_not(text: str) -> None:
    reference = parse_reference(text)
    assert is_reference(text) is (reference is not None)
    if reference is not None:
        assert reference.path == reference.path.lower()
        assert not reference.digest or is_digest(reference.digest)
        assert re.fullmatch(r"[ -~]+", reference.name)


@pytest.mark.parametrize(
    "text", ["", "abc", "sha256:", "sha256:" + "g" * 64, "md5:" + "0" * 32, SHA.upper(), SHA + "0"]
)
def test_what_is_not_a_digest(text: str) -> None:
    assert not is_digest(text)


# ── whose credentials are used: kubernetes/kubernetes pkg/credentialprovider ─────────────────────────────────────


@pytest.mark.parametrize(
    ("host", "image"),
    [
        ("docker.io", "nginx"), ("index.docker.io", "me/app"), ("https://index.docker.io/v1/", "me/app"),
        ("ghcr.io", "ghcr.io/a/b"), ("https://ghcr.io", "ghcr.io/a/b"), ("ghcr.io/", "ghcr.io/a/b"),
        ("ghcr.io/a", "ghcr.io/a/b"), ("http://ghcr.io/v2/", "ghcr.io/a/b"), ("*.example.com", "reg.example.com/a"),
        ("reg.example.com:5000", "reg.example.com:5000/a"), ("[fd00::1]:5000", "[fd00::1]:5000/a"),
    ],
)  # fmt: skip
def test_credentials_that_are_used(host: str, image: str) -> None:
    assert are_used_for(host, parsed(image))


@pytest.mark.parametrize(
    ("host", "image"),
    [
        ("registry-1.docker.io", "nginx"), ("hub.docker.com", "nginx"), ("docker.io", "ghcr.io/a/b"),
        ("GHCR.IO", "ghcr.io/a/b"), (" ghcr.io", "ghcr.io/a/b"), ("ghcr.io/c", "ghcr.io/a/b"),
        ("example.com", "reg.example.com/a"), ("*.com", "reg.example.com/a"), ("*", "reg.example.com/a"),
        ("reg.example.com", "reg.example.com:5000/a"), ("reg.example.com:5000", "reg.example.com/a"),
        ("https://index.docker.io/v1", "me/app"), ("[", "nginx"), ("", "nginx"),
    ],
)  # fmt: skip
def test_credentials_that_are_not_used(host: str, image: str) -> None:
    assert not are_used_for(host, parsed(image))


# ── findings ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "registry",
    [
        ECR, "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "123456789012.dkr-ecr.us-east-1.on.aws",
        "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "team.azurecr.io", "europe-west1-docker.pkg.dev",
        "team.jfrog.io", "registry.digitalocean.com", "registry.heroku.com", "docker.pkg.github.com",
    ],
)  # fmt: skip
def test_a_private_registry_wants_credentials(registry: str) -> None:
    (finding,) = found(f"{registry}/team/app:1")
    assert (finding.rule, finding.judge, finding.path) == ("I01", "runtime", "/services/web/image")
    assert f"host: {registry}" in finding.fix
    assert not [each for each in found(f"{registry}/team/app:1", registry) if each.rule == "I01"]


@pytest.mark.parametrize(
    "image",
    [
        "nginx:1", "ghcr.io/a/b:1", "registry.gitlab.com/a/b:1", "gcr.io/distroless/base:1", "public.ecr.aws/a/b:1",
        "us-docker.pkg.dev/cloudrun/container/hello:1", "releases-docker.jfrog.io/a:1", "reg.example.com:5000/a:1",
        "azurecr.io.example.com/a:1", "8.8.8.8/a:1",
    ],
)  # fmt: skip
def test_what_may_be_public_is_no_finding(image: str) -> None:
    assert found(image) == []


def test_a_password_that_ends_is_told() -> None:
    (finding,) = found(f"{ECR}/app:1", ECR)
    assert (finding.rule, finding.path) == ("I04", "/services/web/credentials/password")
    assert "after 12 hours" in finding.message


def test_credentials_for_another_registry_are_told() -> None:
    (finding,) = found("ghcr.io/a/b:1", "docker.io")
    assert (finding.rule, finding.path) == ("I02", "/services/web/credentials/host")
    assert finding.fix == "write host: ghcr.io"
    assert found("ghcr.io/a/b:1", "ghcr.io") == []


@pytest.mark.parametrize(
    "registry",
    ["localhost:5000", "127.0.0.1:5000", "10.1.2.3", "192.168.1.2:5000", "registry:5000", "host.docker.internal:5000",
     "nas.local", "reg.lan", "[::1]:5000", "[fd00::1]"],
)  # fmt: skip
def test_a_registry_that_no_provider_reaches(registry: str) -> None:
    (finding,) = found(f"{registry}/app:1")
    assert (finding.rule, registry in finding.message) == ("I03", True)
    assert is_out_of_reach(registry)


@pytest.mark.parametrize(
    ("image", "asked", "keeps"),
    [
        ("nginx", True, True), ("ghcr.io/a", True, True), (f"{ECR}/a", False, True), ("team.azurecr.io/a", False, True),
        ("ghcr.io:444/a", False, False), ("ghcr.io.example.com/a", False, False), ("localhost/a", False, False),
    ],
)  # fmt: skip
def test_who_may_see_what_is_asked_and_shown(image: str, asked: bool, keeps: bool) -> None:
    assert is_shared(parsed(image)) is asked
    assert keeps_credentials(parsed(image)) is keeps
