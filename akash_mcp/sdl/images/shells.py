"""Images without a shell: `sh -c …` cannot start there, and neither does a command that wants one.

Only those of which it is certain, by the Dockerfile or the words of whoever makes them. An image that is not listed may
well have none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from akash_mcp.sdl.images.names import image_name

_SHELL = re.compile(r"(?:/(?:usr/)?(?:local/)?bin/)?(sh|ash|bash|dash|ksh|zsh)")

_DISTROLESS = re.compile(r"gcr\.io/distroless/(?!python)[\w.-]+(?::(?!debug)[^@]*)?(?:@.*)?")
"""GoogleContainerTools/distroless, its README: only tags with `debug` have a shell. The Python image has one all the
same (issue 1178 there)."""

_WITHOUT: Mapping[str, str] = {
    "amir20/dozzle": "",  # FROM scratch
    "coredns/coredns": "",  # FROM scratch, later distroless/static
    "containous/whoami": "",  # FROM scratch, as its successor
    "fluent/fluent-bit": "debug",  # docs.fluentbit.io: based on distroless; debug images have a shell
    "hello-world": "",  # FROM scratch
    "nats": "alpine",  # nats-io/nats-docker: FROM scratch; the tags with alpine have a shell
    "otel/opentelemetry-collector": "",  # open-telemetry/opentelemetry-collector-releases: FROM scratch
    "otel/opentelemetry-collector-contrib": "",
    "portainer/portainer-ce": "alpine",  # portainer/portainer issue 7264: from scratch but for alpine
    "portainer/portainer-ee": "alpine",
    "traefik/whoami": "",  # FROM scratch
}
"""Images without a shell, and the word in those of their tags that have one; empty where none has."""

_ALPINE_WITHOUT_BASH = frozenset({"alpine", "busybox", "node", "python", "redis"})
"""Official images whose Alpine tags bring the shell of BusyBox and no bash."""


def shell_of(word: str) -> str | None:
    """The shell that the first word of a command names: `bash` for `/bin/bash`; None for any other program."""
    match = _SHELL.fullmatch(word)
    return match[1] if match else None


def lacks_shell(image: str, shell: str) -> bool:
    """Whether it is certain that an image does not have this shell."""
    if _DISTROLESS.fullmatch(image):
        return True
    name, tag = _repository(image), _tag(image)
    if name in _WITHOUT:
        variant = _WITHOUT[name]
        return not variant or variant not in tag
    is_alpine = image_name(image) in ("alpine", "busybox") or "alpine" in tag
    return shell == "bash" and name in _ALPINE_WITHOUT_BASH and is_alpine


def shell_variant(image: str) -> str:
    """The word in those tags of a listed image that have a shell; empty where there is none."""
    return "debug" if image.startswith("gcr.io/distroless/") else _WITHOUT.get(_repository(image), "")


def _repository(image: str) -> str:
    """An image's name on Docker Hub, without tag and digest; that of another registry with it."""
    name = image.partition("@")[0]
    head, slash, last = name.rpartition("/")
    name = (head + slash + last.partition(":")[0]).lower()
    return name.removeprefix("docker.io/").removeprefix("library/")


def _tag(image: str) -> str:
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2].lower()
