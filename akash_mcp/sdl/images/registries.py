"""Registries: which of them give nothing to strangers, which a provider cannot reach, and when credentials are used.

What an own registry does nobody knows from its name, and the large public ones hold public and private images: of these
only a question to the registry tells.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from akash_mcp.sdl.images.reference import DOCKER_HUB, Reference

_HUB_KEY = "index.docker.io"
"""The other name of Docker Hub, by which its credentials are filed too."""


@dataclass(frozen=True, slots=True)
class PrivateRegistry:
    """A kind of registry from which strangers can pull seldom or never.

    `login` says what its user name and password are. `lasts` is how long that password does, empty where it has no end
    of its own.
    """

    called: str
    login: str
    lasts: str = ""


_ECR = PrivateRegistry(
    "Amazon ECR",
    "user AWS, and as the password what aws ecr get-login-password prints",
    "12 hours",
)
_ACR = PrivateRegistry("an Azure container registry", "a token of the registry, or a service principal")
_ARTIFACT_REGISTRY = PrivateRegistry(
    "Google Artifact Registry", "user _json_key_base64, and a service account's key in base64"
)
_JFROG = PrivateRegistry("a JFrog registry", "a user, and an identity token of theirs")
_DIGITALOCEAN = PrivateRegistry("DigitalOcean's registry", "an API token, as the user and as the password")
_HEROKU = PrivateRegistry("Heroku's registry", "user _, and an authorization token")
_GITHUB_DOCKER = PrivateRegistry("GitHub's old Docker registry", "a user, and their token with read:packages")

_PRIVATE: tuple[tuple[re.Pattern[str], PrivateRegistry], ...] = tuple(
    (re.compile(pattern), registry)
    for pattern, registry in (
        (r"\d{12}\.dkr[.-]ecr(-fips)?\.[a-z0-9-]+\.(amazonaws\.com(\.cn)?|on\.aws)", _ECR),
        (r"[a-z0-9-]+(\.[a-z0-9-]+)?\.azurecr\.(io|cn|us)", _ACR),
        (r"[a-z0-9-]+-docker\.pkg\.dev", _ARTIFACT_REGISTRY),
        (r"(?!releases-docker\.)[a-z0-9-]+\.jfrog\.io", _JFROG),
        (r"registry\.digitalocean\.com", _DIGITALOCEAN),
        (r"registry\.heroku\.com", _HEROKU),
        (r"docker\.pkg\.github\.com", _GITHUB_DOCKER),
    )
)
_OPEN_PROJECTS = frozenset(
    {"google-samples", "cloudrun", "k8s-artifacts-prod", "deeplearning-platform-release"}
)
"""Projects of Artifact Registry that are known to be open to everybody."""

_SHARED = frozenset(
    {
        DOCKER_HUB, "gcr.io", "ghcr.io", "lscr.io", "mcr.microsoft.com", "nvcr.io", "public.ecr.aws", "quay.io",
        "registry.access.redhat.com", "registry.gitlab.com", "registry.k8s.io", "registry.redhat.io",
    }
)  # fmt: skip

_LOCAL = re.compile(r".*\.(?:localhost|local|internal|lan|localdomain|home\.arpa|svc)")
"""Names that only a machine or a network of its own knows, as those without a dot do."""


def private_registry(image: Reference) -> PrivateRegistry | None:
    """The kind of registry that an image comes from, where strangers can pull from it seldom or never."""
    host = image.registry.lower()
    for pattern, registry in _PRIVATE:
        if pattern.fullmatch(host):
            is_open = registry is _ARTIFACT_REGISTRY and image.path.split("/")[0] in _OPEN_PROJECTS
            return None if is_open else registry
    return None


def is_shared(image: Reference) -> bool:
    """Whether an image comes from a registry that all share at one host: its owner learns nothing from who asks."""
    return image.registry in _SHARED


def keeps_credentials(image: Reference) -> bool:
    """Whether credentials that are shown to an image's registry are seen by a large operator only, whoever the image
    belongs to."""
    return is_shared(image) or private_registry(image) is not None


def is_out_of_reach(host: str) -> bool:
    """Whether a registry's host is known to be of one machine or network, so that no provider can reach it."""
    name = _host_and_port(urlsplit(f"//{host}"))[0]
    try:
        return not ip_address(name).is_global
    except ValueError:
        return "." not in name or _LOCAL.fullmatch(name.lower()) is not None


def are_used_for(host: str, image: Reference) -> bool:
    """Whether a provider uses credentials for `host` when it pulls `image`.

    It files them under `host` as it is written, in a pull secret of Kubernetes (akash-network/provider
    cluster/kube/builder), and Kubernetes compares that with the image's full name: scheme and `/v1/` or `/v2/` do not
    count, `*` stands for one part of a name, a path must be the beginning of the image's
    (kubernetes/kubernetes pkg/credentialprovider).
    """
    if any(char.isspace() or not char.isprintable() for char in host):
        return False
    try:
        filed = urlsplit(host if host.startswith(("https://", "http://")) else f"https://{host}")
        name, port = _host_and_port(filed)
    except ValueError:
        return False
    path = filed.path[3:] if filed.path.startswith(("/v1/", "/v2/")) else filed.path
    path = "" if path == "/" else path
    if image.registry == DOCKER_HUB and filed.netloc + path == _HUB_KEY:
        return True
    parts = name.split(".")
    registry, registry_port = _host_and_port(urlsplit(f"//{image.registry}"))
    wanted = registry.split(".")
    return (
        port == registry_port
        and len(parts) == len(wanted)
        and f"/{image.path}".startswith(path)
        and all(fnmatchcase(one, other) for one, other in zip(wanted, parts, strict=True))
    )


def _host_and_port(address: SplitResult) -> tuple[str, str]:
    """The host in its case and without brackets, and the port, empty where there is none."""
    name, colon, port = address.netloc.rpartition(":")
    if not (colon and port.isdigit()):
        name, port = address.netloc, ""
    return name.strip("[]"), port
